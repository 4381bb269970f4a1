// The page: photos and films come in, one of them is shown, and what is set below belongs to it.

import { hasAccount, letIn } from "./account.js";
import { getModels, getPhotos, removePhoto, resultUrl, upload } from "./api.js";
import { Compare } from "./compare.js";
import { download, downloadAll, saveHints } from "./download.js";
import { byId, onFiles } from "./elements.js";
import { STEADY } from "./film.js";
import { FilmPanel } from "./film-panel.js";
import { Marks } from "./marks.js";
import { Models } from "./models.js";
import { showOptions } from "./options.js";
import { Overlay } from "./overlay.js";
import { inWords, Photo } from "./photo.js";
import { Queue } from "./queue.js";
import { Reference } from "./reference.js";
import { Sampler } from "./sampler.js";
import { complain, forgive, say } from "./status.js";
import { recall, remember } from "./storage.js";

const photos = [];
let shown = null;
let settings = { model: null, options: {}, reference: null, transfer: "match", film: STEADY };

const compare = new Compare(byId("stage"), byId("split"));
const gray = new Sampler(compare.before);
const color = new Sampler(compare.after);
const overlay = new Overlay(byId("marks"), look);
const marks = new Marks((x, y) => look(x, y).lightness);
const queue = new Queue(byId("queue"), { onChoose: show, onRemove: remove });
const models = new Models(byId("models"), byId("about"), chooseModel);
const reference = new Reference((change) => shown && set(change));
const films = new FilmPanel(setFilm);

/** A place's lightness, which the photo keeps, and the chroma that it has now. */
function look(x, y) {
  const { width, height } = shown.hints;
  const place = [(x + 0.5) / width, (y + 0.5) / height];
  const lightness = gray.at(...place)?.[0] ?? 50;
  const ab = color.at(...place)?.slice(1) ?? [0, 0];
  return { lightness, ab: ab.map((value) => Math.round(10 * value) / 10) };
}

/** Photos and films that are on the server. */
function arrived() {
  return photos.filter((photo) => photo.info);
}

function listen(photo) {
  photo.addEventListener("progress", () => photo === shown && showProgress());
  photo.addEventListener("result", () => photo === shown && showPhoto());
  photo.addEventListener("trouble", ({ detail }) => complain(detail));
  photo.addEventListener("wish", () => remember(photos));
  photo.addEventListener("film", () => {
    remember(photos);
    if (photo === shown) films.showProgress();
  });
}

function enter(photo) {
  photos.push(photo);
  listen(photo);
  queue.add(photo);
}

function land(photo, info, hints) {
  photo.arrive(info, hints);
  photo.hints.addEventListener("change", () => photo === shown && showHints());
  byId("for-all").hidden = arrived().length < 2;
}

function settle(photo, info, hints, film) {
  land(photo, info, hints);
  if (film) photo.film?.resume(film);
  if (!shown) show(photo);
  photo.recolor(0);
}

async function take(files) {
  forgive();
  const entered = files.map((file) => [file, new Photo(file.name, settings)]);
  for (const [, photo] of entered) enter(photo);
  for (const [file, photo] of entered) await send(file, photo);
}

async function send(file, photo) {
  try {
    const info = await upload(file, (share) => photo.update({ state: "uploading", share }));
    if (photos.includes(photo)) settle(photo, info);
    else await removePhoto(info.id); // taken back while it was on its way
  } catch (error) {
    photo.fail(error);
  }
}

function hidePanels(areHidden) {
  document.querySelector("main").classList.toggle("started", !areHidden);
  for (const id of ["photo", "choice", "settings"]) byId(id).hidden = areHidden;
}

function show(photo) {
  if (!photo.info) return;
  if (shown) shown.isShown = false;
  shown = photo;
  shown.isShown = true;
  settings = structuredClone(photo.settings); // photos that come later begin like this one
  hidePanels(false);
  queue.show(photo);
  if (photo.film) setMode("compare");
  overlay.show(photo.hints);
  showPhoto();
  showSettings();
  showProgress();
  if (photo.isIdle) photo.recolor(0);
}

function showPhoto() {
  const { name, info, result } = shown;
  byId("photo-title").textContent = name;
  compare.show({ ...info, name, gray: shown.gray, color: result && resultUrl(result) });
  models.show(shown);
}

function showHints() {
  overlay.draw();
  marks.show(shown, models.find(shown.settings.model)?.distributions);
}

function showSettings() {
  const model = models.find(shown.settings.model);
  models.show(shown);
  if (model) showOptions(byId("options"), model, shown.options, setOption);
  reference.show(shown.settings);
  films.show(shown);
  showHints();
}

function showProgress() {
  const text = inWords(shown.progress);
  const isDone = shown.progress.state === "done";
  byId("progress").textContent = isDone ? "" : text;
  byId("stage").setAttribute("aria-busy", !isDone && shown.progress.state !== "failed");
  say(`${shown.name}: ${text}`);
}

function set(change) {
  Object.assign(shown.settings, change);
  settings = structuredClone(shown.settings);
  forgive();
  showSettings();
  shown.recolor();
}

function chooseModel(model) {
  set({ model });
}

function setOption(name, value) {
  const { model, options } = shown.settings;
  options[model] = { ...options[model], [name]: value };
  settings = structuredClone(shown.settings);
  forgive();
  if (shown.film) films.showProgress();
  shown.recolor();
}

/** How films are smoothed is not seen in the first frame. */
function setFilm(film) {
  shown.settings.film = film;
  settings = structuredClone(shown.settings);
  remember(photos);
  films.show(shown);
}

function remove(photo) {
  photo.leave();
  models.leave(photo);
  photos.splice(photos.indexOf(photo), 1);
  queue.remove(photo);
  remember(photos);
  byId("for-all").hidden = arrived().length < 2;
  if (photo.info) removePhoto(photo.info.id).catch((error) => complain(error.message));
  say(`${photo.name} is removed.`);
  if (photo === shown) showNext();
  byId("pick").focus();
}

function showNext() {
  shown = null;
  const [next] = arrived();
  if (next) show(next);
  else hidePanels(true);
}

function useForAll() {
  for (const photo of arrived()) {
    if (photo === shown) continue;
    photo.settings = structuredClone(shown.settings);
    photo.recolor(0);
  }
  say("All photos have these settings now.");
}

function turn(mode) {
  const isCompare = mode === "compare";
  byId("marks").toggleAttribute("hidden", isCompare);
  compare.turn(isCompare);
  overlay.turn(mode);
}

/** The same as a click on it, so that keys and fingers end up in the same state. */
function setMode(mode) {
  document.querySelector(`input[name=mode][value=${mode}]`).checked = true;
  turn(mode);
}

function addPoint() {
  setMode("point");
  overlay.add(...shown.hints.freePlace());
}

function listenToControls() {
  onFiles(byId("drop"), byId("pick"), take);
  onFiles(document.body, byId("camera"), take);
  for (const radio of document.querySelectorAll("input[name=mode]")) {
    radio.addEventListener("change", () => turn(radio.value));
  }
  byId("add-point").addEventListener("click", addPoint);
  byId("mark-list").addEventListener("click", () => byId("marks").hasAttribute("hidden") && setMode("point"));
  byId("download").addEventListener("click", ({ target }) => download(shown, target));
  byId("save-hints").addEventListener("click", () => saveHints(shown));
  byId("download-all").addEventListener("click", ({ target }) => downloadAll(arrived(), target));
  byId("same-for-all").addEventListener("click", useForAll);
  byId("reset").addEventListener("click", () => {
    delete shown.settings.options[shown.settings.model];
    set({ film: STEADY });
  });
  // Lightness is read from the picture in gray, which may come after the marks.
  for (const image of [compare.before, compare.after]) {
    image.addEventListener("load", () => shown && showHints());
  }
}

/** An account's photos of other browsers and of programs are colored once they are chosen. */
function list(infos) {
  for (const info of infos) {
    const photo = new Photo(info.name, settings);
    enter(photo);
    land(photo, info);
    photo.rest();
  }
}

/** Photos of an earlier visit that are still on the server. */
async function restore() {
  const known = recall();
  if (!known.length && !hasAccount()) return;
  const infos = new Map((await getPhotos()).map((info) => [info.id, info]));
  for (const { id, settings: its, hints, film } of known) {
    if (!infos.has(id)) continue;
    const isKnown = models.find(its.model);
    const photo = new Photo(infos.get(id).name, isKnown ? its : { ...its, model: settings.model });
    enter(photo);
    settle(photo, infos.get(id), hints, film);
  }
  if (!hasAccount()) return;
  for (const { id, settings: its } of known) {
    infos.delete(id);
    infos.delete(its.reference?.id);
  }
  list(infos.values());
}

async function begin() {
  forgive();
  try {
    if (!(await letIn())) return;
    const found = await getModels();
    settings.model = found.default;
    models.fill(found.models);
    await restore();
  } catch (error) {
    complain(error.message);
  }
}

// Without a worker the page works all the same, as long as there is a server.
navigator.serviceWorker?.register("static/sw.js", { scope: "./" }).catch(() => {});
listenToControls();
window.addEventListener("online", () => models.models.length || begin());
begin();

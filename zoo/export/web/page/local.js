// The page that colors photos on the device itself: nothing is sent anywhere.

import { Compare } from "./compare.js";
import { byId, onFiles, save } from "./elements.js";
import { Engine } from "./engine.js";
import { showOptions } from "./options.js";
import { complain, forgive, say } from "./status.js";

const DEBOUNCE = 150;
const SUFFIXES = { "image/jpeg": "jpg", "image/png": "png", "image/webp": "webp" };

const compare = new Compare(byId("stage"), byId("split"));
const engine = new Engine(showLoading);
let model = null;
let options = {};
let photo = null;
let timer = 0;
let newest = 0;

function showLoading(share) {
  const percent = Math.round(100 * share);
  byId("loading").value = share;
  byId("loading-text").textContent = share < 1 ? `Loading the model: ${percent} %` : "Starting the model";
}

function url(blob) {
  return URL.createObjectURL(blob);
}

/** Show pictures in the place of older ones, which are forgotten. */
function showPictures(gray, color) {
  const before = [photo.gray, photo.color];
  Object.assign(photo, { gray, color });
  compare.show(photo);
  for (const one of before) {
    if (one && one !== gray && one !== color) URL.revokeObjectURL(one);
  }
}

/** Color anew; an older answer never replaces a newer one. */
async function recolor() {
  newest += 1;
  const mine = newest;
  byId("stage").setAttribute("aria-busy", "true");
  say(`${photo.name}: coloring`);
  try {
    const color = url(await engine.ask("color", options));
    if (mine !== newest) return URL.revokeObjectURL(color);
    showPictures(photo.gray, color);
    byId("download").disabled = false;
    say(`${photo.name} is in color.`);
  } catch (error) {
    if (mine !== newest) return undefined;
    say("");
    complain(error.message);
  }
  if (mine === newest) byId("stage").setAttribute("aria-busy", "false");
}

async function take([file]) {
  if (!file) return;
  forgive();
  say(`Reading ${file.name}`);
  newest += 1;
  try {
    const { width, height, gray } = await engine.ask("open", file);
    for (const one of photo ? [photo.gray, photo.color] : []) URL.revokeObjectURL(one);
    photo = { name: file.name, type: file.type, width, height };
    document.querySelector("main").classList.add("started");
    byId("photo").hidden = false;
    byId("settings").hidden = !model.options.length;
    byId("photo-title").textContent = file.name;
    byId("download").disabled = true;
    showPictures(url(gray), null);
    await recolor();
  } catch (error) {
    say("");
    complain(error.message);
  }
}

function setOption(name, value) {
  options[name] = value;
  clearTimeout(timer);
  if (photo) timer = setTimeout(recolor, DEBOUNCE);
}

function showModelOptions() {
  options = Object.fromEntries(model.options.map((one) => [one.name, one.default]));
  showOptions(byId("options"), model, options, setOption);
}

async function download() {
  byId("download").disabled = true;
  say(`${photo.name} at full size`);
  try {
    const file = await engine.ask("save", photo.type in SUFFIXES ? photo.type : "image/png");
    const address = url(file);
    save(address, `${photo.name.replace(/\.[^.]*$/, "")}.${SUFFIXES[file.type]}`);
    setTimeout(() => URL.revokeObjectURL(address), 60_000); // the browser may still be reading it
    say(`${photo.name} is being saved.`);
  } catch (error) {
    complain(error.message);
  }
  byId("download").disabled = false;
}

function describe() {
  const { name, license, home } = model;
  const rights = license ? ` License of its weights: ${license}.` : "";
  byId("about").textContent = `Model: ${name}.${rights}`;
  byId("home").hidden = !home;
  if (home) byId("home").href = home;
  document.querySelector("main").classList.toggle("bare", !model.options.length);
  showModelOptions();
}

async function begin() {
  if (typeof WebAssembly !== "object") throw new Error("This browser has no WebAssembly, by which the model runs. Use another or a newer one.");
  model = await (await fetch("model.json")).json();
  describe();
  await engine.ask("load", model);
  byId("loading-line").hidden = true;
  byId("drop").hidden = false;
  say("The model is ready. Choose a photo.");
}

// Without a worker for the network the page works all the same, as long as there is one.
navigator.serviceWorker?.register("sw.js").catch(() => {});
onFiles(byId("drop"), byId("pick"), take);
onFiles(document.body, byId("camera"), take);
byId("download").addEventListener("click", download);
byId("reset").addEventListener("click", () => {
  showModelOptions();
  if (photo) recolor();
});
begin().catch((error) => {
  byId("loading-line").hidden = true;
  complain(error.message);
});

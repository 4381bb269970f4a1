// One photo or film: its settings and hints, and the preview that follows them.

import { grayUrl, removeJob, resultUrl, runJob } from "./api.js";
import { Film, STEADY } from "./film.js";
import { Hints } from "./hints.js";
import { inTurn } from "./turns.js";

export const PREVIEW_SIDE = 1024;
const SAMPLE_SIDE = 160;
const DEBOUNCE = 350;

const isAbort = (error) => error.name === "AbortError";

/** Load a picture entirely before it is shown, so that nothing flickers. */
async function preload(url) {
  const image = new Image();
  image.src = url;
  await image.decode();
}

export class Photo extends EventTarget {
  constructor(name, settings) {
    super();
    // Earlier versions have kept settings without those of films.
    this.settings = { film: STEADY, ...structuredClone(settings) };
    Object.assign(this, { name, info: null, result: null, hints: null, samples: {}, full: null, film: null });
    this.progress = { state: "uploading", share: 0 };
  }

  /** What the server says of it: from here on it has hints and colors. */
  arrive(info, hints = null) {
    Object.assign(this, { info, name: info.name });
    this.hints = new Hints(info.width, info.height, hints);
    this.hints.addEventListener("change", ({ detail }) => {
      if (detail.recolor) this.recolor();
    });
    if (info.kind === "film") {
      this.film = new Film(this, () => this.dispatchEvent(new Event("film")));
    }
  }

  get gray() {
    return grayUrl(this.info.id, PREVIEW_SIDE);
  }

  get thumbnail() {
    return this.result ? resultUrl(this.result) : this.info && grayUrl(this.info.id, SAMPLE_SIDE);
  }

  get options() {
    return this.settings.options[this.settings.model] ?? {};
  }

  /** What happens to it: to a film as a whole, or else to the preview. */
  get news() {
    const { job, isBusy } = this.film ?? {};
    return isBusy || job?.state === "failed" ? job : this.progress;
  }

  /** The job that the settings and hints ask for; without `side` that of a whole film. */
  wish(side) {
    const { model, reference, transfer, film } = this.settings;
    const way = this.film ? "match" : transfer;
    const lent = reference ? { reference: reference.id, transfer: way } : {};
    const steady = this.film && !side ? { film } : {};
    return { model, options: this.options, hints: this.hints.toJSON(), ...lent, side, ...steady };
  }

  update(progress) {
    this.progress = progress;
    this.dispatchEvent(new Event("progress"));
  }

  get isIdle() {
    return this.progress.state === "idle";
  }

  /** Do nothing until it is colored for the first time. */
  rest() {
    this.update({ state: "idle" });
  }

  /** Color the preview anew once nothing has changed for a moment. */
  recolor(delay = DEBOUNCE) {
    if (this.isIdle) this.update({ state: "waiting" });
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.run(), delay);
    this.dispatchEvent(new Event("wish"));
  }

  async run() {
    this.running?.abort(); // an older answer never replaces a newer one
    const running = new AbortController();
    this.running = running;
    this.update({ state: "waiting" });
    try {
      await inTurn(() => this.preview(running.signal), { urgent: this.isShown });
    } catch (error) {
      if (!isAbort(error) && !running.signal.aborted) this.fail(error);
    }
  }

  async preview(signal) {
    signal.throwIfAborted();
    const onChange = (job) => {
      // It is done for the user once its picture is there.
      if (!signal.aborted && job.state !== "done") this.update(job);
    };
    const job = await runJob(this.info.id, this.wish(PREVIEW_SIDE), { onChange, signal });
    await preload(resultUrl(job.id));
    signal.throwIfAborted();
    const before = this.result;
    this.result = job.id;
    this.update(job);
    this.dispatchEvent(new Event("result"));
    if (before) removeJob(before).catch(() => {}); // nobody looks at it any more
  }

  fail(error) {
    this.update({ state: "failed", error: error.message });
    this.dispatchEvent(new CustomEvent("trouble", { detail: error.message }));
  }

  /** The job of a model's small picture by its defaults. */
  async sample(model, signal) {
    if (this.samples[model]) return this.samples[model];
    const wish = { model, options: {}, hints: null, side: SAMPLE_SIDE };
    const job = await inTurn(() => {
      signal.throwIfAborted();
      return runJob(this.info.id, wish, { signal });
    });
    this.samples[model] = job.id;
    return job.id;
  }

  /** The job of the photo at full size; asked for twice, it is computed once. */
  async fullSize(onChange = () => {}) {
    if (this.film) return this.film.color();
    const wish = this.wish(null);
    const key = JSON.stringify(wish);
    if (this.full?.key !== key) {
      const job = await inTurn(() => runJob(this.info.id, wish, { onChange }), { urgent: true });
      this.full = { key, job: job.id };
    }
    return this.full.job;
  }

  /** Stop whatever still runs for it. */
  leave() {
    clearTimeout(this.timer);
    this.running?.abort();
    this.film?.stop();
  }
}

function inTime(seconds) {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${(minutes / 60).toFixed(1)} hours`;
}

function coloring({ done, frames, estimate }) {
  const left = estimate ? `, about ${inTime(estimate)}` : "";
  if (frames) return `Coloring: ${done} of ${frames} frames${left}`;
  return done === 0 ? "Looking for its shots" : `Coloring${left}`;
}

/** What happens to a photo, in words. */
export function inWords(progress) {
  switch (progress.state) {
    case "uploading": return `Uploading: ${Math.round(100 * progress.share)} %`;
    case "idle": return "Choose it to color it";
    case "waiting": return "Waiting for its turn";
    case "queued": return `In the queue${progress.position ? `, number ${progress.position}` : ""}`;
    case "running": return coloring(progress);
    case "failed": return progress.error;
    default: return "Ready";
  }
}

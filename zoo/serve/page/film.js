// The coloring of a whole film: asked for, followed, stopped, and found again after a reload.

import { followJob, getJob, removeJob, startJob } from "./api.js";
import { inTurnOfFilms } from "./turns.js";

/** How a film's colors are kept steady, unless told otherwise. */
export const STEADY = { smoothing: "motion", look_ahead: 0 };

const isAbort = (error) => error.name === "AbortError";

export class Film {
  /** `onChange` is called whenever it has come further. */
  constructor(photo, onChange) {
    Object.assign(this, { photo, onChange, key: null, job: null, coloring: null, stopping: null });
  }

  get wanted() {
    return JSON.stringify(this.photo.wish(null));
  }

  get isBusy() {
    return ["waiting", "queued", "running"].includes(this.job?.state);
  }

  /** The job of the film in color, if that is done as the settings are now. */
  get result() {
    return this.job?.state === "done" && this.key === this.wanted ? this.job : null;
  }

  /** What is kept for a reload. */
  toJSON() {
    return this.job?.id ? { id: this.job.id, key: this.key } : null;
  }

  /** Color it as the settings are now, once; the id of the job when it is done. */
  color() {
    if (this.coloring && this.key === this.wanted) return this.coloring;
    this.stop();
    const before = this.job?.state === "done" ? this.job.id : null;
    const wish = this.photo.wish(null);
    this.key = JSON.stringify(wish);
    this.run(async (signal) => {
      this.hear({ state: "waiting" });
      const job = await startJob(this.photo.info.id, wish, signal);
      this.hear(job);
      await this.follow(job, signal);
      if (before) removeJob(before).catch(() => {}); // films are large: one of each is kept
      return job.id;
    });
    return this.coloring;
  }

  /** Go on following what an earlier visit has asked for. */
  async resume({ id, key }) {
    try {
      const job = await getJob(id);
      this.key = key;
      this.hear(job);
      this.run(async (signal) => {
        if (this.isBusy) await this.follow(job, signal);
        return id;
      });
    } catch {
      // It is gone: the film can be colored anew.
    }
  }

  run(work) {
    this.stopping = new AbortController();
    const { signal } = this.stopping;
    this.coloring = work(signal).catch((error) => {
      if (this.stopping?.signal === signal) this.end(error);
      throw error;
    });
    this.coloring.catch(() => {}); // told already
  }

  end(error) {
    this.coloring = null;
    this.hear(isAbort(error) ? null : { ...this.job, state: "failed", error: error.message });
  }

  follow(job, signal) {
    const abort = () => removeJob(job.id).catch(() => {}); // it may be gone by itself
    signal.addEventListener("abort", abort);
    const onChange = (news) => !signal.aborted && this.hear(news);
    return inTurnOfFilms(() => {
      signal.throwIfAborted();
      return followJob(job, onChange, signal);
    }).finally(() => signal.removeEventListener("abort", abort));
  }

  hear(job) {
    this.job = job;
    this.onChange();
  }

  /** Take it back, if it is not done. */
  stop() {
    if (this.isBusy) this.stopping.abort();
  }
}

// Two films over each other, in step: the gray one and the one in color, which leads.

import { byId } from "./elements.js";

const STEPS = 1000;
const APART = 0.06; // in seconds; less is not seen

const clock = (seconds) => {
  const whole = Math.floor(seconds || 0);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
};

export class Player {
  constructor() {
    this.before = byId("film-before");
    this.after = byId("film-after");
    this.seek = byId("seek");
    this.listenToFilms();
    byId("play").addEventListener("click", () => this.toggle());
    byId("sound").addEventListener("click", () => this.mute(!this.after.muted));
    this.seek.addEventListener("input", () => {
      this.after.currentTime = (this.after.duration * Number(this.seek.value)) / STEPS;
    });
    this.mute(false);
  }

  listenToFilms() {
    const { before, after } = this;
    after.addEventListener("loadeddata", () => this.appear());
    before.addEventListener("loadeddata", () => this.keepUp());
    for (const name of ["timeupdate", "seeked", "play", "pause", "ended"]) {
      after.addEventListener(name, () => this.keepUp());
    }
    after.addEventListener("error", () => this.fail("This browser cannot play the film in color; download it."));
    before.addEventListener("error", () => this.grayOfColor());
  }

  /** Show the films at these addresses; the gray one is the original, without its colors. */
  show({ original, color, name }) {
    if (this.after.getAttribute("src") === color) return;
    this.hide();
    this.original = original;
    this.before.src = original;
    this.after.src = color;
    this.before.setAttribute("aria-label", `${name} in gray`);
    this.after.setAttribute("aria-label", `${name} in color`);
  }

  hide() {
    for (const film of [this.before, this.after]) {
      film.pause();
      film.removeAttribute("src");
      film.load();
      film.hidden = true;
    }
    byId("player").hidden = true;
    byId("unplayable").hidden = true;
  }

  appear() {
    this.after.hidden = false;
    byId("player").hidden = false;
    this.keepUp();
  }

  /** Where the original does not play, the film in color without its colors stands for it. */
  grayOfColor() {
    const color = this.after.getAttribute("src");
    if (!color || this.after.error || this.before.getAttribute("src") === color) return;
    this.before.src = color;
    this.tell("This browser cannot play the original; gray is the film in color without its colors.");
  }

  /** The first frames stay where the film in color does not play. */
  fail(sentence) {
    if (!this.after.hasAttribute("src")) return;
    this.after.hidden = this.before.hidden = byId("player").hidden = true;
    this.tell(sentence);
  }

  tell(sentence) {
    byId("unplayable").hidden = false;
    byId("unplayable-why").textContent = sentence;
    byId("original").href = `${this.original}?download=1`;
  }

  toggle() {
    if (this.after.paused) this.after.play();
    else this.after.pause();
  }

  mute(isMuted) {
    this.after.muted = isMuted;
    byId("sound").textContent = isMuted ? "Sound on" : "Sound off";
  }

  keepUp() {
    const { before, after } = this;
    before.hidden = after.hidden || before.readyState < HTMLMediaElement.HAVE_CURRENT_DATA;
    if (Math.abs(before.currentTime - after.currentTime) > APART) before.currentTime = after.currentTime;
    if (before.paused !== after.paused) {
      if (after.paused) before.pause();
      else before.play().catch(() => {}); // it may have been paused meanwhile
    }
    byId("play").textContent = after.paused ? "Play" : "Pause";
    this.seek.value = (STEPS * after.currentTime) / (after.duration || 1);
    const time = `${clock(after.currentTime)} of ${clock(after.duration)}`;
    this.seek.setAttribute("aria-valuetext", time);
    byId("time").textContent = time;
  }
}

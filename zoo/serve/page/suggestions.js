// The colors that a model holds for likely at the selected mark.

import { suggest } from "./api.js";
import { make } from "./elements.js";
import { placeOf } from "./hints.js";
import { inWords } from "./lab.js";

const COUNT = 6;
const DEBOUNCE = 200;

export class Suggestions {
  constructor(section, list, onColor) {
    Object.assign(this, { section, list, onColor, key: null });
  }

  /** Ask for the mark's place, unless that has just been done. */
  show(photo, mark, lightness) {
    const [x, y] = placeOf(mark).map(Math.round);
    const { model } = photo.settings;
    const key = [photo.info.id, model, x, y].join(" ");
    if (key === this.key) return;
    this.hide();
    this.key = key;
    const json = { model, x, y, count: COUNT, hints: photo.hints.except(mark) };
    this.timer = setTimeout(() => this.ask(photo.info.id, json, lightness), DEBOUNCE);
  }

  hide() {
    clearTimeout(this.timer);
    this.asking?.abort();
    this.key = null;
    this.section.hidden = true;
  }

  async ask(id, json, lightness) {
    const asking = new AbortController();
    this.asking = asking;
    let found;
    try {
      found = await suggest(id, json, asking.signal);
    } catch {
      return; // the wheel is still there, which needs no answer
    }
    if (asking.signal.aborted) return;
    this.list.replaceChildren(...found.map((one) => this.button(one, lightness)));
    this.section.hidden = !found.length;
  }

  button({ color, ab, probability }, lightness) {
    const percent = `${Math.max(1, Math.round(100 * probability))} %`;
    const swatch = make("span", { className: "swatch" });
    swatch.style.background = color;
    const button = make("button", { type: "button", className: "suggestion" }, swatch, percent);
    button.setAttribute("aria-label", `${inWords(lightness, ab)}, ${percent} likely`);
    button.addEventListener("click", () => this.onColor(ab));
    return button;
  }
}

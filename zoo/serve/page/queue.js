// The list of photos and films: what happens to each, and which one is shown.

import { make } from "./elements.js";
import { inWords } from "./photo.js";

export class Queue {
  constructor(list, { onChoose, onRemove }) {
    Object.assign(this, { list, onChoose, onRemove, items: new Map() });
  }

  add(photo) {
    const image = make("img", { alt: "", loading: "lazy" });
    const name = make("span", { className: "name", textContent: photo.name });
    const state = make("span", { className: "soft" });
    const bar = make("progress", { max: 1 });
    bar.setAttribute("aria-label", `Progress of ${photo.name}`);
    const text = make("span", {}, name, state);
    const choose = make("button", { type: "button", className: "choose" }, image, text);
    const remove = make("button", { type: "button", className: "plain", textContent: "✕" });
    remove.setAttribute("aria-label", `Remove ${photo.name}`);
    const item = make("li", {}, choose, remove, bar);
    this.items.set(photo, { item, choose, image, state, bar });
    choose.addEventListener("click", () => this.onChoose(photo));
    remove.addEventListener("click", () => this.onRemove(photo));
    for (const name of ["progress", "film"]) photo.addEventListener(name, () => this.draw(photo));
    this.list.append(item);
    this.draw(photo);
  }

  draw(photo) {
    const found = this.items.get(photo);
    if (!found) return;
    const { item, image, state, bar } = found;
    const { news: progress, thumbnail } = photo;
    if (thumbnail && image.getAttribute("src") !== thumbnail) image.src = thumbnail;
    image.hidden = !thumbnail;
    state.textContent = inWords(progress);
    item.classList.toggle("failed", progress.state === "failed");
    bar.hidden = ["done", "failed", "idle"].includes(progress.state);
    if (progress.state === "uploading") bar.value = progress.share;
    else if (progress.frames) bar.value = progress.done / progress.frames;
    else bar.removeAttribute("value");
  }

  show(photo) {
    for (const [one, { choose }] of this.items) {
      if (one === photo) choose.setAttribute("aria-current", "true");
      else choose.removeAttribute("aria-current");
    }
  }

  remove(photo) {
    this.items.get(photo)?.item.remove();
    this.items.delete(photo);
  }
}

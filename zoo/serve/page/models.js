// The models side by side, each with a small picture of the photo by its defaults.

import { resultUrl } from "./api.js";
import { make } from "./elements.js";

export class Models {
  constructor(group, about, onChoose) {
    Object.assign(this, { group, about, onChoose, models: [], images: new Map() });
  }

  fill(models) {
    this.models = models;
    this.group.replaceChildren(...models.map((model) => this.choice(model)));
  }

  choice({ name }) {
    const image = make("img", { alt: "", hidden: true });
    this.images.set(name, image);
    const radio = make("input", { type: "radio", name: "model", value: name });
    radio.addEventListener("change", () => this.onChoose(name));
    const frame = make("span", { className: "sample" }, image);
    const words = name.split("_").flatMap((word, number) => (number ? ["_", make("wbr"), word] : [word]));
    return make("label", { className: "model" }, radio, frame, make("span", {}, ...words));
  }

  find(name) {
    return this.models.find((model) => model.name === name);
  }

  /** Mark the photo's model; the small pictures are computed once for each photo, one at a time. */
  async show(photo) {
    for (const radio of this.group.querySelectorAll("input")) {
      radio.checked = radio.value === photo.settings.model;
    }
    this.about.textContent = this.find(photo.settings.model)?.about ?? "";
    if (photo === this.photo || !photo.result) return;
    this.photo = photo;
    this.sampling?.abort();
    this.sampling = new AbortController();
    const { signal } = this.sampling;
    for (const image of this.images.values()) image.hidden = true;
    for (const { name } of this.models) await this.sample(photo, name, signal);
  }

  /** Stop making a photo's small pictures. */
  leave(photo) {
    if (photo === this.photo) this.sampling.abort();
  }

  async sample(photo, name, signal) {
    if (signal.aborted) return;
    try {
      const job = await photo.sample(name, signal);
      if (signal.aborted) return;
      Object.assign(this.images.get(name), { src: resultUrl(job), hidden: false });
    } catch {
      // Without its small picture a model can be chosen all the same.
    }
  }
}

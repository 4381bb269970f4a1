// What is said and asked of the film that is shown: how steady its colors are, and how far it is.

import { filmUrl, resultUrl } from "./api.js";
import { byId, make } from "./elements.js";
import { inWords } from "./photo.js";
import { Player } from "./player.js";
import { complain, say } from "./status.js";

export class FilmPanel {
  /** `onChange` hears the settings of films when they change. */
  constructor(onChange) {
    this.player = new Player();
    const change = () => {
      const smoothing = byId("smoothing").value;
      const ahead = smoothing === "motion" ? Number(byId("look-ahead").value) : 0;
      onChange({ smoothing, look_ahead: ahead });
    };
    byId("smoothing").addEventListener("change", change);
    byId("look-ahead").addEventListener("change", change);
    byId("look-ahead").addEventListener("input", () => this.showAhead());
    byId("color-film").addEventListener("click", () => this.color());
    byId("stop-film").addEventListener("click", () => {
      this.photo.film.stop();
      say(`${this.photo.name} is not colored any more.`);
    });
  }

  async color() {
    const { name, film } = this.photo;
    say(`${name} is being colored.`);
    try {
      await film.color();
      say(`${name} is in color.`);
    } catch (error) {
      if (error.name !== "AbortError") complain(error.message);
    }
  }

  /** Show what belongs to films, or hide it all for a photo. */
  show(photo) {
    this.photo = photo;
    const isFilm = Boolean(photo.film);
    for (const id of ["film", "film-options"]) byId(id).hidden = !isFilm;
    for (const id of ["hints", "modes", "lending"]) byId(id).hidden = isFilm;
    if (!isFilm) {
      this.player.hide();
      return;
    }
    const { smoothing, look_ahead: ahead } = photo.settings.film;
    byId("smoothing").value = smoothing;
    byId("look-ahead").value = ahead;
    byId("ahead").hidden = smoothing !== "motion";
    this.showAhead();
    this.showProgress();
  }

  showAhead() {
    byId("look-ahead").nextElementSibling.textContent = byId("look-ahead").value;
  }

  showProgress() {
    const { info, name, film } = this.photo;
    const { job, isBusy, result } = film;
    const focused = document.activeElement;
    byId("color-film").hidden = isBusy || Boolean(result);
    byId("stop-film").hidden = byId("film-progress").hidden = !isBusy;
    if (job?.frames) Object.assign(byId("film-progress"), { max: job.frames, value: job.done });
    else byId("film-progress").removeAttribute("value");
    byId("film-state").textContent = this.state();
    const notes = result?.notes ?? [];
    byId("film-notes").replaceChildren(...notes.map((text) => make("li", { textContent: text })));
    if (result) this.player.show({ original: filmUrl(info.id), color: resultUrl(result.id), name });
    else this.player.hide();
    // A button that is gone hands its focus on.
    if (focused.id === "color-film" && isBusy) byId("stop-film").focus();
    if (focused.id === "stop-film" && !isBusy) byId(result ? "download" : "color-film").focus();
  }

  state() {
    const { film } = this.photo;
    if (film.isBusy || film.job?.state === "failed") return inWords(film.job);
    if (film.result) return "";
    if (film.job) return "The film was colored with other settings; this is its first frame.";
    return "This is the film's first frame.";
  }
}

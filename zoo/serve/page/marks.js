// The panel of hints: the selected mark's size and color, the list of all, undo and redo.

import { byId, make, onSlide } from "./elements.js";
import { describe, placeOf } from "./hints.js";
import { chromaOf, greatestChroma, hex, hueOf, inWords } from "./lab.js";
import { complain } from "./status.js";
import { Suggestions } from "./suggestions.js";
import { Wheel } from "./wheel.js";

const round = (ab) => ab.map((value) => Math.round(10 * value) / 10);

export class Marks {
  /** `lightnessAt(x, y)` is that of the photo. */
  constructor(lightnessAt) {
    Object.assign(this, { lightnessAt, photo: null });
    const begin = () => this.hints.begin();
    const onColor = (ab) => this.hints.paint(round(ab));
    const choose = (ab) => this.choose(round(ab));
    this.suggestions = new Suggestions(byId("suggested"), byId("suggestions"), choose);
    this.wheel = new Wheel(byId("wheel"), { onBegin: begin, onColor });
    onSlide(byId("size"), begin, (size) => this.hints.resize(size));
    onSlide(byId("hue"), begin, () => this.slide());
    onSlide(byId("chroma"), begin, () => this.slide());
    this.listenToButtons();
    this.listenToKeys();
  }

  get hints() {
    return this.photo.hints;
  }

  listenToButtons() {
    byId("undo").addEventListener("click", () => this.hints.undo());
    byId("redo").addEventListener("click", () => this.hints.redo());
    byId("clear").addEventListener("click", () => this.hints.replace({}));
    byId("gray").addEventListener("click", () => this.choose("gray"));
    byId("remove").addEventListener("click", () => {
      this.hints.remove();
      byId("add-point").focus(); // the button is gone with its mark
    });
    byId("open-hints").addEventListener("change", (event) => this.open(event.target));
  }

  listenToKeys() {
    document.addEventListener("keydown", (event) => {
      const isText = event.target.matches("input[type=number], select");
      if (!this.photo?.hints || isText || !(event.ctrlKey || event.metaKey)) return;
      const key = event.key.toLowerCase();
      if (key === "z" && !event.shiftKey) this.hints.undo();
      else if (key === "y" || key === "z") this.hints.redo();
      else return;
      event.preventDefault();
    });
  }

  async open(input) {
    try {
      this.hints.replace(this.checked(JSON.parse(await input.files[0].text())));
    } catch (error) {
      complain(error instanceof SyntaxError ? "This is no hints file: it is not JSON." : error.message);
    }
    input.value = "";
  }

  /** Refuse what could not be drawn; the server looks at everything else. */
  checked(data) {
    if (data?.constructor !== Object) throw new Error("This is no hints file: it holds no object.");
    const lists = [data.points ?? [], data.strokes ?? []];
    if (!lists.every(Array.isArray)) {
      throw new Error("This is no hints file: points and strokes must be lists.");
    }
    const [points, strokes] = lists;
    const arePlaced = points.every(({ x, y }) => Number.isFinite(x) && Number.isFinite(y));
    if (!arePlaced || !strokes.every(({ vertices }) => vertices?.length)) {
      throw new Error("This is no hints file: each point needs x and y, each stroke vertices.");
    }
    const { width, height } = this.hints;
    if (data.size && String(data.size) !== String([width, height])) {
      throw new Error(`These hints are of another photo, of ${data.size.join(" x ")} px.`);
    }
    return data;
  }

  choose(color) {
    this.hints.begin();
    this.hints.paint(color);
  }

  slide() {
    const hue = Number(byId("hue").value);
    const greatest = greatestChroma(this.lightness, hue);
    const chroma = (greatest * Number(byId("chroma").value)) / 100;
    const angle = (hue * Math.PI) / 180;
    this.hints.paint(round([chroma * Math.cos(angle), chroma * Math.sin(angle)]));
  }

  get lightness() {
    return this.lightnessAt(...placeOf(this.hints.mark));
  }

  show(photo, hasDistributions) {
    Object.assign(this, { photo, hasDistributions });
    byId("undo").disabled = !this.hints.done.length;
    byId("redo").disabled = !this.hints.undone.length;
    byId("clear").disabled = this.hints.isEmpty;
    byId("hints-help").hidden = this.hints.marks.length > 0;
    byId("save-hints").hidden = this.hints.isEmpty;
    this.list();
    byId("mark").hidden = !this.hints.mark;
    if (this.hints.mark) this.showMark();
    else this.suggestions.hide();
  }

  showMark() {
    const { mark, size, greatestSize } = this.hints;
    const { lightness } = this;
    const ab = chromaOf(mark.color);
    byId("mark-title").textContent = mark.vertices ? "Stroke" : "Point";
    Object.assign(byId("size"), { max: greatestSize, value: size });
    byId("size").nextElementSibling.textContent = `${size} px`;
    this.wheel.show(lightness, ab);
    this.showColor(lightness, ab);
    if (this.hasDistributions) this.suggestions.show(this.photo, mark, lightness);
    else this.suggestions.hide();
  }

  showColor(lightness, ab) {
    const chroma = Math.hypot(...ab);
    const isSliding = ["hue", "chroma"].includes(document.activeElement?.id);
    if (!isSliding) {
      if (chroma > 1) byId("hue").value = hueOf(ab); // gray has none: the last one stays
      byId("chroma").value = (100 * chroma) / (greatestChroma(lightness, hueOf(ab)) || 1);
    }
    byId("hue").setAttribute("aria-valuetext", inWords(lightness, ab));
    byId("swatch").style.background = hex(lightness, ab);
    byId("swatch-name").textContent = inWords(lightness, ab);
  }

  list() {
    const { marks, selected } = this.hints;
    const items = marks.map((mark, number) => {
      const lightness = this.lightnessAt(...placeOf(mark));
      const swatch = make("span", { className: "swatch" });
      swatch.style.background = hex(lightness, chromaOf(mark.color));
      const words = describe(mark, lightness);
      const button = make("button", { type: "button", className: "plain" }, swatch, words);
      button.setAttribute("aria-pressed", number === selected);
      button.addEventListener("click", () => {
        this.hints.select(number);
        byId("mark-list").querySelectorAll("button")[number].focus();
      });
      return make("li", {}, button);
    });
    byId("mark-list").replaceChildren(...items);
  }
}

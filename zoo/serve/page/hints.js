// Hints of one photo, in its own pixels, with everything that was done to them so far.

import { inWords, chromaOf } from "./lab.js";

const EMPTY = { points: [], strokes: [] };
const MOST_STEPS = 200;
const MOST_TURNS = 150;

const copy = (value) => structuredClone(value);
const between = (value, low, high) => Math.min(high, Math.max(low, value));
const round = (value) => Math.round(10 * value) / 10;

export class Hints extends EventTarget {
  /** `stored` is what `toJSON` gave, or a hints file; what the page does not show is kept. */
  constructor(width, height, stored = null) {
    super();
    Object.assign(this, { width, height, undone: [], done: [], selected: null });
    this.data = { ...copy(EMPTY), ...copy(stored ?? {}) };
  }

  get marks() {
    return [...this.data.points, ...this.data.strokes];
  }

  get mark() {
    return this.marks[this.selected] ?? null;
  }

  get isEmpty() {
    const { version, size, ...rest } = this.data;
    return Object.values(rest).every((value) => Array.isArray(value) && !value.length);
  }

  toJSON() {
    return this.except(null);
  }

  /** What the server reads, without one of the marks: null where nothing is said. */
  except(without) {
    if (this.isEmpty) return null;
    const keep = (marks) => marks.filter((mark) => mark !== without);
    const { points, strokes, ...rest } = this.data;
    const marks = { points: keep(points), strokes: keep(strokes) };
    return copy({ ...rest, version: 1, size: [this.width, this.height], ...marks });
  }

  /** Remember the state as it is, before something that undo takes back. */
  begin() {
    this.done.push(copy({ data: this.data, selected: this.selected }));
    this.done.splice(0, this.done.length - MOST_STEPS);
    this.undone = [];
  }

  changed(recolor = true) {
    this.dispatchEvent(new CustomEvent("change", { detail: { recolor } }));
  }

  select(number) {
    this.selected = number;
    this.changed(false);
  }

  addPoint(x, y, color) {
    this.begin();
    const radius = Math.max(1, Math.round(0.012 * Math.max(this.width, this.height)));
    this.data.points.push({ ...this.inside(x, y), radius, color });
    this.selected = this.data.points.length - 1;
    this.changed();
  }

  /** The middle of the photo, or a place around it that no other point covers. */
  freePlace() {
    const side = Math.min(this.width, this.height);
    const taken = ([x, y]) =>
      this.data.points.some((one) => Math.hypot(one.x - x, one.y - y) < 2 * (one.radius ?? 0) + side / 30);
    for (let turn = 0; ; turn += 1) {
      const [angle, distance] = [2.4 * turn, (side * Math.sqrt(turn)) / 25];
      const x = this.width / 2 + distance * Math.cos(angle);
      const place = [x, this.height / 2 + distance * Math.sin(angle)];
      if (turn === MOST_TURNS || !taken(place)) return place;
    }
  }

  addStroke(vertices, width, color) {
    this.begin();
    const places = vertices.map(([x, y]) => Object.values(this.inside(x, y)));
    this.data.strokes.push({ vertices: places, width, color });
    this.selected = this.marks.length - 1;
    this.changed();
  }

  inside(x, y) {
    return { x: round(between(x, 0, this.width - 1)), y: round(between(y, 0, this.height - 1)) };
  }

  /** Move the selected mark; all of it stays on the photo. */
  moveBy(dx, dy) {
    const { mark } = this;
    if (!mark.vertices) Object.assign(mark, this.inside(mark.x + dx, mark.y + dy));
    else mark.vertices = this.shifted(mark.vertices, dx, dy);
    this.changed();
  }

  shifted(vertices, dx, dy) {
    const [xs, ys] = [0, 1].map((axis) => vertices.map((vertex) => vertex[axis]));
    const x = between(dx, -Math.min(...xs), this.width - 1 - Math.max(...xs));
    const y = between(dy, -Math.min(...ys), this.height - 1 - Math.max(...ys));
    return vertices.map((vertex) => [round(vertex[0] + x), round(vertex[1] + y)]);
  }

  get greatestSize() {
    return Math.max(4, Math.round(Math.max(this.width, this.height) / 4));
  }

  get size() {
    return this.mark.vertices ? (this.mark.width ?? 1) : (this.mark.radius ?? 0);
  }

  resize(size) {
    const value = Math.round(between(size, 1, this.greatestSize));
    if (this.mark.vertices) this.mark.width = value;
    else this.mark.radius = value;
    this.changed();
  }

  paint(color) {
    this.mark.color = color;
    this.changed();
  }

  remove() {
    this.begin();
    const { mark } = this;
    this.data.points = this.data.points.filter((one) => one !== mark);
    this.data.strokes = this.data.strokes.filter((one) => one !== mark);
    this.selected = null;
    this.changed();
  }

  replace(data) {
    this.begin();
    this.data = { ...copy(EMPTY), ...copy(data) };
    this.selected = null;
    this.changed();
  }

  undo() {
    this.swap(this.done, this.undone);
  }

  redo() {
    this.swap(this.undone, this.done);
  }

  swap(from, to) {
    if (!from.length) return;
    to.push(copy({ data: this.data, selected: this.selected }));
    Object.assign(this, from.pop());
    this.changed();
  }
}

/** Where a mark's lightness is read: a point's middle, a stroke's vertex in the middle. */
export function placeOf(mark) {
  if (!mark.vertices) return [mark.x, mark.y];
  return mark.vertices[Math.floor(mark.vertices.length / 2)];
}

/** A mark in words, for its button and for those who do not see it. */
export function describe(mark, lightness) {
  const [x, y] = placeOf(mark).map(Math.round);
  const kind = mark.vertices ? "Stroke" : "Point";
  return `${kind}, ${inWords(lightness, chromaOf(mark.color))}, at ${x}, ${y}`;
}

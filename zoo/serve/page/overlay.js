// Marks drawn over the photo: tapped, drawn, moved, resized and removed by pointer and keys.

import { chromaOf, hex } from "./lab.js";
import { describe, placeOf } from "./hints.js";

const NAMESPACE = "http://www.w3.org/2000/svg";
const HANDLE = 7; // on the screen, in px, as all of these
const HIT = 20;
const SLACK = 6;
const NUDGES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function shape(tag, attributes, className = "") {
  const element = document.createElementNS(NAMESPACE, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (className) element.setAttribute("class", className);
  return element;
}

const line = (vertices) => vertices.map((vertex) => vertex.join(",")).join(" ");

export class Overlay {
  /** `look(x, y)` gives the lightness and the present chroma of a place in the photo. */
  constructor(svg, look) {
    Object.assign(this, { svg, look, hints: null, mode: "compare", gesture: null });
    svg.addEventListener("pointerdown", (event) => this.press(event));
    svg.addEventListener("pointermove", (event) => this.gesture?.move(...this.place(event)));
    svg.addEventListener("pointerup", (event) => this.release(event));
    svg.addEventListener("pointercancel", () => this.stop());
    svg.addEventListener("keydown", (event) => this.key(event));
    svg.addEventListener("focusin", (event) => this.focus(event.target));
    new ResizeObserver(() => this.draw()).observe(svg);
  }

  show(hints) {
    this.hints = hints;
    const { width, height } = hints;
    this.svg.setAttribute("viewBox", `-0.5 -0.5 ${width} ${height}`);
    this.draw();
  }

  turn(mode) {
    this.mode = mode;
    this.svg.setAttribute("class", mode);
    this.draw();
  }

  /** Photo pixels in one pixel of the screen. */
  get scale() {
    return this.hints.width / (this.svg.clientWidth || this.hints.width);
  }

  place({ clientX, clientY }) {
    const { left, top, width, height } = this.svg.getBoundingClientRect();
    const x = ((clientX - left) / width) * this.hints.width - 0.5;
    return [x, ((clientY - top) / height) * this.hints.height - 0.5];
  }

  draw() {
    if (!this.hints) return;
    const focused = this.svg.contains(document.activeElement) ? document.activeElement : null;
    const number = focused?.closest("g")?.dataset.number;
    this.svg.replaceChildren(...this.hints.marks.map((mark, index) => this.group(mark, index)));
    if (this.gesture?.drawn) this.svg.append(this.gesture.drawn);
    if (number === undefined) return;
    this.svg.querySelector(`g[data-number="${number}"]`)?.focus({ preventScroll: true });
  }

  group(mark, index) {
    const isSelected = index === this.hints.selected;
    const { lightness } = this.look(...placeOf(mark));
    const group = shape("g", { tabindex: 0, role: "button", "data-number": index });
    group.setAttribute("aria-pressed", isSelected);
    group.setAttribute("aria-label", describe(mark, lightness));
    group.setAttribute("class", isSelected ? "mark selected" : "mark");
    group.style.color = hex(lightness, chromaOf(mark.color));
    group.append(...(mark.vertices ? this.stroke(mark) : this.point(mark, isSelected)));
    return group;
  }

  point({ x: cx, y: cy, radius = 0 }, isSelected) {
    const r = Math.max(radius, 4 * this.scale);
    const parts = [
      shape("circle", { cx, cy, r: Math.max(radius, HIT * this.scale) }, "hit"),
      shape("circle", { cx, cy, r }, "back"),
      shape("circle", { cx, cy, r }, "front"),
    ];
    if (isSelected) {
      const [x, y] = [cx + 0.707 * r + HANDLE * this.scale, cy + 0.707 * r + HANDLE * this.scale];
      parts.push(shape("circle", { cx: x, cy: y, r: HANDLE * this.scale }, "handle"));
    }
    return parts;
  }

  stroke({ vertices, width = 1 }) {
    const points = line(vertices);
    const thickness = Math.max(width, 3 * this.scale);
    return [
      shape("polyline", { points, "stroke-width": Math.max(width, HIT * this.scale) }, "hit line"),
      shape("polyline", { points, "stroke-width": thickness + 4 * this.scale }, "back line"),
      shape("polyline", { points, "stroke-width": thickness }, "front line"),
    ];
  }

  press(event) {
    if (event.button || !event.isPrimary) return;
    const group = event.target.closest("g");
    const start = this.place(event);
    const isHandle = event.target.classList.contains("handle");
    if (group) this.hold(Number(group.dataset.number), isHandle, start);
    else if (this.mode === "stroke") this.gesture = this.drawing(start);
    else if (this.mode === "point") this.gesture = this.tap(start);
    if (group || this.mode === "stroke") this.svg.setPointerCapture(event.pointerId);
  }

  release() {
    const { gesture } = this;
    this.stop();
    gesture?.end?.();
  }

  stop() {
    this.gesture = null;
    this.draw();
  }

  hold(number, isHandle, start) {
    this.hints.select(number);
    this.gesture = isHandle ? this.resizing() : this.moving(start);
  }

  moving(start) {
    let [last, hasBegun] = [start, false];
    const move = (x, y) => {
      if (!hasBegun && Math.hypot(x - start[0], y - start[1]) < SLACK * this.scale) return;
      if (!hasBegun) this.hints.begin();
      hasBegun = true;
      this.hints.moveBy(x - last[0], y - last[1]);
      last = [x, y];
    };
    return { move };
  }

  resizing() {
    this.hints.begin();
    const { mark } = this.hints;
    const move = (x, y) => {
      this.hints.resize(Math.hypot(x - mark.x, y - mark.y) - 1.4 * HANDLE * this.scale);
    };
    return { move };
  }

  tap(start) {
    let isTap = true;
    const move = (x, y) => {
      if (Math.hypot(x - start[0], y - start[1]) > SLACK * this.scale) isTap = false;
    };
    return { move, end: () => isTap && this.add(...start) };
  }

  /** A new point keeps the color that is there until another one is chosen. */
  add(x, y) {
    this.hints.addPoint(x, y, this.look(x, y).ab);
    this.svg.querySelector(".selected")?.focus({ preventScroll: true });
  }

  drawing(start) {
    const vertices = [start];
    const width = Math.max(1, Math.round(6 * this.scale));
    const drawn = shape("polyline", { points: "", "stroke-width": width }, "drawn line");
    const move = (x, y) => {
      const [lastX, lastY] = vertices.at(-1);
      if (Math.hypot(x - lastX, y - lastY) < 3 * this.scale) return;
      vertices.push([x, y]);
      drawn.setAttribute("points", line(vertices));
      if (!drawn.isConnected) this.svg.append(drawn);
    };
    const end = () => {
      const middle = vertices[Math.floor(vertices.length / 2)];
      if (vertices.length > 1) this.hints.addStroke(vertices, width, this.look(...middle).ab);
    };
    return { move, end, drawn };
  }

  focus(target) {
    const number = target.closest("g")?.dataset.number;
    if (number === undefined || this.gesture) return;
    if (Number(number) !== this.hints.selected) this.hints.select(Number(number));
  }

  key(event) {
    const { key, shiftKey } = event;
    if (!this.hints.mark || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = Math.max(1, Math.round(this.scale)) * (shiftKey ? 10 : 1);
    const isChange = NUDGES[key] || key === "+" || key === "-";
    if (isChange && !event.repeat) this.hints.begin(); // undo takes back a held key at once
    if (NUDGES[key]) this.hints.moveBy(...NUDGES[key].map((one) => one * step));
    else if (isChange) this.hints.resize(this.hints.size + (key === "+" ? step : -step));
    else if (key === "Delete" || key === "Backspace") this.hints.remove();
    else return;
    event.preventDefault();
  }
}

// The colors that the gamut has at one lightness, as a disc of a to the right and b upward.

import { greatestChroma, hueOf, toRgb } from "./lab.js";

const LEAST_RIM = 12;
const KEPT = 20;

/** The chroma at the rim: dark and light places have few colors, which fill the wheel all the same. */
function rimOf(lightness) {
  const hues = Array.from({ length: 36 }, (_, number) => 10 * number);
  return Math.max(LEAST_RIM, ...hues.map((hue) => greatestChroma(lightness, hue)));
}

export class Wheel {
  /** `onBegin` is called before the first change of a drag, `onColor` with [a, b] at each. */
  constructor(canvas, { onBegin, onColor }) {
    Object.assign(this, { canvas, onBegin, onColor, lightness: 50, rim: 100, ab: [0, 0], discs: new Map() });
    this.context = canvas.getContext("2d");
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.onBegin();
      this.pick(event);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (canvas.hasPointerCapture(event.pointerId)) this.pick(event);
    });
  }

  show(lightness, ab) {
    Object.assign(this, { lightness: Math.round(lightness), ab });
    this.rim = rimOf(this.lightness);
    this.draw();
  }

  pick(event) {
    const { left, top, width } = this.canvas.getBoundingClientRect();
    const a = (((event.clientX - left) / width) * 2 - 1) * this.rim;
    const b = (1 - ((event.clientY - top) / width) * 2) * this.rim;
    const chroma = Math.hypot(a, b);
    const share = chroma ? Math.min(1, greatestChroma(this.lightness, hueOf([a, b])) / chroma) : 1;
    this.onColor([share * a, share * b]);
  }

  draw() {
    const { width } = this.canvas;
    this.context.putImageData(this.disc(), 0, 0);
    const share = 1 / Math.max(this.rim, Math.hypot(...this.ab));
    const [x, y] = [1 + this.ab[0] * share, 1 - this.ab[1] * share].map((v) => (v * width) / 2);
    for (const [style, lineWidth] of [["#000", 4], ["#fff", 2]]) {
      Object.assign(this.context, { strokeStyle: style, lineWidth });
      this.context.beginPath();
      this.context.arc(x, y, 7, 0, 2 * Math.PI);
      this.context.stroke();
    }
  }

  /** What is beyond the gamut stays transparent; lightnesses that were drawn lately are kept. */
  disc() {
    const { lightness, discs } = this;
    if (!discs.has(lightness)) {
      if (discs.size >= KEPT) discs.delete(discs.keys().next().value);
      discs.set(lightness, this.fill(lightness));
    }
    return discs.get(lightness);
  }

  fill(lightness) {
    const { width } = this.canvas;
    const image = this.context.createImageData(width, width);
    for (let row = 0; row < width; row += 1) {
      for (let column = 0; column < width; column += 1) {
        const a = ((column + 0.5) / width) * 2 - 1;
        const b = 1 - ((row + 0.5) / width) * 2;
        const rgb = toRgb([lightness, a * this.rim, b * this.rim]);
        if (rgb.some((v) => v < -0.5 || v > 255.5) || Math.hypot(a, b) > 1) continue;
        image.data.set([...rgb, 255], 4 * (row * width + column));
      }
    }
    return image;
  }
}

// A photo's lightness, and chroma that is put onto it: what zoo.fullsize and zoo.color.pixels do in
// Python, with the same numbers. Pixels are RGBA bytes, as a canvas has them, in stripes of rows.

const STEPS = 65535; // of a stored lightness: L = 100
const MOST_ASPECT = 4;
const RENDER_UNIT = 16;
const LOBES = 3; // of the Lanczos filter

// Where the cube root of the Lab curve becomes a straight line.
const JOINT = 0.008856;
const SLOPE = 7.787;
const ROOT = Math.cbrt(JOINT);

const WHITE = [0.95047, 1, 1.08883];
const LUMINANCE = [0.212671, 0.71516, 0.072169];
const RGB_FROM_CURVES = [
  [3.24048134, -1.53715152, -0.49853633],
  [-0.96925495, 1.87599, 0.04155593],
  [0.05564664, -0.20404134, 1.05731107],
].map((row) => row.map((weight, i) => weight * WHITE[i]));

const linear = (v) => (v > 0.04045 ? ((v + 0.055) / 1.055) ** 2.4 : v / 12.92);
const encoded = (v) => (v > 0.0031308 ? 1.055 * v ** (1 / 2.4) - 0.055 : 12.92 * v);

/** What each level of red, green and blue adds to the luminance. */
const LUMINANCES = LUMINANCE.map((weight) => Float32Array.from({ length: 256 }, (_, v) => weight * linear(v / 255)));
/** The level of a linear intensity, of which there are so many steps. */
const LEVELS = Uint8Array.from({ length: STEPS + 1 }, (_, v) => Math.round(255 * encoded(v / STEPS)));

/** L of a pixel in steps: 0 for L = 0 and 65,535 for L = 100. */
function lightnessSteps(rgba, at) {
  const y = LUMINANCES[0][rgba[at]] + LUMINANCES[1][rgba[at + 1]] + LUMINANCES[2][rgba[at + 2]];
  const curve = Math.cbrt(Math.max(y, JOINT)) + SLOPE * Math.min(y - JOINT, 0);
  return Math.floor(Math.max(STEPS * (1.16 * curve - 0.16), 0) + 0.5);
}

/** Python's rounding: halves go to the even neighbor. */
function rounded(x) {
  const below = Math.floor(x);
  const rest = x - below;
  return rest > 0.5 || (rest === 0.5 && below % 2) ? below + 1 : below;
}

/** Height and width at which the network sees a photo. */
export function workingSize(height, width, renderFactor) {
  const target = RENDER_UNIT * renderFactor;
  const scale = Math.min(target / Math.min(height, width), (MOST_ASPECT * target) / Math.max(height, width));
  return [height, width].map((side) => Math.max(rounded(side * scale), 1));
}

const sinc = (x) => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));
const lanczos = (x) => (Math.abs(x) < LOBES ? sinc(x) * sinc(x / LOBES) : 0);

/** For each of `wanted` places: the first of the `present` ones that it is made of, and their shares. */
function filters(present, wanted) {
  const scale = present / wanted;
  const wide = Math.max(scale, 1);
  return Array.from({ length: wanted }, (_, place) => {
    const center = (place + 0.5) * scale;
    const first = Math.max(0, Math.trunc(center - LOBES * wide + 0.5));
    const end = Math.min(present, Math.trunc(center + LOBES * wide + 0.5));
    const weights = Array.from({ length: end - first }, (_, i) => lanczos((first + i - center + 0.5) / wide));
    const sum = weights.reduce((all, one) => all + one, 0);
    return { first, weights: Float64Array.from(weights, (one) => one / sum) };
  });
}

/** One number of `line`, which starts at `start` and has `step` between neighbors. */
function filtered(line, start, step, { first, weights }) {
  let sum = 0;
  for (let i = 0, at = start + first * step; i < weights.length; i++, at += step) sum += weights[i] * line[at];
  return sum;
}

/** Shrinks a photo's lightness to the size at which the network sees it. */
export class Shrinker {
  constructor(height, width, [rows, columns]) {
    Object.assign(this, { height, width, rows, columns });
    this.across = filters(width, columns);
    this.narrow = new Float32Array(height * columns);
    this.line = new Float32Array(width);
  }

  /** Take the pixels of a stripe whose first row is number `start`. */
  take(rgba, start) {
    const { width, columns, line } = this;
    for (let row = 0; row * width * 4 < rgba.length; row++) {
      for (let x = 0; x < width; x++) line[x] = lightnessSteps(rgba, 4 * (row * width + x)) * (100 / STEPS);
      const at = (start + row) * columns;
      for (let x = 0; x < columns; x++) this.narrow[at + x] = filtered(line, 0, 1, this.across[x]);
    }
  }

  /** L in [0, 100] of all rows, row by row. */
  finish() {
    const { rows, columns, narrow } = this;
    const down = filters(this.height, rows);
    const small = new Float32Array(rows * columns);
    for (let y = 0; y < rows; y++) {
      for (let x = 0; x < columns; x++) {
        // The filter's negative lobes overshoot at edges.
        small[y * columns + x] = Math.min(100, Math.max(0, filtered(narrow, x, columns, down[y])));
      }
    }
    return small;
  }
}

/** Where `total` rows lie among the `present` ones: centers are half a pixel off the edges. */
function places(present, total) {
  const unit = 2 * total;
  return Array.from({ length: total }, (_, i) => {
    const position = Math.min(Math.max((2 * i + 1) * present - total, 0), (present - 1) * unit);
    const below = Math.min(Math.floor(position / unit), Math.max(present - 2, 0));
    return { below, above: Math.min(below + 1, present - 1), share: (position - below * unit) / unit };
  });
}

const between = (low, high, share) => low + (high - low) * share;

/** Undo the Lab curve. */
const uncurved = (f) => Math.max(f, ROOT) ** 3 + Math.min(f - ROOT, 0) / SLOPE;

/** How much of the chroma there is room for. */
const share = (room, chroma) => Math.max(room, 0) / Math.max(chroma, room, 1e-12);

const level = (intensity) => LEVELS[Math.floor(STEPS * Math.min(1, Math.max(0, intensity)) + 0.5)];

/** Gives pixels chroma while each keeps its own lightness; where the gamut ends, chroma gives way. */
export class Merger {
  /**
   * @param ab The chroma of `rows` x `columns` places, a and b beside each other; none leaves gray.
   */
  constructor(height, width, ab, [rows, columns]) {
    Object.assign(this, { width, ab, columns });
    this.down = places(rows, height);
    this.across = places(columns, width);
    this.line = new Float32Array(2 * columns);
  }

  /** Color the pixels of a stripe whose first row is number `start`, where they are. */
  color(rgba, start) {
    const { width, line, across } = this;
    for (let row = 0; row * width * 4 < rgba.length; row++) {
      this.between(this.down[start + row]);
      for (let x = 0; x < width; x++) {
        const { below, above, share: part } = across[x];
        const a = between(line[2 * below], line[2 * above], part);
        const b = between(line[2 * below + 1], line[2 * above + 1], part);
        this.paint(rgba, 4 * (row * width + x), a, b);
      }
    }
  }

  /** The chroma of a whole row. */
  between({ below, above, share: part }) {
    const { ab, line } = this;
    for (let i = 0; i < line.length; i++) {
      line[i] = between(ab[below * line.length + i], ab[above * line.length + i], part);
    }
  }

  paint(rgba, at, a, b) {
    const f = lightnessSteps(rgba, at) / (1.16 * STEPS) + 0.16 / 1.16;
    const y = uncurved(f);
    if (a === 0 && b === 0) {
      rgba[at] = rgba[at + 1] = rgba[at + 2] = level(y);
      return;
    }
    const x = uncurved(f + a / 500);
    // Very blue colors would get a negative Z.
    const z = uncurved(Math.max(f - b / 200, 0));
    const [red, green, blue] = RGB_FROM_CURVES;
    const r = red[0] * x + red[1] * y + red[2] * z;
    const g = green[0] * x + green[1] * y + green[2] * z;
    const l = blue[0] * x + blue[1] * y + blue[2] * z;
    const low = Math.min(r, g, l);
    const high = Math.max(r, g, l);
    const fit = low < 0 || high > 1 ? Math.min(share(y, y - low), share(1 - y, high - y)) : 1;
    rgba[at] = level(y + fit * (r - y));
    rgba[at + 1] = level(y + fit * (g - y));
    rgba[at + 2] = level(y + fit * (l - y));
  }
}

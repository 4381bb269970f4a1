// CIE Lab (D65) and sRGB, as the models use them.

const WHITE = [0.95047, 1, 1.08883];

const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
const gamma = (v) => (v <= 0.0031308 ? 12.92 * v : 1.055 * v ** (1 / 2.4) - 0.055);
const cubeRoot = (t) => (t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116);
const cube = (f) => (f > 0.2068966 ? f ** 3 : (f - 16 / 116) / 7.787);

/** Lab of red, green and blue from 0 to 255. */
export function toLab(rgb) {
  const [r, g, b] = rgb.map((v) => linear(v / 255));
  const xyz = [
    0.412453 * r + 0.35758 * g + 0.180423 * b,
    0.212671 * r + 0.71516 * g + 0.072169 * b,
    0.019334 * r + 0.119193 * g + 0.950227 * b,
  ];
  const [x, y, z] = xyz.map((v, i) => cubeRoot(v / WHITE[i]));
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

/** Red, green and blue, 0 to 255 where the gamut has the color and beyond that where it has not. */
export function toRgb([lightness, a, b]) {
  const y = (lightness + 16) / 116;
  const [x, z] = [y + a / 500, y - b / 200];
  const [X, Y, Z] = [x, y, z].map((f, i) => cube(f) * WHITE[i]);
  return [
    3.240479 * X - 1.53715 * Y - 0.498535 * Z,
    -0.969256 * X + 1.875992 * Y + 0.041556 * Z,
    0.055648 * X - 0.204043 * Y + 1.057311 * Z,
  ].map((v) => 255 * gamma(v));
}

export function inGamut(lab) {
  return toRgb(lab).every((v) => v > -0.5 && v < 255.5);
}

/** The greatest chroma up to 128 that the gamut has for a hue, in degrees, at a lightness. */
export function greatestChroma(lightness, hue) {
  const [cos, sin] = [Math.cos((hue * Math.PI) / 180), Math.sin((hue * Math.PI) / 180)];
  let [inside, outside] = [0, 128];
  while (outside - inside > 0.5) {
    const middle = (inside + outside) / 2;
    if (inGamut([lightness, middle * cos, middle * sin])) inside = middle;
    else outside = middle;
  }
  return inside;
}

/** "#rrggbb" of a chroma at a lightness, paler where the gamut has no such color. */
export function hex(lightness, [a, b]) {
  const hue = hueOf([a, b]);
  const chroma = Math.hypot(a, b);
  const share = chroma ? Math.min(1, greatestChroma(lightness, hue) / chroma) : 1;
  const rgb = toRgb([lightness, share * a, share * b]);
  const byte = (v) => Math.round(Math.min(255, Math.max(0, v)));
  return "#" + rgb.map((v) => byte(v).toString(16).padStart(2, "0")).join("");
}

/** The hue in degrees, 0 to 359. */
export function hueOf([a, b]) {
  return Math.round((Math.atan2(b, a) * 180) / Math.PI + 360) % 360;
}

/** The chroma that a hint's color asks for: "#rrggbb", [a, b] or "gray". */
export function chromaOf(color) {
  if (color === "gray") return [0, 0];
  if (typeof color !== "string") return color;
  const bytes = [1, 3, 5].map((start) => parseInt(color.slice(start, start + 2), 16));
  return toLab(bytes).slice(1);
}

const HUES = [
  [15, "pink"], [40, "red"], [72, "orange"], [105, "yellow"], [150, "green"],
  [200, "turquoise"], [250, "sky blue"], [300, "blue"], [335, "purple"], [360, "pink"],
];

/** A color in words, for those who do not see it. */
export function inWords(lightness, ab) {
  const tone = lightness < 35 ? "dark " : lightness > 75 ? "light " : "";
  const chroma = Math.hypot(...ab);
  if (chroma < 6) return `${tone}gray`;
  if (lightness < 60 && chroma < 45 && hueOf(ab) > 40 && hueOf(ab) < 85) return `${tone}brown`;
  const [, hue] = HUES.find(([end]) => hueOf(ab) < end);
  return `${tone}${chroma < 22 ? "pale " : ""}${hue}`;
}

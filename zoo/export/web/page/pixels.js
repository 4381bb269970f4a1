// Photos as the browser decodes them, looked at and painted in stripes, so that large ones fit.

import { Merger, Shrinker } from "./color.js";
import { Refusal } from "./refusal.js";

const STRIPE = 2 ** 20; // pixels
const MOST = 2 ** 26; // pixels
const LONGEST = 2 ** 14; // px: browsers have no wider canvas
const QUALITY = { "image/jpeg": 0.95, "image/webp": 1 };

/** A file's picture, turned as its EXIF block says, in sRGB. */
export async function decode(file) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    throw new Refusal(`${file.name} cannot be read: it is no photo, or in a format that this browser does not know. Save it as JPEG or PNG.`);
  }
  const { width, height } = bitmap;
  if (width * height > MOST || Math.max(width, height) > LONGEST) {
    bitmap.close();
    throw new Refusal(`${file.name} has ${width} x ${height} px, and at most ${MOST / 2 ** 20} megapixels and ${LONGEST} px a side can be colored here. Make it smaller.`);
  }
  return bitmap;
}

function context(width, height) {
  const found = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  if (!found) throw new Refusal("This browser has no room for so large a photo. Make it smaller.");
  found.imageSmoothingEnabled = false;
  return found;
}

/** Call `work` with the pixels of each stripe and the number of its first row. */
function byStripes({ width, height }, bitmap, work) {
  const rows = Math.min(height, Math.max(1, Math.floor(STRIPE / width)));
  const window = context(width, rows);
  for (let start = 0; start < height; start += rows) {
    window.clearRect(0, 0, width, rows);
    window.drawImage(bitmap, 0, -start);
    work(window.getImageData(0, 0, width, Math.min(rows, height - start)), start);
  }
}

/** L at the size at which the network sees it. */
export function lightnessOf(bitmap, size) {
  const shrinker = new Shrinker(bitmap.height, bitmap.width, size);
  byStripes(bitmap, bitmap, ({ data }, start) => shrinker.take(data, start));
  return shrinker.finish();
}

/** The picture with the chroma `ab` of `size`, as a file of a type that the browser can write. */
export async function painted(bitmap, ab, size, type) {
  const { width, height } = bitmap;
  const merger = new Merger(height, width, ab, size);
  const whole = context(width, height);
  let last;
  byStripes(bitmap, bitmap, (stripe, start) => {
    merger.color(stripe.data, start);
    whole.putImageData(stripe, 0, start);
    last = stripe.data.at(-1);
  });
  // Some browsers say nothing of a canvas that is too large, and leave it empty.
  if (whole.getImageData(width - 1, height - 1, 1, 1).data[3] !== last) {
    throw new Refusal("This browser has no room for so large a photo. Make it smaller.");
  }
  return whole.canvas.convertToBlob({ type, quality: QUALITY[type] });
}

/** The picture with its long side at most `side` px. */
export function shrunk(bitmap, side) {
  const scale = Math.min(1, side / Math.max(bitmap.width, bitmap.height));
  const [resizeWidth, resizeHeight] = [bitmap.width, bitmap.height].map((one) => Math.max(1, Math.round(one * scale)));
  return createImageBitmap(bitmap, { resizeWidth, resizeHeight, resizeQuality: "high" });
}

// Where the model runs, so that the page stays responsive. Every task ends in its result or in one
// sentence; they are done one after the other.

import { workingSize } from "./color.js";
import { forgetOthers, read } from "./kept.js";
import * as ort from "./ort.wasm.min.js";
import { decode, lightnessOf, painted, shrunk } from "./pixels.js";
import { Refusal } from "./refusal.js";

const PREVIEW_SIDE = 1024;
const RUNTIME = new URL("ort-wasm-simd-threaded.js", import.meta.url).href;
const UNEXPECTED = "The model cannot run here: the browser may be too old, or its memory full.";

let model = null;
let session = null;
let photo = null;

/** Load the model that `about` describes; the browser chooses the number of threads. */
async function load(about) {
  const files = Object.values(about.files);
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  let loaded = 0;
  const onBytes = (count) => {
    loaded += count;
    postMessage({ progress: Math.min(1, loaded / total) });
  };
  const { network, runtime } = about.files;
  ort.env.logLevel = "error";
  ort.env.wasm.wasmPaths = { mjs: RUNTIME };
  ort.env.wasm.wasmBinary = await read(runtime, onBytes);
  session = await ort.InferenceSession.create(await read(network, onBytes), { logSeverityLevel: 3 });
  model = about;
  await forgetOthers(files);
}

/** Decode a file: its size, and its preview in gray. */
async function open(file) {
  const bitmap = await decode(file);
  photo?.bitmap.close();
  photo?.preview.close();
  photo = null;
  const { width, height } = bitmap;
  const size = workingSize(height, width, model.render_factor);
  const lightness = lightnessOf(bitmap, size);
  const preview = await shrunk(bitmap, PREVIEW_SIDE);
  photo = { bitmap, preview, size, lightness, ab: new Float32Array(2 * size[0] * size[1]) };
  return { width, height, gray: await paint(preview, "image/png") };
}

/** Color the photo with these options: its preview. */
async function color(options) {
  const { lightness, size, preview } = photo;
  const inputs = { lightness: new ort.Tensor("float32", lightness, [1, ...size, 1]) };
  for (const [name, value] of Object.entries(options)) inputs[name] = new ort.Tensor("float32", [value], []);
  const { ab } = await session.run(inputs);
  photo.ab = ab.data;
  return paint(preview, "image/png");
}

const paint = (bitmap, type) => painted(bitmap, photo.ab, photo.size, type);

/** The photo in its own size, with the colors of the last preview. */
const save = (type) => paint(photo.bitmap, type);

const TASKS = { load, open, color, save };
let line = Promise.resolve();

async function answer({ id, task, given }) {
  try {
    postMessage({ id, result: await TASKS[task](given) });
  } catch (error) {
    const isRefusal = error instanceof Refusal;
    if (!isRefusal) console.error(error);
    postMessage({ id, error: isRefusal ? error.message : UNEXPECTED });
  }
}

self.addEventListener("message", ({ data }) => {
  line = line.then(() => answer(data));
});

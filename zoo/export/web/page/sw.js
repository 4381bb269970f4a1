// Keeps the page itself for when there is no network. The large files are kept by the page (kept.js);
// photos are never kept.

const HERE = new URL("./", self.location).href;
const SHELL = [
  "./",
  "color.js",
  "compare.js",
  "elements.js",
  "engine.js",
  "icon-192.png",
  "icon-512.png",
  "icon.svg",
  "kept.js",
  "local.js",
  "manifest.webmanifest",
  "model.json",
  "options.js",
  "ort-wasm-simd-threaded.js",
  "ort.wasm.min.js",
  "pixels.js",
  "refusal.js",
  "status.js",
  "style.css",
  "worker.js",
];

importScripts("shell.js");
keepShell(`zoo-local:${HERE}`, SHELL, HERE);

// Keeps the page itself for when there is no network: newest first, the kept one otherwise. The large
// files are kept by the page (kept.js); photos are never kept.

const HERE = new URL("./", self.location).href;
const KEPT = `zoo-local:${HERE}`;
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

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(KEPT).then((cache) => cache.addAll(SHELL)));
  self.skipWaiting();
});

self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

const addresses = new Set(SHELL.map((path) => new URL(path, HERE).href));

async function answer(request) {
  const cache = await caches.open(KEPT);
  try {
    const response = await fetch(request);
    if (response.ok) cache.put(request, response.clone());
    return response;
  } catch (error) {
    const kept = await cache.match(request);
    if (kept) return kept;
    throw error;
  }
}

self.addEventListener("fetch", (event) => {
  const { method, url } = event.request;
  if (method === "GET" && addresses.has(url)) event.respondWith(answer(event.request));
});

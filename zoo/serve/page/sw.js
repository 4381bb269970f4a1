// Keeps the page itself for when there is no network: newest first, the kept one otherwise. Photos and
// answers of the server are never kept.

const KEPT = "zoo-shell";
const SHELL = [
  "../",
  "account.css",
  "account.js",
  "api.js",
  "compare.js",
  "download.js",
  "elements.js",
  "film-panel.js",
  "film.js",
  "form.js",
  "hints.js",
  "icon-192.png",
  "icon-512.png",
  "icon.svg",
  "lab.js",
  "main.js",
  "manifest.webmanifest",
  "marks.js",
  "models.js",
  "options.js",
  "overlay.js",
  "photo.js",
  "player.js",
  "queue.js",
  "reference.js",
  "sampler.js",
  "status.js",
  "storage.js",
  "style.css",
  "suggestions.js",
  "tokens.js",
  "turns.js",
  "wheel.js",
];

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(KEPT).then((cache) => cache.addAll(SHELL)));
  self.skipWaiting();
});

self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

const addresses = new Set(SHELL.map((path) => new URL(path, self.location).href));

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

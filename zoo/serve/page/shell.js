// What a service worker does that keeps a page for when there is no network: newest first, the kept one
// otherwise. Nothing but the files of the page is kept.

/** Keep the files at these paths, seen from `base`, in the cache of this name. */
function keepShell(name, paths, base) {
  const addresses = new Set(paths.map((path) => new URL(path, base).href));

  self.addEventListener("install", (event) => {
    event.waitUntil(caches.open(name).then((cache) => cache.addAll([...addresses])));
    self.skipWaiting();
  });

  self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

  self.addEventListener("fetch", (event) => {
    const { method, url } = event.request;
    if (method === "GET" && addresses.has(url)) event.respondWith(answer(event.request));
  });

  async function answer(request) {
    const cache = await caches.open(name);
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
}

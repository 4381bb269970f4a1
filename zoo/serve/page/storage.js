// What this browser knows of its photos, so that a reload loses neither settings nor hints.

const KEY = "zoo-photos";

export function remember(photos) {
  const arrived = photos.filter(({ info }) => info);
  const known = arrived.map(({ info, settings, hints }) => ({ id: info.id, settings, hints }));
  try {
    localStorage.setItem(KEY, JSON.stringify(known));
  } catch {
    // A private window may have no storage; then a reload starts anew.
  }
}

export function recall() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? [];
  } catch {
    return [];
  }
}

// What this browser knows of its photos, so that a reload loses neither settings nor hints.

let key = "zoo-photos";

/** Remember for one person, whose photos the next one does not see. */
export function rememberFor(person) {
  key = `zoo-photos-${person}`;
}

/** Forget everything of this person. */
export function forget() {
  try {
    localStorage.removeItem(key);
  } catch {
    // Without storage there is nothing to forget.
  }
}

export function remember(photos) {
  const arrived = photos.filter(({ info, isIdle }) => info && !isIdle);
  const known = arrived.map(({ info, settings, hints, film }) => ({ id: info.id, settings, hints, film }));
  try {
    localStorage.setItem(key, JSON.stringify(known));
  } catch {
    // A private window may have no storage; then a reload starts anew.
  }
}

export function recall() {
  try {
    return JSON.parse(localStorage.getItem(key)) ?? [];
  } catch {
    return [];
  }
}

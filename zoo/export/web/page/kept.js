// The large files: kept by the browser once they are there, so that they are loaded once and the page
// works without a network.

import { Refusal } from "./refusal.js";

const HERE = new URL("./", import.meta.url).href;
const KEPT = `zoo-local:${HERE}`;

/** No page that is reached over plain HTTP from another machine may keep files. */
const cache = () => globalThis.caches?.open(KEPT);

const address = ({ path, version }) => new URL(`${path}?v=${version}`, HERE).href;

async function fetched(url) {
  try {
    const response = await fetch(url);
    if (response.ok) return response;
  } catch {
    // Said below.
  }
  throw new Refusal("The model cannot be loaded. Check the connection and open the page again.");
}

async function response(url) {
  const kept = await cache();
  const found = await kept?.match(url);
  if (found) return found;
  const fresh = await fetched(url);
  // Where there is no space left the page works all the same, as long as there is a network.
  await kept?.put(url, fresh.clone()).catch(() => {});
  return fresh;
}

/** A stream's bytes; `onBytes` hears of each piece. */
async function collected(stream, onBytes) {
  const pieces = [];
  const reader = stream.getReader();
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    pieces.push(piece.value);
    onBytes(piece.value.length);
  }
  return new Blob(pieces);
}

/** Some hosts unpack what ends in .gz on its way, others do not. */
async function unpacked(blob) {
  const [first, second] = new Uint8Array(await blob.slice(0, 2).arrayBuffer());
  const isPacked = first === 0x1f && second === 0x8b;
  const stream = isPacked ? blob.stream().pipeThrough(new DecompressionStream("gzip")) : blob.stream();
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** The bytes of a file that model.json names. */
export async function read(file, onBytes = () => {}) {
  const { body } = await response(address(file));
  return unpacked(await collected(body, onBytes));
}

/** Forget the files of an earlier version of the page. */
export async function forgetOthers(files) {
  const kept = await cache();
  const wanted = new Set(files.map(address));
  for (const { url } of (await kept?.keys()) ?? []) {
    if (url.includes("?v=") && !wanted.has(url)) await kept.delete(url);
  }
}

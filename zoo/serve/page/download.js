// Photos at full size, in their own format: one by one or in one archive.

import { archiveUrl, downloadUrl } from "./api.js";
import { save } from "./elements.js";
import { inWords } from "./photo.js";
import { complain, say } from "./status.js";

async function busy(button, work) {
  button.disabled = true;
  try {
    await work();
  } catch (error) {
    complain(error.message);
  } finally {
    button.disabled = false;
  }
}

export function download(photo, button) {
  return busy(button, async () => {
    const job = await photo.fullSize((news) => say(`${photo.name} at full size: ${inWords(news)}`));
    save(downloadUrl(job));
    say(`${photo.name} is being saved.`);
  });
}

export function downloadAll(photos, button) {
  return busy(button, async () => {
    const jobs = [];
    for (const [number, photo] of photos.entries()) {
      say(`Photo ${number + 1} of ${photos.length} at full size`);
      jobs.push(await photo.fullSize());
    }
    save(archiveUrl(jobs));
    say("All photos are being saved.");
  });
}

export function saveHints(photo) {
  const text = JSON.stringify(photo.hints.toJSON(), null, 2);
  const url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  save(url, `${photo.name.replace(/\.[^.]*$/, "")}-hints.json`);
  setTimeout(() => URL.revokeObjectURL(url), 60_000); // the browser may still be reading it
}

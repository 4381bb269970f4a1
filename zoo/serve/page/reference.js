// A second photo that lends its colors.

import { grayUrl, upload } from "./api.js";
import { byId, onFiles } from "./elements.js";
import { complain, say } from "./status.js";

export class Reference {
  /** `onChange` hears what changes of the settings. */
  constructor(onChange) {
    this.onChange = onChange;
    this.urls = new Map();
    onFiles(byId("reference-drop"), byId("reference-pick"), ([file]) => file && this.take(file));
    byId("reference-remove").addEventListener("click", () => {
      onChange({ reference: null });
      byId("reference-pick").focus();
    });
    byId("transfer").addEventListener("change", (event) => onChange({ transfer: event.target.value }));
  }

  async take(file) {
    say(`Uploading ${file.name}`);
    try {
      const { id, name } = await upload(file);
      this.urls.set(id, URL.createObjectURL(file));
      say(`${name} lends its colors.`);
      this.onChange({ reference: { id, name } });
    } catch (error) {
      complain(error.message);
    }
  }

  show({ reference, transfer }) {
    byId("reference").hidden = !reference;
    byId("reference-drop").hidden = Boolean(reference);
    byId("transfer").value = transfer;
    if (!reference) return;
    // The server shows photos in gray alone; the colors are known where it was chosen.
    byId("reference-image").src = this.urls.get(reference.id) ?? grayUrl(reference.id, 320);
    byId("reference-image").alt = `${reference.name}, which lends its colors`;
  }
}

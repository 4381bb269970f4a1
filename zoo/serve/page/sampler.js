// Colors of single pixels of a picture on the page.

import { toLab } from "./lab.js";

export class Sampler {
  constructor(image) {
    this.image = image;
    this.context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    image.addEventListener("load", () => this.draw());
  }

  draw() {
    const { naturalWidth: width, naturalHeight: height } = this.image;
    Object.assign(this.context.canvas, { width, height });
    this.context.drawImage(this.image, 0, 0);
    this.source = this.image.getAttribute("src");
  }

  /** Lab at shares of width and height; null while the picture is not there. */
  at(shareX, shareY) {
    if (!this.source || this.source !== this.image.getAttribute("src")) return null;
    const { width, height } = this.context.canvas;
    const x = Math.min(width - 1, Math.floor(shareX * width));
    const y = Math.min(height - 1, Math.floor(shareY * height));
    return toLab([...this.context.getImageData(x, y, 1, 1).data.slice(0, 3)]);
  }
}

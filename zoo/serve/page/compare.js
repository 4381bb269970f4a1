// Gray and color over each other, parted by a slider.

export class Compare {
  constructor(stage, slider) {
    Object.assign(this, { stage, slider, isOn: true });
    this.before = stage.querySelector(".before");
    this.after = stage.querySelector(".after");
    slider.addEventListener("input", () => this.part(Number(slider.value)));
    stage.addEventListener("pointerdown", (event) => this.grab(event));
    stage.addEventListener("pointermove", (event) => this.drag(event));
    this.part(Number(slider.value));
  }

  /** Show the left `percent` of the photo in gray. */
  part(percent) {
    this.slider.value = percent;
    this.slider.setAttribute("aria-valuetext", `${Math.round(percent)} % gray`);
    this.stage.style.setProperty("--split", `${percent}%`);
  }

  grab(event) {
    if (!this.isOn || event.button) return;
    this.stage.setPointerCapture(event.pointerId);
    this.follow(event);
  }

  drag(event) {
    if (this.isOn && this.stage.hasPointerCapture(event.pointerId)) this.follow(event);
  }

  follow(event) {
    const { left, width } = this.stage.getBoundingClientRect();
    this.part(Math.min(100, Math.max(0, (100 * (event.clientX - left)) / width)));
  }

  /** Where marks are made all is in color. */
  turn(isOn) {
    this.isOn = isOn;
    this.stage.classList.toggle("whole", !isOn);
    this.slider.closest("label").hidden = !isOn;
  }

  show({ gray, color, width, height, name }) {
    this.stage.style.setProperty("--ratio", width / height);
    if (this.before.getAttribute("src") !== gray) this.before.src = gray;
    this.before.alt = `${name} in gray`;
    this.after.alt = `${name} in color`;
    this.after.hidden = !color;
    if (color && this.after.getAttribute("src") !== color) this.after.src = color;
  }
}

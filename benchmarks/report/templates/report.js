"use strict";

// Tables whose headings sort them, and photos one at a time, two pictures over each other. Without
// this script the page is the same, with the rows in the file's order and all photos below each other.

const OPPOSITE = { ascending: "descending", descending: "ascending" };

/** What a cell sorts by: null where there is no figure. */
function sortValue(cell, kind) {
  if (kind === "text") return cell.textContent.trim();
  return cell.dataset.value === undefined ? null : Number(cell.dataset.value);
}

/** Order two values; those without a figure come last in either order. */
function compareValues(a, b, order) {
  if (a === null || b === null) return (a === null) - (b === null);
  const ascending = typeof a === "string" ? a.localeCompare(b, "en", { numeric: true }) : a - b;
  return order === "ascending" ? ascending : -ascending;
}

function makeSortable(table) {
  const body = table.tBodies[0];
  const rows = [...body.rows]; // the file's order settles ties
  const headings = [...table.tHead.rows[0].cells];
  const sortBy = (column) => {
    const heading = headings[column];
    const { kind, first } = heading.dataset;
    const order = OPPOSITE[heading.getAttribute("aria-sort")] ?? first;
    headings.forEach((other) => other.removeAttribute("aria-sort"));
    heading.setAttribute("aria-sort", order);
    const value = (row) => sortValue(row.cells[column], kind);
    body.append(...[...rows].sort((a, b) => compareValues(value(a), value(b), order)));
  };
  headings.forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    button.addEventListener("click", () => sortBy(column));
    heading.append(button);
  });
}

function isOnScreen(element) {
  const { top, bottom } = element.getBoundingClientRect();
  return top < window.innerHeight && bottom > 0;
}

/** One photo at a time, and any two of its pictures over each other: by mouse, touch and keys. */
class Browser {
  constructor(root) {
    this.root = root;
    this.photos = [...root.querySelectorAll(".photo")];
    this.find = (selector) => root.querySelector(selector);
    this.selects = { left: this.find(".side-left"), right: this.find(".side-right") };
    this.frame = this.find(".frame");
    this.stage = this.find(".stage");
    this.range = this.find("input[type=range]");
    this.zoom = this.find(".zoom");
    this.shown = 0;
    this.held = false;
    this.fillSelects();
    this.makeTilesButtons();
    this.listenToControls();
    this.listenToPointers();
    this.listenToKeys();
    this.find(".compare").hidden = false;
    this.step(0);
    new ResizeObserver(() => this.resize()).observe(this.frame);
    window.addEventListener("resize", () => this.resize());
  }

  /** The pictures of the photo that is shown: gray, truth, and each model's. */
  get figures() {
    return [...this.photos[this.shown].querySelectorAll("figure")];
  }

  fillSelects() {
    const titles = this.figures.map((figure) => figure.dataset.title);
    Object.values(this.selects).forEach((select) => {
      select.append(...titles.map((title, number) => new Option(title, number)));
    });
    this.selects.left.value = Math.min(2, titles.length - 1); // the best model
    this.selects.right.value = 1; // the truth
  }

  makeTilesButtons() {
    this.root.querySelectorAll("figure").forEach((figure) => {
      const button = document.createElement("button");
      button.type = "button";
      button.setAttribute("aria-label", `${figure.dataset.title}: show it on the right`);
      const number = [...figure.parentElement.children].indexOf(figure);
      button.addEventListener("click", () => this.choose("right", number));
      figure.prepend(button);
      button.append(figure.querySelector("img"));
    });
  }

  choose(side, number) {
    if (number >= this.selects[side].options.length) return;
    this.selects[side].value = number;
    this.draw();
  }

  step(by) {
    const count = this.photos.length;
    this.shown = (this.shown + by + count) % count;
    this.photos.forEach((photo, number) => { photo.hidden = number !== this.shown; });
    const name = this.photos[this.shown].querySelector("h3").textContent;
    this.find("output").textContent = `Photo ${this.shown + 1} of ${count}: ${name}`;
    this.draw();
  }

  hold(held) {
    if (held === this.held) return;
    this.held = held;
    this.find(".hold").classList.toggle("held", held);
    this.draw();
  }

  /** Show both pictures; while the other is held, they change places. */
  draw() {
    const chosen = [this.selects.left, this.selects.right].map((one) => this.figures[one.value]);
    const [left, right] = this.held ? chosen.reverse() : chosen;
    const places = [["over", "name-left", left], ["under", "name-right", right]];
    places.forEach(([image, name, figure]) => {
      const picture = figure.querySelector("img");
      this.find(`.${image}`).src = picture.src;
      this.find(`.${image}`).alt = picture.alt;
      this.find(`.${name}`).textContent = figure.querySelector("figcaption").textContent;
    });
    this.figures.forEach((figure) => {
      figure.classList.toggle("chosen", figure === left || figure === right);
    });
    this.under().decode().then(() => this.resize(), () => {});
    this.split(this.range.value);
  }

  under() {
    return this.find(".under");
  }

  /** Show the left picture on the first `percent` of the width. */
  split(percent) {
    const share = Math.round(Math.min(100, Math.max(0, percent)));
    this.range.value = share;
    const [left, right] = [".name-left", ".name-right"].map((name) => this.find(name).textContent);
    this.range.setAttribute("aria-valuetext", `${share} % ${left}, ${100 - share} % ${right}`);
    this.stage.style.setProperty("--split", `${share}%`);
  }

  /** Give the pictures the size that is chosen: their own pixels so many times, or what fits. */
  resize() {
    const { naturalWidth: width, naturalHeight: height } = this.under();
    if (!width) return;
    const fitting = Math.min(this.frame.clientWidth, (0.7 * window.innerHeight * width) / height);
    const wanted = this.zoom.value === "fit" ? fitting : width * Number(this.zoom.value);
    this.stage.style.width = `${Math.floor(wanted)}px`;
    this.stage.classList.toggle("enlarged", wanted >= 2 * width && this.zoom.value !== "fit");
    this.frame.classList.toggle("overflows", wanted > this.frame.clientWidth);
  }

  listenToControls() {
    this.root.querySelectorAll("[data-step]").forEach((button) => {
      button.addEventListener("click", () => this.step(Number(button.dataset.step)));
    });
    Object.values(this.selects).forEach((one) => one.addEventListener("change", () => this.draw()));
    this.zoom.addEventListener("change", () => this.resize());
    this.range.addEventListener("input", () => this.split(this.range.value));
    this.find(".swap").addEventListener("click", () => {
      const { left, right } = this.selects;
      [left.value, right.value] = [right.value, left.value];
      this.draw();
    });
  }

  listenToPointers() {
    const { stage } = this;
    const move = (event) => {
      const { left, width } = stage.getBoundingClientRect();
      this.split((100 * (event.clientX - left)) / width);
    };
    stage.addEventListener("pointerdown", (event) => {
      // Where a finger scrolls an enlarged picture, it moves the divider alone.
      const scrolls = this.frame.classList.contains("overflows") && event.pointerType === "touch";
      if (event.button || (scrolls && !event.target.closest(".divider"))) return;
      stage.setPointerCapture(event.pointerId);
      move(event);
    });
    stage.addEventListener("pointermove", (event) => {
      if (stage.hasPointerCapture(event.pointerId)) move(event);
    });
    const button = this.find(".hold");
    button.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      button.setPointerCapture(event.pointerId);
      this.hold(true);
    });
    button.addEventListener("lostpointercapture", () => this.hold(false));
    button.addEventListener("contextmenu", (event) => event.preventDefault()); // of a long touch
  }

  listenToKeys() {
    const holds = ({ key, target }) =>
      key === "h" || key === "H" || (target === this.find(".hold") && " Enter".includes(key));
    this.root.addEventListener("keydown", (event) => {
      if (event.altKey || event.ctrlKey || event.metaKey || event.target.closest("select")) return;
      const digit = /^(?:Digit|Numpad)(\d)$/.exec(event.code);
      if (digit) this.choose(event.shiftKey ? "left" : "right", (Number(digit[1]) + 9) % 10);
      else if (holds(event)) this.hold(true);
      else return;
      event.preventDefault();
    });
    this.root.addEventListener("keyup", (event) => { if (holds(event)) this.hold(false); });
    this.root.addEventListener("focusout", ({ target, relatedTarget }) => {
      const left = target === this.find(".hold") || !this.root.contains(relatedTarget);
      if (left) this.hold(false); // nobody would hear the key come up
    });
    document.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      const taken = event.altKey || event.ctrlKey || event.metaKey || event.shiftKey;
      // There the keys scroll a wide table or picture, move the slider, or choose.
      const used = event.target.closest(".scroll, .overflows, input, select");
      if (!by || taken || used || !isOnScreen(this.root)) return;
      event.preventDefault();
      this.step(by);
    });
  }
}

document.querySelectorAll("table.sortable").forEach(makeSortable);
document.querySelectorAll(".browser").forEach((root) => new Browser(root));

// Elements by their id, and new ones.

export const byId = (id) => document.getElementById(id);

export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** Call `begin` before the first of a slider's moves, `move` at each one. */
export function onSlide(slider, begin, move) {
  let sliding = false;
  slider.addEventListener("input", () => {
    if (!sliding) begin();
    sliding = true;
    move(Number(slider.value));
  });
  slider.addEventListener("change", () => {
    sliding = false;
  });
}

/** Files that are dropped on an element or chosen in an input. */
export function onFiles(zone, input, take) {
  const isFile = (event) => event.dataTransfer?.types.includes("Files");
  zone.addEventListener("dragover", (event) => {
    if (!isFile(event)) return;
    event.preventDefault();
    event.stopPropagation();
    zone.classList.add("over");
  });
  zone.addEventListener("dragleave", () => zone.classList.remove("over"));
  zone.addEventListener("drop", (event) => {
    if (!isFile(event)) return;
    event.preventDefault();
    event.stopPropagation();
    zone.classList.remove("over");
    take([...event.dataTransfer.files]);
  });
  input.addEventListener("change", () => {
    take([...input.files]);
    input.value = ""; // the same file may be chosen again
  });
}

/** Let a link's target be saved as a file. */
export function save(url, name = "") {
  const link = make("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
}

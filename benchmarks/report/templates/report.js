"use strict";

// Tables whose headings sort them, and photos one at a time. Without this script the page is the
// same, with the rows in the file's order and all photos below each other.

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

function makeBrowser(browser) {
  const photos = [...browser.querySelectorAll(".photo")];
  if (photos.length < 2) return;
  const controls = browser.querySelector(".controls");
  const place = controls.querySelector("output");
  let shown = 0;
  const step = (by) => {
    shown = (shown + by + photos.length) % photos.length;
    photos.forEach((photo, number) => { photo.hidden = number !== shown; });
    place.textContent = `Photo ${shown + 1} of ${photos.length}`;
  };
  controls.querySelectorAll("button").forEach((button) => {
    button.addEventListener("click", () => step(Number(button.dataset.step)));
  });
  document.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const taken = event.altKey || event.ctrlKey || event.metaKey || event.shiftKey;
    // In a wide table or picture, the keys scroll it.
    if (!by || taken || event.target.closest(".scroll") || !isOnScreen(browser)) return;
    event.preventDefault();
    step(by);
  });
  controls.hidden = false;
  step(0);
}

document.querySelectorAll("table.sortable").forEach(makeSortable);
document.querySelectorAll(".browser").forEach(makeBrowser);

// A slider and a number for each option that the chosen model declares.

import { make } from "./elements.js";

const STEPS = 100;

const title = (name) => name[0].toUpperCase() + name.slice(1).replaceAll("_", " ");
const step = ({ low, high, whole }) => (whole ? 1 : Number(((high - low) / STEPS).toPrecision(1)));

function control(option, value, onChange) {
  const { name, low, high, meaning, whole } = option;
  const id = `option-${name}`;
  const range = { min: low, max: high };
  const slider = make("input", { type: "range", ...range, step: step(option), value });
  slider.setAttribute("aria-label", title(name));
  const number = make("input", { type: "number", id, ...range, step: whole ? 1 : "any", value });
  number.setAttribute("aria-describedby", `${id}-meaning`);
  slider.addEventListener("input", () => {
    number.value = slider.value;
    onChange(name, Number(slider.value));
  });
  number.addEventListener("change", () => {
    if (number.value === "" || !number.reportValidity()) return;
    slider.value = number.value;
    onChange(name, Number(number.value));
  });
  const label = make("label", { htmlFor: id, textContent: title(name) });
  const note = make("p", { id: `${id}-meaning`, className: "soft", textContent: meaning });
  return make("div", { className: "option" }, label, number, slider, note);
}

export function showOptions(container, model, values, onChange) {
  const value = ({ name, default: given }) => values[name] ?? given;
  container.replaceChildren(...model.options.map((one) => control(one, value(one), onChange)));
}

// Forms: what is wrong is said beside each field, or below all of them.

import { ApiError } from "./api.js";

const fieldsOf = (form) => [...form.querySelectorAll("input[name]")];
const noteOf = (field) => document.getElementById(field.getAttribute("aria-describedby"));

function clear(form) {
  for (const field of fieldsOf(form)) {
    field.removeAttribute("aria-invalid");
    noteOf(field).textContent = "";
  }
  form.querySelector("[role=alert]").textContent = "";
}

function tell(form, error) {
  if (!(error instanceof ApiError)) throw error;
  const wrong = fieldsOf(form).filter(({ name }) => error.fields[name]);
  for (const field of wrong) {
    field.setAttribute("aria-invalid", "true");
    noteOf(field).textContent = error.fields[field.name];
  }
  if (!wrong.length) form.querySelector("[role=alert]").textContent = error.message;
  (wrong[0] ?? fieldsOf(form)[0]).focus();
}

/** Send a form's fields by `send`, one time at a time. */
export function onSubmit(form, send) {
  let isBusy = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (isBusy) return;
    isBusy = true;
    clear(form);
    try {
      await send(Object.fromEntries(new FormData(form)));
    } catch (error) {
      tell(form, error);
    } finally {
      isBusy = false;
    }
  });
}

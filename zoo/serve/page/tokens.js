// Tokens of programs: made, shown once, listed and revoked.

import { getTokens, makeToken, revokeToken } from "./api.js";
import { byId, make } from "./elements.js";
import { onSubmit } from "./form.js";
import { complain, say } from "./status.js";

const moment = (iso) => new Date(iso).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });

function item(token) {
  const { id, name, created, used } = token;
  const history = `Made ${moment(created)}, ${used ? `last used ${moment(used)}` : "never used"}`;
  const revoke = make("button", { type: "button", textContent: "Revoke" });
  revoke.setAttribute("aria-label", `Revoke ${name}`);
  revoke.addEventListener("click", async () => {
    try {
      await revokeToken(id);
      say(`${name} is revoked.`);
      await list();
      byId("token-name").focus();
    } catch (error) {
      complain(error.message);
    }
  });
  const text = make("p", {}, make("b", { textContent: name }), make("span", { className: "soft", textContent: history }));
  return make("li", {}, text, revoke);
}

async function list() {
  byId("tokens").replaceChildren(...(await getTokens()).map(item));
}

function hideNew() {
  byId("new-token").hidden = true;
  byId("token").value = "";
}

/** List the tokens as they are now. */
export async function showTokens() {
  hideNew();
  await list();
}

onSubmit(byId("token-form"), async (fields) => {
  hideNew();
  const { token } = await makeToken(fields);
  byId("token-name").value = "";
  byId("token").value = token;
  byId("new-token").hidden = false;
  byId("token").focus();
  byId("token").select();
  await list();
});

byId("copy-token").addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText(byId("token").value);
    say("The token is copied.");
  } catch {
    byId("token").select(); // where the page may not write there, the keys do
  }
});

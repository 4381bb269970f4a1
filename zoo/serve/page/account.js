// Who is here: signing up, logging in and out, and the end of an account.
//
// Whenever somebody comes or goes the page begins anew, here and in the other tabs: nothing of one
// person stays for the next one.

import { deleteAccount, getAccount, logIn, logOut, signUp } from "./api.js";
import { byId } from "./elements.js";
import { onSubmit } from "./form.js";
import { complain } from "./status.js";
import { forget, rememberFor } from "./storage.js";
import { showTokens } from "./tokens.js";

const ENDED = "#session-ended";
const VIEWS = ["log-in", "sign-up", "account"];

let account = null;
let tabs = null;

/** Show one of the views, or the photos without one. */
function show(view) {
  for (const id of VIEWS) byId(id).hidden = id !== view;
  byId("people").hidden = !view;
  byId("photo-room").hidden = Boolean(view);
  document.querySelector(".skip").hidden = Boolean(view);
  byId("open-account").setAttribute("aria-expanded", view === "account");
  window.scrollTo(0, 0);
  if (view) byId(view).querySelector("h2").focus();
}

function beginAnew() {
  tabs.postMessage("changed");
  location.reload();
}

async function showAccount() {
  const since = new Date(account.created).toLocaleDateString(undefined, { dateStyle: "long" });
  byId("account-who").textContent = `${account.name}, ${account.email}, since ${since}`;
  byId("account-email").value = account.email;
  show("account");
  await showTokens();
}

async function leave() {
  try {
    await logOut();
    beginAnew();
  } catch (error) {
    complain(error.message);
  }
}

function listen() {
  byId("to-sign-up").addEventListener("click", () => show("sign-up"));
  byId("to-log-in").addEventListener("click", () => show("log-in"));
  byId("open-account").addEventListener("click", () => {
    if (byId("account").hidden) showAccount().catch((error) => complain(error.message));
    else show(null);
  });
  byId("close-account").addEventListener("click", () => {
    show(null);
    byId("open-account").focus();
  });
  byId("log-out").addEventListener("click", leave);
  onSubmit(byId("log-in-form"), (fields) => logIn(fields).then(beginAnew));
  onSubmit(byId("sign-up-form"), (fields) => signUp(fields).then(beginAnew));
  onSubmit(byId("delete-form"), async (fields) => {
    await deleteAccount(fields);
    forget();
    beginAnew();
  });
  window.addEventListener("unknown-person", () => {
    if (!account) return; // a wrong password, of somebody who is not in yet
    account = null;
    location.hash = ENDED;
    location.reload();
  });
  tabs = new BroadcastChannel("zoo-account");
  tabs.addEventListener("message", () => location.reload());
}

function askToLogIn() {
  if (location.hash === ENDED) {
    byId("log-in-form").querySelector("[role=alert]").textContent = "Your session has ended; log in again.";
    history.replaceState(null, "", location.pathname);
  }
  if (byId("people").hidden) show("log-in");
}

/** Whether an account has logged in, whose photos are all shown. */
export const hasAccount = () => Boolean(account);

/** Whether somebody may use the page: everybody, on a server without accounts. */
export async function letIn() {
  const known = await getAccount();
  account = known.account;
  if (!known.accounts) return true;
  if (!tabs) listen();
  if (!account) {
    askToLogIn();
    return false;
  }
  rememberFor(account.id);
  byId("person").hidden = false;
  byId("person-name").textContent = account.name;
  return true;
}

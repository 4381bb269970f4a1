// The server's interface: every call ends in its answer or in the server's own sentence.

const ROOT = "api/v1/";
const HEADERS = { "X-Requested-With": "zoo" };
const MOST_MISSES = 5; // while the network is away, some seconds apart
const FINAL = ["done", "failed"];

/** What the server refused, in its words; `fields` has those of each field of a form. */
export class ApiError extends Error {
  constructor(message, status, wait = null, fields = {}) {
    super(message);
    Object.assign(this, { status, wait, fields });
  }
}

const UNREACHABLE = "The server cannot be reached. Check the connection and try again.";

function explain(status, text, retryAfter) {
  let message = `The server answered with status ${status}.`;
  let fields;
  try {
    const said = JSON.parse(text);
    message = said.error ?? message;
    fields = said.fields;
  } catch {
    // A proxy in between may answer in HTML.
  }
  if (status === 401) window.dispatchEvent(new Event("unknown-person"));
  return new ApiError(message, status, status === 429 ? Number(retryAfter) || 2 : null, fields);
}

async function call(path, { method = "GET", json, signal } = {}) {
  const headers = json === undefined ? HEADERS : { ...HEADERS, "Content-Type": "application/json" };
  const body = json === undefined ? undefined : JSON.stringify(json);
  let response;
  try {
    response = await fetch(ROOT + path, { method, headers, body, signal });
  } catch (error) {
    throw error.name === "AbortError" ? error : new ApiError(UNREACHABLE, 0);
  }
  const text = await response.text();
  if (!response.ok) throw explain(response.status, text, response.headers.get("Retry-After"));
  return text ? JSON.parse(text) : null;
}

export const getAccount = () => call("account");
export const signUp = (json) => call("account", { method: "POST", json });
export const deleteAccount = (json) => call("account", { method: "DELETE", json });
export const logIn = (json) => call("session", { method: "POST", json });
export const logOut = () => call("session", { method: "DELETE" });
export const getTokens = async () => (await call("tokens")).tokens;
export const makeToken = (json) => call("tokens", { method: "POST", json });
export const revokeToken = (id) => call(`tokens/${id}`, { method: "DELETE" });

export const getModels = () => call("models");
export const getPhotos = async () => (await call("photos")).photos;
export const getJob = (id) => call(`jobs/${id}`);
export const removePhoto = (id) => call(`photos/${id}`, { method: "DELETE" });
export const removeJob = (id) => call(`jobs/${id}`, { method: "DELETE" });
export const suggest = async (id, json, signal) =>
  (await call(`photos/${id}/suggestions`, { method: "POST", json, signal })).suggestions;

export const grayUrl = (id, side) => `${ROOT}photos/${id}/image?side=${side}`;
export const filmUrl = (id) => `${ROOT}photos/${id}/film`;
export const resultUrl = (id) => `${ROOT}jobs/${id}/result`;
export const downloadUrl = (id) => `${ROOT}jobs/${id}/result?download=1`;
export const archiveUrl = (ids) => `${ROOT}archive?jobs=${ids.join(",")}`;

/** Upload a photo or film; `onProgress` hears which share has been sent, which fetch would not tell. */
export function upload(file, onProgress = () => {}) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const form = new FormData();
    form.append("photo", file, file.name);
    request.open("POST", `${ROOT}photos`);
    for (const [name, value] of Object.entries(HEADERS)) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) onProgress(event.loaded / event.total);
    });
    request.addEventListener("error", () => reject(new ApiError(UNREACHABLE, 0)));
    request.addEventListener("load", () => {
      const { status, responseText } = request;
      if (status === 201) resolve(JSON.parse(responseText));
      else reject(explain(status, responseText, request.getResponseHeader("Retry-After")));
    });
    request.send(form);
  });
}

const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, 1000 * seconds));

function aborted() {
  return new DOMException("Something newer was asked for.", "AbortError");
}

/** Put a job into the server's queue. */
export async function startJob(photo, json, signal) {
  for (;;) {
    try {
      return await call(`photos/${photo}/jobs`, { method: "POST", json });
    } catch (error) {
      // The queue is full: that passes, and nothing is wrong with the job.
      if (!error.wait) throw error;
      await pause(error.wait);
      if (signal?.aborted) throw aborted();
    }
  }
}

/** Follow a job to its end; `onChange` hears its news. */
export function followJob(job, onChange, signal) {
  return new Promise((resolve, reject) => {
    const events = new EventSource(`${ROOT}jobs/${job.id}/events`);
    let misses = 0;
    const end = (finish, value) => {
      events.close();
      signal?.removeEventListener("abort", stop);
      finish(value);
    };
    const stop = () => end(reject, aborted());
    const hear = (news) => {
      misses = 0;
      onChange(news);
      if (news.state === "done") end(resolve, news);
      if (news.state === "failed") end(reject, new ApiError(news.error, 422));
    };
    signal?.addEventListener("abort", stop);
    events.addEventListener("job", (event) => hear(JSON.parse(event.data)));
    events.addEventListener("error", async () => {
      // The stream may have broken before its last event: ask, and otherwise let it reconnect.
      try {
        const news = await getJob(job.id);
        if (FINAL.includes(news.state) || events.readyState !== EventSource.CLOSED) hear(news);
        else end(reject, new ApiError(UNREACHABLE, 0));
      } catch (error) {
        misses += 1;
        const isOver = error.status || misses > MOST_MISSES || events.readyState === EventSource.CLOSED;
        if (isOver) end(reject, error);
      }
    });
  });
}

/** Run a job to its end; one that is no longer wanted is removed from the server's queue. */
export async function runJob(photo, json, { onChange = () => {}, signal } = {}) {
  const job = await startJob(photo, json, signal);
  try {
    if (signal?.aborted) throw aborted();
    onChange(job);
    return job.state === "done" ? job : await followJob(job, onChange, signal);
  } catch (error) {
    if (error.name === "AbortError") removeJob(job.id).catch(() => {}); // it may be gone by itself
    throw error;
  }
}

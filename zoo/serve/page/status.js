// What is said to the user: news politely, troubles at once.

const status = document.getElementById("status");
const trouble = document.getElementById("trouble");

export function say(text) {
  status.textContent = text;
}

export function complain(text) {
  trouble.querySelector("p").textContent = text;
  trouble.hidden = false;
}

export function forgive() {
  trouble.hidden = true;
}

trouble.querySelector("button").addEventListener("click", forgive);

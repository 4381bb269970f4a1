// Who may speak to the server next. A browser opens six connections to a host, and each running job
// holds one for its events: without turns, ten photos would keep their own pictures from loading.

const MOST = 3;

let taken = 0;
const waiting = [];

function next() {
  while (taken < MOST && waiting.length) {
    taken += 1;
    waiting.shift()();
  }
}

/** Run `work` when it is its turn: what the user looks at before everything else. */
export async function inTurn(work, { urgent = false } = {}) {
  await new Promise((begin) => {
    if (urgent) waiting.unshift(begin);
    else waiting.push(begin);
    next();
  });
  try {
    return await work();
  } finally {
    taken -= 1;
    next();
  }
}

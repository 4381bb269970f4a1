// Who may speak to the server next. A browser opens six connections to a host, and each running job
// holds one for its events: without turns, ten photos would keep their own pictures from loading.

/** A function that runs `work` when it is its turn, so many at a time. */
function turns(most) {
  let taken = 0;
  const waiting = [];
  const next = () => {
    while (taken < most && waiting.length) {
      taken += 1;
      waiting.shift()();
    }
  };
  /** What the user looks at is `urgent`: it comes before everything else. */
  return async (work, { urgent = false } = {}) => {
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
  };
}

export const inTurn = turns(3);
/** Films are colored one at a time, for so long that photos would not get their turn. */
export const inTurnOfFilms = turns(1);

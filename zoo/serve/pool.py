"""Threads that color, a few at a time, and the bounded queue before them."""

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from zoo.serve.refusals import Refusal

#: The times of so many pieces of work make the estimate.
_REMEMBERED = 20
#: Said before anything is known of how long work takes, in seconds.
_FIRST_GUESS = 5.0
#: The longest that somebody is told to wait before the next try, in seconds.
_LONGEST_WAIT = 30.0


@dataclass(frozen=True)
class Place:
    """Where a piece of work stands.

    Attributes:
        position: 1 for the next one; None while it runs.
        estimate: seconds until it is done; None before anything has been.
    """

    position: int | None
    estimate: float | None


@dataclass(frozen=True)
class _Work:
    key: str
    run: Callable[[], Any]
    future: "Future[Any]" = field(default_factory=Future)


class Pool:
    """Does pieces of work in their order.

    Args:
        workers: how many at a time.
        waiting: how many may wait.
        changed: called whenever places have changed, by any thread.
        kind: what people call the pieces of work.
    """

    def __init__(
        self,
        workers: int,
        waiting: int,
        changed: Callable[[], None] = lambda: None,
        kind: str = "photos",
    ) -> None:
        self._workers, self._waiting, self._changed = workers, waiting, changed
        self._kind = kind
        self._queue: deque[_Work] = deque()
        self._running: dict[str, float] = {}
        self._took: deque[float] = deque(maxlen=_REMEMBERED)
        self._promised = 0.0
        self._stopping = False
        self._turn = threading.Condition()
        self._threads = [
            threading.Thread(target=self._work, name=f"{kind}-{number}", daemon=True)
            for number in range(workers)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, key: str, run: Callable[[], Any], *, again: bool = False) -> "Future[Any]":
        """Add a piece of work at the end of the queue.

        Args:
            key: its name.
            run: does it.
            again: whether it was in the queue of an earlier process, and so has its place.

        Raises:
            Refusal: 429 if the queue is full, 503 if the server stops.
        """
        work = _Work(key, run)
        with self._turn:
            self._require_room(again)
            self._queue.append(work)
            self._turn.notify()
        self._changed()
        return work.future

    def require_room(self) -> None:
        """Refuse at once what could not be submitted, before anything is done for it.

        Raises:
            Refusal: as `submit`.
        """
        with self._turn:
            self._require_room()

    def _require_room(self, again: bool = False) -> None:
        if self._stopping:
            raise _stopping()
        if len(self._queue) >= self._waiting and not again:
            wait = self._next_place()
            raise Refusal(
                429,
                f"{len(self._queue)} {self._kind} are waiting already; try again in {wait} s.",
                retry_after=wait,
            )

    def _next_place(self) -> int:
        """Seconds until there is a place that nobody else has been told of yet.

        Told the same time, all would come at once, and all but one of them in vain.
        """
        now, between = time.monotonic(), self._mean() / self._workers
        self._promised = min(max(self._promised, now) + between, now + _LONGEST_WAIT)
        return math.ceil(self._promised - now)

    def cancel(self, key: str) -> None:
        """Take a piece of work out of the queue; what runs already goes on."""
        with self._turn:
            for work in [one for one in self._queue if one.key == key]:
                self._queue.remove(work)
                work.future.cancel()
        self._changed()

    def place(self, key: str) -> Place | None:
        """Where a piece of work stands; None if it is neither waiting nor running."""
        with self._turn:
            known = self._mean() if self._took else None
            if key in self._running:
                passed = time.monotonic() - self._running[key]
                return Place(None, None if known is None else max(0.0, known - passed))
            for number, work in enumerate(self._queue):
                if work.key == key:
                    before = number + len(self._running)
                    left = None if known is None else known * (1 + before / self._workers)
                    return Place(number + 1, left)
        return None

    def end(self) -> None:
        """Take no more work, and leave what waits."""
        with self._turn:
            self._stopping = True
            left = list(self._queue)
            self._queue.clear()
            self._turn.notify_all()
        for work in left:
            if work.future.set_running_or_notify_cancel():
                work.future.set_exception(_stopping())

    def stop(self) -> None:
        """The same, and finish what runs."""
        self.end()
        for thread in self._threads:
            thread.join()

    def _mean(self) -> float:
        return sum(self._took) / len(self._took) if self._took else _FIRST_GUESS

    def _work(self) -> None:
        while (work := self._next()) is not None:
            self._changed()
            started = time.monotonic()
            try:
                work.future.set_result(work.run())
            except BaseException as error:  # noqa: BLE001 - for whoever waits for the result
                work.future.set_exception(error)
            with self._turn:
                del self._running[work.key]
                self._took.append(time.monotonic() - started)
            self._changed()

    def _next(self) -> _Work | None:
        """Wait for work; None when there will be no more."""
        with self._turn:
            while True:
                while not self._queue and not self._stopping:
                    self._turn.wait()
                if self._stopping:
                    return None
                work = self._queue.popleft()
                # False if whoever waited for it has gone.
                if work.future.set_running_or_notify_cancel():
                    self._running[work.key] = time.monotonic()
                    return work


def _stopping() -> Refusal:
    return Refusal(503, "The server is being stopped; try again later.", retry_after=10)

"""Telling requests that wait in an event loop what threads have changed."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Changes:
    """Wakes everybody who listens.

    Attributes:
        ended: whether nothing will change any more: the server stops.
    """

    def __init__(self) -> None:
        self.ended = False
        self._listening: dict[asyncio.AbstractEventLoop, set[asyncio.Event]] = {}
        self._lock = threading.Lock()

    def tell(self) -> None:
        """Say that something has changed, from any thread."""
        with self._lock:
            for loop, listening in self._listening.items():
                # Waking a loop costs more than setting its events: once for all of them.
                loop.call_soon_threadsafe(_set_all, tuple(listening))

    def end(self) -> None:
        """Let all who listen go."""
        self.ended = True
        self.tell()

    @contextmanager
    def listening(self) -> Iterator[asyncio.Event]:
        """An event that is set at each change inside the block; in a coroutine."""
        happened, loop = asyncio.Event(), asyncio.get_running_loop()
        with self._lock:
            self._listening.setdefault(loop, set()).add(happened)
        try:
            yield happened
        finally:
            with self._lock:
                self._listening[loop].remove(happened)
                if not self._listening[loop]:
                    del self._listening[loop]


def _set_all(events: tuple[asyncio.Event, ...]) -> None:
    for happened in events:
        happened.set()

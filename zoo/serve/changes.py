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
        self._listening: dict[asyncio.Event, asyncio.AbstractEventLoop] = {}
        self._lock = threading.Lock()

    def tell(self) -> None:
        """Say that something has changed, from any thread."""
        with self._lock:
            for happened, loop in self._listening.items():
                loop.call_soon_threadsafe(happened.set)

    def end(self) -> None:
        """Let all who listen go."""
        self.ended = True
        self.tell()

    @contextmanager
    def listening(self) -> Iterator[asyncio.Event]:
        """An event that is set at each change inside the block; in a coroutine."""
        happened = asyncio.Event()
        with self._lock:
            self._listening[happened] = asyncio.get_running_loop()
        try:
            yield happened
        finally:
            with self._lock:
                del self._listening[happened]

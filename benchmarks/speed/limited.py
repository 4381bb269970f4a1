"""Measurements that end in time: they share it, and a process of their own can be stopped."""

import time
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from multiprocessing.connection import Connection

from benchmarks.speed.timing import Row
from zoo.errors import ZooError

#: How much of its share a measurement plans with: its last repetition may take longer.
_PLANNED = 0.8


class TimeShares:
    """The time until `end`, by `time.monotonic`, in equal shares for so many measurements.

    What one leaves, the later ones have.
    """

    def __init__(self, end: float, measurements: int) -> None:
        self._end = end
        self._left = measurements

    def next_end(self) -> float:
        """Say until when the next measurement may repeat itself."""
        now = time.monotonic()
        share = (self._end - now) / max(1, self._left)
        self._left -= 1
        return now + _PLANNED * share


def rows_within(seconds: float, measure: Callable[[float], Iterator[Row]]) -> Iterator[Row]:
    """Yield rows as a new process measures them, and stop it when the time is over.

    Args:
        seconds: from now on.
        measure: is told when the time is over, by `time.monotonic`; a new process can import it.

    Raises:
        ZooError: if the process is killed; and whatever `measure` raises.
    """
    end = time.monotonic() + seconds
    context = get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_send_rows, args=(sender, measure, end))
    process.start()
    sender.close()
    try:
        while receiver.poll(max(0.0, end - time.monotonic())):
            message = receiver.recv()
            if message is None:
                return
            if isinstance(message, Exception):
                raise message
            yield message
    except EOFError:
        raise ZooError("The process that measures was killed from outside.") from None
    finally:
        process.kill()
        process.join()


def _send_rows(sender: Connection, measure: Callable[[float], Iterator[Row]], end: float) -> None:
    """Send each row, then None; or what was raised."""
    try:
        for row in measure(end):
            sender.send(row)
        sender.send(None)
    except Exception as error:  # noqa: BLE001 - the other process raises it
        sender.send(error)

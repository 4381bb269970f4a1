"""Latency, throughput and memory: how they are taken, and the table that compares them.

A time is the median of several repetitions after a warm-up, with the fastest and the slowest.
"""

import math
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

import numpy as np

from benchmarks.report.text import three_digits
from zoo.cli.inputs import counted

REPETITIONS = 7

#: Height and width of large photos, by megapixels.
MEGAPIXELS = {12: (3000, 4000), 48: (6000, 8000)}


@dataclass(frozen=True)
class Measurement:
    """The median, lowest and highest of the repetitions of something."""

    name: str
    median: float
    low: float
    high: float
    repetitions: int = 1

    @classmethod
    def once(cls, name: str, value: float) -> "Measurement":
        return cls(name, value, value, value)


@dataclass(frozen=True)
class Row:
    """Two measurements in one unit, and which direction of their ratio is good."""

    title: str
    unit: str
    higher_is_better: bool
    ours: Measurement
    alternative: Measurement

    @property
    def ratio(self) -> float:
        return self.ours.median / self.alternative.median


def measure_rate(name: str, items: int, action: Callable[[], Any]) -> Measurement:
    """Measure how many items a second an action handles that handles `items` at once."""
    seconds = measure_seconds(name, action)
    median, low, high = (items / value for value in (seconds.median, seconds.high, seconds.low))
    return Measurement(name, median, low, high, seconds.repetitions)


def measure_seconds(
    name: str, action: Callable[[], Any], repetitions: int = REPETITIONS
) -> Measurement:
    """Time an action after two warm-up calls: the first compiles, the second fills caches."""
    action()
    action()
    seconds = []
    for _ in range(repetitions):
        started = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - started)
    return summarize(name, seconds)


def measure_in_turn(
    actions: Mapping[str, Callable[[], Any]],
    photos: int,
    repetitions: int = REPETITIONS,
    until: float = math.inf,
) -> list[Measurement]:
    """Time actions in turn, in seconds per photo: what slows the machine slows all.

    After `until`, by `time.monotonic`, nothing is repeated; each action is timed once at least,
    and one that ran before.
    """
    seconds: dict[str, list[float]] = {name: [] for name in actions}
    for repetition in range(-2, repetitions):
        late = time.monotonic() >= until
        if late and repetition > 0:
            break
        if late and repetition == -1:
            continue
        for name, action in actions.items():
            started = time.perf_counter()
            action()
            if repetition >= 0:
                seconds[name].append((time.perf_counter() - started) / photos)
    return [summarize(name, times) for name, times in seconds.items()]


def summarize(name: str, values: Sequence[float]) -> Measurement:
    """Take the median, the lowest and the highest of several values.

    Examples:
        >>> summarize("a step", [0.3, 0.1, 0.2])
        Measurement(name='a step', median=0.2, low=0.1, high=0.3, repetitions=3)
    """
    return Measurement(name, statistics.median(values), min(values), max(values), len(values))


def in_new_process(function: Callable[[Any], Any], argument: Any) -> Any:
    """Call a function in a spawned process, which shares no memory with this one."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, argument).result()


def memory_row(title: str, function: Callable[[Any], tuple[float, float]], argument: Any) -> Row:
    """Compare the peak memory in MB before and after something, as `function` returns them."""
    before, after = in_new_process(function, argument)
    ours, start = Measurement.once("after", after), Measurement.once("before, model made", before)
    return Row(f"peak memory of {title}", "MB", False, ours, start)


def noise(*shape: int) -> np.ndarray:
    """Make random uint8, the same at every call."""
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def print_table(rows: Sequence[Row]) -> None:
    """Print the measurements, one row per pair."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(title="Speed", show_lines=True)
    for name in ("What", "Ours", "Alternative", "Ratio", "Better"):
        table.add_column(name, overflow="fold")
    for row in rows:
        measured = [escape(_text(one, row.unit)) for one in (row.ours, row.alternative)]
        better = "higher" if row.higher_is_better else "lower"
        table.add_row(escape(row.title), *measured, f"{row.ratio:.2f}", better)
    Console().print(table, highlight=False)


def told(rows: Iterable[Row]) -> list[Row]:
    """Say each row as it is measured, then print all as a table; return them."""
    found = []
    for row in rows:
        print(row_in_words(row), flush=True)
        found.append(row)
    print_table(found)
    return found


def row_in_words(row: Row) -> str:
    """Write a row on one line, with how often it was measured."""
    both = ", ".join(_text(one, row.unit, between=" ") for one in (row.ours, row.alternative))
    often = counted(row.ours.repetitions, "repetition")
    return f"{row.title}: {both}, ratio {row.ratio:.2f}, {often}"


def _text(measurement: Measurement, unit: str, between: str = ":\n") -> str:
    median, low, high = map(three_digits, (measurement.median, measurement.low, measurement.high))
    spread = "" if low == high else f" [{low}, {high}]"
    return f"{measurement.name}{between}{median} {unit}{spread}"

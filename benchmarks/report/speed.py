"""The report's tables of speed and size, and of the spread over seeds."""

from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.harness.stored import Result
from benchmarks.report.text import MISSING, three_digits
from zoo.metrics import Metric

SPEED_HEADINGS = (
    "Model",
    "Latency (ms)",
    "Photos/s",
    "at batch",
    "Learns from (photos/s)",
    "Memory (MB)",
    "Parameters",
    "Multiply-adds (G)",
    "On disk (MB)",
)


def latency(result: Result) -> float | None:
    """Look up the median seconds of a photo; None where no speed was measured."""
    return result["speed"]["latency_seconds"]["median"] if "speed" in result else None


def bytes_on_disk(result: Result) -> int | None:
    """Look up the size of a result's model on disk; None where it was not stored."""
    return result.get("bytes_on_disk", result.get("speed", {}).get("bytes_on_disk"))


def speed_rows(results: Sequence[Result], title: Callable[[Result], str]) -> list[list[str]]:
    """Write the rows of the table of speed of those results that have it measured."""
    return [
        _speed_row(title(one), one["speed"], one["parameters"]) for one in results if "speed" in one
    ]


def _speed_row(title: str, speed: dict[str, Any], parameters: int) -> list[str]:
    count = speed["multiply_adds"]
    return [
        title,
        _spread(speed["latency_seconds"], 1000),
        _spread(speed["photos_per_second"]),
        str(speed["photos_per_second"]["batch"]),
        _spread(speed["training_photos_per_second"]),
        f"{speed['peak_memory_mb']:,}",
        f"{parameters:,}",
        MISSING if count is None else f"{count / 1e9:.2f}",
        f"{speed['bytes_on_disk'] / 1e6:.2f}",
    ]


def speed_csv_rows(
    results: Sequence[Result], title: Callable[[Result], str]
) -> list[dict[str, Any]]:
    """Write the same for programs, in seconds, bytes and full precision."""
    rows = []
    for result in results:
        if "speed" not in result:
            continue
        speed = result["speed"]
        row = {"title": title(result), "key": result["key"], "side": speed["side"]}
        for name in ("latency_seconds", "photos_per_second", "training_photos_per_second"):
            for suffix, end in (("", "median"), ("_low", "low"), ("_high", "high")):
                row[name + suffix] = (speed[name] or {}).get(end)
        row["batch"] = speed["photos_per_second"]["batch"]
        for name in ("peak_memory_mb", "multiply_adds", "bytes_on_disk", "deterministic"):
            row[name] = speed[name]
        rows.append(row | {"parameters": result["parameters"]})
    return rows


def seed_rows(
    results: Sequence[Result],
    title: Callable[[Result], str],
    metrics: Sequence[Metric],
) -> list[list[str]]:
    """Write each repeated row's title, its seeds, and the lowest and highest figure over them."""
    return [
        [
            title(result),
            ", ".join(map(str, result["seeds"])),
            *(_range(result["by_seed"].get(metric.name), metric) for metric in metrics),
        ]
        for result in results
        if "seeds" in result
    ]


def _range(figures: Sequence[float] | None, metric: Metric) -> str:
    digits = 3 if metric.high == 1 else 2
    return f"{min(figures):.{digits}f} to {max(figures):.{digits}f}" if figures else MISSING


def _spread(measured: dict[str, float] | None, scale: float = 1.0) -> str:
    """A median with the fastest and slowest repetition, where there was more than one."""
    if measured is None:
        return MISSING
    median, low, high = (three_digits(scale * measured[end]) for end in ("median", "low", "high"))
    return median if low == high else f"{median} [{low}, {high}]"

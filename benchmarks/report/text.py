"""Figures, headings and tables as text."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from zoo.cli.inputs import counted
from zoo.evaluation.report import MIN_PHOTOS_FOR_CLAIMS, Interval
from zoo.metrics import Metric

MISSING = "–"

_ARROWS = {"higher": "\N{NO-BREAK SPACE}↑", "lower": "\N{NO-BREAK SPACE}↓", None: ""}


def heading(metric: Metric) -> str:
    """Write a metric's title, unit, and an arrow to the better direction."""
    unit = f" ({metric.unit})" if metric.unit else ""
    return f"{metric.title}{unit}{_ARROWS[metric.direction]}"


def figure(result: dict[str, Any], metric: Metric) -> str:
    """Write a result's figure with its interval where it has one."""
    interval = result.get("summary", {}).get(metric.name)
    if interval is None:
        return MISSING
    digits = 3 if metric.high == 1 else 2
    if interval["low"] is None:
        return f"{interval['mean']:.{digits}f}"
    mean, low, high = (f"{interval[end]:.{digits}f}" for end in ("mean", "low", "high"))
    return f"{mean} [{low}, {high}]"


def difference(found: Interval, metric: Metric, turned: bool) -> str:
    """Write a difference with its interval; * marks one that excludes zero."""
    low, high = found.low or 0.0, found.high or 0.0
    numbers = (-found.mean, -high, -low) if turned else (found.mean, low, high)
    digits = 4 if metric.high == 1 else 2
    mean, *ends = (f"{number:+.{digits}f}" for number in numbers)
    return f"{mean}{' *' if found.excludes_zero else ''} [{', '.join(ends)}]"


def caution(photos: int, kind: str, subject: str) -> str | None:
    """Warn of figures of few photos; None where there are enough."""
    if photos >= MIN_PHOTOS_FOR_CLAIMS:
        return None
    return (
        f"With {counted(photos, kind)}, fewer than {MIN_PHOTOS_FOR_CLAIMS}, {subject} no claims of "
        "significance: differences may well be chance."
    )


def csv_text(rows: Sequence[dict[str, Any]]) -> str:
    """Write rows by column as a CSV file; nothing where there are no rows."""
    buffer = io.StringIO(newline="")
    if rows:
        # Models may have been scored with different metrics: the columns are those of all rows.
        columns = list(dict.fromkeys(name for row in rows for name in row))
        writer = csv.DictWriter(buffer, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return buffer.getvalue()


def three_digits(value: float) -> str:
    """Write a number with no more digits than a measurement carries."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def markdown_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Write the lines of a table."""
    return [_markdown_row(headings), "|---" * len(headings) + "|", *map(_markdown_row, rows)]


def _markdown_row(cells: Iterable[str]) -> str:
    escaped = (cell.replace("\\", "\\\\").replace("|", "\\|") for cell in cells)
    return f"| {' | '.join(escaped)} |"

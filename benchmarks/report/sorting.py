"""What makes the report's leaderboard sortable: the kind and the numbers of its columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from zoo.metrics import Metric


@dataclass(frozen=True)
class Column:
    """A column of the leaderboard.

    Attributes:
        heading: what its first cell says.
        kind: "number" or "text": how its cells compare.
        first: the order that the first click gives, "ascending" or "descending": best first.
        sorted: whether the table as written is sorted by it, in that order.
    """

    heading: str
    kind: str = "number"
    first: str = "ascending"
    sorted: bool = False


def leaderboard_columns(
    headings: Sequence[str], metrics: Sequence[Metric], sorted_by: str
) -> list[Column]:
    """Describe the columns: the model, the rank, the metrics, three of effort, the status."""
    name, rank, *_, status = headings
    of_metrics = [
        Column(
            heading,
            first="descending" if metric.direction == "higher" else "ascending",
            sorted=metric.name == sorted_by,
        )
        for heading, metric in zip(headings[2:], metrics, strict=False)
    ]
    effort = [Column(heading) for heading in headings[2 + len(metrics) : -1]]
    return [Column(name, "text"), Column(rank), *of_metrics, *effort, Column(status, "text")]


def sort_values(
    result: dict[str, Any], rank: str | None, metrics: Sequence[Metric]
) -> list[float | None]:
    """A row's numbers in full precision, in the columns' order without the two of text.

    None stands where there is no figure: such cells come last, whatever the order.
    """
    summary = result.get("summary", {})
    history = result.get("history", {})
    return [
        int(rank.removesuffix("=")) if rank else None,
        *(summary.get(metric.name, {}).get("mean") for metric in metrics),
        history.get("photos_seen"),
        history.get("seconds"),
        result.get("parameters"),
    ]

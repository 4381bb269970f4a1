"""The leaderboard: which results stand in it, in which order, with which ranks and differences.

A pure function of stored results, of which only those that share all conditions get into one table.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmarks.harness.stored import read_results, seeds_of
from benchmarks.report.speed import seed_rows, speed_rows
from benchmarks.report.text import MISSING, caution, difference, figure, heading
from benchmarks.suites import UNTRAINED
from zoo.cli.inputs import counted
from zoo.evaluation.report import Differences, Report, compare_all, ranks
from zoo.metrics import Metric, get_metric, list_metrics

#: Rewards rare colors, which the gray and the muted answers miss; the table is sorted by it.
SORT_METRIC = "auc_rebalanced"


@dataclass(frozen=True)
class Column:
    """A column of the leaderboard, which the page lets readers sort by.

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


@dataclass(frozen=True)
class Leaderboard:
    """The results as a table, a row a model.

    Attributes:
        results: in the order of the rows.
    """

    results: tuple[dict[str, Any], ...]

    @property
    def finished(self) -> list[dict[str, Any]]:
        """The results of the models that did not fail."""
        return [result for result in self.results if result["status"] == "ok"]

    @property
    def failed(self) -> list[dict[str, Any]]:
        """The results of the models that failed."""
        return [result for result in self.results if result["status"] == "failed"]

    @cached_property
    def metrics(self) -> list[Metric]:
        """The metrics that at least one model was scored with, in the registry's order.

        Those of networks follow in the order in which they were asked for.
        """
        known = dict.fromkeys(name for result in self.finished for name in result["summary"])
        usual = [name for name in list_metrics() if name in known]
        return [get_metric(name) for name in dict.fromkeys([*usual, *known])]

    @property
    def compared(self) -> list[Metric]:
        """The metrics in which models have paired differences: those with scores of photos."""
        return [metric for metric in self.metrics if metric.aggregate is not None]

    @cached_property
    def titles(self) -> dict[str, str]:
        """Each result's title by key; results of one name are told apart by their key."""
        names = {result["key"]: _name(result) for result in self.results}
        count = Counter(names.values())
        return {
            key: name if count[name] == 1 else f"{name} #{key[:6]}" for key, name in names.items()
        }

    def title(self, result: dict[str, Any]) -> str:
        """What a result is called in tables and pictures."""
        return self.titles[result["key"]]

    @cached_property
    def differences(self) -> Differences:
        """Every pair of the finished models, by their places in `finished`."""
        reports = [Report.from_json(result["report"]) for result in self.finished]
        return compare_all(reports) if len(reports) > 1 else {}

    @cached_property
    def ranks(self) -> dict[str, str]:
        """Each finished result's rank by key; empty where there are too few photos for ranks."""
        if self.caution or not self.differences:
            return {}
        found = ranks(self.differences, len(self.finished), SORT_METRIC)
        return {
            result["key"]: f"{rank}{'=' if found.count(rank) > 1 else ''}"
            for result, rank in zip(self.finished, found, strict=True)
        }

    @property
    def columns(self) -> list[Column]:
        """The columns of the table for readers."""
        of_metrics = [
            Column(
                heading(metric),
                first="descending" if metric.direction == "higher" else "ascending",
                sorted=metric.name == SORT_METRIC,
            )
            for metric in self.metrics
        ]
        effort = [Column(name) for name in ("Photos seen", "Training (s)", "Parameters")]
        ends = Column("Model", "text"), Column("Status", "text")
        return [ends[0], Column("Rank"), *of_metrics, *effort, ends[1]]

    def rows(self) -> list[list[str]]:
        """The rows of the table for readers, as text."""
        return [
            [
                self.title(result),
                self.ranks.get(result["key"], MISSING),
                *(figure(result, metric) for metric in self.metrics),
                *_effort(result),
                "ok" if result["status"] == "ok" else f"failed: {result['error']}",
            ]
            for result in self.results
        ]

    @property
    def conditions(self) -> str:
        """What all rows share, in one sentence; rows with conditions of their own say so below."""
        result = self.results[0]
        trained = [one["cell"] for one in self.results if one["cell"]["budget"] != UNTRAINED]
        scored = (
            f"cored on {counted(result['test_photos'], 'test photo')} of at most "
            f"{result['cell']['test_size']} px on the short side."
        )
        if not trained:
            return f"S{scored}"
        cell = next((cell for cell in trained if not cell["own"]), trained[0])
        seeds = sorted({seed for one in self.results for seed in seeds_of(one)})
        kinds = "seed" if len(seeds) == 1 else "seeds"
        return (
            f"Trained on {counted(cell['train_photos'], 'photo')} at {cell['train_size']} px with "
            f"a budget of {cell['budget']} and {kinds} {', '.join(map(str, seeds))}; s{scored}"
        )

    @property
    def caution(self) -> str | None:
        """The warning that goes with a table of few photos."""
        return caution(self.results[0]["test_photos"], "test photo", "this table makes")

    @property
    def speed_rows(self) -> list[list[str]]:
        """The rows of the table of speed; empty where none was measured."""
        return speed_rows(self.finished, self.title)

    @property
    def seed_rows(self) -> list[list[str]]:
        """The rows of the table of seeds; empty where each row has one."""
        return seed_rows(self.finished, self.title, self.metrics)

    def difference_rows(self, metric: Metric) -> list[list[str]]:
        """The table of a metric's differences: row less column, as text, finished models only."""
        rows = []
        for i, result in enumerate(self.finished):
            cells = [self.title(result)]
            for j in range(len(self.finished)):
                found = self.differences.get((min(i, j), max(i, j)), {}).get(metric.name)
                cells.append(MISSING if found is None else difference(found, metric, turned=i > j))
            rows.append(cells)
        return rows


def sort_values(
    result: dict[str, Any], rank: str | None, metrics: Sequence[Metric]
) -> list[float | None]:
    """A row's numbers in full precision, in the columns' order without the two of text.

    None stands where there is no figure: such cells come last, whatever the order.
    """
    summary, history = result.get("summary", {}), result.get("history", {})
    return [
        int(rank.removesuffix("=")) if rank else None,
        *(summary.get(metric.name, {}).get("mean") for metric in metrics),
        history.get("photos_seen"),
        history.get("seconds"),
        result.get("parameters"),
    ]


def load_results(out: Path) -> list[dict[str, Any]]:
    """The stored results in the leaderboard's order.

    That is by class-rebalanced AuC, best first, baselines among the others; failures come last.

    Raises:
        ZooError: if there are none, one is damaged, or they are of different conditions.
    """
    return sorted(read_results(out), key=_rank)


def _rank(result: dict[str, Any]) -> tuple[bool, float, str, str]:
    interval = result.get("summary", {}).get(SORT_METRIC)
    score = interval["mean"] if interval else float("-inf")
    return result["status"] != "ok", -score, _name(result), result["key"]


def _name(result: dict[str, Any]) -> str:
    cell = result["cell"]
    return cell.get("label") or f"{cell['model']}:{cell['preset']}"


def _effort(result: dict[str, Any]) -> list[str]:
    if result["status"] != "ok":
        return [MISSING] * 3
    history = result["history"]
    return [
        f"{history['photos_seen']:,}",
        f"{history['seconds']:,.1f}",
        f"{result['parameters']:,}",
    ]

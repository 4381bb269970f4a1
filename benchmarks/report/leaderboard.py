"""The leaderboard: a pure function of stored results that share all conditions."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from benchmarks.harness.stored import Result, read_results, seeds_of
from benchmarks.report.speed import seed_rows, speed_rows
from benchmarks.report.text import MISSING, caution, difference, figure, heading
from benchmarks.suites import UNTRAINED
from zoo.cli.inputs import counted
from zoo.evaluation.report import Differences, Report, compare_all, ranks
from zoo.metrics import Metric, get_metric, list_metrics

#: The table is sorted by this metric: it rewards rare colors, which muted answers miss.
SORT_METRIC = "auc_rebalanced"


@dataclass(frozen=True)
class Column:
    """A column of the leaderboard, which the page lets readers sort by.

    Attributes:
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
    """The results as a table, one row per model, in order."""

    results: tuple[Result, ...]

    @property
    def finished(self) -> list[Result]:
        return [result for result in self.results if result["status"] == "ok"]

    @property
    def failed(self) -> list[Result]:
        return [result for result in self.results if result["status"] == "failed"]

    @cached_property
    def metrics(self) -> list[Metric]:
        """All metrics in use: the registry's in its order, then those of networks as asked for."""
        known = dict.fromkeys(name for result in self.finished for name in result["summary"])
        usual = [name for name in list_metrics() if name in known]
        return [get_metric(name) for name in dict.fromkeys([*usual, *known])]

    @property
    def compared(self) -> list[Metric]:
        """The metrics with scores of photos, in which models have paired differences."""
        return [metric for metric in self.metrics if metric.aggregate is not None]

    @cached_property
    def titles(self) -> dict[str, str]:
        """Each result's title by key; results of one name are told apart by their key."""
        names = {result["key"]: _name(result) for result in self.results}
        count = Counter(names.values())
        return {
            key: name if count[name] == 1 else f"{name} #{key[:6]}" for key, name in names.items()
        }

    def title(self, result: Result) -> str:
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
        columns = [Column("Model", "text"), Column("Rank")]
        for metric in self.metrics:
            first = "descending" if metric.direction == "higher" else "ascending"
            columns.append(Column(heading(metric), "number", first, metric.name == SORT_METRIC))
        effort = [Column(name) for name in ("Photos seen", "Training (s)", "Parameters")]
        return [*columns, *effort, Column("Status", "text")]

    def rows(self) -> list[list[str]]:
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
        """What all rows share, in one sentence; rows with own conditions say so in the notes."""
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
        return (
            f"Trained on {counted(cell['train_photos'], 'photo')} at {cell['train_size']} px with "
            f"a budget of {cell['budget']} and seed{'s' * (len(seeds) > 1)} "
            f"{', '.join(map(str, seeds))}; s{scored}"
        )

    @property
    def caution(self) -> str | None:
        return caution(self.results[0]["test_photos"], "test photo", "this table makes")

    @property
    def speed_rows(self) -> list[list[str]]:
        return speed_rows(self.finished, self.title)

    @property
    def seed_rows(self) -> list[list[str]]:
        return seed_rows(self.finished, self.title, self.metrics)

    def difference_rows(self, metric: Metric) -> list[list[str]]:
        """A metric's differences as text: row less column, finished models only."""
        rows = []
        for i, result in enumerate(self.finished):
            cells = [self.title(result)]
            for j in range(len(self.finished)):
                found = self.differences.get((min(i, j), max(i, j)), {}).get(metric.name)
                cells.append(MISSING if found is None else difference(found, metric, turned=i > j))
            rows.append(cells)
        return rows


def sort_values(result: Result, rank: str | None, metrics: Sequence[Metric]) -> list[float | None]:
    """List a row's numbers in the columns' order; None, where there is no figure, sorts last."""
    summary, history = result.get("summary", {}), result.get("history", {})
    return [
        int(rank.removesuffix("=")) if rank else None,
        *(summary.get(metric.name, {}).get("mean") for metric in metrics),
        history.get("photos_seen"),
        history.get("seconds"),
        result.get("parameters"),
    ]


def load_results(out: Path) -> list[Result]:
    """Read the stored results by `SORT_METRIC`, best first, baselines included, failures last."""
    return sorted(read_results(out), key=_rank)


def _rank(result: Result) -> tuple[bool, float, str, str]:
    interval = result.get("summary", {}).get(SORT_METRIC)
    score = interval["mean"] if interval else float("-inf")
    return result["status"] != "ok", -score, _name(result), result["key"]


def _name(result: Result) -> str:
    cell = result["cell"]
    return cell.get("label") or f"{cell['model']}:{cell['preset']}"


def _effort(result: Result) -> list[str]:
    if result["status"] != "ok":
        return [MISSING] * 3
    seen, seconds = result["history"]["photos_seen"], result["history"]["seconds"]
    return [f"{seen:,}", f"{seconds:,.1f}", f"{result['parameters']:,}"]

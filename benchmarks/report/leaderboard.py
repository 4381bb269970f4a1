"""The leaderboard: a pure function of stored results that share all conditions."""

import dataclasses
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from benchmarks.harness.stored import Result, read_results, seeds_of
from benchmarks.report.speed import bytes_on_disk, latency, seed_rows, speed_rows
from benchmarks.report.text import MISSING, caution, difference, figure, heading, three_digits
from benchmarks.suites import UNTRAINED
from zoo.cli.inputs import counted
from zoo.evaluation.report import Differences, Report, compare_all, ranks_by_sum
from zoo.metrics import Metric, get_metric, list_metrics

#: Models are ranked by these metrics together; many photos carry each of them.
RANKED_BY = ("ciede2000", "auc")
#: What stands first in every table: what ranks, and how vivid the colors are. The page shows these
#: metrics at once, and the others by a switch.
HEADLINE = (*RANKED_BY, "colorfulness")
#: How the ranking is made; report, README and documentation say it in these words.
RANKING = (
    "Models are ranked by the sum of two ranks, one by CIEDE2000 and one by AuC, each 1 plus the "
    "number of models that are better by a paired 95 % interval that excludes zero; colorfulness "
    "stands beside them and ranks nobody, so that neither gray nor shouting wins by it."
)


@dataclass(frozen=True)
class Column:
    """A column of the leaderboard, which the page lets readers sort by.

    Attributes:
        kind: "number" or "text": how its cells compare.
        first: the order that the first click gives, "ascending" or "descending": best first.
        sorted: whether the table as written is sorted by it, in that order.
        extra: whether the page shows it only where readers ask for all columns.
    """

    heading: str
    kind: str = "number"
    first: str = "ascending"
    sorted: bool = False
    extra: bool = False


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
        """All metrics in use: `HEADLINE`, the registry's others, then those of networks."""
        known = dict.fromkeys(name for result in self.finished for name in result["summary"])
        usual = [name for name in (*HEADLINE, *list_metrics()) if name in known]
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
    def effective_photos(self) -> dict[str, float]:
        """How many photos each weighted metric rests on, whichever model is scored."""
        if not self.finished:
            return {}
        return Report.from_json(self.finished[0]["report"]).effective_photos

    def heading(self, metric: Metric) -> str:
        """A metric's heading, with the photos that it rests on where these are not all."""
        photos = self.effective_photos.get(metric.name)
        told = "" if photos is None else f" ({photos:,.0f} effective photos)"
        return f"{heading(metric)}{told}"

    @cached_property
    def ranks(self) -> dict[str, str]:
        """Each finished result's rank by key; empty where there are too few photos for ranks."""
        found = _ranks(self.finished)
        tied = Counter(found.values())
        return {key: f"{rank}{'=' if tied[rank] > 1 else ''}" for key, rank in found.items()}

    @property
    def columns(self) -> list[Column]:
        columns = [Column("Model", "text")]
        columns.append(Column("Rank", sorted=bool(self.ranks), extra=not self.ranks))
        for metric in self.metrics:
            first = "descending" if metric.direction == "higher" else "ascending"
            leads, extra = (
                metric.name == RANKED_BY[0] and not self.ranks,
                metric.name not in HEADLINE,
            )
            columns.append(Column(self.heading(metric), "number", first, leads, extra))
        columns += [Column(name, extra=True) for name in ("Photos seen", "Training (s)")]
        timed = any("speed" in result for result in self.finished)
        columns += [Column("Parameters"), Column("Size (MB)"), Column("Time (ms)", extra=not timed)]
        return [*columns, Column("Status", "text", extra=not self.failed)]

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
        bytes_on_disk(result),
        latency(result),
    ]


def load_results(out: Path) -> list[Result]:
    """Read the stored results: best ranks first, baselines included, failures last.

    Equal ranks, and results of too few photos for ranks, go by the first metric of `RANKED_BY`.
    """
    results = read_results(out)
    found = _ranks([result for result in results if result["status"] == "ok"])

    def place(result: Result) -> tuple[bool, int, float, str, str]:
        interval = result.get("summary", {}).get(RANKED_BY[0])
        score = interval["mean"] if interval else float("inf")
        rank = found.get(result["key"], 0)
        return result["status"] != "ok", rank, score, _name(result), result["key"]

    return sorted(results, key=place)


def _ranks(finished: Sequence[Result]) -> dict[str, int]:
    """Each result's rank by key, as `RANKING` says; none from few photos or for one model."""
    reports = [Report.from_json(result["report"]) for result in finished]
    ranked = all(report.scores.keys() >= set(RANKED_BY) for report in reports)
    if len(reports) < 2 or not ranked or not reports[0].supports_claims:
        return {}
    narrow = [
        dataclasses.replace(
            report,
            scores={name: report.scores[name] for name in RANKED_BY},
            weights={},
            set_scores={},
        )
        for report in reports
    ]
    found = ranks_by_sum(compare_all(narrow), len(reports), RANKED_BY)
    return {result["key"]: rank for result, rank in zip(finished, found, strict=True)}


def _name(result: Result) -> str:
    cell = result["cell"]
    return cell.get("label") or f"{cell['model']}:{cell['preset']}"


def _effort(result: Result) -> list[str]:
    if result["status"] != "ok":
        return [MISSING] * 5
    seen, seconds = result["history"]["photos_seen"], result["history"]["seconds"]
    size, time = bytes_on_disk(result), latency(result)
    return [
        f"{seen:,}",
        f"{seconds:,.1f}",
        f"{result['parameters']:,}",
        MISSING if size is None else f"{size / 1e6:.1f}",
        MISSING if time is None else three_digits(1000 * time),
    ]

"""What the report shows of models that were told true colors: what each number of them brings."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure

from benchmarks.harness.stored import Result
from benchmarks.report.figures import data_uri, save_figure
from benchmarks.report.leaderboard import Leaderboard
from benchmarks.report.text import csv_text
from zoo.evaluation.report import Interval, Report, compare
from zoo.metrics import Metric, get_metric


@dataclass(frozen=True)
class Told:
    """A model's figure with a number of points, and what it gains over none."""

    key: str
    model: str
    points: int
    metric: Metric
    figure: Interval
    gain: Interval | None

    @property
    def texts(self) -> tuple[str, str]:
        """The figure and, below it, the difference to no points; "" for none."""
        figure = f"{self.figure.mean:.2f}"
        if self.gain is None:
            return figure, ""
        mark = " *" if self.gain.excludes_zero else ""
        low, high = self.gain.low or 0.0, self.gain.high or 0.0
        return figure, f"{self.gain.mean:+.2f}{mark} [{low:+.2f}, {high:+.2f}]"


@dataclass(frozen=True)
class HintCurves:
    """The section: every figure, as curves and as tables."""

    figures: tuple[Told, ...]
    photos: int

    @property
    def counts(self) -> list[int]:
        return list(dict.fromkeys(one.points for one in self.figures))

    @property
    def metrics(self) -> list[Metric]:
        return list(dict.fromkeys(one.metric for one in self.figures))

    @property
    def picture(self) -> str:
        """An address that holds the curves, as SVG."""
        return data_uri(save_figure(draw_hint_curves(self), "svg"), "image/svg+xml")

    def rows(self, metric: Metric) -> list[tuple[str, list[tuple[str, str]]]]:
        """One row for each model, its cells in the order of `counts`."""
        rows: dict[str, list[tuple[str, str]]] = {}
        for one in self.figures:
            if one.metric == metric:
                rows.setdefault(one.model, []).append(one.texts)
        return list(rows.items())


def hint_curves_of(board: Leaderboard) -> HintCurves | None:
    """Collect what the results say about hints; None where no model was scored so."""
    told = [one for one in board.finished if one.get("hints")]
    if not told:
        return None
    photos = len(Report.from_json(next(iter(told[0]["hints"].values()))["report"]).photos)
    figures = [figure for one in told for figure in _figures_of(one, board.title(one))]
    return HintCurves(tuple(figures), photos)


def hints_csv(board: Leaderboard) -> str:
    """Write every figure in full precision; nothing where no model was scored with hints."""
    curves = hint_curves_of(board)
    rows = []
    for one in curves.figures if curves else ():
        row: dict[str, Any] = {"title": one.model, "key": one.key, "points": one.points}
        row |= {"metric": one.metric.name}
        for name, interval in (("figure", one.figure), ("gain", one.gain)):
            for suffix, end in (("", "mean"), ("_low", "low"), ("_high", "high")):
                row[name + suffix] = getattr(interval, end, None)
        rows.append(row)
    return csv_text(rows)


def _figures_of(result: Result, title: str) -> Iterator[Told]:
    reports = {int(n): Report.from_json(one["report"]) for n, one in result["hints"].items()}
    untold = reports[0]
    for points, report in reports.items():
        gains = compare(report, untold) if points else {}
        for name, interval in report.summary().items():
            yield Told(result["key"], title, points, get_metric(name), interval, gains.get(name))


def draw_hint_curves(curves: HintCurves) -> Figure:
    """One panel for each metric: figures and their intervals over the points, models by color."""
    metrics = curves.metrics
    figure = Figure(figsize=(6.4 * len(metrics), 5.0), layout="constrained")
    panels = figure.subplots(1, len(metrics), squeeze=False)[0]
    models = list(dict.fromkeys(one.model for one in curves.figures))
    places = range(len(curves.counts))
    for axes, metric in zip(panels, metrics, strict=True):
        for number, model in enumerate(models):
            found = [
                one.figure for one in curves.figures if (one.model, one.metric) == (model, metric)
            ]
            color = f"C{number}"
            axes.plot(places, [one.mean for one in found], "o-", color=color, label=model, ms=4)
            axes.fill_between(places, *_ends(found), color=color, alpha=0.12, lw=0)
        axes.set_xticks(places, [str(count) for count in curves.counts])
        axes.set_xlabel("points whose true color is told")
        axes.set_title(f"{metric.title}, {metric.direction} is better", fontsize=10)
        axes.grid(alpha=0.3)
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=min(5, len(names)), fontsize=9)
    return figure


def _ends(intervals: Sequence[Interval]) -> tuple[list[float], list[float]]:
    """Lower and upper ends; the figure itself where a single photo allows none."""
    low = [one.mean if one.low is None else one.low for one in intervals]
    return low, [one.mean if one.high is None else one.high for one in intervals]

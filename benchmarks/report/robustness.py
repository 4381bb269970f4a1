"""What the report shows of models that were scored on degraded photos: how much worse they are."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from benchmarks.harness.stored import Result
from benchmarks.report.figures import PhotoRow, data_uri, draw_comparison, save_figure
from benchmarks.report.leaderboard import Leaderboard
from benchmarks.report.photos import as_jpeg, gray_input, without_gray
from benchmarks.report.text import MISSING, csv_text
from zoo.evaluation.report import Interval, Report, compare
from zoo.photos.decoding import read_rgb
from zoo.photos.degrade import DEGRADATIONS

#: What the photos are called that were not degraded.
AS_IS = "as they are"

#: The side of the pictures of a degraded photo, in px.
_TILE_SIDE = 120


@dataclass(frozen=True)
class Measure:
    """A figure of the section; `digits` are those of the figure, a difference has one more."""

    metric: str
    title: str
    digits: int


MEASURES = (
    Measure("auc", "AuC, higher is better", 3),
    Measure("ciede2000", "CIEDE2000, lower is better", 2),
    Measure("colorfulness", "colorfulness, as a share of the true photos’", 2),
)


@dataclass(frozen=True)
class Effect:
    """A model's figure on photos in one state, and how far it is from that on those as they are."""

    key: str
    model: str
    state: str
    measure: Measure
    figure: Interval
    difference: Interval | None

    @property
    def texts(self) -> tuple[str, str]:
        """The figure and, below it, the difference; "" for the photos as they are."""
        figure = f"{self.figure.mean:.{self.measure.digits}f}"
        if self.difference is None:
            return figure, ""
        one = self.difference
        ends = (one.mean, one.low or 0.0, one.high or 0.0)
        mean, low, high = (f"{number:+.{self.measure.digits + 1}f}" for number in ends)
        return figure, f"{mean}{' *' if one.excludes_zero else ''} [{low}, {high}]"


@dataclass(frozen=True)
class Table:
    """One measure: a row for each model, its cells in the order of `Robustness.headings`."""

    title: str
    rows: list[tuple[str, list[tuple[str, str]]]]


@dataclass(frozen=True)
class Robustness:
    """The section: every effect, as tables and as a picture."""

    effects: tuple[Effect, ...]
    #: An address that holds one photo in each state, in the colors of each model.
    photo: str | None

    @property
    def headings(self) -> list[str]:
        """The states that some model was scored in, the photos as they are first."""
        found = {one.state for one in self.effects}
        titles = [AS_IS, *(one.title for one in DEGRADATIONS.values())]
        return [title for title in titles if title in found]

    @property
    def picture(self) -> str:
        """An address that holds the differences, as SVG."""
        figure = _draw(self.effects, self.headings[1:])
        return data_uri(save_figure(figure, "svg"), "image/svg+xml")

    @property
    def tables(self) -> list[Table]:
        tables = []
        for measure in MEASURES:
            rows: dict[str, dict[str, tuple[str, str]]] = {}
            for one in self.effects:
                if one.measure == measure:
                    rows.setdefault(one.model, {})[one.state] = one.texts
            cells = [
                (model, [found.get(name, (MISSING, "")) for name in self.headings])
                for model, found in rows.items()
            ]
            tables.append(Table(measure.title, cells))
        return tables


def robustness_of(board: Leaderboard, pictures: Path) -> Robustness | None:
    """Collect what the results say about degraded photos; None where no model was scored so.

    `pictures` is the folder that holds the pictures of the results.
    """
    effects = tuple(_effects(board))
    return Robustness(effects, _draw_photo(board, pictures)) if effects else None


def robustness_csv(board: Leaderboard) -> str:
    """Write every effect in full precision; nothing where no model was scored so."""
    rows = []
    for one in _effects(board):
        row: dict[str, Any] = {"title": one.model, "key": one.key, "degradation": one.state}
        row |= {"metric": one.measure.metric}
        for name, interval in (("figure", one.figure), ("difference", one.difference)):
            for suffix, end in (("", "mean"), ("_low", "low"), ("_high", "high")):
                row[name + suffix] = getattr(interval, end, None)
        rows.append(row)
    return csv_text(rows)


def _effects(board: Leaderboard) -> Iterator[Effect]:
    for result in board.finished:
        if result.get("robustness"):
            yield from _effects_of(result, board.title(result))


def _effects_of(result: Result, title: str) -> Iterator[Effect]:
    plain, stored = Report.from_json(result["report"]), result["robustness"]
    reports = {AS_IS: plain} | {
        DEGRADATIONS[name].title: Report.from_json(one["report"])
        for name, one in stored.items()
        if name in DEGRADATIONS
    }
    truth = plain.true_colorfulness
    for state, report in reports.items():
        figures = report.summary()
        differences = {} if report is plain else compare(report, plain)
        for measure in MEASURES:
            name = measure.metric
            if name == "colorfulness" and truth == 0:
                continue  # of gray photos there is no share
            # The truth's mean is held: an interval is about the model's colors alone.
            scale = 1 / truth if name == "colorfulness" else 1.0
            difference = differences.get(name)
            yield Effect(
                key=result["key"],
                model=title,
                state=state,
                measure=measure,
                figure=_scaled(figures[name], scale),
                difference=difference and _scaled(difference, scale),
            )


def _scaled(interval: Interval, scale: float) -> Interval:
    low, high = (interval.low or 0.0) * scale, (interval.high or 0.0) * scale
    return Interval(interval.mean * scale, low, high)


def _draw(effects: Sequence[Effect], states: Sequence[str]) -> Figure:
    """One panel for each measure: the differences and intervals in each state, models by color."""
    figure = Figure(figsize=(14.96, 8.4), layout="constrained")
    panels = figure.subplots(len(MEASURES), 1, sharex=True)
    models = list(dict.fromkeys(one.model for one in effects))
    for axes, measure in zip(panels, MEASURES, strict=True):
        for number, model in enumerate(models):
            found = {
                one.state: one.difference
                for one in effects
                if (one.model, one.measure) == (model, measure) and one.difference
            }
            places = [place for place, name in enumerate(states) if name in found]
            ends = [(one.low or 0.0, one.mean, one.high or 0.0) for one in found.values()]
            low, mean, high = np.array(ends).reshape(-1, 3).T
            aside = 0.7 * ((number + 0.5) / len(models) - 0.5)
            axes.errorbar(
                np.array(places) + aside,
                mean,
                (mean - low, high - mean),
                fmt="o",
                color=f"C{number}",
                label=model,
                markersize=4,
            )
        axes.axhline(0.0, color="0.7", linestyle=":", zorder=0)
        axes.set_xticks(range(len(states)), [name.replace(", ", "\n") for name in states])
        axes.set_title(f"difference in {measure.title}", fontsize=10)
        axes.grid(axis="y", alpha=0.3)
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=min(4, len(names)), fontsize=9)
    return figure


def _draw_photo(board: Leaderboard, pictures: Path) -> str | None:
    """Draw a photo in each state: in gray, in the colors of each model, and as it was.

    None where the pictures are not all there: those of the package's own results are not kept.
    """
    scored = [one for one in without_gray(board.finished) if one.get("robustness")]
    rows: list[PhotoRow] = []
    for name, degrade in DEGRADATIONS.items():
        files = {one["robustness"].get(name, {}).get("picture") for one in scored}
        if len(files) != 1 or None in files:
            continue
        (file,) = files
        plain = f"{file.removesuffix(f'-{name}.png')}.png"
        folders = [pictures / one["key"] for one in scored]
        paths = [pictures / "degraded" / file, *(folder / file for folder in folders)]
        if not all(path.is_file() for path in [*paths, pictures / "truth" / plain]):
            continue
        truth = read_rgb(pictures / "truth" / plain)
        if not rows:
            undisturbed = [read_rgb(folder / plain) for folder in folders]
            rows.append(PhotoRow(AS_IS, "test", (gray_input(truth), *undisturbed, truth)))
        rows.append(PhotoRow(degrade.title, "test", (*map(read_rgb, paths), truth)))
    if not rows:
        return None
    titles = ["seen (gray)", *map(board.title, scored), "truth"]
    png, _ = draw_comparison(titles, rows, side=_TILE_SIDE)
    return data_uri(as_jpeg(Image.open(io.BytesIO(png))), "image/jpeg")

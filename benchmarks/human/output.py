"""What the comparison with people writes: a picture first, then tables."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from benchmarks.human.agreement import Agreement, Scores
from benchmarks.human.judgements import Scene
from benchmarks.report.figures import save_figure
from benchmarks.report.text import MISSING, csv_text
from zoo.card import Interval
from zoo.metrics import get_metric

#: The columns of the table in the terminal.
HEADINGS = ("Metric", "Spearman", "Kendall", "behind the best", "Scenes")


def rows(found: Sequence[Agreement]) -> list[list[str]]:
    """The table as text, under `HEADINGS`; more intervals would not fit: they are in the files."""
    return [
        [
            title(one),
            _text(one.spearman),
            _text(one.kendall).partition(" ")[0],
            _text(one.behind_best, difference=True).partition(" [")[0],
            f"{np.isfinite(one.by_scene).sum()}",
        ]
        for one in found
    ]


def title(one: Agreement) -> str:
    """The metric's title, with a note where it has no better direction."""
    return one.metric.title + ("" if one.metric.direction else " (more counted as better)")


def files(scenes: Sequence[Scene], scores: Scores, found: Sequence[Agreement]) -> dict[str, bytes]:
    """The files by name: the picture, how each metric agrees, and every picture's scores."""
    return {
        "agreement.png": save_figure(draw(found), "png"),
        "agreement.csv": _agreement_csv(scenes, found).encode(),
        "scores.csv": _scores_csv(scenes, scores).encode(),
    }


def draw(found: Sequence[Agreement]) -> Figure:
    """One row per metric, best first: a dot for each scene, and the mean with its interval."""
    known = [one for one in found if one.spearman is not None]
    figure = Figure(figsize=(9, 1.4 + 0.36 * len(known)), dpi=110, layout="constrained")
    axes = figure.add_subplot()
    for place, one in enumerate(known):
        scatter = one.by_scene[np.isfinite(one.by_scene)]
        axes.plot(scatter, np.full(len(scatter), place), "o", color="C0", alpha=0.3, markersize=4)
        if one.spearman is not None:
            ends = [one.spearman.low or 0.0, one.spearman.high or 0.0]
            axes.plot(ends, [place, place], color="black", linewidth=2)
            axes.plot([one.spearman.mean], [place], "D", color="black", markersize=6)
    axes.axvline(0, color="0.6", linestyle=":")
    axes.set_yticks(range(len(known)), [title(one) for one in known], fontsize=9)
    axes.invert_yaxis()
    axes.set_xlim(-1.03, 1.03)
    axes.set_xlabel(
        "rank correlation with people (Spearman): 1 the same order, 0 none, -1 the reverse\n"
        "dots: scenes; diamond and line: their mean and its 95 % interval",
        fontsize=9,
    )
    axes.set_title("Which metric agrees with people on how natural colors look?", fontsize=11)
    axes.grid(axis="x", alpha=0.3)
    return figure


def _text(interval: Interval | None, difference: bool = False) -> str:
    if interval is None:
        return MISSING
    sign = "+" if difference else ""
    ends = (interval.mean, interval.low or 0.0, interval.high or 0.0)
    mean, low, high = (f"{number:{sign}.3f}" for number in ends)
    mark = " *" if difference and interval.excludes_zero else ""
    return f"{mean}{mark} [{low}, {high}]"


def _agreement_csv(scenes: Sequence[Scene], found: Sequence[Agreement]) -> str:
    table = []
    for one in found:
        row: dict[str, object] = {"metric": one.metric.name}
        intervals = {"spearman": one.spearman, "kendall": one.kendall, "behind": one.behind_best}
        for name, interval in intervals.items():
            for suffix, end in (("", "mean"), ("_low", "low"), ("_high", "high")):
                row[name + suffix] = getattr(interval, end, None)
        row["unscored_pictures"] = one.unscored
        for scene, value in zip(scenes, one.by_scene, strict=True):
            row[f"spearman_{scene.name}"] = value if np.isfinite(value) else None
        table.append(row)
    return csv_text(table)


def _scores_csv(scenes: Sequence[Scene], scores: Scores) -> str:
    table = []
    for number, scene in enumerate(scenes):
        for place, path in enumerate(scene.recolorings):
            row: dict[str, object] = {"scene": scene.name, "picture": path.name}
            row["rating"] = scene.ratings[place]
            for name, of_scenes in scores.items():
                value = of_scenes[number][place]
                row[get_metric(name).name] = value if np.isfinite(value) else None
            table.append(row)
    return csv_text(table)

"""Pictures of a study of temperatures: each metric's curve, and one photo at each temperature."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.card import Study
from zoo.evaluation.calibrate import AGAINST_GRAY, METRICS, TEMPERATURES, choose
from zoo.evaluation.report import MIN_PHOTOS_FOR_CLAIMS
from zoo.metrics import get_metric
from zoo.photos.decoding import read_rgb, shrink
from zoo.plotting.pictures import PANEL_SIDE, draw_side_by_side, new_figure, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

    from zoo.colorizer import Colorizer
    from zoo.photos.decoding import PhotoSource

_CHOSEN_COLOR = "#b45309"


def draw_temperatures(
    path: Path,
    photo: "PhotoSource",
    model: "Colorizer",
    temperatures: Sequence[float] = TEMPERATURES,
    *,
    chosen: float | None = None,
) -> None:
    """Draw a photo as it is colored at several temperatures, one `chosen`, and as it was."""
    # Many panels of a large photo would fill the memory.
    original = shrink(read_rgb(photo), PANEL_SIDE)
    variants = [{"temperature": temperature} for temperature in temperatures]
    colored = model.colorize_variants(original[None], variants)
    names = [f"T = {T:g}" + (", chosen" if chosen == T else "") for T in temperatures]
    panels = [(name, rgb[0]) for name, rgb in zip(names, colored, strict=True)]
    draw_side_by_side(path, [*panels, ("original", original)])


def draw_curves(path: Path, study: Study) -> None:
    """Draw each metric over the temperature, with what to compare it to and the chosen one."""
    figure, chosen = new_figure(9.0, 6.6), choose(study)
    for axes, name in zip(figure.subplots(2, 2).ravel(), METRICS, strict=True):
        plot_metric(axes, study, name, label="colored")
        plot_reference(axes, study, name)
        axes.axvline(chosen, color=_CHOSEN_COLOR, linestyle=":", label=f"chosen: {chosen:g}")
        axes.set_ylabel(get_metric(name).title)
        axes.legend(fontsize=8)
    figure.suptitle(f"{study.model}: {basis(study, breaking=True)}", fontsize=11)
    save_figure(path, figure)


def plot_metric(axes: "Axes", study: Study, name: str, **style: Any) -> None:
    """Plot a metric's means over the temperature with their intervals, under its title."""
    low, high = ([getattr(one, end) for one in study.figures[name]] for end in ("low", "high"))
    axes.fill_between(study.values, low, high, color=style.get("color"), alpha=0.2, linewidth=0)
    axes.plot(study.values, study.means(name), marker="o", markersize=4, **style)
    metric = get_metric(name)
    better = "" if metric.direction is None else f" ({metric.direction} is better)"
    axes.set_title(f"{metric.title}{better}", fontsize=10)
    axes.set_xlabel("temperature")
    axes.grid(alpha=0.3)


def plot_reference(axes: "Axes", study: Study, name: str) -> "Line2D | None":
    """Plot what a metric is compared to: the true photos' figure or the gray ones', if any."""
    if name == "colorfulness":
        label, value = "true photos", study.true_colorfulness
    elif name in AGAINST_GRAY:
        label, value = "gray photos", study.gray[name]
    else:
        return None
    return axes.axhline(value, color="#444444", linestyle="--", label=label)


def basis(study: Study, breaking: bool = False) -> str:
    """What the curves are means over, and a caution where that is few photos."""
    words = f"means over {study.photos:,} validation photos, 95 % intervals"
    if study.photos >= MIN_PHOTOS_FOR_CLAIMS:
        return words
    space = "\n" if breaking else " "
    return f"{words}{space}(no claims are made from fewer than {MIN_PHOTOS_FOR_CLAIMS})"

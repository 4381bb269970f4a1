"""Pictures of a study of temperatures: each metric's curve, and one photo at each temperature."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.evaluation.calibrate import METRICS, TEMPERATURES, TemperatureStudy, choose
from zoo.evaluation.report import MIN_PHOTOS_FOR_CLAIMS
from zoo.metrics import get_metric
from zoo.photos.decoding import read_rgb, shrink
from zoo.plotting.pictures import PANEL_SIDE, draw_side_by_side, new_figure, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

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
    """Draw a photo as it is colored at several temperatures and as it was, in one picture.

    Args:
        path: where to; its suffix is one of `zoo.plotting.pictures.PICTURE_SUFFIXES`.
        photo: as for `model.colorize`.
        model: a model with the option `temperature`.
        temperatures: which ones, in their order.
        chosen: the one that is marked as such.

    Raises:
        ZooError: if the photo cannot be read, a temperature does not fit, or the picture cannot be
            written.
    """
    # Many panels of a large photo would fill the memory.
    original = shrink(read_rgb(photo), PANEL_SIDE)
    variants = [{"temperature": temperature} for temperature in temperatures]
    colored = model.colorize_variants(original[None], variants)
    names = [f"T = {T:g}" + (", chosen" if chosen == T else "") for T in temperatures]
    panels = [(name, rgb[0]) for name, rgb in zip(names, colored, strict=True)]
    draw_side_by_side(path, [*panels, ("original", original)])


def draw_curves(path: Path, study: TemperatureStudy) -> None:
    """Draw each metric over the temperature, with what to compare it to and the chosen one.

    Args:
        path: where to; its suffix is one of `zoo.plotting.pictures.PICTURE_SUFFIXES`.
        study: what to draw.

    Raises:
        ZooError: if the suffix is another one, or the file cannot be written.
    """
    figure = new_figure(9.0, 6.6)
    references = {
        "colorfulness": ("true photos", study.true_colorfulness),
        "auc": ("gray photos", study.gray["auc"]),
        "auc_rebalanced": ("gray photos", study.gray["auc_rebalanced"]),
    }
    chosen = choose(study)
    for axes, name in zip(figure.subplots(2, 2).ravel(), METRICS, strict=True):
        _draw_curve(axes, study, name, chosen, references.get(name))
    title = f"{study.model}: means over {study.photos:,} validation photos, 95 % intervals"
    if study.photos < MIN_PHOTOS_FOR_CLAIMS:
        title += f"\n(no claims are made from fewer than {MIN_PHOTOS_FOR_CLAIMS})"
    figure.suptitle(title, fontsize=11)
    save_figure(path, figure)


def _draw_curve(
    axes: "Axes",
    study: TemperatureStudy,
    name: str,
    chosen: float,
    reference: tuple[str, float] | None,
) -> None:
    low, high = ([getattr(one, end) for one in study.figures[name]] for end in ("low", "high"))
    axes.fill_between(study.temperatures, low, high, alpha=0.2, linewidth=0)
    axes.plot(study.temperatures, study.means(name), marker="o", markersize=4, label="colored")
    if reference is not None:
        axes.axhline(reference[1], color="#444444", linestyle="--", label=reference[0])
    axes.axvline(chosen, color=_CHOSEN_COLOR, linestyle=":", label=f"chosen: {chosen:g}")
    metric = get_metric(name)
    better = "" if metric.direction is None else f" ({metric.direction} is better)"
    axes.set_title(f"{metric.title}{better}", fontsize=10)
    axes.set_xlabel("temperature")
    axes.set_ylabel(metric.title)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)

"""The report's pictures: photos side by side, training curves, curves over the temperature."""

import base64
import io
import itertools
import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from zoo.card import Study
from zoo.evaluation.calibrate import METRICS
from zoo.plotting.temperatures import basis, plot_metric, plot_reference

_DPI = 100
#: Pictures side by side fit into a square of this side, in px, where no other is given.
TILE_SIDE = 240
_GAP = 8
_TITLES_HEIGHT = 48
_LABEL_HEIGHT = 24
_TITLE_STYLE = {"fontsize": 10, "fontweight": "bold", "ha": "center"}
_LABEL_POINTS = 9
_LABEL_COLORS = {"test": "#222222", "trained on": "#b45309"}
#: Bytes: larger pictures are tiresome to mail and to load.
_LARGEST_PNG = 4_000_000
#: As wide as a row of five temperatures and the truth.
_CURVES_INCHES = (14.96, 3.6)


@dataclass(frozen=True)
class PhotoRow:
    """One photo of the comparison, with a picture, (H, W, 3) uint8, for each column."""

    name: str
    role: str
    tiles: tuple[np.ndarray, ...]

    @property
    def label(self) -> str:
        return self.name if self.role == "test" else f"{self.name} ({self.role})"


def tile(rgb: np.ndarray, side: int = TILE_SIDE) -> np.ndarray:
    """Shrink a picture, (H, W, 3) uint8, into a square of `side` px; small ones stay."""
    image = Image.fromarray(rgb)
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    return np.asarray(image)


def draw_comparison(
    titles: Sequence[str],
    rows: Sequence[PhotoRow],
    largest: int = _LARGEST_PNG,
    side: int = TILE_SIDE,
) -> tuple[bytes, int]:
    """Draw photos side by side, one row per photo, one column per title.

    Args:
        titles: of the columns; a colon ends a line.
        rows: the most important photos first: the last are left out where the file gets too large.
        largest: bytes of the file.
        side: of the squares that pictures are shrunk into, in px.

    Returns:
        The PNG file, and how many rows are in it.
    """
    rows = [replace(row, tiles=tuple(tile(one, side) for one in row.tiles)) for row in rows]
    count = len(rows)
    with warnings.catch_warnings():  # boxes stand for letters that Matplotlib's font lacks
        warnings.filterwarnings("ignore", message="Glyph")
        while len(png := _comparison_png(titles, rows[:count], side)) > largest and count > 1:
            count = max(1, min(count - 1, math.floor(count * largest / len(png))))
    return png, count


def draw_curves(histories: Sequence[tuple[str, dict[str, list[float]]]]) -> bytes:
    """Draw what each model logged against the photos it had seen, one panel per model.

    Args:
        histories: title and curves of each model, "photos_seen" among the curves.

    Returns:
        An SVG file; the same input gives the same bytes.
    """
    columns = min(3, len(histories))
    panels = math.ceil(len(histories) / columns)
    figure = Figure(figsize=(4.2 * columns, 2.9 * panels), layout="constrained")
    for position, (title, curves) in enumerate(histories, start=1):
        axes = figure.add_subplot(panels, columns, position)
        for name, values in curves.items():
            if name != "photos_seen":
                axes.plot(curves["photos_seen"], values, marker=".", label=name)
        if all(value > 0 for values in curves.values() for value in values):
            axes.set_yscale("log")  # the first rounds would flatten all later ones
        axes.set_title(title, fontsize=10)
        axes.set_xlabel("photos seen")
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    return save_figure(figure, "svg")


@dataclass(frozen=True)
class TemperatureCurves:
    """How a model scores over the temperature, and its default temperature."""

    title: str
    default: float
    study: Study


def draw_temperature_curves(models: Sequence[TemperatureCurves], file_format: str) -> bytes:
    """Draw each metric over the temperature, one panel per metric, one color per model.

    Args:
        models: studies of the same photos at the same size.
        file_format: "svg" or "png".
    """
    return save_figure(_temperature_figure(models), file_format)


def stack(pictures: Sequence[bytes]) -> bytes:
    """Put PNG pictures below each other on white."""
    images = [Image.open(io.BytesIO(picture)).convert("RGB") for picture in pictures]
    tops = [0, *itertools.accumulate(image.height for image in images)]
    page = Image.new("RGB", (max(image.width for image in images), tops[-1]), "white")
    for image, top in zip(images, tops, strict=False):
        page.paste(image, (0, top))
    buffer = io.BytesIO()
    page.save(buffer, "png")
    return buffer.getvalue()


def data_uri(content: bytes, kind: str) -> str:
    """Encode a file as an address that holds it, for pages that load nothing else."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _temperature_figure(models: Sequence[TemperatureCurves]) -> Figure:
    figure = Figure(figsize=_CURVES_INCHES, dpi=_DPI, layout="constrained")
    panels = figure.subplots(1, len(METRICS))
    for axes, metric in zip(panels, METRICS, strict=True):
        for number, model in enumerate(models):
            _plot_model(axes, metric, model, f"C{number}")
        line = plot_reference(axes, models[0].study, metric)
        if line is not None:
            axes.legend([line], [line.get_label()], fontsize=8)
    handles, names = panels[1].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=min(3, len(names)), fontsize=9)
    title = basis(models[0].study)
    figure.suptitle(title[:1].upper() + title[1:], fontsize=11)
    return figure


def _plot_model(axes: Axes, metric: str, model: TemperatureCurves, color: str) -> None:
    """Plot a model's means with their intervals, and ring the one at its default temperature."""
    label = f"{model.title} (ring: the leaderboard's {model.default:g})"
    plot_metric(axes, model.study, metric, color=color, label=label)
    ringed = model.study.means(metric)[model.study.values.index(model.default)]
    axes.plot([model.default], [ringed], "o", color=color, markersize=10, fillstyle="none")


def save_figure(figure: Figure, file_format: str) -> bytes:
    """Save a figure without date and random names: equal figures give equal bytes."""
    buffer = io.BytesIO()
    with rc_context({"svg.hashsalt": "colorization-zoo", "svg.fonttype": "path"}):
        metadata = {"Date": None} if file_format == "svg" else {}
        figure.savefig(buffer, format=file_format, metadata=metadata)
    return buffer.getvalue()


def _comparison_png(titles: Sequence[str], rows: Sequence[PhotoRow], side: int) -> bytes:
    """Place every tile pixel by pixel: nothing is resampled a second time."""
    heights = [max(tile.shape[0] for tile in row.tiles) for row in rows]
    width = _GAP + len(titles) * (side + _GAP)
    height = _TITLES_HEIGHT + sum(heights) + len(rows) * (_LABEL_HEIGHT + _GAP)
    figure = Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI, facecolor="white")
    lefts = [_GAP + column * (side + _GAP) for column in range(len(titles))]
    for left, title in zip(lefts, titles, strict=True):
        middle = left + side / 2, height - _TITLES_HEIGHT / 2
        _write(figure, middle, title.replace(":", "\n"), side, **_TITLE_STYLE)
    top = _TITLES_HEIGHT
    for row, row_height in zip(rows, heights, strict=True):
        place = _GAP, height - top - _LABEL_HEIGHT / 2
        color = _LABEL_COLORS[row.role]
        _write(figure, place, row.label, width - 2 * _GAP, fontsize=_LABEL_POINTS, color=color)
        top += _LABEL_HEIGHT
        for left, tile in zip(lefts, row.tiles, strict=True):
            indent = (side - tile.shape[1]) // 2
            figure.figimage(tile, left + indent, height - top - tile.shape[0], origin="upper")
        top += row_height + _GAP
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI)
    return buffer.getvalue()


def _write(
    figure: Figure, place: tuple[float, float], text: str, width: float, **style: Any
) -> None:
    """Write text at a place in px, in smaller letters where it is wider than `width` px."""
    x, y = np.divide(place, figure.get_size_inches() * _DPI)
    written = figure.text(x, y, text, va="center", parse_math=False, **style)
    present = written.get_window_extent(FigureCanvasAgg(figure).get_renderer()).width
    if present > width:
        written.set_fontsize(float(written.get_fontsize()) * width / present)

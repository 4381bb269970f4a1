"""Quality against cost: which models nothing cheaper or better beats, and the plot of all."""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.transforms import Bbox

from benchmarks.report.figures import data_uri, save_figure
from zoo.card import Interval
from zoo.metrics import Metric, get_metric

#: An offset in points, and on which side of it a text begins.
Place = tuple[float, float, Literal["left", "right"]]

_INCHES = (5.8, 4.4)
_FRONT_COLOR, _OTHER_COLOR = "#0b62c4", "#6b7280"
_LABEL_POINTS = 8.5
_POINT_PIXELS = 5
#: Where a label may stand beside its point, in points of type, the best places first.
_NEAR, _STEP, _STEPS = 7, 6, 16
#: Above this distance a line leads from the label to its point.
_LEADER_POINTS = 10


def _latency(result: dict[str, Any]) -> float | None:
    speed = result.get("speed")
    return None if speed is None else 1000 * speed["latency_seconds"]["median"]


#: What a model costs: in words, and from a result to the number; None where it was not measured.
COSTS: dict[str, Callable[[dict[str, Any]], float | None]] = {
    "parameters": lambda result: result["parameters"],
    "latency (ms)": _latency,
}


@dataclass(frozen=True)
class CostPlot:
    """A metric against a cost: their names, the titles of the models on the front, the picture."""

    title: str
    cost: str
    front: tuple[str, ...]
    svg: bytes

    @property
    def uri(self) -> str:
        """The picture as a data URI."""
        return data_uri(self.svg, "image/svg+xml")


@dataclass(frozen=True)
class PricedScore:
    """A model in the plot: what it is called, what it costs, and its figure."""

    title: str
    cost: float
    figure: Interval


def pareto_front(points: Sequence[tuple[float, float]], *, higher_is_better: bool) -> list[int]:
    """Find the points that no other one beats: none is as small and better, or smaller and as good.

    Args:
        points: size and quality of each.
        higher_is_better: whether more quality is better.

    Returns:
        Their numbers, from the smallest to the largest; equal points are all in or all out.

    Examples:
        >>> pareto_front([(10, 0.7), (20, 0.6), (30, 0.9)], higher_is_better=True)
        [0, 2]
    """
    sign = 1 if higher_is_better else -1
    order = sorted(range(len(points)), key=lambda i: (points[i][0], -sign * points[i][1]))
    front: list[int] = []
    for i in order:
        best = points[front[-1]] if front else None
        if best is None or sign * points[i][1] > sign * best[1] or points[i] == best:
            front.append(i)
    return front


def draw_cost_plots(
    results: Sequence[dict[str, Any]], titles: Mapping[str, str], metrics: Sequence[str]
) -> list[CostPlot]:
    """Draw each metric that was scored against each cost that was measured.

    Args:
        results: of the models that finished.
        titles: each result's title by key.
        metrics: names of metrics that have a better direction.
    """
    plots = []
    for (cost, price_of), metric in itertools.product(COSTS.items(), map(get_metric, metrics)):
        models = [
            PricedScore(titles[result["key"]], price, Interval(**result["summary"][metric.name]))
            for result in results
            if metric.name in result["summary"] and (price := price_of(result)) is not None
        ]
        if models:
            front = tuple(models[number].title for number in front_of(models, metric))
            plots.append(CostPlot(metric.title, cost, front, draw_cost_plot(models, cost, metric)))
    return plots


def front_of(models: Sequence[PricedScore], metric: Metric) -> list[int]:
    """The numbers of the models on the Pareto front of a metric, from the cheapest on."""
    points = [(model.cost, model.figure.mean) for model in models]
    return pareto_front(points, higher_is_better=metric.direction == "higher")


def draw_cost_plot(models: Sequence[PricedScore], cost: str, metric: Metric) -> bytes:
    """Draw a metric against a cost, with the Pareto front; up is better.

    Args:
        models: one at least.
        cost: what it is called.
        metric: one that has a better direction.

    Returns:
        An SVG file; the same input gives the same bytes.
    """
    return save_figure(_cost_figure(models, cost, metric), "svg")


def _cost_figure(models: Sequence[PricedScore], cost: str, metric: Metric) -> Figure:
    figure = Figure(figsize=_INCHES, layout="constrained")
    axes = figure.add_subplot()
    places = _cost_axis(axes, [model.cost for model in models])
    front = front_of(models, metric)
    for number, (model, place) in enumerate(zip(models, places, strict=True)):
        _plot_model(axes, model, place, on_front=number in front)
    means = [model.figure.mean for model in models]
    axes.plot(
        [places[i] for i in front],
        [means[i] for i in front],
        color=_FRONT_COLOR,
        drawstyle="steps-post",
        linewidth=1.2,
        linestyle="--",
        zorder=1,
    )
    if metric.direction == "lower":
        axes.invert_yaxis()
    axes.margins(y=0.12)
    axes.set_title(f"{metric.title} ({metric.direction} is better; up is better)", fontsize=10)
    axes.set_xlabel(f"{cost} (dashed: Pareto front)", fontsize=9)
    axes.grid(alpha=0.25)
    _label(figure, axes, models, places)
    return figure


def _cost_axis(axes: Axes, costs: Sequence[float]) -> list[float]:
    """Make the x-axis logarithmic, with 0 a decade left of the lowest cost; return the places."""
    logs = [math.log10(cost) for cost in costs if cost > 0] or [1]
    low, high = math.floor(min(logs)), math.ceil(max(logs))
    zero = 10.0 ** (low - 1)
    with_zero = 0 in costs
    axes.set_xscale("log")
    ticks = [zero] * with_zero + [10.0**power for power in range(low, high + 1)]
    axes.set_xticks(ticks, ["0"] * with_zero + [_short(p) for p in range(low, high + 1)])
    axes.set_xticks([], minor=True)
    axes.tick_params(labelsize=8)
    decades = high - low + with_zero
    # Most models are large: their labels need room on the right.
    axes.set_xlim(10 ** (low - 0.3 - with_zero), 10 ** (high + 0.3 + 0.15 * decades))
    return [float(cost) or zero for cost in costs]


def _short(power: int) -> str:
    """A power of ten in few letters, as in "10 k"."""
    for size, letter in ((9, " G"), (6, " M"), (3, " k")):
        if power >= size:
            return f"{10 ** (power - size)}{letter}"
    return f"{10.0**power:g}"


def _plot_model(axes: Axes, model: PricedScore, place: float, *, on_front: bool) -> None:
    color = _FRONT_COLOR if on_front else _OTHER_COLOR
    figure = model.figure
    ends = np.array([figure.low, figure.high], float)
    axes.plot([place, place], ends, color=color, alpha=0.45, linewidth=1)
    fill = color if on_front else "white"
    axes.plot([place], [figure.mean], "o", color=color, markerfacecolor=fill, markersize=5.5)


def _label(
    figure: Figure, axes: Axes, models: Sequence[PricedScore], places: Sequence[float]
) -> None:
    """Write every model's title where it covers least: a greedy choice, in the models' order."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw_without_rendering()
    scale = figure.dpi / 72
    points = [(place, model.figure.mean) for place, model in zip(places, models, strict=True)]
    anchors = [tuple(axes.transData.transform(point)) for point in points]
    taken = [_around(x, y) for x, y in anchors]
    for model, point, anchor in zip(models, points, anchors, strict=True):
        text = axes.annotate(
            model.title,
            point,
            (0, 0),
            textcoords="offset points",
            fontsize=_LABEL_POINTS,
            parse_math=False,
            va="center",
            path_effects=[withStroke(linewidth=2.5, foreground="white")],
            arrowprops={"arrowstyle": "-", "color": _OTHER_COLOR, "linewidth": 0.5, "shrinkA": 0},
        )
        text.set_in_layout(False)
        extent = text.get_window_extent(renderer)
        size = extent.width, extent.height
        (dx, dy, side), box = _best_place(anchor, size, scale, taken, axes.bbox)
        text.set_position((dx, dy))
        text.set_horizontalalignment(side)
        if text.arrow_patch is not None:
            text.arrow_patch.set_visible(math.hypot(dx, dy) > _LEADER_POINTS)
        taken.append(box)


def _best_place(
    anchor: tuple[float, float],
    size: tuple[float, float],
    scale: float,
    taken: Sequence[Bbox],
    frame: Bbox,
) -> tuple[Place, Bbox]:
    """The first offset whose label covers nothing, or else the one that covers least."""
    boxes = {place: _label_box(anchor, size, scale, place) for place in _label_places()}
    cost = {place: _covered(box, taken, frame) for place, box in boxes.items()}
    place = min(boxes, key=cost.__getitem__)
    return place, boxes[place]


def _label_places() -> list[Place]:
    """Offsets in points with the text's alignment, from the nearest to the farthest."""
    steps = [sign * _STEP * step for step in range(1, _STEPS + 1) for sign in (1, -1)]
    return [place for dy in (0, *steps) for place in ((_NEAR, dy, "left"), (-_NEAR, dy, "right"))]


def _label_box(
    anchor: tuple[float, float],
    size: tuple[float, float],
    scale: float,
    place: Place,
) -> Bbox:
    """The pixels that a label of a size takes at a place beside its point."""
    (x, y), (width, height), (dx, dy, side) = anchor, size, place
    left = x + dx * scale - (width if side == "right" else 0)
    return Bbox.from_bounds(left, y + dy * scale - height / 2, width, height)


def _covered(box: Bbox, taken: Sequence[Bbox], frame: Bbox) -> float:
    """How many pixels of a label's box are taken or lie outside the frame."""
    outside = _area(box) - _shared(box, frame)
    return outside + sum(_shared(box, other) for other in taken)


def _shared(one: Bbox, other: Bbox) -> float:
    both = Bbox.intersection(one, other)
    return 0.0 if both is None else _area(both)


def _area(box: Bbox) -> float:
    return box.width * box.height


def _around(x: float, y: float) -> Bbox:
    return Bbox.from_extents(
        x - _POINT_PIXELS, y - _POINT_PIXELS, x + _POINT_PIXELS, y + _POINT_PIXELS
    )

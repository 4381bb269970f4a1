"""Quality against cost: plots of all models, with those that no cheaper one equals."""

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

from benchmarks.harness.stored import Result
from benchmarks.report.figures import data_uri, save_figure
from benchmarks.report.speed import latency
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


#: What a model costs: in words, and from a result to the number; None where it was not measured.
COSTS: dict[str, Callable[[Result], float | None]] = {
    "parameters": lambda result: result["parameters"],
    "latency (ms)": lambda result: None if (seconds := latency(result)) is None else 1000 * seconds,
}


@dataclass(frozen=True)
class CostPlot:
    """A metric against a cost, with the titles of the models on the front."""

    title: str
    cost: str
    front: tuple[str, ...]
    svg: bytes

    @property
    def uri(self) -> str:
        return data_uri(self.svg, "image/svg+xml")


@dataclass(frozen=True)
class PricedScore:
    """A model in the plot."""

    title: str
    cost: float
    figure: Interval


def pareto_front(points: Sequence[tuple[float, float]], *, higher_is_better: bool) -> list[int]:
    """Find the points (cost, quality) that no other one equals at less cost or beats at the same.

    Returns:
        Their numbers, from the cheapest on; equal points are all in or all out.

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
    results: Sequence[Result], titles: Mapping[str, str], metrics: Sequence[str]
) -> list[CostPlot]:
    """Draw each metric against each cost that was measured; metrics need a better direction."""
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
    """Number the models on the Pareto front of a metric, from the cheapest on."""
    points = [(model.cost, model.figure.mean) for model in models]
    return pareto_front(points, higher_is_better=metric.direction == "higher")


def draw_cost_plot(models: Sequence[PricedScore], cost: str, metric: Metric) -> bytes:
    """Draw a metric against a cost, with the Pareto front, as SVG; up is better."""
    return save_figure(_cost_figure(models, cost, metric), "svg")


def _cost_figure(models: Sequence[PricedScore], cost: str, metric: Metric) -> Figure:
    figure = Figure(figsize=_INCHES, layout="constrained")
    axes = figure.add_subplot()
    places = _cost_axis(axes, [model.cost for model in models])
    front = front_of(models, metric)
    for number, (model, place) in enumerate(zip(models, places, strict=True)):
        _plot_model(axes, model, place, on_front=number in front)
    steps = [(places[i], models[i].figure.mean) for i in front]
    style: dict[str, Any] = {"drawstyle": "steps-post", "linewidth": 1.2, "linestyle": "--"}
    axes.plot(*zip(*steps, strict=True), color=_FRONT_COLOR, zorder=1, **style)
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
    """Write a power of ten in few letters, as in "10 k"."""
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
    near = np.array([-_POINT_PIXELS, _POINT_PIXELS])
    taken = [Bbox(np.transpose([x + near, y + near])) for x, y in anchors]
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
        boxes = {place: _label_box(anchor, extent, scale, place) for place in _label_places()}
        # The first place where the label covers nothing, or else the one where it covers least.
        cost = {place: _covered(box, taken, axes.bbox) for place, box in boxes.items()}
        (dx, dy, side) = place = min(boxes, key=cost.__getitem__)
        text.set_position((dx, dy))
        text.set_horizontalalignment(side)
        if text.arrow_patch is not None:
            text.arrow_patch.set_visible(math.hypot(dx, dy) > _LEADER_POINTS)
        taken.append(boxes[place])


def _label_places() -> list[Place]:
    """Offsets in points with the text's alignment, from the nearest to the farthest."""
    steps = [sign * _STEP * step for step in range(1, _STEPS + 1) for sign in (1, -1)]
    return [place for dy in (0, *steps) for place in ((_NEAR, dy, "left"), (-_NEAR, dy, "right"))]


def _label_box(anchor: tuple[float, float], extent: Bbox, scale: float, place: Place) -> Bbox:
    """The pixels that a label of an extent takes at a place beside its point."""
    (x, y), (dx, dy, side), (width, height) = anchor, place, extent.size
    left = x + dx * scale - (width if side == "right" else 0)
    return Bbox.from_bounds(left, y + dy * scale - height / 2, width, height)


def _covered(box: Bbox, taken: Sequence[Bbox], frame: Bbox) -> float:
    """How many pixels of a label's box are taken or lie outside the frame."""
    outside = box.width * box.height - _shared(box, frame)
    return outside + sum(_shared(box, other) for other in taken)


def _shared(one: Bbox, other: Bbox) -> float:
    both = Bbox.intersection(one, other)
    return 0.0 if both is None else both.width * both.height

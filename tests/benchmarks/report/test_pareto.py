import dataclasses
import math
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from tiny_runs import MALICIOUS

from benchmarks.report.pareto import (
    PricedScore,
    _cost_figure,
    draw_cost_plot,
    draw_cost_plots,
    pareto_front,
)
from zoo.card import Interval
from zoo.metrics import get_metric

AUC, CIEDE = get_metric("auc_rebalanced"), get_metric("ciede2000")

# Small whole numbers: many points share a size, a quality or both.
POINTS = st.lists(st.tuples(st.integers(0, 6), st.integers(-3, 3)), max_size=12)


def model(title, parameters, mean):
    return PricedScore(title, parameters, Interval(mean, mean - 0.05, mean + 0.05))


def beats(one, other, higher_is_better):
    """Whether a point is at least as good in both respects and better in one."""
    better = one[1] > other[1] if higher_is_better else one[1] < other[1]
    return (one[0] <= other[0] and better) or (one[0] < other[0] and one[1] == other[1])


@given(POINTS, st.booleans())
def test_front_holds_what_no_point_beats(points, higher):
    expected = {
        i for i, point in enumerate(points) if not any(beats(o, point, higher) for o in points)
    }
    found = pareto_front(points, higher_is_better=higher)
    assert set(found) == expected
    assert len(found) == len(expected)
    assert [points[i][0] for i in found] == sorted(points[i][0] for i in found)


def test_a_model_without_parameters_stands_left_of_all_others():
    axes = _cost_figure(
        [model("a", 0, 0.5), model("b", 2, 0.4), model("c", 3_000_000, 0.9)], "parameters", AUC
    )
    axes = axes.axes[0]
    places = [line.get_xdata()[0] for line in axes.lines if line.get_marker() == "o"]
    assert places[0] < places[1] < places[2]
    assert places[1:] == [2, 3_000_000]
    low, high = axes.get_xlim()
    assert 0 < low < places[0]
    assert places[2] < high < math.inf
    ticks, labels = axes.get_xticks(), axes.get_xticklabels()
    names = {label.get_text(): tick for tick, label in zip(ticks, labels, strict=True)}
    assert names["0"] == places[0]
    assert names["1 k"] == 1000
    assert names["10 M"] == 10_000_000


@pytest.mark.parametrize("sizes", [(0,), (0, 0), (1,), (1000, 10_000)])
def test_any_sizes_can_be_drawn(sizes):
    models = [model(f"m{number}", size, 0.5) for number, size in enumerate(sizes)]
    figure = _cost_figure(models, "parameters", AUC)
    assert all(math.isfinite(end) for end in figure.axes[0].get_xlim())
    assert ("0" in [t.get_text() for t in figure.axes[0].get_xticklabels()]) == (0 in sizes)


def test_every_model_is_labeled_and_no_label_covers_another():
    crowd = [model(f"model_{n}:compact", 1_300_000, 0.6 + 0.002 * n) for n in range(12)]
    # The last one's label has no room on the right.
    others = [model("gray:default", 0, 0.5), model("large " * 6, 10_000_000, 0.4)]
    figure = _cost_figure([*crowd, *others], "parameters", AUC)
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw_without_rendering()
    texts = figure.axes[0].texts
    assert [text.get_text() for text in texts] == [one.title for one in [*crowd, *others]]
    frame = figure.axes[0].bbox
    # A text's own extent, without the line that leads to its point.
    boxes = [super(type(text), text).get_window_extent(renderer) for text in texts]
    for number, box in enumerate(boxes):
        assert frame.x0 <= box.x0
        assert box.x1 <= frame.x1
        for other in boxes[:number]:
            apart = box.x1 <= other.x0 or other.x1 <= box.x0 or box.y1 <= other.y0
            assert apart or other.y1 <= box.y0


def test_better_is_up_whatever_the_direction():
    models = [model("a", 10, 0.5), model("b", 20, 0.4)]
    for metric in (AUC, CIEDE):
        low, high = _cost_figure(models, "parameters", metric).axes[0].get_ylim()
        assert (low < high) == (metric.direction == "higher")


def test_drawing_twice_gives_the_same_bytes_whatever_the_names():
    models = [model(MALICIOUS, 0, 0.5), model("$\\frac$", 20, 0.4)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        svg = draw_cost_plot(models, "parameters", AUC)
    assert svg == draw_cost_plot(models, "parameters", AUC)
    assert b"onerror=alert(1)>" not in svg


def test_plots_take_the_metrics_that_were_scored():
    figure = dataclasses.asdict(Interval(0.5, 0.4, 0.6))
    results = [
        {"key": "1", "parameters": 10, "summary": {"ciede2000": figure}},
        {"key": "2", "parameters": 5, "summary": {"ciede2000": figure}},
        {"key": "3", "parameters": 0, "summary": {}},
    ]
    titles = {"1": "one", "2": "two", "3": "three"}
    (plot,) = draw_cost_plots(results, titles, ["auc_rebalanced", "ciede2000"])
    assert (plot.title, plot.front) == ("CIEDE2000", ("two",))
    assert plot.uri.startswith("data:image/svg+xml;base64,")

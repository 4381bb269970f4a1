import dataclasses
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from zoo.errors import ZooError
from zoo.metrics import METRICS, Pair, aggregates, get_metric, list_metrics

TOLERANCE = 1e-9


@st.composite
def pairs(draw):
    shape = (*draw(st.tuples(*[st.integers(1, 9)] * 2)), 3)
    photo = hnp.arrays(np.uint8, shape)
    return Pair(draw(photo), draw(photo))


def figure_of_one(metric, pair):
    weights = None if metric.weight is None else np.array([metric.weight(pair)])
    return float(metric.aggregate(np.array([metric.score(pair)]), weights))


@pytest.mark.parametrize("metric", METRICS.values(), ids=lambda metric: metric.name)
@settings(max_examples=25, deadline=None)
@given(pair=pairs())
def test_every_figure_is_finite_and_in_its_range(metric, pair):
    figure = figure_of_one(metric, pair)
    assert np.isfinite(figure)
    assert figure >= metric.low - TOLERANCE
    assert metric.high is None or figure <= metric.high + TOLERANCE


@pytest.mark.parametrize(
    "metric",
    [metric for metric in METRICS.values() if metric.direction is not None],
    ids=lambda metric: metric.name,
)
@settings(max_examples=25, deadline=None)
@given(pair=pairs())
def test_a_perfect_prediction_gets_the_best_figure(metric, pair):
    best = metric.high if metric.direction == "higher" else metric.low
    perfect = figure_of_one(metric, Pair(pair.truth, pair.truth))
    assert perfect == pytest.approx(best, abs=TOLERANCE)


def test_metrics_describe_themselves():
    assert list_metrics() == list(METRICS)
    for name, metric in METRICS.items():
        assert metric.name == name
        assert get_metric(name) is metric
        assert metric.title
        assert metric.source
        assert metric.direction in ("higher", "lower", None)
    assert len({metric.title for metric in METRICS.values()}) == len(METRICS)
    with pytest.raises(dataclasses.FrozenInstanceError):
        METRICS["psnr"].low = 3


def test_an_unknown_metric_is_answered_with_the_valid_ones():
    with pytest.raises(ZooError, match=r"no metric 'pnsr' \(did you mean 'psnr'\?\).*ciede2000"):
        get_metric("pnsr")


scores_of_photos = hnp.arrays(np.float64, (3, 5), elements=st.floats(-100, 100))


@given(predicted=scores_of_photos, true=scores_of_photos)
def test_aggregated_colorfulness_difference_is_the_distance_of_the_means(predicted, true):
    aggregate = get_metric("delta_colorfulness").aggregate
    expected = np.abs(predicted.mean(-1) - true.mean(-1))
    np.testing.assert_allclose(aggregate(predicted - true, None), expected, atol=1e-9)


def test_aggregates_work_along_the_last_axis():
    generator = np.random.default_rng(0)
    scores, weights = generator.normal(size=(2, 4, 6)), generator.uniform(1, 9, (2, 4, 6))
    for aggregate in (aggregates.mean, aggregates.root_mean_square, aggregates.absolute_mean):
        found = aggregate(scores, None)
        assert found.shape == (2, 4)
        assert found[1, 2] == pytest.approx(float(aggregate(scores[1, 2], None)))
    np.testing.assert_allclose(
        aggregates.mean(scores, weights), (scores * weights).sum(-1) / weights.sum(-1)
    )
    assert aggregates.root_mean_square(np.array([3.0, 4.0])) == pytest.approx(np.sqrt(12.5))
    assert aggregates.absolute_mean(np.array([-3.0, 1.0])) == 1


def test_pooled_ab_rmse_equals_the_rmse_of_photos_side_by_side():
    truth, prediction = np.random.default_rng(0).integers(0, 256, (2, 4, 6, 7, 3), dtype=np.uint8)
    metric = get_metric("ab_rmse")
    each = [metric.score(Pair(t, p)) for t, p in zip(truth, prediction, strict=True)]
    together = metric.score(Pair(np.concatenate(truth), np.concatenate(prediction)))
    assert metric.aggregate(np.array(each)) == pytest.approx(together)


def test_importing_the_metrics_loads_no_framework_and_no_image_code():
    code = (
        "import sys, zoo.metrics, zoo.evaluation.evaluate; "
        "heavy = {'keras', 'tensorflow', 'scipy', 'skimage.color', 'rich'}; "
        "sys.exit(str(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr

"""The fixed prior of colors: counted, smoothed and looked up."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import spatial

from zoo.color.bins import ab_bins
from zoo.color.prior import paper_centers
from zoo.errors import ZooError
from zoo.files import read_json
from zoo.metrics import ColorPrior, aggregates, color_prior
from zoo.metrics.prior import PRIOR, nearest_bins


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_nearest_bins_are_a_tree_s(seed):
    ab = np.random.default_rng(seed).uniform(-130, 130, (40, 25, 2))
    distances, expected = spatial.cKDTree(ab_bins().centers).query(ab)
    found = nearest_bins(ab)
    assert found.shape == (40, 25)
    np.testing.assert_array_equal(found, expected)
    chosen = np.linalg.norm(paper_centers()[found] - ab, axis=-1)
    np.testing.assert_allclose(chosen, distances)


def test_the_centers_are_those_that_models_use():
    np.testing.assert_array_equal(paper_centers(), ab_bins().centers)


def test_weights_are_one_over_the_smoothed_share():
    counts = np.random.default_rng(0).integers(0, 1000, 313)
    centers = paper_centers()
    smoothed = np.zeros(313)
    for count, center in zip(counts, centers, strict=True):
        kernel = np.exp(-np.square(centers - center).sum(-1) / (2 * 5.0**2))
        smoothed += count * kernel / kernel.sum()
    prior = ColorPrior(counts, 1, "f", 128, "made up")
    np.testing.assert_allclose(prior.weights, smoothed.sum() / smoothed / 313)
    even = ColorPrior(np.full(313, 7), 1, "f", 128, "made up")
    # At the border of the gamut a bin has fewer neighbors to give to and to get from.
    np.testing.assert_allclose(even.weights, 1, atol=0.25)


def test_the_prior_of_the_package_is_of_many_photos_and_makes_gray_frequent():
    prior = color_prior()
    assert prior.counts.shape == (313,)
    assert prior.photos > 20_000
    assert prior.counts.sum() > 300_000_000
    assert prior.weights.argmin() == nearest_bins(np.zeros(2))
    # Weights fall with the share of a color: gray, a brown, a saturated red, what no photo shows.
    gray, brown, red, unseen = prior.pixel_weights(
        np.array([[0.0, 0.0], [10.0, 20.0], [60.0, 40.0], [100.0, -90.0]])
    )
    assert 0.01 < gray < brown < 0.5 < 2 < red < unseen


def test_a_damaged_prior_is_refused():
    content = read_json(PRIOR)
    assert ColorPrior.from_json(content).sha256 == color_prior().sha256 == content["sha256"]
    content["counts"][7] += 1
    with pytest.raises(ZooError, match="sha256 differs"):
        ColorPrior.from_json(content)


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=30), st.floats(0.1, 10))
def test_the_effective_number_lies_between_one_and_all(weights, factor):
    weights = np.array(weights)
    found = aggregates.effective_number(weights)
    assert 1 - 1e-9 <= found <= len(weights) + 1e-9
    assert found == pytest.approx(aggregates.effective_number(factor * weights))
    # By the variance of the weights (Kish 1965): n / (1 + cv^2).
    expected = len(weights) / (1 + weights.var() / weights.mean() ** 2)
    assert found == pytest.approx(expected)

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import sqrtm

from zoo.metrics.networks.frechet import Moments, frechet_distance


def moments_of(features, *cuts):
    found = Moments()
    for part in np.split(features, sorted(cuts)):
        if len(part):
            found.add(part)
    return found


def draw(count, width, seed, shift=0.0):
    generator = np.random.default_rng(seed)
    return generator.normal(size=(count, width)) @ generator.normal(size=(width, width)) + shift


@given(cuts=st.lists(st.integers(0, 40), max_size=5), shift=st.sampled_from([0.0, 1e4]))
def test_moments_do_not_depend_on_the_batches(cuts, shift):
    features = draw(40, 5, seed=0, shift=shift)
    found = moments_of(features, *cuts)
    assert found.count == 40
    np.testing.assert_allclose(found.mean, features.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found.covariance, np.cov(features, rowvar=False), rtol=1e-8)


def test_the_distance_is_that_of_the_formula():
    a, b = draw(200, 12, seed=1), draw(150, 12, seed=2, shift=0.3)
    first, second = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    expected = np.square(a.mean(0) - b.mean(0)).sum()
    expected += np.trace(first + second - 2 * sqrtm(first @ second).real)
    assert frechet_distance(moments_of(a), moments_of(b)) == pytest.approx(expected, rel=1e-8)
    assert frechet_distance(moments_of(b), moments_of(a)) == pytest.approx(expected, rel=1e-8)


def test_gaussians_without_correlation_have_a_closed_form():
    """Of which the distance is that of the means and of the standard deviations."""
    plain = draw(50, 4, seed=3)
    plain = plain - plain.mean(axis=0)
    white = plain @ np.linalg.inv(np.linalg.cholesky(np.cov(plain, rowvar=False))).T
    spreads, shift = np.array([0.5, 1.0, 2.0, 3.0]), np.array([1.0, 0.0, -2.0, 0.5])
    found = frechet_distance(moments_of(white), moments_of(white * spreads + shift))
    assert found == pytest.approx(np.square(spreads - 1).sum() + np.square(shift).sum(), rel=1e-9)


def test_fewer_photos_than_features_do_no_harm():
    """The trace is that of the singular values of both sets' products, which are few."""
    a, b = draw(6, 40, seed=4), draw(9, 40, seed=5)
    left, right = (x - x.mean(axis=0) for x in (a, b))
    root = np.linalg.norm(left @ right.T, "nuc") / np.sqrt(5 * 8)
    expected = np.square(a.mean(0) - b.mean(0)).sum() - 2 * root
    expected += np.square(left).sum() / 5 + np.square(right).sum() / 8
    assert frechet_distance(moments_of(a), moments_of(b)) == pytest.approx(expected, rel=1e-6)


def test_equal_sets_are_at_no_distance():
    features = draw(30, 50, seed=6)
    scale = np.square(features).sum(axis=1).mean()
    distance = frechet_distance(moments_of(features), moments_of(features, 7))
    assert 0 <= distance < 1e-6 * scale

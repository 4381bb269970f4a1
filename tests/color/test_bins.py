"""Bins, targets, priors and decoding against brute force in float64."""

import functools
import itertools
import os
import weakref
from pathlib import Path

import keras
import numpy as np
import pytest
from conftest import core_alone
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops
from scipy import stats
from skimage import color as reference

from zoo.color.bins import (
    NearestBins,
    ab_bins,
    annealed_mean,
    divergence,
    entropy,
    measure_prior,
    most_frequent,
    rebalancing_weights,
    soft_encode,
    uv_bins,
)
from zoo.color.prior import smooth_prior

AB, UV = ab_bins(), uv_bins()
PLANES = {"ab": AB, "uv": UV, "ab25": ab_bins(25)}
CUBE = np.array(list(itertools.product((0, 255), repeat=3)), np.uint8)
seeds = st.integers(0, 2**32 - 1)
priors = (
    st.lists(st.integers(0, 50), min_size=1, max_size=40)
    .filter(any)
    .map(lambda counts: np.array(counts) / sum(counts))
)
some_uv_bins = st.sets(st.integers(0, 99), min_size=1).map(lambda kept: UV.keep(np.array([*kept])))


def as_numpy(tensor) -> np.ndarray:
    return ops.convert_to_numpy(tensor)


def random_rgb(seed, count) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 3), dtype=np.uint8)


def distances_to(chroma, centers) -> np.ndarray:
    """(..., Q) float64, by direct differences."""
    difference = np.asarray(chroma, "float64")[..., None, :] - centers.astype("float64")
    return np.linalg.norm(difference, axis=-1)


def softmax(logits) -> np.ndarray:
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def dense_targets(chroma, centers, neighbors, sigma) -> np.ndarray:
    """(..., Q) float64: the Gaussian over the nearest bins, brought to the sum 1."""
    distances = distances_to(chroma, centers)
    shares = np.exp(-(distances**2) / (2 * sigma**2))
    shares[distances > np.sort(distances, axis=-1)[..., neighbors - 1, None]] = 0
    return shares / shares.sum(axis=-1, keepdims=True)


def dense(indices, shares, count) -> np.ndarray:
    """Sparse targets written out."""
    table = np.zeros((*shares.shape[:-1], count))
    np.put_along_axis(table, as_numpy(indices), as_numpy(shares), axis=-1)
    return table


def sparse_targets(random, count, bins, neighbors):
    """Indices without repetition, and shares that sum to 1."""
    indices = np.array([random.permutation(bins)[:neighbors] for _ in range(count)], "int32")
    return indices, random.dirichlet(np.ones(neighbors), count).astype("float32")


def gradient(loss, at: np.ndarray) -> np.ndarray:
    """The gradient of a scalar at `at`, by whatever the backend differentiates with."""

    class Shifted(keras.Model):
        def __init__(self):
            super().__init__()
            self.shift = self.add_weight(shape=at.shape, initializer="zeros")

        def call(self, x):
            return ops.convert_to_tensor(at) + self.shift

        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return loss(y_pred)

    shifted = Shifted()
    shifted.compile(optimizer=keras.optimizers.SGD(1.0))
    shifted.train_on_batch(np.zeros((1, 1)))
    return -as_numpy(shifted.shift)


def local_bins(name: str) -> np.ndarray:
    if "ZOO_PHOTOS" not in os.environ:
        pytest.skip("ZOO_PHOTOS does not name the folder with the published bins")
    return np.load(Path(os.environ["ZOO_PHOTOS"], "color_bins", name))


# --- bins of ab -------------------------------------------------------------------------------


def test_the_paper_s_bins_by_hand():
    assert len(AB) == 313
    assert AB.centers.dtype == np.float32
    assert AB.step == (10, 10)
    a, counts = np.unique(AB.centers[:, 0], return_counts=True)
    assert a.tolist() == list(range(-90, 101, 10))
    assert counts.tolist() == [
        *(5, 8, 10, 12, 14, 15, 16, 16, 17, 18),
        *(18, 18, 19, 20, 19, 20, 20, 19, 19, 10),
    ]
    b, counts = np.unique(AB.centers[:, 1], return_counts=True)
    assert b.tolist() == list(range(-110, 101, 10))
    assert counts.tolist() == [
        *(4, 6, 8, 10, 11, 12, 14, 15, 16, 17, 17),
        *(18, 17, 18, 18, 18, 19, 19, 19, 17, 14, 6),
    ]
    # By a, then by b; each row without a gap.
    assert (np.lexsort(AB.centers.T[::-1]) == np.arange(313)).all()
    for row in a:
        assert set(np.diff(AB.centers[AB.centers[:, 0] == row, 1])) == {10}


def test_the_paper_s_bins_are_the_published_ones():
    published = local_bins("pts_in_hull.npy")
    assert set(map(tuple, AB.centers.tolist())) == set(map(tuple, published.tolist()))
    np.testing.assert_array_equal(AB.centers, published)


@functools.cache
def bins_of_step(step):
    return ab_bins(step)


@pytest.mark.parametrize("step", [5, 12.5, 20, 50])
def test_bins_of_another_step_are_a_lattice_with_a_color_each(step):
    bins = bins_of_step(step)
    places = np.rint(bins.centers / step).astype(int)
    np.testing.assert_array_equal(places * step, bins.centers)
    assert len(np.unique(places, axis=0)) == len(bins)
    assert (0, 0) in set(map(tuple, places))
    assert bins.step == (step, step)
    values = np.arange(256, dtype=np.uint8)
    face = np.stack(np.meshgrid(values, values, indexing="ij"), axis=-1).reshape(-1, 2)
    faces = [np.insert(face, axis, end, axis=1) for axis in range(3) for end in (0, 255)]
    ab = reference.rgb2lab(np.concatenate(faces))[:, 1:] / step
    # A color on the border of two bins is nearest to both.
    nearest = [
        np.rint(ab + shift).astype(int) @ (1000, 1)
        for shift in itertools.product((-1e-4, 1e-4), repeat=2)
    ]
    assert np.isin(places @ (1000, 1), nearest).all()


@settings(max_examples=60, deadline=None)
@given(seeds, st.sampled_from((4, 5, 7.5, 12.5, 20, 50)))
def test_every_color_s_nearest_lattice_point_is_a_bin(seed, step):
    rgb = np.concatenate([CUBE, random_rgb(seed, 50)])
    ab = reference.rgb2lab(rgb)[:, 1:]
    away = abs(ab[:, None] - bins_of_step(step).centers).max(axis=-1).min(axis=1)
    assert away.max() <= step / 2 + 1e-3


# --- bins of UV -------------------------------------------------------------------------------


@pytest.mark.parametrize("cells", [2, 7, 10])
def test_uv_bins_are_the_centers_of_equal_cells(cells):
    bins = uv_bins(cells)
    assert len(bins) == cells**2
    assert bins.centers.dtype == np.float32
    middles = []
    for axis, limit in ((0, 0.45), (1, 0.65)):
        assert (bins.low[axis], bins.high[axis]) == (-limit, limit)
        assert bins.step[axis] == pytest.approx(2 * limit / cells)
        middles.append(np.linspace(-limit, limit, 2 * cells + 1)[1::2])
    np.testing.assert_allclose(bins.centers, list(itertools.product(*middles)), atol=1e-6)


def test_uv_bins_by_hand():
    assert len(UV) == 100
    np.testing.assert_allclose(
        UV.centers[[0, 1, 10, 99]],
        [(-0.405, -0.585), (-0.405, -0.455), (-0.315, -0.585), (0.405, 0.585)],
        atol=1e-6,
    )


def test_every_color_s_uv_is_in_the_plane():
    uv = reference.rgb2yuv(np.concatenate([CUBE, random_rgb(0, 1000)]))[:, 1:]
    assert (uv > UV.low).all()
    assert (uv < UV.high).all()
    # Each border cell has a color.
    assert (uv.max(axis=0) > np.array(UV.high) - UV.step).all()
    assert (uv.min(axis=0) < np.array(UV.low) + UV.step).all()


def test_kept_bins_stay_in_the_given_order():
    kept = UV.keep(np.array([7, 3, 99]))
    np.testing.assert_array_equal(kept.centers, UV.centers[[7, 3, 99]])
    assert (kept.step, kept.low, kept.high) == (UV.step, UV.low, UV.high)


# --- the nearest bins -------------------------------------------------------------------------


def colors_for(bins, seed, count=4000) -> np.ndarray:
    """Colors in the plane and around it, on the bins, and on the borders between them."""
    random, low, high = np.random.default_rng(seed), np.array(bins.low), np.array(bins.high)
    lattice = np.rint(random.uniform(-50, 50, (count // 4, 2))) / 8
    lattice += random.choice((0, 1e-6), lattice.shape)
    parts = [
        random.uniform(low, high, (count // 2, 2)),
        random.uniform(1.5 * low, 1.5 * high, (count // 4, 2)),
        lattice * bins.step,
        bins.centers[random.integers(0, len(bins), 40)],
        [low, high],
    ]
    return np.concatenate(parts).astype("float32")


def assert_nearest(nearest, neighbors, chroma):
    """The distances must be brute force's: where bins are equally near, either may be named."""
    bins = nearest.bins
    indices, squares = map(as_numpy, nearest(chroma))
    assert indices.shape == squares.shape == (*chroma.shape[:-1], neighbors)
    assert (indices.dtype, squares.dtype) == (np.int32, np.float32)
    assert (np.diff(np.sort(indices, axis=-1)) > 0).all()
    distances = distances_to(np.clip(chroma, bins.low, bins.high), bins.centers)
    expected = np.sort(distances, axis=-1)[..., :neighbors]
    tolerance = {"rtol": 1e-5, "atol": 2e-6 * min(bins.step)}
    named = np.take_along_axis(distances, indices, axis=-1)
    np.testing.assert_allclose(named, expected, **tolerance)
    np.testing.assert_allclose(np.sqrt(squares), expected, **tolerance)
    assert (np.diff(squares, axis=-1) >= 0).all()


@pytest.mark.parametrize(
    ("plane", "neighbors"),
    core_alone([*itertools.product(PLANES, (1, 5, 10))], ("ab", 5), ("uv", 1)),
)
def test_the_nearest_bins_are_brute_force_s(plane, neighbors):
    bins = PLANES[plane]
    assert_nearest(NearestBins(bins, neighbors), neighbors, colors_for(bins, neighbors))


@settings(max_examples=20, deadline=None)
@given(some_uv_bins, st.sampled_from((1, 5, 10)), seeds)
def test_the_nearest_of_kept_bins_are_brute_force_s(bins, neighbors, seed):
    nearest = NearestBins(bins, neighbors)
    assert nearest.neighbors == min(neighbors, len(bins))
    assert_nearest(nearest, nearest.neighbors, colors_for(bins, seed, 400))


@pytest.mark.core
def test_any_leading_shape_has_the_same_nearest_bins():
    nearest, chroma = NearestBins(AB, 5), colors_for(AB, 0)[:240]
    for flat, folded in zip(nearest(chroma), nearest(chroma.reshape(2, 3, 40, 2)), strict=True):
        np.testing.assert_array_equal(as_numpy(flat), as_numpy(folded).reshape(240, 5))


# --- soft targets and the divergence ----------------------------------------------------------


@pytest.mark.parametrize(
    ("plane", "neighbors"), core_alone([*itertools.product(("ab", "uv"), (1, 5, 10))], ("ab", 5))
)
def test_soft_targets_are_brute_force_s(plane, neighbors):
    bins, sigma = PLANES[plane], {"ab": 5.0, "uv": 0.05}[plane]
    random = np.random.default_rng(neighbors)
    chroma = random.uniform(bins.low, bins.high, (3000, 2)).astype("float32")
    # Where the last neighbor and the next one are equally near, either may have the share.
    edge = np.sort(distances_to(chroma, bins.centers), axis=-1)[:, neighbors - 1 : neighbors + 1]
    chroma = chroma[np.diff(edge)[:, 0] > 1e-4 * bins.step[0]].reshape(-1, 1, 2)
    indices, shares = map(as_numpy, soft_encode(chroma, NearestBins(bins, neighbors), sigma))
    np.testing.assert_allclose(shares.sum(axis=-1), 1, atol=1e-6)
    assert (np.diff(shares, axis=-1) <= 0).all()
    np.testing.assert_allclose(
        dense(indices, shares, len(bins)),
        dense_targets(chroma, bins.centers, neighbors, sigma),
        atol=2e-5,
    )


@pytest.mark.core
def test_a_color_on_a_bin_by_hand():
    """Its four neighbors are 10 away: exp(-100 / 50) of the bin's own share."""
    (index,) = np.flatnonzero((AB.centers == (20, -30)).all(axis=1))
    chroma = np.array([[20.0, -30.0]], "float32")
    indices, shares = map(as_numpy, soft_encode(chroma, NearestBins(AB, 5), 5.0))
    assert indices[0, 0] == index
    expected = np.array([1, *[np.exp(-2)] * 4]) / (1 + 4 * np.exp(-2))
    np.testing.assert_allclose(shares[0], expected, rtol=1e-5)


@pytest.mark.core
def test_far_from_all_bins_the_shares_stay_finite():
    far = np.array([[110, -110], [-110, -110], [500, 500], [-1e6, 1e6]], "float32")
    lonely = UV.keep(np.array([0]))
    for chroma, bins, sigma in ((far, AB, 5.0), (far, AB, 0.1), (far, lonely, 1e-3)):
        indices, shares = map(as_numpy, soft_encode(chroma, NearestBins(bins, 5), sigma))
        assert np.isfinite(shares).all()
        np.testing.assert_allclose(shares.sum(axis=-1), 1, atol=1e-6)
        assert (indices >= 0).all()
        assert (indices < len(bins)).all()


@pytest.mark.core
@settings(max_examples=20, deadline=None)
@given(seeds, st.floats(0.1, 30))
def test_the_divergence_is_kullback_s_and_leibler_s(seed, scale):
    random = np.random.default_rng(seed)
    indices, shares = sparse_targets(random, 20, bins=30, neighbors=4)
    logits = random.normal(0, scale, (20, 30)).astype("float32")
    target = dense(indices, shares, 30)
    expected = stats.entropy(target, softmax(logits.astype("float64")), axis=-1)
    found = as_numpy(divergence(logits, indices, ops.convert_to_tensor(shares)))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.core
def test_the_divergence_s_gradient_is_prediction_less_target():
    random = np.random.default_rng(0)
    indices, shares = sparse_targets(random, 12, bins=30, neighbors=4)
    logits = random.normal(0, 2, (12, 30)).astype("float32")
    found = gradient(
        lambda shifted: ops.sum(divergence(shifted, indices, ops.convert_to_tensor(shares))), logits
    )
    expected = softmax(logits.astype("float64")) - dense(indices, shares, 30)
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.core
def test_a_share_of_nothing_has_no_logarithm():
    """Far from all bins but one the other shares are 0; what is left is plain cross-entropy."""
    logits = np.random.default_rng(0).normal(0, 2, (5, 30)).astype("float32")
    indices = np.tile(np.array([3, 8, 1], "int32"), (5, 1))
    shares = ops.convert_to_tensor(np.tile(np.array([1, 0, 0], "float32"), (5, 1)))
    expected = softmax(logits.astype("float64"))
    found = as_numpy(divergence(logits, indices, shares))
    np.testing.assert_allclose(found, -np.log(expected[:, 3]), rtol=1e-5)
    slope = gradient(lambda shifted: ops.sum(divergence(shifted, indices, shares)), logits)
    np.testing.assert_allclose(slope, expected - np.eye(30)[3], atol=1e-6)


@pytest.mark.core
def test_a_perfect_prediction_has_no_divergence():
    random = np.random.default_rng(1)
    indices, shares = sparse_targets(random, 12, bins=30, neighbors=4)
    logits = np.log(np.maximum(dense(indices, shares, 30), 1e-30)).astype("float32") + 7
    np.testing.assert_allclose(
        as_numpy(divergence(logits, indices, ops.convert_to_tensor(shares))), 0, atol=1e-5
    )
    found = gradient(
        lambda shifted: ops.sum(divergence(shifted, indices, ops.convert_to_tensor(shares))), logits
    )
    np.testing.assert_allclose(found, 0, atol=1e-5)


# --- priors and weights -----------------------------------------------------------------------


def counted(chroma, bins) -> np.ndarray:
    nearest = distances_to(chroma, bins.centers).argmin(axis=-1)
    return np.bincount(nearest.ravel(), minlength=len(bins)) / nearest.size


@settings(max_examples=15, deadline=None)
@given(seeds, st.lists(st.sampled_from((0, 1, 20, 21, 60)), max_size=4))
def test_a_prior_is_the_count_however_it_is_split(seed, cuts):
    bins = UV.keep(np.arange(0, 100, 3))
    chroma = np.random.default_rng(seed).uniform(-0.4, 0.4, (60, 2)).astype("float32")
    prior = measure_prior(np.split(chroma, sorted(cuts)), bins)
    assert prior.dtype == np.float64
    np.testing.assert_allclose(prior, counted(chroma, bins), atol=1e-12)


@pytest.mark.core
def test_a_prior_of_photos_sums_to_one():
    chroma = np.random.default_rng(0).normal(0, 40, (3, 16, 12, 2)).clip(-110, 110)
    prior = measure_prior(iter(chroma.astype("float32")), AB)
    assert prior.shape == (313,)
    assert prior.sum() == pytest.approx(1, abs=1e-12)
    np.testing.assert_allclose(prior, counted(chroma, AB), atol=1e-12)


def test_no_color_at_all_gives_the_uniform_prior():
    for batches in ([], [np.zeros((0, 2), "float32")]):
        np.testing.assert_allclose(measure_prior(batches, UV), 1 / 100)


def test_a_prior_needs_one_batch_at_a_time():
    batches, alive = [], []

    def generate():
        for index in range(30):
            alive.append(sum(batch() is not None for batch in batches))
            batch = np.full((8, 2), index / 100, "float32")
            batches.append(weakref.ref(batch))
            yield batch
            del batch

    assert measure_prior(generate(), UV).sum() == pytest.approx(1)
    assert len(batches) == 30
    # The one that was just counted, and one that a backend may not have let go of yet.
    assert max(alive) <= 2


def test_the_most_frequent_bins_and_ties():
    assert most_frequent(np.array([0.1, 0.4, 0.2, 0.3]), 2).tolist() == [1, 3]
    assert most_frequent(np.array([0.3, 0.1, 0.2, 0.4]), 3).tolist() == [0, 2, 3]
    assert most_frequent(np.array([0.2, 0.3, 0.2, 0.1, 0.2]), 3).tolist() == [0, 1, 2]
    assert most_frequent(np.full(100, 0.01), 32).tolist() == list(range(32))
    assert most_frequent(np.array([0.5, 0.5]), 2).tolist() == [0, 1]


def test_smoothing_is_brute_force_s():
    bins = UV.keep(np.arange(0, 100, 7))
    prior = np.random.default_rng(0).dirichlet(np.ones(len(bins)))
    expected = np.zeros(len(bins))
    for share, center in zip(prior, bins.centers.astype("float64"), strict=True):
        kernel = [
            np.exp(-np.sum((center - other) ** 2) / (2 * 0.1**2))
            for other in bins.centers.astype("float64")
        ]
        expected += share * np.array(kernel) / sum(kernel)
    np.testing.assert_allclose(smooth_prior(prior, bins.centers, 0.1), expected, atol=1e-12)


def test_smoothing_by_hand():
    """Two bins 10 apart: each keeps 1 / (1 + exp(-2)) of its share."""
    bins = AB.keep(np.array([0, 1]))
    keeps = 1 / (1 + np.exp(-2))
    np.testing.assert_allclose(
        smooth_prior(np.array([1.0, 0.0]), bins.centers, 5.0), [keeps, 1 - keeps], atol=1e-12
    )


@settings(deadline=None)
@given(seeds, st.floats(1e-3, 100))
def test_smoothing_keeps_the_sum(seed, sigma):
    bins = UV.keep(np.arange(0, 100, 3))
    prior = np.random.default_rng(seed).dirichlet(np.full(len(bins), 0.1))
    smoothed = smooth_prior(prior, bins.centers, sigma)
    assert smoothed.sum() == pytest.approx(1, abs=1e-9)
    assert (smoothed >= 0).all()


def test_a_tiny_sigma_smooths_nothing_and_a_huge_one_everything():
    prior = np.random.default_rng(0).dirichlet(np.ones(313))
    np.testing.assert_array_equal(smooth_prior(prior, AB.centers, 1e-2), prior)
    np.testing.assert_allclose(smooth_prior(prior, AB.centers, 1e6), 1 / 313, rtol=1e-6)


def test_weights_by_hand():
    """Mixed with a third each: 5/12, 7/24, 7/24; their inverses average to 51/17.5."""
    weights = rebalancing_weights(np.array([0.5, 0.25, 0.25]), 0.5)
    np.testing.assert_allclose(weights, [14 / 17, 20 / 17, 20 / 17], rtol=1e-12)


@given(priors, st.floats(1e-3, 1))
def test_weights_average_to_one_and_rare_bins_count_more(prior, uniform_share):
    weights = rebalancing_weights(prior, uniform_share)
    assert prior @ weights == pytest.approx(1, abs=1e-9)
    assert np.isfinite(weights).all()
    assert (np.diff(weights[np.argsort(prior, kind="stable")]) <= 1e-9 * weights.max()).all()


@given(priors)
def test_lambda_of_one_lets_all_bins_count_the_same(prior):
    np.testing.assert_allclose(rebalancing_weights(prior, 1.0), 1, rtol=1e-9)


@pytest.mark.parametrize("uniform_share", [0.01, 0.2, 0.5, 1.0])
def test_a_uniform_prior_weighs_nothing(uniform_share):
    np.testing.assert_allclose(rebalancing_weights(np.full(313, 1 / 313), uniform_share), 1)


def test_the_weights_of_a_published_prior():
    prior = local_bins("prior_probs.npy")
    plain = rebalancing_weights(prior, 0.5)
    assert plain.argmin() == prior.argmax()
    assert plain.argmax() == prior.argmin()
    # Of 0.5 p + 0.5 / 313, with p from 0.00002 to 0.18.
    assert plain.max() / plain.min() == pytest.approx(57.6, abs=0.1)
    smoothed = smooth_prior(prior, AB.centers, 5.0)
    assert smoothed.sum() == pytest.approx(1)
    weights = rebalancing_weights(smoothed, 0.5)
    assert smoothed @ weights == pytest.approx(1)
    assert 10 < weights.max() / weights.min() < 50


# --- decoding ---------------------------------------------------------------------------------


@pytest.mark.core
@settings(max_examples=40, deadline=None)
@given(seeds, st.floats(0.1, 20))
def test_the_annealed_mean_is_brute_force_s(seed, temperature):
    logits = np.random.default_rng(seed).normal(0, 3, (6, 5, 313)).astype("float32")
    expected = softmax(logits.astype("float64") / temperature) @ AB.centers.astype("float64")
    found = as_numpy(annealed_mean(logits, AB.centers, temperature))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=2e-3)


def test_the_annealed_mean_by_hand():
    """Shares of 1/5 and 4/5; their square roots are as 1 to 2, their squares as 1 to 16."""
    logits, centers = np.log([[0.2, 0.8]]), np.array([[0, 0], [30, -60]], "float32")
    for temperature, share in ((1.0, 0.8), (2.0, 2 / 3), (0.5, 16 / 17)):
        found = as_numpy(annealed_mean(logits, centers, temperature))
        np.testing.assert_allclose(found, [[30 * share, -60 * share]], rtol=1e-5)


@pytest.mark.core
@settings(max_examples=20, deadline=None)
@given(seeds, st.sampled_from((1e-2, 1.0, 1e4)))
def test_no_temperature_takes_the_most_likely_bin(seed, scale):
    logits = np.random.default_rng(seed).normal(0, scale, (50, 100)).astype("float32")
    mode = UV.centers[logits.argmax(axis=-1)]
    np.testing.assert_array_equal(as_numpy(annealed_mean(logits, UV.centers, 0.0)), mode)
    ordered = np.sort(logits, axis=-1)
    clear = ordered[:, -1] - ordered[:, -2] > 0.02 * scale
    low = as_numpy(annealed_mean(logits, UV.centers, 1e-3 * scale))
    np.testing.assert_allclose(low[clear], mode[clear], atol=1e-6)


@pytest.mark.core
def test_neighboring_floats_are_told_apart_and_the_first_of_equal_ones_is_taken():
    big = np.float32(1e4)
    logits = np.array([[big, np.nextafter(big, np.float32(2e4)), 0], [3, 1, 3]], "float32")
    centers = np.array([[0, 0], [10, 20], [50, -40]], "float32")
    found = as_numpy(annealed_mean(logits, centers, 0.0))
    np.testing.assert_array_equal(found, [[10, 20], [0, 0]])


def test_a_high_temperature_nears_the_mean_of_all_centers():
    logits = np.random.default_rng(0).normal(0, 3, (20, 313)).astype("float32")
    away = [
        np.linalg.norm(
            as_numpy(annealed_mean(logits, AB.centers, temperature)) - AB.centers.mean(axis=0),
            axis=-1,
        )
        for temperature in (1, 10, 100, 1000, 1e5)
    ]
    assert (np.diff(away, axis=0) < 0).all()
    assert away[-1].max() < 1e-2


@pytest.mark.parametrize(
    ("temperature", "size"),
    core_alone(
        [*itertools.product((0.0, 0.38, 1.0, 10.0), (1e4, 1e30))], (0.0, 1e30), (0.38, 1e30)
    ),
)
def test_huge_logits_stay_finite(temperature, size):
    logits = np.random.default_rng(0).choice((-size, 0, size), (30, 100)).astype("float32")
    expected = UV.centers[logits.argmax(axis=-1)]
    if temperature:
        expected = softmax(logits.astype("float64") / temperature) @ UV.centers
    found = as_numpy(annealed_mean(logits, UV.centers, temperature))
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.core
def test_each_photo_and_each_pixel_may_have_its_temperature():
    random = np.random.default_rng(0)
    logits = random.normal(0, 3, (3, 4, 5, 100)).astype("float32")
    for shape in ((3, 1, 1, 1), (3, 4, 5, 1)):
        temperatures = random.uniform(0, 2, shape).astype("float32")
        temperatures.flat[0] = 0
        symbols = keras.Input((4, 5, 100)), keras.Input(shape[1:])
        outputs = annealed_mean(symbols[0], UV.centers, symbols[1])
        assert outputs.shape == (None, 4, 5, 2)
        found = as_numpy(keras.Model(symbols, outputs)([logits, temperatures]))
        expected = softmax(logits / np.maximum(temperatures, 1e-9, dtype="float64")) @ UV.centers
        np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.core
@settings(max_examples=20, deadline=None)
@given(seeds, st.floats(0, 100))
def test_the_entropy_is_scipy_s(seed, scale):
    logits = np.random.default_rng(seed).normal(0, scale, (8, 313)).astype("float32")
    expected = stats.entropy(softmax(logits.astype("float64")), axis=-1)
    found = as_numpy(entropy(logits))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.core
def test_the_entropy_of_no_idea_and_of_certainty():
    np.testing.assert_allclose(as_numpy(entropy(np.full((2, 313), 4.0))), np.log(313), rtol=1e-6)
    for sure in (1e3, 1e9, 1e37):
        logits = np.zeros((2, 313), "float32")
        logits[:, 7] = sure
        np.testing.assert_array_equal(as_numpy(entropy(logits)), 0)

"""The self-organizing map against brute force, hand-made maps and scikit-learn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import KMeans

from zoo.color.bins import NearestBins
from zoo.color.codebook import Codebook, learn_codebook
from zoo.errors import ZooError

rng = np.random.default_rng


def distances(chroma, colors):
    """(n, units) in float64."""
    return np.linalg.norm(chroma[:, None] - colors[None].astype("float64"), axis=-1)


def blobs(seed=0, count=2000):
    """Colors around five of unequal frequency."""
    generator = rng(seed)
    centers = np.array([[0, 0], [40, 20], [-30, 30], [10, -50], [60, 60]])
    chosen = generator.choice(5, count, p=[0.5, 0.2, 0.15, 0.1, 0.05])
    return centers[chosen] + generator.normal(0, 6, (count, 2))


def test_units_have_their_six_neighbors_at_distance_one():
    places = Codebook(np.zeros((35, 2), "float32"), 5, 7).places()
    apart = distances(places, places)
    assert apart[apart > 0].min() == pytest.approx(1.0)
    inner = 2 * 7 + 3
    assert np.isclose(apart[inner], 1.0).sum() == 6


def test_the_error_is_that_of_a_map_made_by_hand():
    line = Codebook(np.array([[0, 0], [10, 0], [20, 0]], "float32"), 1, 3)
    chroma = np.array([[1.0, 0.0], [10.0, 3.0], [20.0, 4.0]])
    assert line.quantization_error(chroma) == pytest.approx((1 + 3 + 4) / 3)


@given(seed=st.integers(0, 2**32 - 1), rows=st.integers(1, 6), columns=st.integers(2, 6))
@settings(max_examples=30, deadline=None)
def test_the_error_is_that_of_brute_force(seed, rows, columns):
    generator = rng(seed)
    colors = generator.normal(0, 30, (rows * columns, 2)).astype("float32")
    chroma = generator.normal(0, 30, (50, 2))
    found = Codebook(colors, rows, columns).quantization_error(chroma)
    assert found == pytest.approx(distances(chroma, colors).min(axis=1).mean(), rel=1e-5)


def test_quantizes_about_as_well_as_k_means():
    chroma = blobs()
    best = KMeans(36, n_init=3, random_state=0).fit(chroma)
    expected = distances(chroma, best.cluster_centers_).min(axis=1).mean()
    assert learn_codebook(chroma, 6, 6).quantization_error(chroma) < 1.1 * expected


def test_neighbors_in_the_map_have_similar_colors():
    """What tells it from k-means: there, nearly all neighbors are strangers."""
    chroma = blobs()
    codebook = learn_codebook(chroma, 6, 6)
    shuffled = Codebook(rng(0).permutation(codebook.colors), 6, 6)
    assert strangers(codebook, chroma) < 0.35
    assert strangers(shuffled, chroma) > 0.7


def strangers(codebook, chroma):
    """The share of colors whose two nearest units are no neighbors in the grid."""
    first, second = np.argsort(distances(chroma, codebook.colors), axis=1)[:, :2].T
    places = codebook.places()
    return (np.linalg.norm(places[first] - places[second], axis=1) > 1.01).mean()


def test_is_decided_by_its_seed():
    chroma = blobs()
    first, again, other = (learn_codebook(chroma, 4, 5, seed=seed).colors for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert first.shape == (20, 2)
    assert first.dtype == np.float32
    assert (first != other).any()


def test_fewer_colors_than_units_are_all_found():
    chroma = np.repeat([[0.0, 0.0], [50.0, 0.0], [0.0, 50.0]], 100, axis=0)
    codebook = learn_codebook(chroma, 4, 4)
    assert np.isfinite(codebook.colors).all()
    assert codebook.quantization_error(chroma) < 0.01


def test_one_color_alone_is_no_trouble():
    codebook = learn_codebook(np.full((10, 2), 7.0), 3, 3)
    np.testing.assert_allclose(codebook.colors, 7.0, atol=1e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"chroma": np.zeros((0, 2))}, "needs colors"),
        ({"chroma": np.array([[0.0, np.nan]])}, "finite"),
        ({"rows": 0}, "at least one row"),
        ({"passes": 1}, "two passes"),
    ],
)
def test_refuses_what_makes_no_map(change, message):
    with pytest.raises(ZooError, match=message):
        learn_codebook(**({"chroma": blobs(count=10), "rows": 2, "columns": 2} | change))


def test_its_bins_are_found_like_any_others():
    chroma = blobs().astype("float32")
    codebook = learn_codebook(chroma, 5, 4)
    bins = codebook.as_bins((-110.0, -110.0), (110.0, 110.0))
    found = np.asarray(NearestBins(bins, 1)(chroma)[0])[:, 0]
    apart = distances(chroma, codebook.colors)
    nearest = apart[np.arange(len(chroma)), found]
    np.testing.assert_allclose(nearest, apart.min(axis=1), rtol=1e-5)

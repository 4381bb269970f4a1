"""Chroma that spreads from marks: against weights by hand, dense equations, and what must hold."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from zoo.color.propagation import Propagation, neighbor_weights


def photo(height, width, seed=0):
    """Soft ground with an edge in it, and some noise."""
    rng = np.random.default_rng(seed)
    ground = np.linspace(0.2, 0.4, width)[None] + 0.3 * (np.arange(height) > height // 2)[:, None]
    return (ground + rng.uniform(0, 0.05, (height, width))).clip(0, 1)


def marks(height, width, count, seed=0):
    rng = np.random.default_rng(seed)
    marked = np.zeros(height * width, bool)
    marked[rng.choice(height * width, count, replace=False)] = True
    return marked.reshape(height, width)


def dense(luma, marked, offsets, pull):
    """The equations of the module's description, pixel by pixel."""
    height, width = luma.shape
    matrix, right = np.eye(luma.size), np.zeros((luma.size, offsets.shape[-1]))
    reached, links = {tuple(place) for place in np.argwhere(marked)}, []
    for y, x in np.ndindex(height, width):
        row = y * width + x
        window = [
            (v, u)
            for v in range(max(y - 1, 0), min(y + 2, height))
            for u in range(max(x - 1, 0), min(x + 2, width))
        ]
        variance = np.var([luma[place] for place in window])
        others = [place for place in window if place != (y, x)]
        squares = np.array([(luma[place] - luma[y, x]) ** 2 for place in others])
        spread = max(0.6 * variance, -squares.min() / np.log(0.01), 2e-6)
        weights = np.exp(-squares / spread)
        near = weights >= 0.01 - 1e-9
        links += [{(y, x), place} for place, one in zip(others, near, strict=True) if one]
        if marked[y, x]:
            right[row] = offsets[y, x]
            continue
        for (v, u), weight in zip(others, weights / weights.sum(), strict=True):
            matrix[row, v * width + u] -= weight
        matrix[row, row] += pull
    for _ in range(luma.size):
        reached = reached.union(*(link for link in links if reached & link))
    for y, x in set(np.ndindex(height, width)) - reached:
        matrix[y * width + x, y * width + x] += 1e-3 - min(pull, 1e-3)
    return np.linalg.solve(matrix, right).reshape(offsets.shape)


def test_weights_of_a_window_by_hand():
    luma = np.array([[0.5, 0.5, 0.5], [0.5, 0.5, 0.6], [0.5, 0.5, 0.6]])
    weights, plain = neighbor_weights(luma)
    # Two of nine deviate by 0.1: variance 0.01 * 2/9 * 7/9, times 0.6.
    s = 0.6 * 0.01 * 14 / 81
    other = np.exp(-0.01 / s)
    np.testing.assert_allclose(plain[:, 1, 1], [1, 1, 1, 1, other, 1, 1, other])
    np.testing.assert_allclose(weights[:, 1, 1], plain[:, 1, 1] / (6 + 2 * other))
    # At the corner there are three neighbors, of one lightness.
    assert weights[:, 0, 0].tolist() == [0, 0, 0, 0, 1 / 3, 0, 1 / 3, 1 / 3]


def test_the_two_floors_of_the_variance_by_hand():
    # The most similar neighbor of a lonely pixel counts 0.01 before the division.
    lonely = np.zeros((3, 3))
    lonely[1, 1] = 1.0
    weights, plain = neighbor_weights(lonely)
    np.testing.assert_allclose(plain[:, 1, 1], 0.01)
    np.testing.assert_allclose(weights[:, 1, 1], 1 / 8)
    # Differences far below a level of 255 do not count.
    faint = np.full((3, 3), 0.5)
    faint[0, 0] += 1e-4
    _, plain = neighbor_weights(faint)
    assert plain[0, 1, 1] == pytest.approx(np.exp(-1e-8 / 2e-6))


@pytest.mark.parametrize("pull", [0.0, 0.02])
@pytest.mark.parametrize(("height", "width"), [(9, 7), (1, 12), (2, 2), (8, 17)])
def test_the_solution_is_that_of_dense_equations(height, width, pull):
    luma, marked = photo(height, width), marks(height, width, 2)
    offsets = np.random.default_rng(1).normal(0, 30, (height, width, 2))
    found = Propagation(luma, marked, pull).spread(offsets)
    np.testing.assert_allclose(found, dense(luma, marked, offsets, pull), atol=1e-7)


def test_dense_equations_of_a_photo_with_a_region_that_has_no_mark():
    luma, marked = np.full((6, 7), 0.7), np.zeros((6, 7), bool)
    luma[2:5, 3:6], marked[0, 0] = 0.2, True
    offsets = np.full((6, 7, 1), 60.0)
    found = Propagation(luma, marked).spread(offsets)
    np.testing.assert_allclose(found, dense(luma, marked, offsets, 0.0), atol=1e-7)
    assert found[3, 4] < 30 < found[5, 6]


def test_marked_pixels_keep_their_colors_exactly():
    luma, marked = photo(20, 30), marks(20, 30, 40)
    offsets = np.random.default_rng(1).normal(0, 30, (20, 30, 2))
    equations = Propagation(luma, marked, 0.01)
    np.testing.assert_array_equal(equations.spread(offsets)[marked], offsets[marked])
    # Other colors, and another number of channels, need no new factorization.
    np.testing.assert_array_equal(
        equations.spread(offsets[..., :1])[marked], offsets[marked][:, :1]
    )
    np.testing.assert_allclose(equations.spread(2 * offsets), 2 * equations.spread(offsets))


def test_what_is_not_marked_does_not_count():
    luma, marked = photo(12, 12), marks(12, 12, 3)
    offsets = np.zeros((12, 12, 2))
    offsets[~marked] = 50
    assert not Propagation(luma, marked).spread(offsets).any()


def test_a_mirrored_photo_gets_mirrored_colors():
    luma, marked = photo(15, 22), marks(15, 22, 6)
    offsets = np.random.default_rng(1).normal(0, 30, (15, 22, 2))
    straight = Propagation(luma, marked, 1e-3).spread(offsets)
    for flip in (np.s_[:, ::-1], np.s_[::-1]):
        mirrored = Propagation(luma[flip], marked[flip], 1e-3).spread(offsets[flip])
        np.testing.assert_allclose(mirrored[flip], straight, atol=1e-9)
    turned = Propagation(luma.T, marked.T, 1e-3).spread(offsets.swapaxes(0, 1))
    np.testing.assert_allclose(turned.swapaxes(0, 1), straight, atol=1e-9)


def test_a_region_without_a_mark_stays_gray_and_fades_no_other():
    """A dark square on a light ground, with the only mark on the one or on the other."""
    luma = np.full((40, 40), 0.7)
    square = np.zeros((40, 40), bool)
    square[12:28, 12:28] = True
    luma[square] = 0.3
    for region, place in ((square, (20, 20)), (~square, (3, 3))):
        marked = np.zeros((40, 40), bool)
        marked[place] = True
        found = Propagation(luma, marked).spread(np.full((40, 40, 1), 60.0))[..., 0]
        inner = np.abs(found[~region])
        assert np.median(inner) < 4
        assert inner.mean() < 6
        assert found[region].min() > 54


def test_offsets_fall_off_with_the_distance_as_the_pull_says():
    luma, marked = np.full((81, 81), 0.5), np.zeros((81, 81), bool)
    marked[:, 40] = True  # a line, from which they fall off exponentially
    found = Propagation(luma, marked, 0.01).spread(np.ones((81, 81, 1)))[40, :, 0]
    assert (np.diff(found[40:]) < 0).all()
    assert found[46] == pytest.approx(1 / np.e, abs=0.15)
    assert found[0] < 0.01
    weaker = Propagation(luma, marked, 0.001).spread(np.ones((81, 81, 1)))[40, :, 0]
    assert (weaker[:40] > found[:40]).all()


def test_without_a_mark_nothing_happens():
    for shape in ((1, 1), (5, 4)):
        found = Propagation(np.full(shape, 0.5), np.zeros(shape, bool)).spread(np.ones((*shape, 2)))
        assert not found.any()


@settings(max_examples=25, deadline=None)
@given(
    luma=arrays(float, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.floats(0, 1)),
    color=st.floats(-100, 100),
    data=st.data(),
)
def test_marks_of_one_color_everywhere_give_that_color(luma, color, data):
    """On flat ground, which is one region. Elsewhere it is never passed."""
    marked = data.draw(arrays(bool, luma.shape).filter(np.any))
    offsets = np.full((*luma.shape, 2), color)
    flat = Propagation(np.full(luma.shape, luma.flat[0]), marked).spread(offsets)
    np.testing.assert_allclose(flat, color, atol=1e-6)
    found = Propagation(luma, marked).spread(offsets)
    assert (np.abs(found) <= abs(color) + 1e-6).all()
    assert (found * color >= -1e-6).all()

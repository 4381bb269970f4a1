"""Modes of a distribution: known ones, and what holds for any."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from zoo.color.modes import APART, modes

GRID = np.array([(a, b) for a in range(-50, 51, 10) for b in range(-50, 51, 10)], float)


def at(color):
    (found,) = np.flatnonzero((color == GRID).all(axis=1))
    return found


def test_known_modes_gather_the_bins_around_them():
    probabilities = np.zeros(len(GRID))
    probabilities[[at((0, 0)), at((10, 0)), at((0, -10))]] = 0.3, 0.1, 0.05
    probabilities[[at((30, 30)), at((30, 40))]] = 0.2, 0.15
    probabilities[at((-40, 20))] = 0.2
    found = modes(probabilities, GRID)
    assert [index for index, _ in found] == [at((0, 0)), at((30, 30)), at((-40, 20))]
    np.testing.assert_allclose([share for _, share in found], [0.45, 0.35, 0.2])


def test_what_lies_between_two_modes_is_none():
    """The mean of two colors is neither, however much of both is near it."""
    probabilities = np.zeros(len(GRID))
    probabilities[[at((-10, 0)), at((0, 0)), at((10, 0))]] = 0.5, 0.04, 0.46
    assert [GRID[index].tolist() for index, _ in modes(probabilities, GRID)] == [[-10, 0], [10, 0]]


def test_a_wide_mode_may_have_more_than_a_high_one():
    probabilities = np.zeros(len(GRID))
    probabilities[at((40, 40))] = 0.4
    for color in ((0, 0), (10, 0), (-10, 0), (0, 10), (0, -10), (10, 10)):
        probabilities[at(color)] = 0.1
    (first, most), (second, less) = modes(probabilities, GRID)
    assert (first, second) == (at((0, 0)), at((40, 40)))
    assert (most, less) == (pytest.approx(0.6), pytest.approx(0.4))


@settings(deadline=None, max_examples=60)
@given(
    st.integers(1, 40).flatmap(
        lambda count: st.tuples(
            arrays.arrays(float, count, elements=st.floats(0, 1)),
            arrays.arrays(float, (count, 2), elements=st.floats(-110, 110)),
        )
    )
)
def test_modes_are_distinct_ordered_and_complete(drawn):
    probabilities, colors = drawn
    found = modes(probabilities, colors)
    shares = [share for _, share in found]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(probabilities.sum())
    for (one, _), (other, _) in itertools.combinations(found, 2):
        assert math.dist(colors[one], colors[other]) >= APART
    # Each bin is near a mode: nothing that is likely goes without a name.
    for color in colors[probabilities > 0]:
        assert min(math.dist(color, colors[index]) for index, _ in found) < APART

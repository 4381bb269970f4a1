"""Hints for training, made from true photos as Zhang et al. 2017 and their code say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage, stats
from skimage.color import rgb2lab

from zoo.hints.marks import Hints, Point
from zoo.hints.simulated import HINTS


def photos(count=1, side=96, seed=0):
    generator = np.random.default_rng(seed)
    return generator.integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def test_a_photos_hints_follow_from_its_number_and_the_seed_alone():
    rgb = photos(3)
    together = HINTS.simulate(rgb, 7, np.array([4, 5, 6]))
    np.testing.assert_array_equal(HINTS.simulate(rgb[1:2], 7, np.array([5]))[0], together[1])
    assert (HINTS.simulate(rgb, 8, np.array([4, 5, 6])) != together).any()
    same = HINTS.simulate(np.repeat(rgb[:1], 9, axis=0), 7, np.arange(9))
    assert len({one.tobytes() for one in same}) > 5


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6), st.sampled_from([1, 5, 32, 97]))
def test_colors_are_said_where_the_mask_is_one_and_nowhere_else(number, side):
    rgb = photos(1, side)
    (told,) = HINTS.simulate(rgb, 0, np.array([number]))
    assert told.shape == (side, side, 3)
    assert told.dtype == np.float32
    assert set(np.unique(told[..., 2])) <= {0.0, 1.0}
    assert not told[told[..., 2] == 0].any()


def test_a_patch_says_the_mean_color_under_it():
    rgb = photos(200, 64)
    whole = 0
    for photo, told in zip(rgb, HINTS.simulate(rgb, 0, np.arange(200)), strict=True):
        parts, _count = ndimage.label(told[..., 2], structure=np.ones((3, 3)))
        for part in ndimage.find_objects(parts):
            rows, columns = (one.stop - one.start for one in part)
            alone = told[part][..., 2].all() and rows == columns and rows <= 9
            if alone and np.ptp(told[part][..., :2], axis=(0, 1)).max() == 0:
                expected = rgb2lab(photo[part])[..., 1:].mean(axis=(0, 1)) / 110
                np.testing.assert_allclose(told[part][0, 0, :2], expected, atol=1e-6)
                whole += 1
    assert whole > 300


def test_everything_is_said_of_one_photo_in_a_hundred():
    rgb = np.repeat(photos(1, 12), 3000, axis=0)
    told = HINTS.simulate(rgb, 1, np.arange(3000))
    full = [number for number in range(3000) if told[number, ..., 2].all()]
    exact = rgb2lab(rgb[0])[..., 1:] / 110
    revealed = [one for one in full if np.allclose(told[one, ..., :2], exact, atol=1e-6)]
    assert stats.binomtest(len(revealed), 3000, 0.01).pvalue > 1e-3


def test_points_are_geometric_in_number_and_normal_in_place():
    # In so large a photo patches seldom touch, and areas of connected ones count them.
    count, side = 400, 512
    told = HINTS.simulate(np.zeros((count, side, side, 3), np.uint8), 2, np.arange(count))
    masks = [one[..., 2] for one in told if not one[..., 2].all()]
    numbers = np.array([ndimage.label(mask)[1] for mask in masks])
    # From 0 on with p = 1/8: a mean of 7, which touching patches make a little less.
    assert 5.9 < numbers.mean() < 7.6
    assert 0.08 < (numbers == 0).mean() < 0.17
    centers = np.concatenate([_centers(mask) for mask in masks])
    assert np.abs(centers.mean(axis=0) - side / 2).max() < 8
    # A normal of deviation side / 4, cut off at two deviations onto the edge.
    cut = np.clip(stats.norm.rvs(size=10**5, random_state=0), -2, 2).std() * side / 4
    assert centers.std(axis=0) == pytest.approx([cut, cut], rel=0.06)


def _centers(mask):
    parts, count = ndimage.label(mask)
    return np.array(ndimage.center_of_mass(mask, parts, range(1, count + 1))).reshape(-1, 2)


def test_a_persons_hints_are_said_in_the_same_way():
    hints = Hints(points=(Point(10, 4, (55.0, -22.0), radius=1),))
    told = HINTS.of(hints, (16, 20), (16, 20))
    assert told.shape == (1, 16, 20, 3)
    assert told.dtype == np.float32
    marked = {(4, 10), (3, 10), (5, 10), (4, 9), (4, 11)}
    assert {tuple(place) for place in np.argwhere(told[0, ..., 2])} == marked
    np.testing.assert_allclose(told[0, 4, 10], [0.5, -0.2, 1.0])
    assert not HINTS.of(Hints(), (5, 7), (16, 20)).any()

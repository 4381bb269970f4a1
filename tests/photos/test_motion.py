"""Optical flow between frames, against motion that is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from zoo.photos.motion import agreement, optical_flow, points_inside, warped


def texture(height, width, seed=0):
    """(height, width) L in [0, 100] with details of several sizes."""
    rng = np.random.default_rng(seed)
    parts = [ndimage.gaussian_filter(rng.normal(size=(height, width)), s) * s for s in (1, 3, 8)]
    x = sum(parts)
    return (100 * (x - x.min()) / np.ptp(x)).astype(np.float32)


@pytest.mark.parametrize(("across", "down"), [(0, 0), (5, 0), (-3, 2), (0, -6)])
def test_a_shift_is_found(across, down):
    large = texture(140, 200)
    first = large[20:120, 20:180]
    second = large[20 - down : 120 - down, 20 - across : 180 - across]
    flow = optical_flow(first, second)[15:-15, 15:-15]
    np.testing.assert_allclose(np.median(flow, axis=(0, 1)), [across, down], atol=0.1)
    assert (np.abs(flow - [across, down]).max(-1) < 0.5).mean() > 0.98


def test_tiny_frames_do_not_move():
    assert not optical_flow(texture(8, 90), texture(8, 90, seed=1)).any()


@given(st.integers(1, 7), st.integers(1, 7), st.integers(1, 4), st.integers(0, 10**6))
def test_warping_is_scipy_s(height, width, channels, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(height, width, channels)).astype(np.float32)
    flow = rng.uniform(-9, 9, (height, width, 2)).astype(np.float32)
    rows, columns = np.mgrid[:height, :width]
    places = [rows + flow[..., 1], columns + flow[..., 0]]
    for channel in range(channels):
        expected = ndimage.map_coordinates(x[..., channel], places, order=1, mode="nearest")
        np.testing.assert_allclose(warped(x, flow)[..., channel], expected, atol=1e-4)


def test_what_is_outside_is_known():
    flow = np.zeros((3, 4, 2), np.float32)
    flow[0, 0] = -0.5, 0
    flow[2, 3] = 0, 0.5
    expected = np.ones((3, 4), bool)
    expected[0, 0] = expected[2, 3] = False
    np.testing.assert_array_equal(points_inside(flow), expected)


def test_flows_that_undo_each_other_agree():
    there = np.full((20, 30, 2), 3.0, np.float32)
    inside = points_inside(there)
    np.testing.assert_array_equal(agreement(there, -there), inside)
    # By hand: a gap of 2 px is more than 0.01 (18 + 10) + 0.5.
    back = -there
    back[..., 0] += 2
    assert not agreement(there, back).any()


def test_what_is_hidden_does_not_agree():
    """A square moves 6 px to the right over a texture that stands still."""
    ground, square = texture(128, 192), texture(64, 64, seed=1)
    first, second = ground.copy(), ground.copy()
    first[32:96, 60:124], second[32:96, 66:130] = square, square
    there, back = optical_flow(second, first), optical_flow(first, second)
    seen = agreement(there, back)
    assert seen[40:88, 74:120].mean() > 0.9  # the square, which was there before
    assert seen[:20].mean() > 0.95  # the ground far from it
    assert seen[40:88, 61:65].mean() < 0.5  # the ground that it has uncovered

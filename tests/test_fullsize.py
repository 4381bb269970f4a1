"""Photos at full size: lightness by tables, and chroma put onto it block by block."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops
from skimage.color import rgb2lab

from zoo import fullsize, preprocessing
from zoo.color.pixels import lightness_of_steps, lightness_steps
from zoo.fullsize import FullSize


def random_photos(count, height, width):
    return np.random.default_rng(0).integers(0, 256, (count, height, width, 3), dtype=np.uint8)


def random_chroma(count, height, width, most=60):
    chroma = np.random.default_rng(1).uniform(-most, most, (count, height, width, 2))
    return chroma.astype("float32")


def test_stored_lightness_is_lab_s():
    levels = np.arange(256, dtype=np.uint8)
    gray = np.repeat(levels[:, None], 3, axis=1)
    photos = random_photos(1, 300, 300)[0].reshape(-1, 3)
    for rgb in (gray, photos):
        found = lightness_of_steps(lightness_steps(rgb))
        np.testing.assert_allclose(found, rgb2lab(rgb[None])[0, :, 0], atol=2e-3)
    steps = lightness_steps(gray)
    assert steps.dtype == np.uint16
    assert (steps[0], steps[-1]) == (0, 65535)


@pytest.mark.parametrize("block", [1, 1000, 10**9])
def test_blocks_change_nothing(monkeypatch, block):
    photos, ab = random_photos(2, 61, 45), random_chroma(2, 8, 6)
    lightness, merged = FullSize(photos).working_lightness((16, 12)), FullSize(photos).merge(ab)
    monkeypatch.setattr(fullsize, "_BLOCK", block)
    found = FullSize(photos).working_lightness((16, 12))
    np.testing.assert_allclose(found, lightness, atol=1e-4)
    np.testing.assert_array_equal(FullSize(photos).merge(ab), merged)


@settings(deadline=None, max_examples=40)
@given(*(st.integers(1, 40) for _ in range(4)), st.sampled_from((0, 30, 120)))
def test_the_same_as_in_one_piece(height, width, rows, columns, most):
    """As exports merge; colors out of gamut, too."""
    photos, ab = random_photos(2, height, width), random_chroma(2, rows, columns, most)
    expected = ops.convert_to_numpy(preprocessing.merged_rows(photos, ab, height)).astype(int)
    difference = np.abs(FullSize(photos).merge(ab) - expected)
    assert difference.max() <= 1
    assert difference.sum() <= max(2, 0.01 * difference.size)


def test_merging_the_true_chroma_gives_the_photo_back():
    photos = random_photos(1, 200, 300)
    ab = rgb2lab(photos)[..., 1:].astype("float32")
    np.testing.assert_array_equal(FullSize(photos).merge(ab), photos)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.sampled_from((10, 60, 150, 400)))
def test_chroma_gives_way_to_lightness(seed, most):
    """Out of gamut, too, a color keeps the lightness of its pixel, and gets paler, not another."""
    random = np.random.default_rng(seed)
    photos = random.integers(0, 256, (1, 24, 24, 3), dtype=np.uint8)
    ab = random.uniform(-most, most, (1, 24, 24, 2)).astype("float32")
    merged = FullSize(photos).merge(ab)
    wanted, found = rgb2lab(photos)[0], rgb2lab(merged)[0]
    # Rounded to levels, lightness is off by up to half a level of each channel.
    assert np.abs(found[..., 0] - wanted[..., 0]).max() < 0.8
    chroma = np.hypot(*np.moveaxis(found[..., 1:], -1, 0))
    assert (chroma <= np.hypot(*np.moveaxis(ab[0], -1, 0)) + 3).all()


def test_out_of_gamut_by_hand():
    """A green of L = 50 that has too little red: half of its chroma fits, by this arithmetic.

    In linear RGB it is (-y, 1.59 y, y) for the luminance y: red lacks as much as gray has of it.
    """
    y = ((50 + 16) / 116) ** 3
    linear = np.array([-y, (y - y * (0.212671 * -1 + 0.072169)) / 0.71516, y])
    x, _, z = (
        np.array([[0.412453, 0.35758, 0.180423], [0, 0, 0], [0.019334, 0.119193, 0.950227]])
        @ linear
    )
    root = np.cbrt([x / 0.95047, y, z / 1.08883])
    ab = np.array([500 * (root[0] - root[1]), 200 * (root[1] - root[2])], "float32")
    expected = (y + linear) / 2
    encoded = 255 * np.where(
        expected > 0.0031308, 1.055 * np.maximum(expected, 1e-9) ** (1 / 2.4) - 0.055, 0
    )
    gray = np.full((1, 4, 4, 3), 119, np.uint8)  # L = 50.03
    merged = FullSize(gray).merge(np.tile(ab, (1, 4, 4, 1)))
    assert np.abs(merged[0, 0, 0] - encoded).max() < 1


def test_white_stays_white():
    white = np.full((1, 4, 4, 3), 255, np.uint8)
    np.testing.assert_array_equal(FullSize(white).merge(random_chroma(1, 4, 4)), white)


def test_no_chroma_is_exactly_gray_of_the_same_lightness():
    photos = random_photos(1, 300, 300)
    ab = np.zeros((1, 4, 4, 2), "float32")
    gray = FullSize(photos).merge(ab)
    np.testing.assert_array_equal(gray.max(axis=-1), gray.min(axis=-1))
    difference = rgb2lab(gray)[..., 0] - rgb2lab(photos)[..., 0]
    assert np.abs(difference).max() < 0.5  # half a level of 255, at the dark end
    # Where only a part has none, too; a gray photo stays as it is there.
    ab[:, :2] = 40
    partly = FullSize(np.repeat(gray[..., :1], 3, axis=-1)).merge(ab)
    np.testing.assert_array_equal(partly[:, 225:], gray[:, 225:])
    assert (partly[:, :75].max(axis=-1) > partly[:, :75].min(axis=-1)).mean() > 0.9


def test_lightness_is_looked_at_once(monkeypatch):
    seen = []
    look = fullsize.lightness_steps
    monkeypatch.setattr(fullsize, "lightness_steps", lambda rgb: seen.append(rgb.size) or look(rgb))
    photos = FullSize(random_photos(1, 400, 500))
    for side in (16, 32):
        photos.working_lightness((side, side))
    photos.merge(random_chroma(1, 4, 4))
    assert sum(seen) == photos.rgb.size


def deep_photos(height, width):
    return np.random.default_rng(2).integers(0, 65536, (1, height, width, 3), dtype=np.uint16)


def test_grays_of_16_bits_stay_as_they_are():
    gray = np.arange(65536, dtype=np.uint16).reshape(1, 256, 256, 1).repeat(3, axis=-1)
    merged = FullSize(gray).merge(np.zeros((1, 4, 4, 2), "float32"))
    assert merged.dtype == np.uint16
    np.testing.assert_array_equal(merged, gray)


def test_the_true_chroma_gives_a_photo_of_16_bits_back():
    photos = deep_photos(60, 90)
    ab = rgb2lab(photos / 65535)[..., 1:].astype("float32")
    difference = np.abs(FullSize(photos).merge(ab).astype(int) - photos)
    assert np.median(difference) <= 2
    assert difference.max() < 128  # half a level of 255, at the dark end


def test_16_bits_are_finer_and_nothing_else():
    photos, ab = deep_photos(70, 50), random_chroma(1, 8, 6, 30)
    coarse = np.rint(photos / 257).astype(np.uint8)
    deep, plain = FullSize(photos), FullSize(coarse)
    lightness = [each.working_lightness((16, 12)) for each in (deep, plain)]
    np.testing.assert_allclose(*lightness, atol=0.1)
    assert np.abs(deep.merge(ab) / 257 - plain.merge(ab)).max() < 4
    assert np.abs(deep.merge(ab) / 257 - plain.merge(ab)).mean() < 0.5

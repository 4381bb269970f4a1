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
    assert difference.mean() < 0.01


def test_merging_the_true_chroma_gives_the_photo_back():
    photos = random_photos(1, 200, 300)
    ab = rgb2lab(photos)[..., 1:].astype("float32")
    np.testing.assert_array_equal(FullSize(photos).merge(ab), photos)


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

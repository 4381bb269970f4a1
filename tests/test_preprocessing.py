"""The way from the photo to the working size and back."""

import keras
import numpy as np
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops
from PIL import Image
from skimage.color import rgb2lab

from zoo import preprocessing
from zoo.fullsize import FullSize
from zoo.prediction import Chroma

sizes = st.integers(1, 300)


def random_photos(count, height, width):
    return np.random.default_rng(0).integers(0, 256, (count, height, width, 3), dtype=np.uint8)


@given(sizes, sizes, st.integers(1, 20))
def test_working_size_keeps_the_short_side_and_the_aspect(height, width, render_factor):
    working = preprocessing.working_size(height, width, render_factor)
    assert min(working) >= 1
    assert max(working) <= preprocessing.MAX_ASPECT * 16 * render_factor
    if max(height, width) <= preprocessing.MAX_ASPECT * min(height, width):
        assert min(working) == 16 * render_factor
        assert abs(working[0] * width / height - working[1]) <= 0.5 * (1 + width / height)


def test_lightness_shrinks_as_pillow_does():
    """Its Lanczos filter over float pixels, which overshoots as ours does before it is clipped."""
    photo = random_photos(1, 97, 201)
    lightness = rgb2lab(photo)[0, ..., 0].astype("float32")
    for size in ((16, 33), (96, 96), (97, 201), (200, 300), (1, 1)):
        expected = Image.fromarray(lightness).resize(size[::-1], Image.Resampling.LANCZOS)
        whole = ops.convert_to_numpy(preprocessing.working_lightness(photo, size))
        for ours in (whole, FullSize(photo).working_lightness(size)):
            assert ours.shape == (1, *size, 1)
            np.testing.assert_allclose(ours[0, ..., 0], np.clip(expected, 0, 100), atol=2e-3)


def test_chroma_is_enlarged_bilinearly():
    chroma = np.random.default_rng(0).normal(size=(2, 5, 7, 2)).astype("float32")
    ours = ops.convert_to_numpy(preprocessing.resize(chroma, (23, 40)))
    for photo, channel in np.ndindex(2, 2):
        expected = Image.fromarray(chroma[photo, ..., channel]).resize(
            (40, 23), Image.Resampling.BILINEAR
        )
        np.testing.assert_allclose(ours[photo, ..., channel], np.asarray(expected), atol=1e-5)


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 20), st.integers(1, 20), st.sampled_from((1, 4, 8, 16)))
def test_reflection_is_numpy_s(height, width, stride):
    x = np.random.default_rng(0).normal(size=(1, height, width, 2)).astype("float32")
    ours = ops.convert_to_numpy(preprocessing.reflect_to_multiple(x, stride))
    pad = [(0, 0), (0, -height % stride), (0, -width % stride), (0, 0)]
    # NumPy reflects a single pixel into zeros' place only in "edge" mode.
    mode = {axis: "edge" if x.shape[axis] == 1 else "reflect" for axis in (1, 2)}
    expected = np.pad(x, [pad[0], pad[1], (0, 0), (0, 0)], mode=mode[1])
    expected = np.pad(expected, [(0, 0), (0, 0), pad[2], (0, 0)], mode=mode[2])
    np.testing.assert_array_equal(ours, expected)


def test_sizes_may_be_tensors():
    """As in an exported graph: the same sizes, to the pixel, and the same values."""
    unknown = [tf.TensorSpec((), tf.int32)] * 2
    working_size = tf.function(
        lambda height, width: preprocessing.working_size(height, width, 5), input_signature=unknown
    )
    for height, width in np.random.default_rng(0).integers(1, 9000, (400, 2)):
        found = tuple(int(side) for side in working_size(height, width))
        assert found == preprocessing.working_size(int(height), int(width), 5)

    matrix = tf.function(preprocessing.resampling_matrix, input_signature=unknown)
    for present, wanted in ((1, 1), (1, 80), (80, 1), (97, 31), (31, 97), (5000, 128)):
        np.testing.assert_allclose(
            matrix(present, wanted), preprocessing.resampling_matrix(present, wanted), atol=1e-6
        )

    @tf.function(input_signature=[tf.TensorSpec((None, None, None, 2)), *unknown])
    def way(x, height, width):
        enlarged = preprocessing.resize(x, (height, width))
        padded = preprocessing.reflect_to_multiple(enlarged, 8)
        chroma = Chroma(padded, keras.ops.shape(enlarged)[1:3], x)
        return padded, chroma.enlarged(x), preprocessing.box_mean(x, 2)

    for present, wanted in (((1, 1), (3, 9)), ((5, 7), (23, 40)), ((9, 9), (4, 3))):
        x = np.random.default_rng(1).normal(size=(2, *present, 2)).astype("float32")
        enlarged = preprocessing.resize(x, wanted)
        padded = preprocessing.reflect_to_multiple(enlarged, 8)
        chroma = Chroma(padded, wanted, x)
        expected = (padded, chroma.enlarged(x), preprocessing.box_mean(x, 2))
        for one, other in zip(way(x, *wanted), expected, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-5)


def test_denoising_is_the_guided_filter_of_its_paper():
    """A line fitted to L by L in each square of 5 px, and the lines' mean at each pixel."""
    lightness = np.random.default_rng(0).uniform(20, 80, (9, 8))
    padded = np.pad(lightness, 4, mode="reflect")
    strength, slopes, offsets = 6.0, np.empty((13, 12)), np.empty((13, 12))
    for row, column in np.ndindex(13, 12):
        square = padded[row : row + 5, column : column + 5]
        slopes[row, column] = square.var() / (square.var() + strength**2)
        offsets[row, column] = (1 - slopes[row, column]) * square.mean()
    wanted = np.empty_like(lightness)
    for row, column in np.ndindex(lightness.shape):
        near = (slice(row, row + 5), slice(column, column + 5))
        wanted[row, column] = slopes[near].mean() * lightness[row, column] + offsets[near].mean()
    found = preprocessing.denoised(lightness[None, ..., None].astype("float32"), strength)
    found = ops.convert_to_numpy(found)[0, ..., 0]
    np.testing.assert_allclose(found, wanted, atol=2e-2)


def test_denoising_takes_noise_away_and_keeps_edges():
    steps = np.where(np.arange(64) < 32, 30.0, 80.0) * np.ones((1, 64, 1))
    noisy = steps + np.random.default_rng(0).normal(0, 3, steps.shape)
    found = ops.convert_to_numpy(preprocessing.denoised(noisy[..., None].astype("float32"), 4.0))
    found = found[..., 0]
    assert np.std((found - steps)[:, :, :28]) < 0.6 * np.std((noisy - steps)[:, :, :28])
    # Half of a step between neighbors would be left by a mean over 5 px.
    assert np.mean(found[:, :, 32] - found[:, :, 31]) > 0.9 * 50


def test_no_denoising_leaves_every_bit():
    lightness = np.random.default_rng(0).uniform(0, 100, (2, 7, 9, 1)).astype("float32")
    lightness[0] = 50.0
    found = ops.convert_to_numpy(preprocessing.denoised(lightness, 0.0))
    np.testing.assert_array_equal(found, lightness)
    assert np.isfinite(ops.convert_to_numpy(preprocessing.denoised(lightness, 5.0))).all()

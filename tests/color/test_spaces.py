"""Color spaces against scikit-image."""

import itertools
import warnings

import hypothesis.extra.numpy as hnp
import keras
import numpy as np
import pytest
from hypothesis import given, settings
from keras import ops
from skimage import color as reference

from zoo.color import spaces

pytestmark = pytest.mark.core

CORNERS = np.array(list(itertools.product((0, 255), repeat=3)), np.uint8)
NEAR_BLACK = np.array(list(itertools.product(range(12), repeat=3)), np.uint8)


def photos() -> np.ndarray:
    """Random colors, the corners of the cube and everything near black, as 1 x n photos."""
    random = np.random.default_rng(0).integers(0, 256, (20_000, 3), dtype=np.uint8)
    return np.concatenate([random, CORNERS, NEAR_BLACK])[None]


def as_numpy(tensor) -> np.ndarray:
    return ops.convert_to_numpy(tensor)


def test_lab_agrees_with_scikit_image():
    rgb = photos()
    expected = reference.rgb2lab(rgb)
    np.testing.assert_allclose(as_numpy(spaces.rgb_to_lab(rgb)), expected, atol=1e-3)
    np.testing.assert_allclose(as_numpy(spaces.rgb_to_lab(rgb / 255.0)), expected, atol=1e-3)
    np.testing.assert_allclose(
        as_numpy(spaces.rgb_to_lightness(rgb))[..., 0], expected[..., 0], atol=1e-3
    )


def test_rgb_of_lab_agrees_with_scikit_image_in_and_out_of_the_gamut():
    rng = np.random.default_rng(1)
    lab = rng.uniform((0, -110, -110), (100, 110, 110), (50, 400, 3))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-image warns of the negative Z that it clips
        expected = reference.lab2rgb(lab)
    colored = as_numpy(spaces.lab_to_rgb(lab))
    np.testing.assert_allclose(colored, expected, atol=2e-5)
    # The promise is in Lab units.
    np.testing.assert_allclose(reference.rgb2lab(colored), reference.rgb2lab(expected), atol=1e-3)
    assert (expected == 0).any()
    assert (expected == 1).any()


def test_yuv_agrees_with_scikit_image():
    rgb = photos()
    yuv = reference.rgb2yuv(rgb)
    np.testing.assert_allclose(as_numpy(spaces.rgb_to_yuv(rgb)), yuv, atol=1e-6)
    np.testing.assert_allclose(
        as_numpy(spaces.yuv_to_rgb(yuv)), np.clip(reference.yuv2rgb(yuv), 0, 1), atol=1e-6
    )


@settings(max_examples=50, deadline=None)
@given(hnp.arrays(np.uint8, (4, 9, 3)))  # every other shape would be compiled anew
def test_eight_bits_survive_the_way_there_and_back(rgb):
    for there, back in (
        (spaces.rgb_to_lab, spaces.lab_to_rgb),
        (spaces.rgb_to_yuv, spaces.yuv_to_rgb),
    ):
        np.testing.assert_array_equal(as_numpy(spaces.unit_to_uint8(back(there(rgb)))), rgb)


def test_any_leading_shape_gives_the_same():
    rgb = photos()[:, :240]
    expected = as_numpy(spaces.rgb_to_lab(rgb))
    folded = as_numpy(spaces.rgb_to_lab(rgb.reshape(2, 3, 4, 10, 3)))
    np.testing.assert_array_equal(folded.reshape(expected.shape), expected)


def test_grays_have_the_photo_s_lightness():
    lightness = np.linspace(0, 100, 1001)[:, None]
    gray = as_numpy(spaces.lightness_to_gray(lightness))
    np.testing.assert_array_equal(gray[..., 0], gray[..., 2])
    np.testing.assert_allclose(
        reference.rgb2lab(gray[None].astype("float64"))[0, :, 0], lightness[:, 0], atol=1e-3
    )


def test_mixed_precision_changes_nothing():
    rgb = photos()
    expected = as_numpy(spaces.rgb_to_lab(rgb))
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        lab = spaces.rgb_to_lab(rgb)
        back = spaces.lab_to_rgb(lab)
    finally:
        keras.config.set_dtype_policy(policy)
    assert keras.backend.standardize_dtype(lab.dtype) == "float32"
    assert keras.backend.standardize_dtype(back.dtype) == "float32"
    np.testing.assert_array_equal(as_numpy(lab), expected)


def test_black_has_finite_gradients():
    """`where` evaluates both sides; the unused one must not poison the gradient."""
    lab = np.array([[0.0, 0.0, 0.0], [100.0, 0.0, 0.0], [50.0, 100.0, -100.0]])

    class Carrier(keras.Model):
        def __init__(self):
            super().__init__()
            self.lab = self.add_weight(shape=(3, 3), initializer="zeros")

        def call(self, x):
            return spaces.rgb_to_lab(spaces.lab_to_rgb(self.lab))

        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return ops.mean(y_pred)

    carrier = Carrier()
    carrier.lab.assign(lab)
    carrier.compile(optimizer=keras.optimizers.SGD(1.0))
    carrier.train_on_batch(np.zeros((1, 1)))
    assert np.isfinite(as_numpy(carrier.lab)).all()

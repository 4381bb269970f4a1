"""Neural style transfer: its losses against sums written out, its gradient, what is kept of it."""

import keras
import numpy as np
import pytest
from keras import layers
from skimage.color import rgb2lab

from zoo.errors import ZooError
from zoo.networks.features import DEFAULT, Features, open_features
from zoo.transfer import style
from zoo.transfer.style import CONTENT, Style, gram


@pytest.fixture(scope="module")
def tiny():
    """Five levels of a few channels."""
    keras.utils.set_random_seed(0)
    photo = keras.Input((None, None, 3))
    x, levels = photo, []
    for level in range(5):
        x = layers.Conv2D(
            3 + level, 3, strides=2 if level else 1, padding="same", activation="tanh"
        )(x)
        levels.append(x)
    return Features(keras.Model(photo, levels), content=3)


def picture(seed, size=(12, 17)):
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)


def test_the_gram_matrix():
    features = np.random.default_rng(0).normal(size=(1, 5, 7, 4))
    expected = np.einsum("nhwi,nhwj->ij", features, features) / 35
    np.testing.assert_allclose(gram(features), expected, atol=1e-12)


def padded(rgb):
    """Reflected to a multiple of 32 at the bottom and right."""
    rows, columns = ((-length) % 32 for length in rgb.shape[:2])
    return np.pad(rgb, ((0, rows), (0, columns), (0, 0)), mode="reflect")[None]


def test_the_loss_is_the_paper_s_of_scaled_features(tiny):
    reference, photo = picture(0, (40, 48)), picture(1, (40, 48)) / 127.5 - 1
    loss = Style(reference, tiny).loss_of(photo)
    flat = np.random.default_rng(2).normal(0, 0.1, loss.size)
    changed = loss.picture(flat)
    known, own, new = (
        [np.asarray(one)[0] for one in tiny.network(padded(one))]
        for one in (reference / 127.5 - 1, photo, changed)
    )
    total = 0.0
    for level, (wanted, found) in enumerate(zip(known, new, strict=True)):
        size = np.sqrt((wanted**2).mean())
        channels, places = wanted.shape[-1], wanted.shape[0] * wanted.shape[1]
        first, second = (
            np.einsum("hwi,hwj->ij", one / size, one / size) for one in (wanted, found)
        )
        # Equations 4 and 5, with five layers that count a fifth each.
        total += ((first - second) ** 2).sum() / (4 * channels**2 * places**2) / 5
        if level == tiny.content:
            total += CONTENT * (((found - own[level]) / size) ** 2).mean() / 2
    assert loss(flat)[0] == pytest.approx(total, rel=1e-4)


def test_the_gradient_is_that_of_differences(tiny):
    loss = Style(picture(0), tiny).loss_of(picture(1) / 127.5 - 1)
    rng = np.random.default_rng(3)
    flat = rng.normal(0, 0.1, loss.size)
    gradient = loss(flat)[1]
    whole, quarter = 12 * 17 * 3, 3 * 5 * 3
    # Of the whole size, of a quarter and of a sixteenth: along the gradient, as float32 allows.
    for part in (slice(0, whole), slice(whole, whole + quarter), slice(whole + quarter, None)):
        step = np.zeros(loss.size)
        step[part] = 0.02 * gradient[part] / np.linalg.norm(gradient[part])
        measured = loss(flat + step)[0] - loss(flat - step)[0]
        assert measured == pytest.approx(2 * gradient @ step, rel=0.02)


def test_the_loss_falls_and_iterations_are_told(tiny):
    reference, lab = picture(0), rgb2lab(picture(1))
    told = []
    painter = Style(reference, tiny, iterations=15)
    ab = painter(lab[..., 0], lab[..., 1:], lambda: told.append(1))
    assert 1 <= len(told) <= 15
    assert ab.shape == (12, 17, 2)
    assert ab.dtype == np.float32

    def error(colors):
        loss = painter.loss_of(2 * style.with_chroma(lab[..., 0], colors) - 1)
        return loss(np.zeros(loss.size))[0]

    # Though lightness goes back to what it was.
    assert error(ab) < error(lab[..., 1:])


def test_the_zoo_s_encoder_brings_colors_of_the_reference_nearer():
    reference = np.zeros((32, 32, 3), np.uint8)
    reference[:, :16], reference[:, 16:] = (200, 60, 40), (180, 80, 60)
    reference += np.random.default_rng(0).integers(0, 20, (32, 32, 1), dtype=np.uint8)
    lightness = np.full((32, 32), 50.0) + np.random.default_rng(1).normal(0, 3, (32, 32))
    ab = Style(reference, DEFAULT, iterations=8)(lightness, np.zeros((32, 32, 2)))
    assert (ab.mean(axis=(0, 1)) > 4).all()


def test_vgg_is_looked_at_where_the_paper_looks(monkeypatch):
    monkeypatch.setattr("zoo.networks.classifiers.KerasEmbedding.trunk", small_vgg)
    opened = open_features("keras:VGG19")
    shapes = [one.shape[1:] for one in opened.network(np.zeros((1, 32, 32, 3), "float32"))]
    assert shapes == [(32, 32, 1), (16, 16, 2), (8, 8, 3), (4, 4, 4), (4, 4, 4), (2, 2, 5)]
    assert opened.content == 4


def small_vgg(self, shape):
    """With the names and the sizes of VGG's layers."""
    x = photo = keras.Input(shape)
    for block in range(1, 6):
        for layer in (1, 2):
            x = layers.Conv2D(block, 3, padding="same", name=f"block{block}_conv{layer}")(x)
        x = layers.MaxPooling2D(2, name=f"block{block}_pool")(x)
    return keras.Model(photo, x)


def test_other_backends_are_told(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(ZooError, match="KERAS_BACKEND=tensorflow"):
        Style(picture(0))

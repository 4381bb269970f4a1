"""A photo with the colors of another one: sizes, what stays, what wins, what is refused."""

from functools import lru_cache

import keras
import numpy as np
import pytest
from PIL import Image
from skimage import data
from skimage.color import rgb2lab

import zoo
from zoo.errors import ZooError
from zoo.fullsize import FullSize
from zoo.hints.marks import Hints, Point
from zoo.networks.features import Features
from zoo.transfer import match, reference, style
from zoo.transfer.reference import METHODS, Reference, transfer_color
from zoo.transfer.welsh import Swatch


@pytest.fixture(scope="module", autouse=True)
def fast():
    """Building the encoder takes most of the time, for gradients still more."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(match, "encoder_features", lru_cache(match.encoder_features))
        patch.setattr(style, "open_features", lambda name: Features(tiny_network(), content=1))
        patch.setattr(reference, "_FACTOR", 4)
        yield


def tiny_network():
    photo = keras.Input((None, None, 3))
    first = keras.layers.Conv2D(4, 3, padding="same", activation="tanh")(photo)
    return keras.Model(photo, [first, keras.layers.Conv2D(4, 3, strides=2)(first)])


def small(rgb, size=(90, 60)):
    return np.array(Image.fromarray(rgb).resize(size, Image.Resampling.LANCZOS))


@pytest.fixture(scope="module")
def coffee():
    return small(data.coffee())


@pytest.fixture(scope="module")
def cat():
    return small(data.chelsea())


@pytest.fixture(scope="module")
def model():
    return zoo.create_model("mse_regression:tiny")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("with_model", [False, True])
def test_lightness_stays_and_colors_come(coffee, cat, model, method, with_model):
    further = {"iterations": 2} if method == "style" else {}
    own = model if with_model else None
    other = coffee[:, ::-1] if method == "match" else cat
    colored = transfer_color(coffee, other, method, model=own, **further)
    assert colored.shape == coffee.shape
    assert colored.dtype == np.uint8
    assert np.abs(rgb2lab(colored)[..., 0] - rgb2lab(coffee)[..., 0]).max() < 1
    plain = model.colorize(coffee) if with_model else zoo.create_model("gray").colorize(coffee)
    assert (colored != plain).any()


def test_photos_with_alpha_of_files_and_of_odd_sizes(coffee, cat, tmp_path):
    Image.fromarray(cat).save(tmp_path / "cat.png")
    with_alpha = np.dstack([coffee, np.arange(90, dtype=np.uint8) + np.zeros((60, 1), np.uint8)])
    colored = transfer_color(with_alpha, tmp_path / "cat.png", "reinhard")
    np.testing.assert_array_equal(colored[..., 3], with_alpha[..., 3])
    for size in ((1, 1), (3, 400), (7, 5)):
        photo = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
        for method in ("match", "reinhard", "welsh"):
            assert transfer_color(photo, cat, method).shape == photo.shape


def test_large_photos_follow_edges_up_to_a_size(coffee, cat, monkeypatch):
    monkeypatch.setattr(reference, "_MOST_PIXELS", 900)
    whole = FullSize(coffee[None])
    ab, lightness = Reference(cat, "welsh").recolored(np.zeros((1, 4, 6, 2), np.float32), whole)
    assert ab.shape == (1, 24, 37, 2)
    assert lightness.shape == (1, 24, 37, 1)


def test_nothing_in_common_leaves_the_model_s_photo_to_the_bit(coffee, model):
    flat = np.full((64, 64, 3), (200, 30, 60), np.uint8)
    np.testing.assert_array_equal(transfer_color(coffee, flat, model=model), model.colorize(coffee))


def test_reinhard_takes_the_model_s_colors_to_the_reference_s(coffee, cat):
    model = zoo.load_model("mse_regression")
    plain, warm = model.colorize(coffee), transfer_color(coffee, cat, "reinhard", model=model)

    def off(rgb):
        return np.abs(
            rgb2lab(rgb)[..., 1:].mean(axis=(0, 1)) - rgb2lab(cat)[..., 1:].mean(axis=(0, 1))
        ).sum()

    assert off(warm) < 0.5 * off(plain)


@pytest.mark.parametrize("with_model", [False, True])
def test_hints_win_at_their_marks(coffee, cat, model, with_model):
    hints = Hints(points=(Point(40, 30, (50.0, 40.0), 3),))
    own = model if with_model else None
    colored = transfer_color(coffee, cat, "reinhard", model=own, hints=hints)
    wanted = np.full((1, 1, 1, 2), (50.0, 40.0), np.float32)
    expected = FullSize(coffee[None, 30:31, 40:41]).merge(wanted)[0, 0, 0]
    np.testing.assert_allclose(colored[30, 40].astype(int), expected, atol=1)
    far = transfer_color(coffee, cat, "reinhard", model=own)
    assert np.abs(colored[:4, :4].astype(int) - far[:4, :4]).max() < 40
    with pytest.raises(ZooError, match="outside of the photo"):
        transfer_color(coffee, cat, "reinhard", hints=Hints(points=(Point(400, 30, "gray"),)))


def test_what_hints_say_of_the_whole_photo_is_for_a_model(coffee, cat, model):
    hints = Hints(saturation=30.0)
    with pytest.raises(ZooError, match="give one by model=MODEL"):
        transfer_color(coffee, cat, hints=hints)
    flat = np.full((64, 64, 3), (200, 30, 60), np.uint8)
    found = transfer_color(coffee, flat, model=model, hints=hints)
    np.testing.assert_array_equal(found, model.colorize(coffee, hints=hints))


def test_swatches_color_by_their_region(coffee):
    halves = np.zeros((60, 90, 3), np.uint8)
    halves[:, :45], halves[:, 45:] = (180, 60, 60), (60, 60, 180)
    red = Swatch((0, 0, 90, 60), (0, 0, 40, 60))
    blue = Swatch((0, 0, 90, 60), (50, 0, 40, 60))
    first, second = (
        rgb2lab(transfer_color(coffee, halves, "welsh", swatches=[one])) for one in (red, blue)
    )
    assert (first[..., 1] - second[..., 1]).mean() > 5
    assert (first[..., 2] - second[..., 2]).mean() > 5


def test_progress_tells_each_iteration(coffee, cat, capsys):
    transfer_color(coffee, cat, "style", iterations=1, progress=True)
    assert "Transferring the style" in capsys.readouterr().err


GRAY = np.repeat(np.arange(64, dtype=np.uint8)[None, :, None], 64, axis=0).repeat(3, axis=2)


@pytest.mark.parametrize(
    ("given", "settings", "told"),
    [
        (GRAY, {}, "is gray"),
        (np.zeros((1, 1, 3), np.uint8), {}, "has 1 x 1 px"),
        (np.zeros((200, 15, 3), np.uint8), {}, "has 15 x 200 px"),
        (b"no photo", {}, "Cannot read"),
        ("missing.png", {}, "Cannot read missing.png"),
        (None, {"method": "wel"}, "did you mean 'welsh'"),
        (None, {"method": "match", "iterations": 5}, "iterations are of the method style"),
        (None, {"method": "style", "iterations": 0}, "at least 1 iteration"),
        (None, {"method": "welsh", "features": "hed"}, "features are of the method style"),
        (None, {"method": "style", "features": "vgg"}, "There is no network of features"),
        (
            None,
            {"method": "style", "swatches": [Swatch((0, 0, 1, 1), (0, 0, 1, 1))]},
            "swatches are of the method welsh",
        ),
        (
            None,
            {"method": "welsh", "swatches": [Swatch((0, 0, 91, 1), (0, 0, 1, 1))]},
            "not inside of the photo, which has 90 x 60",
        ),
        (None, {"render_factor": 8}, "render_factor is of a model"),
    ],
)
def test_what_does_not_fit_is_one_sentence(coffee, cat, given, settings, told):
    with pytest.raises(ZooError) as refused:
        transfer_color(coffee, cat if given is None else given, **settings)
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)

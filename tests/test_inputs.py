"""A model with an input of each kind, declared and nothing else: no other file knows of it."""

from dataclasses import dataclass

import keras
import numpy as np
import pytest
from keras import layers, ops

from predictions import off
from zoo import Budget, conformance, create_model
from zoo.errors import ZooError
from zoo.inputs import LIGHTNESS, DerivedInput, Input, SimulatedInput
from zoo.models.regression import MSERegression
from zoo.photos.loader import Samples
from zoo.photos.samples import sample_photos


@dataclass(frozen=True)
class Brightness(DerivedInput):
    """The photo's mean L as a share of 100."""

    side = 4

    def derive(self, squares, *, traced=False):
        return ops.mean(squares, axis=(1, 2)) / 100.0

    def rows(self, photos, *, progress):
        means = [photo.read().mean() / 255.0 for photo in photos]
        return lambda samples: np.array(means, "float32")[samples.positions, None]


@dataclass(frozen=True)
class Points(SimulatedInput):
    """One pixel of each photo is told, with a mark."""

    def simulate(self, rgb, seed, numbers):
        told = np.zeros((*rgb.shape[:3], 2), "float32")
        for row, number in enumerate(numbers):
            y, x = np.random.default_rng([seed, number]).integers(rgb.shape[1], size=2)
            told[row, y, x] = rgb[row, y, x, 0] / 255.0, 1.0
        return told


BRIGHTNESS = Brightness("brightness", "vector", 1)
POINTS = Points("points", "map", 2, absent=-1.0)
STYLE = Input("style", "vector", 3, absent=0.5)


class Declaring(MSERegression):
    """A convolution over L and the points, shifted by what the vectors say."""

    inputs = (LIGHTNESS, BRIGHTNESS, POINTS, STYLE)
    stride = 4

    def build_networks(self):
        taken = {
            one.name: keras.Input(
                (one.channels,) if one.kind == "vector" else (None, None, one.channels),
                name=one.name,
            )
            for one in self.inputs
        }
        maps = layers.Concatenate(name="maps")([taken["lightness"], taken["points"]])
        vectors = layers.Concatenate(name="vectors")([taken["brightness"], taken["style"]])
        shift = layers.Reshape((1, 1, 2), name="shift")(layers.Dense(2, name="dense")(vectors))
        x = layers.AveragePooling2D(2, name="half")(layers.Conv2D(2, 1, name="head")(maps))
        return {"colorizer": keras.Model(taken, layers.Add(name="sum")([x, shift]))}


@pytest.fixture
def photos():
    return sample_photos("train")


@pytest.fixture
def model():
    base = create_model("mse_regression:tiny")
    return Declaring(base.name, base.preset, base.config, seed=0)


def photo(height=20, width=27):
    return np.random.default_rng(0).integers(0, 256, (1, height, width, 3), dtype=np.uint8)


def test_inputs_are_derived_or_absent(model):
    seen = []

    class Watching(type(model.runner)):
        def __call__(self, network, inputs):
            seen.append({name: np.array(ops.convert_to_numpy(x)) for name, x in inputs.items()})
            return super().__call__(network, inputs)

    colored = model.colorize_batch(photo(), runner=Watching(), render_factor=1)
    assert colored.shape == photo().shape
    (inputs,) = seen
    height, width = inputs["lightness"].shape[1:3]
    assert (height % 4, width % 4) == (0, 0)
    assert inputs["brightness"].shape == (1, 1)
    assert 0.3 < inputs["brightness"][0, 0] < 0.7
    np.testing.assert_array_equal(inputs["points"], np.full((1, height, width, 2), -1.0))
    np.testing.assert_array_equal(inputs["style"], np.full((1, 3), 0.5))


def test_what_is_given_counts(model):
    lightness = np.full((1, 9, 13, 1), 50, "float32")
    plain = model.decode(model.predict({"lightness": lightness}))
    points = np.full((1, 9, 13, 2), -1.0, "float32")
    same = model.decode(model.predict({"lightness": lightness, "points": points}))
    np.testing.assert_array_equal(same, plain)
    points[0, 2, 3] = 1.0
    told = model.decode(model.predict({"lightness": lightness, "points": points}))
    changed = np.abs(told - plain).max(axis=(0, 3)) > 1e-3
    assert changed[2, 3]
    assert not changed[5:].any()
    styled = {"lightness": lightness, "style": np.zeros((1, 3), "float32")}
    assert (model.decode(model.predict(styled)) != plain).any(axis=-1).all()


def test_an_export_derives_inputs_or_has_them_absent(model):
    import tensorflow as tf

    from zoo.export.graph import Graph

    graph = Graph(model, model.resolve_options({"render_factor": 1}))
    found = graph.photo(tf.constant(photo()), striped=False)
    assert off(found, model.colorize_batch(photo(), render_factor=1)) <= 1


def test_an_unknown_input_is_named(model):
    lightness = np.zeros((1, 8, 8, 1), "float32")
    with pytest.raises(ZooError, match=r"'point' \(did you mean 'points'"):
        model.predict({"lightness": lightness, "point": lightness})
    with pytest.raises(ZooError, match="lightness is missing"):
        model.predict({"points": lightness})


def test_a_training_simulates_inputs_by_seed_and_number(model, photos):
    rows = model.rows(photos, training=True, progress=False)
    assert set(rows) == {"brightness", "points"}
    rgb = np.stack([one.read(32)[:32, :32] for one in photos[:2]])
    samples = Samples(rgb, np.arange(2), np.zeros(2, bool), np.array([7, 8]), seed=3)
    told = rows["points"](samples)
    assert (told[..., 1].sum(axis=(1, 2)) == 1).all()
    np.testing.assert_array_equal(told, rows["points"](samples))
    other = Samples(rgb, np.arange(2), np.zeros(2, bool), np.array([9, 10]), seed=3)
    assert (rows["points"](other) != told).any()


def test_a_training_uses_every_input(model, photos):
    before = conformance.weights_of(model)
    model.fit(photos, budget=Budget(photos_seen=32), size=32, precision="float32")
    after = conformance.weights_of(model)
    for name in ("colorizer/head/kernel", "colorizer/dense/kernel"):
        assert (after[name] != before[name]).all(), name

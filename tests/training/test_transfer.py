"""How a training begins: frozen layers, and the three starts."""

import keras
import numpy as np
import pytest

import zoo
from zoo import Budget, PhotoSet
from zoo.errors import ZooError
from zoo.photos.loader import PhotoLoader
from zoo.training.transfer import digest, frozen_layers, take_layers

FIT = {"size": 32, "precision": "float32"}
STEP = {"budget": Budget(photos_seen=4), **FIT}


@pytest.fixture
def photos(photo_folder):
    return PhotoSet.from_folder(photo_folder)


def tiny(**config):
    return zoo.create_model("mse_regression:tiny", **config)


def values(model):
    return {
        name: np.array(keras.ops.convert_to_numpy(variable))
        for name, variable in model.variables().items()
    }


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)


# ---------------------------------------------------------------------- frozen


@pytest.mark.usefixtures("eager")
def test_frozen_layers_stay_and_learn_again_afterwards(photos):
    model = tiny()
    layers = [one for one in model.networks["colorizer"].layers if one.trainable_weights]
    before = values(model)
    model.fit(photos, budget=Budget(photos_seen=16), freeze=("stem*", "head"), **FIT)
    after = values(model)
    for layer in layers:
        names = [f"colorizer/{weight.path}" for weight in layer.weights]
        moved = any((after[name] != before[name]).any() for name in names)
        assert moved != (layer.name.startswith("stem") or layer.name == "head")
    assert all(layer.trainable for layer in layers)
    assert model.card.training.freeze == ("stem*", "head")


def test_one_pattern_needs_no_list(photos):
    network = tiny().networks["colorizer"]
    with frozen_layers(network, ["head"]):
        assert not network.get_layer("head").trainable
    with pytest.raises(ZooError, match="no layer nowhere to freeze"):
        tiny().fit(photos, freeze="nowhere", **STEP)


def test_freezing_everything_or_nothing_that_learns_is_refused(photos):
    with pytest.raises(ZooError, match=r"no layer down9\* to freeze; among .* stem1"):
        tiny().fit(photos, freeze=["down9*"], **STEP)
    with pytest.raises(ZooError, match="every layer"):
        tiny().fit(photos, freeze=["*"], **STEP)
    mean_color = zoo.create_model("mean_color")
    for settings in ({"freeze": ["a"]}, {"start": "shrink"}):
        with pytest.raises(ZooError, match="no layers to freeze or shrink"):
            mean_color.fit(photos, budget=Budget(photos_seen=4), **settings)


# ---------------------------------------------------------------------- starts


@pytest.mark.usefixtures("eager")
def test_a_training_goes_on_where_the_model_is(photos, tmp_path):
    """Loaded or not: only `start` decides."""
    model = tiny(learning_rate=1e-12)
    model.fit(photos, **STEP)
    before = values(model)
    loaded = zoo.load_model(model.save(tmp_path / "model"))
    for one in (model, loaded):
        one.fit(photos, **STEP)
        for name, value in values(one).items():
            if name.endswith("kernel"):
                np.testing.assert_allclose(value, before[name], atol=1e-6, err_msg=name)


@pytest.mark.usefixtures("eager")
def test_shrinking_shrinks_what_is_not_frozen(photos):
    model = tiny(learning_rate=1e-12)
    initial = values(model)
    for name, variable in model.variables().items():
        if name.endswith("kernel"):
            variable.assign(3.0 * initial[name])
    model.fit(photos, freeze=["head"], start="shrink", **STEP)
    for name, value in values(model).items():
        if name.endswith("kernel"):
            share = 3.0 if "/head/" in name else 0.4 * 3.0 + 0.1
            np.testing.assert_allclose(value, share * initial[name], atol=1e-6, err_msg=name)
    assert model.card.training.start == "shrink"


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("name", ["mse_regression", "colorunet", "knn_patches", "som_patches"])
def test_a_fresh_start_is_a_first_one(name, photos):
    """Whatever was learned or chosen before: bins, codebooks and tables, too."""
    model = zoo.create_model(f"{name}:tiny")
    model.fit(photos[:3], budget=Budget(photos_seen=8), **FIT)
    model.fit(photos, start="fresh", **STEP)
    first = zoo.create_model(f"{name}:tiny")
    first.fit(photos, **STEP)
    assert_same(values(model), values(first))
    assert model.card.training.started_from is None
    if hasattr(first, "bins"):
        np.testing.assert_array_equal(model.bins.centers, first.bins.centers)


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("name", ["mse_regression", "colorunet", "gan", "som_patches"])
def test_two_fits_are_a_fit_a_saved_model_and_a_fit(name, photos, tmp_path):
    """To the bit, dropout's random numbers included; bins of its own stay those of the first."""
    model = zoo.create_model(f"{name}:tiny")
    assert not model.fitted
    model.fit(photos[:4], photos[:2], budget=Budget(photos_seen=16), **FIT)
    assert model.fitted
    loaded = zoo.load_model(model.save(tmp_path / "model"))
    assert loaded.fitted
    histories = [
        one.fit(photos, photos[:2], budget=Budget(photos_seen=16), **FIT) for one in (model, loaded)
    ]
    assert_same(values(loaded), values(model))
    assert histories[0].curves == histories[1].curves
    rgb = PhotoLoader(photos, 32, 2, augment=False).batch(0)
    np.testing.assert_array_equal(model.colorize_batch(rgb), loaded.colorize_batch(rgb))


@pytest.mark.usefixtures("eager")
def test_another_start_is_another_training(photos, tmp_path):
    """A position is refused by a model with other weights."""
    settings = {"run_dir": tmp_path / "run", **STEP}
    tiny().fit(photos, **settings)
    other = tiny()
    head = other.networks["colorizer"].get_layer("head").bias
    head.assign(head + 1.0)
    with pytest.raises(ZooError, match=r"another run \(different: start\)"):
        other.fit(photos, resume=True, **settings)
    with pytest.raises(ZooError, match="start"):
        tiny().fit(photos, start="anew", **STEP)


def test_a_digest_is_of_names_and_values():
    one, other = tiny(), tiny()
    assert digest(one.variables()) == digest(other.variables())
    bias = other.networks["colorizer"].get_layer("head").bias
    bias.assign(bias + 1e-7)
    assert digest(one.variables()) != digest(other.variables())
    renamed = {f"x{name}": variable for name, variable in one.variables().items()}
    assert digest(one.variables()) != digest(renamed)


@pytest.mark.core
def test_layers_are_taken_from_another_network():
    def network(width, out):
        layers = [keras.Input((4,)), keras.layers.Dense(width, name="encoder_a")]
        layers += [keras.layers.BatchNormalization(name="encoder_b"), keras.layers.ReLU()]
        return keras.Sequential([*layers, keras.layers.Dense(out, name="head")])

    source, target = network(3, 2), network(3, 5)
    source.get_layer("encoder_b").moving_mean.assign([1.0, 2.0, 3.0])
    head = target.get_layer("head").get_weights()
    take_layers(target, source, "encoder_*")
    for name in ("encoder_a", "encoder_b"):
        weights = [one.get_layer(name).get_weights() for one in (source, target)]
        for taken, given in zip(*weights, strict=True):
            np.testing.assert_array_equal(taken, given)
    np.testing.assert_array_equal(target.get_layer("head").get_weights()[0], head[0])
    with pytest.raises(ZooError, match="no layer stem"):
        take_layers(target, source, "stem*")
    with pytest.raises(ZooError, match="no layer encoder_a of the same shapes"):
        take_layers(network(4, 2), source, "encoder_*")

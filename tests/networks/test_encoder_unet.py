"""The U-Net around an encoder: its layers, what is frozen, how it trains, saves and exports."""

import keras
import numpy as np
import pytest
from conftest import eagerly
from keras import ops

import zoo
from zoo import Budget, PhotoSet, conformance
from zoo.errors import ZooError
from zoo.networks.blocks import NetworkSpec
from zoo.networks.encoder_unet import encoder_unet
from zoo.networks.encoders import open_encoder
from zoo.networks.encoders.base import PREFIX
from zoo.training.optimizers import GroupedAdam

MODELS = ("mse_regression", "fusion", "zhang", "colorunet", "gan", "nogan")
SMALL = {"architecture": "encoder_unet", "encoder": "efficientnet_lite0", "scale": "", "width": 8}


def values_of(network):
    return {v.path: np.array(ops.convert_to_numpy(v)) for v in network.variables}


def spec(**fields):
    known = {"channels": 3, "seed": 0, "width": 64, "encoder": "efficientnet_lite0"}
    return NetworkSpec(**(known | fields))


def test_the_decoder_has_the_described_widths():
    network = encoder_unet(spec(channels=313))
    widths = {
        layer.name: layer.kernel.shape[2:]
        for layer in network.layers
        if layer.name.startswith(("decoder", "head")) and hasattr(layer, "kernel")
    }
    assert widths == {
        "decoder32_conv": (320, 128),
        "decoder16_conv": (128 + 112, 128),
        "decoder8_conv": (128 + 40, 96),
        "decoder4_conv": (96 + 24, 64),
        "decoder_last_conv": (64, 64),
        "head": (64, 313),
    }
    found = network({"lightness": np.zeros((2, 64, 96, 1), "float32")})
    assert found.shape == (2, 16, 24, 313)


def test_every_place_of_the_output_sees_what_is_above_it():
    """A change in one corner of the photo changes the output there, first of all."""
    network, lightness = encoder_unet(spec()), np.zeros((1, 128, 128, 1), "float32")
    open_encoder("efficientnet_lite0").put_weights(network)
    changed = lightness.copy()
    changed[:, :16, :16] = 0.8
    found, other = (ops.convert_to_numpy(network({"lightness": x})) for x in (lightness, changed))
    moved = np.abs(found - other).sum(axis=-1)[0]
    assert moved[:4, :4].mean() > 10 * moved[16:, 16:].mean()


@pytest.mark.parametrize("frozen", [0, 1, 3, 5])
def test_frozen_levels_keep_weights_and_statistics(frozen):
    network = encoder_unet(spec(frozen_levels=frozen, width=8))
    before = values_of(network)
    network.compile(optimizer=keras.optimizers.SGD(1.0), loss="mse")
    rng = np.random.default_rng(0)
    batch = rng.uniform(-1, 1, (4, 32, 32, 1)).astype("float32"), np.ones((4, 8, 8, 3), "float32")
    with eagerly():
        network.train_on_batch({"lightness": batch[0]}, batch[1])
    after = values_of(network)
    # The last of the blocks that make the features of each level.
    last = {0: None, 1: 0, 3: 4, 5: 15}[frozen]
    for name, value in before.items():
        layer = name.removeprefix(PREFIX).partition("_")[0]
        still = (
            name.startswith(PREFIX)
            and frozen
            and (
                layer.startswith("stem")
                or int(layer.partition("/")[0].removeprefix("block")) <= last
            )
        )
        assert still == np.array_equal(after[name], value), name


def test_a_new_model_has_the_weights_of_imagenet_and_a_loaded_one_its_own(tmp_path, monkeypatch):
    model = zoo.create_model("mse_regression:tiny", **SMALL)
    shipped = open_encoder("efficientnet_lite0").values()
    found = values_of(model.networks["colorizer"])
    encoder = [name for name in found if name.startswith(PREFIX)]
    assert len(encoder) == 16 * 3 * 5 - 5 + 5
    for name in encoder:
        np.testing.assert_array_equal(found[name], shipped[name], name)
    stem = model.networks["colorizer"].get_layer(f"{PREFIX}stem").kernel
    stem.assign(2.0 * stem.value)
    model.fitted = True
    path = model.save(tmp_path / "model")
    monkeypatch.setattr(
        "zoo.networks.encoders.efficientnet.EfficientNetLite.values",
        lambda self: pytest.fail("Loading reads the encoder's weights."),
    )
    loaded = zoo.load_model(path)
    conformance.same_weights(model, loaded)


def test_a_fresh_start_has_the_weights_of_imagenet(photo_folder):
    model = zoo.create_model("mse_regression:tiny", **SMALL, learning_rate=1e-12)
    first = values_of(model.networks["colorizer"])
    for variable in model.networks["colorizer"].trainable_variables:
        variable.assign(0.5 * variable.value)
    photos = PhotoSet.from_folder(photo_folder)
    settings = {"budget": Budget(photos_seen=4), "size": 32, "precision": "float32"}
    with eagerly():
        model.fit(photos, start="fresh", **settings)
    for variable in model.networks["colorizer"].trainable_variables:
        found = ops.convert_to_numpy(variable)
        np.testing.assert_allclose(found, first[variable.path], atol=1e-6, err_msg=variable.path)


@pytest.mark.parametrize("name", ["zhang", "gan"])
def test_the_encoder_learns_at_its_own_rate(name):
    """One step of Adam moves each weight by its rate, whatever its gradient."""
    rates = {"learning_rate": 1e-3, "encoder_rate": 0.25, "schedule": "constant"}
    model = zoo.create_model(f"{name}:tiny", **SMALL, **rates)
    network, optimizer = model.networks["colorizer"], model.optimizer(10)
    assert isinstance(optimizer, GroupedAdam)
    weights = [v for net in model.networks.values() for v in net.trainable_variables]
    before = values_of(network)
    optimizer.build(weights)
    optimizer.apply([ops.ones_like(v) for v in weights], weights)
    for variable in network.trainable_variables:
        rate = 2.5e-4 if variable.path.startswith(PREFIX) else 1e-3
        moved = before[variable.path] - ops.convert_to_numpy(variable)
        np.testing.assert_allclose(moved, rate, rtol=1e-2, err_msg=variable.path)


def test_an_encoder_that_is_frozen_has_no_rate():
    model = zoo.create_model("mse_regression:tiny", **SMALL, frozen_levels=5)
    assert not isinstance(model.optimizer(10), GroupedAdam)


def test_presets_are_built_on_it():
    for name in MODELS:
        preset = zoo.registry.entry(name).load().PRESETS["compact"].config
        assert (preset.architecture, preset.encoder) == ("encoder_unet", "efficientnet_lite0")
    network = zoo.create_model("zhang", "compact").networks["colorizer"]
    frozen = {layer.name for layer in network.layers if layer.weights and not layer.trainable}
    assert {name.partition("_")[2].partition("_")[0] for name in frozen} == {
        "stem",
        *(f"block{number}" for number in range(5)),
    }


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"architecture": "encoder_unet"}, "encoder_unet needs an encoder"),
        ({"encoder": "efficientnet_lite0"}, "unet has none"),
        (SMALL | {"encoder": "efficientnet_lite9"}, "efficientnet_lite0"),
        (SMALL | {"scale": "signed"}, "scale must be empty or luma"),
        (SMALL | {"frozen_levels": 6}, "frozen_levels"),
        (SMALL | {"encoder_rate": 0.0}, "encoder_rate"),
        (SMALL | {"dropout": 1.0}, "dropout"),
    ],
)
def test_what_does_not_go_together_is_refused(changes, told):
    with pytest.raises(ZooError, match=told):
        zoo.create_model("mse_regression:tiny", **changes)


class Encoded(conformance.Subject):
    """zhang:tiny around an encoder whose first levels are frozen."""

    def model(self, **changes):
        return super().model(**SMALL | {"frozen_levels": 3, "encoder_rate": 0.3} | changes)


def test_a_model_of_it_conforms(tmp_path):
    """It trains in both precisions, saves and loads exactly."""
    subject = Encoded("zhang", tmp_path)
    model = subject.model()
    with eagerly():
        conformance.fit(model, subject.photos, budget=Budget(photos_seen=8))
        conformance.trains_in_mixed_precision(subject)
    subject.trained = model, None
    conformance.saves_and_loads_exactly(subject)


def test_exports_color_alike(tmp_path, small_checks):
    """`export` itself compares them; random weights in so deep a network would amplify rounding."""
    model = zoo.create_model("mse_regression:tiny", **SMALL)
    head = model.networks["colorizer"].get_layer("head").kernel
    head.assign(np.random.default_rng(0).normal(size=head.shape) * 0.05)
    photo = conformance.random_photo(40, 56)
    assert np.ptp(model.colorize(photo), axis=-1).mean() > 20
    model.export(tmp_path / "exported")

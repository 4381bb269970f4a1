"""Every approach that learns by gradient, with every architecture."""

import keras
import numpy as np
import pytest
from keras import ops

import zoo
from zoo import Budget, PhotoSet
from zoo.errors import ZooError
from zoo.networks.architectures import ARCHITECTURES
from zoo.registry import list_models

pytestmark = pytest.mark.usefixtures("eager")

#: som_patches has a network of its own.
APPROACHES = [
    name
    for name in list_models()
    if zoo.registry.entry(name).load().trains_by_gradient and name != "som_patches"
]
PAIRS = [(approach, architecture) for approach in APPROACHES for architecture in ARCHITECTURES]


def fits(approach, architecture):
    """A network that answers twice is for the one approach that takes both answers."""
    return approach == "hinted" or architecture != "local_hints"


every_pair = pytest.mark.parametrize(
    ("approach", "architecture"), [pair for pair in PAIRS if fits(*pair)]
)


#: Each approach with two architectures, and each architecture with two approaches, as far as they
#: fit. What learns is the approach's loss, and through which layers changes nothing for it.
two_of_each = pytest.mark.parametrize(
    ("approach", "architecture"),
    [
        pair
        for number, approach in enumerate(APPROACHES)
        for further in (0, 3)
        if fits(*(pair := (approach, list(ARCHITECTURES)[(number + further) % len(ARCHITECTURES)])))
    ],
)


def test_there_are_seven_approaches():
    expected = ["mse_regression", "fusion", "zhang", "colorunet", "gan", "nogan", "hinted"]
    assert expected == APPROACHES


@pytest.mark.parametrize("pair", [pair for pair in PAIRS if not fits(*pair)])
def test_other_models_take_no_network_that_answers_twice(pair):
    approach, architecture = pair
    with pytest.raises(ZooError, match=r"local_hints answers .* `hinted` alone"):
        zoo.create_model(f"{approach}:tiny", architecture=architecture)


def made(approach, architecture):
    encoded = {"encoder": "efficientnet_lite0,weights=none", "scale": ""}
    further = encoded if ARCHITECTURES[architecture].encoded else {}
    return zoo.create_model(f"{approach}:tiny", architecture=architecture, **further)


@every_pair
def test_every_approach_takes_every_architecture(approach, architecture):
    model = made(approach, architecture)
    network = model.networks["colorizer"]
    inputs = {
        name: np.zeros((1, *(side or 2 * model.stride for side in tensor.shape[1:])), "float32")
        for name, tensor in network.input.items()
    }
    sides = keras.tree.flatten(network(inputs))[0].shape[1:3]
    assert sides == (2 * model.stride // model.output_stride,) * 2


@two_of_each
def test_approaches_learn_with_architectures(approach, architecture, photo_folder):
    model = made(approach, architecture)
    network = model.networks["colorizer"]
    head = ops.convert_to_numpy(network.get_layer("head").kernel).copy()
    photos = PhotoSet.from_folder(photo_folder)
    model.fit(photos, budget=Budget(photos_seen=4), size=32, precision="float32")
    assert (ops.convert_to_numpy(network.get_layer("head").kernel) != head).any()
    photo = photos[0].read()[:21, :30]
    assert model.colorize(photo, render_factor=1).shape == photo.shape


@pytest.mark.parametrize("approach", APPROACHES)
def test_the_scale_of_lightness_is_a_choice(approach):
    lightness = np.full((1, 1, 1, 1), 100.0, "float32")
    seen = [
        float(
            np.squeeze(zoo.create_model(f"{approach}:tiny", scale=scale).scale_lightness(lightness))
        )
        for scale in ("signed", "zhang", "luma")
    ]
    assert seen == pytest.approx([1.0, 0.5, 1.0], abs=1e-4)
    with pytest.raises(ZooError, match="scale"):
        zoo.create_model(f"{approach}:tiny", scale="caffe")
    with pytest.raises(ZooError, match="architecture"):
        zoo.create_model(f"{approach}:tiny", architecture="transformer")

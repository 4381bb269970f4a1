"""Every architecture by itself: what it declares, against what its network gives."""

import re
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers, ops

import zoo
from zoo.networks.architectures import ARCHITECTURES, SCALES
from zoo.networks.blocks import NetworkSpec
from zoo.networks.pix2pix import pix2pix
from zoo.networks.zhang import zhang

every_architecture = pytest.mark.parametrize("name", ARCHITECTURES)
DEPTH = 3


def spec(**fields):
    given = {"channels": 3, "seed": 0, "width": 4, "depth": DEPTH}
    return NetworkSpec(**(given | {"encoder": "efficientnet_lite0,weights=none"} | fields))


def answers(network, *size):
    lightness = np.random.default_rng(0).uniform(-1, 1, (1, *size, 1)).astype("float32")
    found = keras.tree.flatten(network({"lightness": lightness}))
    return [ops.convert_to_numpy(each) for each in found]


@pytest.mark.parametrize("output_stride", [1, 2, 4])
@every_architecture
def test_strides_are_as_declared(name, output_stride):
    architecture = ARCHITECTURES[name]
    stride = architecture.stride(DEPTH, output_stride)
    shrunk = architecture.output_stride(DEPTH, output_stride)
    network = architecture.build(spec(output_stride=output_stride))
    size = (2 * stride, 3 * stride)
    first, *beside = answers(network, *size)
    assert len(beside) == architecture.heads - 1
    assert first.shape == (1, size[0] // shrunk, size[1] // shrunk, 3 - 2 * len(beside))
    assert all(one.shape == (1, *size, 2) for one in beside)


@every_architecture
def test_the_lowest_level_takes_a_hook_with_an_input_of_its_own(name):
    places = []

    def bottom(x, features):
        assert features.shape[1:3] == x.shape[1:3]
        places.append(x)
        scale = layers.Dense(x.shape[-1], name="scale")(words)
        return x * scale[:, None, None, :]

    words = keras.Input((5,), name="words")
    architecture = ARCHITECTURES[name]
    network = architecture.build(spec(bottom=bottom, inputs={"words": words}))
    stride = architecture.stride(DEPTH, 1)
    inside = keras.Model(network.input, places[0])
    inputs = {"lightness": np.ones((1, 2 * stride, 2 * stride, 1)), "words": np.ones((1, 5))}
    assert inside(inputs).shape[1:3] == (2, 2)
    pairs = zip(
        *(keras.tree.flatten(network(inputs | {"words": n * inputs["words"]})) for n in (1, 9)),
        strict=True,
    )
    assert all(np.abs(ops.convert_to_numpy(one - other)).max() > 0 for one, other in pairs)


@every_architecture
def test_dropout_and_decay_are_everywhere_they_are_asked_for(name):
    build = ARCHITECTURES[name].build
    kinds = [type(layer).__name__ for layer in build(spec(dropout=0.5)).layers]
    assert kinds.count("Dropout") == (DEPTH - 1 if name == "pix2pix" else 1)
    network = build(spec(decay=0.01))
    kernels = [layer for layer in network.layers if hasattr(layer, "kernel")]
    assert len(network.losses) == len(kernels) > 4
    assert not build(spec()).losses
    assert "Dropout" not in [type(layer).__name__ for layer in build(spec()).layers]


@pytest.mark.parametrize("name", ["encoder_decoder", "pix2pix"])
def test_chroma_is_bounded_and_logits_are_not(name):
    for bounded in (True, False):
        network = ARCHITECTURES[name].build(spec(bounded=bounded))
        network.get_layer("head").bias.assign([9.0] * 3)
        (found,) = answers(network, 16, 16)
        assert (found.max() <= 1) == bounded
    (found,) = answers(pix2pix(spec(bounded=True)), 16, 24)
    assert found.shape == (1, 16, 24, 3)


def test_scales_are_those_of_the_papers():
    lightness = np.array([0.0, 50.0, 100.0], "float32").reshape(3, 1, 1, 1)
    seen = {
        name: np.ravel(ops.convert_to_numpy(scale(lightness))) for name, scale in SCALES.items()
    }
    np.testing.assert_allclose(seen["signed"], [-1, 0, 1])
    np.testing.assert_allclose(seen["zhang"], [-0.5, 0, 0.5])
    np.testing.assert_allclose(seen["luma"][[0, 2]], [-1, 1], atol=1e-4)
    # L = 50 is the gray value 119.
    np.testing.assert_allclose(seen["luma"][1], 2 * 119 / 255 - 1, atol=5e-3)
    assert {architecture.scale for architecture in ARCHITECTURES.values()} == set(SCALES)


def test_the_documentation_names_them_all():
    page = (Path(__file__).parents[2] / "docs" / "models.md").read_text()
    table = page.partition("## Architectures")[2].partition("\n## ")[0]
    table = table.partition("| encoder | what it is |")[0]  # a table of its own
    assert re.findall(r"^\| `(\w+)` \|", table, flags=re.MULTILINE) == list(ARCHITECTURES)


def test_golden_parameter_counts():
    """The published 313-bin network has 32,236,011 with its 626 of the fixed 1x1 decoding."""
    paper = zhang(NetworkSpec(313, seed=0, width=64))
    assert sum(np.prod(v.shape) for v in paper.trainable_variables) == 32_236_011 - 626
    regression = zoo.create_model("mse_regression:paper").networks["colorizer"]
    head = 256 * 313 + 313
    trunk = 32_236_011 - 626 - head
    assert sum(np.prod(v.shape) for v in regression.trainable_variables) == trunk + 256 * 2 + 2
    scratch = zoo.create_model("mse_regression:scratch").networks["colorizer"]
    assert 4_000_000 < scratch.count_params() < 5_000_000

"""LiteRT files: small ones, and their signatures."""

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

import zoo
from predictions import ab_of
from zoo import conformance
from zoo.export import litert
from zoo.export.graph import Graph
from zoo.networks.blocks import HEAD


@pytest.mark.parametrize("weights", ["float16", "int8"])
def test_small_litert_files_are_close_to_the_model(weights, tmp_path):
    model = conformance.shaken(zoo.create_model("mse_regression:tiny", width=16))
    graph = Graph(model, model.resolve_options({}))
    rng = np.random.default_rng(0)
    examples = [rng.uniform(0, 100, (1, 24, 32, 1)).astype("float32") for _ in range(4)]
    sizes = {}
    for kind in ("float32", weights):
        file = tmp_path / f"{kind}.tflite"
        litert.write(graph, file, kind, examples)
        sizes[kind] = file.stat().st_size
    assert sizes[weights] < (0.65 if weights == "float16" else 0.45) * sizes["float32"]
    run = Interpreter(str(tmp_path / f"{weights}.tflite")).get_signature_runner("predict_ab")
    for lightness in (examples[0], examples[0][:, :17, :9]):
        expected = ab_of(model, lightness)
        error = np.abs(run(lightness=lightness)["ab"] - expected).mean() / expected.std()
        assert error < (0.01 if weights == "float16" else 0.2)


@pytest.mark.parametrize(
    "fields",
    [
        {"architecture": "encoder_decoder"},
        {"architecture": "encoder_unet", "encoder": "efficientnet_lite0", "width": 8},
    ],
    ids=lambda fields: fields["architecture"],
)
def test_networks_that_repeat_pixels_become_litert_files(fields, tmp_path):
    model = zoo.create_model("mse_regression:tiny", **fields)
    kernel, _ = model.networks["colorizer"].get_layer(HEAD).weights
    kernel.assign(np.random.default_rng(0).normal(0, 0.3, kernel.shape))  # else nearly gray
    file = tmp_path / "made.tflite"
    litert.write(Graph(model, model.resolve_options({})), file, "float32")
    run = Interpreter(str(file)).get_signature_runner("predict_ab")
    lightness = np.random.default_rng(0).uniform(0, 100, (1, 35, 64, 1)).astype("float32")
    expected = ab_of(model, lightness)
    found = run(lightness=lightness)["ab"]
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.ptp(expected))

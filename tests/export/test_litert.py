"""LiteRT files: small ones, and their signatures."""

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

import zoo
from predictions import ab_of
from zoo import conformance
from zoo.export import litert
from zoo.export.graph import Graph


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

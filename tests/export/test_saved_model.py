"""SavedModels: signatures with options and without, and who loads them."""

import shutil
import warnings

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from hub_modules import save_module

import zoo
from predictions import ab_of, off
from zoo import conformance
from zoo.export import litert, saved_model
from zoo.export.graph import Graph


@pytest.fixture(scope="module")
def loaded(exported):
    return tf.saved_model.load(str(exported / "saved_model" / "1"))


def test_photos_and_gray_ones(loaded, model, photos):
    expected = model.colorize_batch(photos, render_factor=2)
    assert off(loaded.colorize(photos)["colorized"], expected) <= 1
    serving = loaded.signatures["serving_default"]
    assert off(serving(photos=tf.constant(photos))["colorized"], expected) <= 1
    gray = photos[..., :1]
    expected = model.colorize_batch(np.repeat(gray, 3, axis=-1), render_factor=2)
    assert off(loaded.colorize(photos=gray)["colorized"], expected) <= 1


def test_options_are_inputs_that_may_be_left_out(loaded, model, photos):
    default = model.colorize_batch(photos, render_factor=2)
    muted = model.colorize_batch(photos, render_factor=2, temperature=1.0)
    assert off(muted, default) > 10
    assert off(loaded.colorize_with_options(photos)["colorized"], default) <= 1
    assert off(loaded.colorize_with_options(photos, temperature=1)["colorized"], muted) <= 1
    signature = loaded.signatures["colorize_with_options"]
    found = signature(photos=tf.constant(photos), temperature=tf.constant(1.0))["colorized"]
    assert off(found, muted) <= 1


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("gan", {"saturation": 0.4}),
        ("knn_patches", {"k": 3, "weights": 2, "temperature": 0.5}),
    ],
)
def test_every_option_changes_colors_as_the_model_s_own(name, options, tmp_path, photos):
    """One at a time, in the order of the declaration and of the alphabet."""
    model = zoo.create_model(f"{name}:tiny")
    if model.trains_by_gradient:
        conformance.shaken(model)
    else:
        conformance.fit(model, zoo.sample_photos("train"))
    graph = Graph(model, model.resolve_options({"render_factor": 2}))
    assert set(graph.options) == set(options)
    saved_model.write(graph, tmp_path / "made")
    loaded = tf.saved_model.load(str(tmp_path / "made"))
    default = model.colorize_batch(photos, render_factor=2)
    assert off(loaded.colorize(photos)["colorized"], default) <= 1
    for option, value in options.items():
        expected = model.colorize_batch(photos, render_factor=2, **{option: value})
        assert off(expected, default) > 3, option
        found = loaded.colorize_with_options(photos, **{option: value})["colorized"]
        assert off(found, expected) <= 1, option
    lightness = np.random.default_rng(0).uniform(0, 100, (1, 30, 41, 1)).astype("float32")
    found = loaded.predict_ab_with_options(lightness, **options)["ab"]
    np.testing.assert_allclose(found, ab_of(model, lightness, **options), atol=1e-2)


def test_what_tf_serving_reads(exported):
    """A version folder; signatures of the usual method; options may be left out."""
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    (version,) = (exported / "saved_model").iterdir()
    assert version.name.isdigit()
    saved = SavedModel()
    saved.ParseFromString((version / "saved_model.pb").read_bytes())
    (graph,) = saved.meta_graphs
    assert list(graph.meta_info_def.tags) == ["serve"]
    inputs = {
        "serving_default": {"photos"},
        "colorize_with_options": {"photos", "temperature"},
        "colorize_encoded": {"photo_bytes"},
        "colorize_encoded_with_options": {"photo_bytes", "temperature"},
        "predict_ab": {"lightness"},
        "predict_ab_with_options": {"lightness", "temperature"},
    }
    found = {name: one for name, one in graph.signature_def.items() if not name.startswith("__")}
    assert {name: set(one.inputs) for name, one in found.items()} == inputs
    for name, signature in found.items():
        assert signature.method_name == "tensorflow/serving/predict"
        defaults = {option: tf.make_ndarray(one) for option, one in signature.defaults.items()}
        assert defaults == ({"temperature": np.float32(0.38)} if "options" in name else {})
    # Strings are sent as base64 in JSON if their name says so.
    assert set(found["colorize_encoded"].outputs) == {"colorized_bytes"}


def test_tf_hub_loads_it(exported, model, photos):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import tensorflow_hub
    loaded = tensorflow_hub.load(str(exported / "saved_model" / "1"))
    expected = model.colorize_batch(photos, render_factor=2)
    assert off(loaded.colorize(photos)["colorized"], expected) <= 1


def test_no_operation_runs_python_or_touches_files(exported):
    from zoo.networks import embeddings

    operations = embeddings._operations(embeddings._saved_graphs(exported / "saved_model" / "1"))
    assert "Conv2D" in operations
    assert not operations & (embeddings._PYTHON | embeddings._FILES)


def test_a_classifier_is_inside(tmp_path, photos):
    """What a fusion model refers to becomes a part of what is exported."""
    module = save_module(tmp_path / "module")
    model = conformance.shaken(zoo.create_model("fusion:tiny", embedding=f"hub:{module}"))
    expected = model.colorize_batch(photos, render_factor=2)
    lightness = np.random.default_rng(0).uniform(0, 100, (1, 30, 41, 1)).astype("float32")
    ab = ab_of(model, lightness)
    graph = Graph(model, model.resolve_options({"render_factor": 2}))
    saved_model.write(graph, tmp_path / "made")
    litert.write(graph, tmp_path / "made.tflite", "float32")
    shutil.rmtree(module)
    loaded = tf.saved_model.load(str(tmp_path / "made"))
    assert off(loaded.colorize(photos)["colorized"], expected) <= 1
    np.testing.assert_allclose(loaded.predict_ab(lightness)["ab"], ab, atol=1e-2)
    run = Interpreter(str(tmp_path / "made.tflite")).get_signature_runner("predict_ab")
    np.testing.assert_allclose(run(lightness=lightness)["ab"], ab, atol=1e-2)

"""Exported folders: what is in them, that it works without the zoo, and what is refused."""

import json
import os
import re
import shutil
import subprocess
import sys
import warnings

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from hub_modules import save_module
from PIL import Image
from typer.testing import CliRunner

import zoo
from benchmarks.speed import exports
from predictions import ab_of
from zoo import conformance
from zoo.card import read_card
from zoo.cli.commands import app
from zoo.cli.exporting import parse_size
from zoo.errors import ZooError
from zoo.export import litert, saved_model
from zoo.export import plan as plans
from zoo.export.graph import Graph, halves_well
from zoo.files import read_json, sha256_of_file, write_json

#: Nothing that runs in a user's process may need the zoo.
WITHOUT_ZOO = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "zoo":
            raise ImportError(f"{name} is not for users of exported models")

sys.meta_path.insert(0, Refuse())
"""


@pytest.fixture(scope="module")
def loaded(exported):
    return tf.saved_model.load(str(exported / "saved_model" / "1"))


def off(photo, expected):
    return np.abs(np.asarray(photo).astype(int) - expected).max()


# ---------------------------------------------------------------------- what is there


def test_the_folder_explains_itself(exported, model):
    found = sorted(p.relative_to(exported).as_posix() for p in exported.rglob("*") if p.is_file())
    named = [name for name in found if not name.startswith("saved_model/1/")]
    assert named == [
        "README.md",
        "card.json",
        "model.onnx",
        "model.tflite",
        "sample.png",
        "sample_colorized.png",
    ]
    card = read_card(exported)
    assert card.model == "zhang"
    assert card.training == model.card.training
    assert card.export.options == {"render_factor": 2, "temperature": 0.38}
    for artifact in card.export.artifacts.values():
        assert artifact["check"]["max_difference"] <= 1
        for name, sha256 in artifact["sha256"].items():
            assert sha256_of_file(exported / name) == sha256
    sample = np.asarray(Image.open(exported / "sample.png"))
    colored = np.asarray(Image.open(exported / "sample_colorized.png"))
    assert (sample == sample[..., :1]).all()
    np.testing.assert_array_equal(model.colorize(sample, render_factor=2), colored)


def test_the_readme_s_python_colors_the_sample_without_the_zoo(exported, tmp_path):
    readme = (exported / "README.md").read_text("utf-8")
    examples = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    assert len(examples) == 3
    folder = tmp_path / "elsewhere"
    shutil.copytree(exported, folder)
    steps = [WITHOUT_ZOO]
    for number, example in enumerate(examples):
        steps.append(example.replace("colorized.png", f"colorized{number}.png"))
    done = subprocess.run(
        [sys.executable, "-P", "-c", "\n".join(steps)],
        cwd=folder,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "2"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    expected = np.asarray(Image.open(folder / "sample_colorized.png")).astype(int)
    for number, allowed in enumerate((1, 1, 12)):  # the last enlarges by another library
        assert off(Image.open(folder / f"colorized{number}.png"), expected) <= allowed


# ---------------------------------------------------------------------- SavedModel


def test_photos_gray_ones_and_another_temperature(loaded, model, photos):
    expected = model.colorize_batch(photos, render_factor=2)
    assert off(loaded.colorize(photos)["colorized"], expected) <= 1
    gray = photos[..., :1]
    expected = model.colorize_batch(np.repeat(gray, 3, axis=-1), render_factor=2)
    assert off(loaded.colorize(gray)["colorized"], expected) <= 1
    muted = model.colorize_batch(photos, render_factor=2, temperature=1.0)
    assert off(muted, model.colorize_batch(photos, render_factor=2)) > 10
    assert off(loaded.colorize(photos, temperature=1.0)["colorized"], muted) <= 1
    signature = loaded.signatures["serving_default"]
    found = signature(photos=tf.constant(photos), temperature=tf.constant(1.0))["colorized"]
    assert off(found, muted) <= 1


def test_what_tf_serving_reads(exported):
    """A version folder; signatures of the usual method; the temperature may be left out."""
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    (version,) = (exported / "saved_model").iterdir()
    assert version.name.isdigit()
    saved = SavedModel()
    saved.ParseFromString((version / "saved_model.pb").read_bytes())
    (graph,) = saved.meta_graphs
    assert list(graph.meta_info_def.tags) == ["serve"]
    inputs = {"serving_default": "photos", "colorize_encoded": "photo_bytes"} | {
        "predict_ab": "lightness"
    }
    for name, argument in inputs.items():
        signature = graph.signature_def[name]
        assert signature.method_name == "tensorflow/serving/predict"
        assert set(signature.inputs) == {argument, "temperature"}
        assert tf.make_ndarray(signature.defaults["temperature"]) == np.float32(0.38)
    # Strings are sent as base64 in JSON if their name says so.
    assert set(graph.signature_def["colorize_encoded"].outputs) == {"colorized_bytes"}


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


def test_stripes_change_nothing(model, photos, monkeypatch):
    values = model.resolve_options({"render_factor": 2})
    for pixels in (1, 200):  # a row at a time, and a few
        monkeypatch.setattr("zoo.export.graph._STRIPE_PIXELS", pixels)
        graph = Graph(model, values)
        striped = tf.function(lambda *a, graph=graph: graph.photo(*a, striped=True))
        found = striped(tf.constant(photos), tf.constant(0.38))
        assert off(found, model.colorize_batch(photos, render_factor=2)) <= 1


def test_normalization_becomes_a_part_of_the_convolutions(photos):
    """And the model is left as it was."""
    model = conformance.shaken(zoo.create_model("gan:tiny"))
    before = model.colorize_batch(photos, render_factor=2)
    graph = Graph(model, model.resolve_options({"render_factor": 2}))
    operations = {node.op for node in graph._chroma.graph.as_graph_def().node}
    assert "Conv2D" in operations
    assert "Rsqrt" not in operations
    np.testing.assert_array_equal(model.colorize_batch(photos, render_factor=2), before)


def test_half_weights_are_half_as_large(tmp_path, photos):
    model = conformance.shaken(zoo.create_model("mse_regression:tiny", width=16))
    sizes = {}
    for half in (False, True):
        graph = Graph(model, model.resolve_options({"render_factor": 2}), half=half)
        nodes = graph._chroma.graph.as_graph_def().node
        sizes[half] = sum(node.ByteSize() for node in nodes if node.op == "Const")
        found = graph.photo(tf.constant(photos), striped=False)
        expected = model.colorize_batch(photos, render_factor=2)
        assert np.abs(np.asarray(found).astype(int) - expected).mean() < (0.5 if half else 0.01)
    assert sizes[True] < 0.6 * sizes[False]


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


# ---------------------------------------------------------------------- LiteRT


def test_only_what_stays_finite_is_halved():
    weights = np.full(1024, 65504, "float32")
    assert halves_well(weights)
    assert not halves_well(weights[:1023])  # no space is saved
    for wrong in (65536, -65536, np.inf, np.nan):
        weights[-1] = wrong
        assert not halves_well(weights)


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


@pytest.mark.usefixtures("small_checks")
def test_the_command_line_calibrates_with_the_photos_of_folders(tmp_path, recwarn):
    for number, folder in enumerate(("sea", "forest")):
        (tmp_path / folder).mkdir()
        Image.fromarray(conformance.random_photo(24, 32, number)).save(tmp_path / folder / "a.png")
    run = zoo.create_model("mse_regression:tiny").save(tmp_path / "run")
    arguments = ["export", run, "--out", tmp_path / "made", "--format", "litert"]
    arguments += ["--weights", "int8", "-o", "render_factor=2"]
    for folder in ("sea", "forest"):
        arguments += ["--calibration", tmp_path / folder]
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert done.exit_code == 0, done.output
    assert read_card(tmp_path / "made").export.calibration_photos == 2
    assert not [one for one in recwarn if "Interpreter" in str(one.message)]


@pytest.mark.usefixtures("small_checks")
def test_the_benchmark_of_exports_has_a_row_a_format(tmp_path, monkeypatch, capsys):
    """Of photos in folders; the original's time and error are the unit and nothing."""
    (tmp_path / "photos").mkdir()
    Image.fromarray(conformance.random_photo(24, 32)).save(tmp_path / "photos" / "a.png")
    run = zoo.create_model("mean_color").save(tmp_path / "run")
    variants = (("litert", "int8"),)
    monkeypatch.setattr(exports, "VARIANTS", variants)
    arguments = ["--photos", "photos", "--calibration", "photos", "--out", "table.md"]
    monkeypatch.chdir(tmp_path)
    assert exports.main([str(run), *arguments]) == 0
    lines = (tmp_path / "table.md").read_text("utf-8").splitlines()
    assert capsys.readouterr().out.splitlines() == lines
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines[2:]]
    names = [tuple(row[:3]) for row in rows]
    title = "mean_color:default"
    assert names[0] == (title, "the model itself", "float32")
    assert names[1:] == [(title, *variant) for variant in variants]
    assert rows[0][5:] == ["1", "0"]
    assert all(float(row[6]) < 1 for row in rows[1:])


# ---------------------------------------------------------------------- refused


@pytest.mark.usefixtures("small_checks")
def test_what_differs_is_not_kept(tmp_path, monkeypatch):
    """A file that answers, but with the colors of another model."""
    other = conformance.shaken(zoo.create_model("mean_color"))
    wrong = Graph(other, other.resolve_options({}))
    right = saved_model.write
    monkeypatch.setattr(saved_model, "write", lambda graph, folder: right(wrong, folder))
    other.networks["chroma"].get_layer("constant").ab.assign([0, 40])
    with pytest.raises(ZooError, match=r"saved_model of mean_color:default was not kept.* off"):
        other.export(tmp_path / "made")
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("small_checks")
def test_what_cannot_be_run_is_not_kept(tmp_path, monkeypatch):
    def write_nonsense(graph, folder):
        folder.mkdir()
        (folder / "saved_model.pb").write_bytes(b"nonsense")

    monkeypatch.setattr(saved_model, "write", write_nonsense)
    with pytest.raises(ZooError, match="cannot be run, and was not kept"):
        zoo.create_model("gray").export(tmp_path / "made")
    assert not list(tmp_path.iterdir())


def test_mistakes_are_told_before_anything_is_made(tmp_path, monkeypatch):
    gray, photos = zoo.create_model("gray"), zoo.sample_photos("val")
    made = tmp_path / "made"
    for wrong, message in (
        ({"format": "tflite"}, "no format 'tflite'.*litert"),
        ({"format": ()}, "No format"),
        ({"weights": "int4"}, "no kind of weights"),
        ({"temperature": 0.5}, "no option of gray 'temperature'"),
        ({"size": (8, 8)}, "A size is for the format litert"),
        ({"format": "litert", "size": (0, 8)}, "at least 1 x 1"),
        ({"weights": "int8", "calibration": photos}, "int8 is for the format litert alone"),
        ({"format": "litert", "weights": "int8"}, "Calibration photos are for int8"),
        ({"calibration": photos}, "Calibration photos are for int8"),
    ):
        with pytest.raises(ZooError, match=message):
            gray.export(made, **wrong)
    with pytest.raises(ZooError, match="exported gan has no noise"):
        zoo.create_model("gan:tiny").export(made, noise=3)
    monkeypatch.setattr(plans, "find_spec", lambda name: None)
    with pytest.raises(ZooError, match=r'needs onnx, .*pip install "colorization-zoo\[onnx\]"'):
        gray.export(made, "onnx")
    assert not list(tmp_path.iterdir())
    made.mkdir()
    (made / "mine.txt").touch()
    with pytest.raises(ZooError, match="is there already"):
        gray.export(made)


def test_sizes_are_read_as_width_by_height():
    assert parse_size("640x480") == (480, 640)
    for wrong in ("640", "0x5", "-3x4", "4x", "640X480", "4x4x4", "1000000x2"):
        with pytest.raises(ZooError, match="as in 640x480"):
            parse_size(wrong)


def test_a_poisoned_model_folder_runs_nothing(tmp_path):
    """A pickle in place of the weights, with the sha256 that belongs to it."""

    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "sprung"), "w"))

    run = zoo.create_model("gray").save(tmp_path / "run")
    np.savez(run / "weights.npz", **{"chroma/constant/ab": np.array([Trap()], dtype=object)})
    (tmp_path / "sprung").unlink(missing_ok=True)
    card = read_json(run / "card.json")
    write_json(run / "card.json", card | {"weights_sha256": sha256_of_file(run / "weights.npz")})
    command = [sys.executable, "-m", "zoo", "export", str(run), "--out", str(tmp_path / "made")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "cannot be read as weights" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "sprung").exists()
    assert not (tmp_path / "made").exists()


# ---------------------------------------------------------------------- other backends


def test_another_backend_exports_in_a_process_of_tensorflow(tmp_path, monkeypatch):
    """With what was asked for, and with what that process says of mistakes."""
    asked = {}

    def run(command, env, **settings):
        request = command[-2]
        stated = json.loads((plans.Path(request) / "plan.json").read_text("utf-8"))
        asked.update(stated, backend=env["KERAS_BACKEND"])
        model = zoo.load_model(plans.Path(request) / "model")
        return subprocess.CompletedProcess(command, 1, "", f"chatter\nNo room for {model.name}.\n")

    monkeypatch.setattr(plans.keras.backend, "backend", lambda: "jax")
    monkeypatch.setattr(plans.subprocess, "run", run)
    with pytest.raises(ZooError, match=r"^No room for gray\.$"):
        zoo.create_model("gray").export(tmp_path / "made", ("onnx", "litert"), size=(8, 9))
    assert asked["backend"] == "tensorflow"
    assert asked["formats"] == ["onnx", "litert"]
    assert asked["size"] == [8, 9]
    assert asked["options"] == {"render_factor": 8}

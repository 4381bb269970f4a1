"""The page that colors photos in the browser, as a folder; in a browser `tests/serve` tries it."""

import gzip
import hashlib
import json
import re
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from typer.testing import CliRunner

import zoo
from zoo import conformance, registry
from zoo.card import read_card
from zoo.cli.commands import app
from zoo.errors import ZooError
from zoo.export import artifacts
from zoo.export import onnx as networks
from zoo.export.web.site import ABOUT, NETWORK, PAGE, READY, RUNTIME, page_files, ready_files
from zoo.files import sha256_of_file

#: What a visitor's browser may have to load, in bytes.
MOST, MOST_NETWORK = 12e6, 5e6


def test_a_folder_for_any_web_host(tmp_path, monkeypatch):
    """By the command line: page, model, licenses, and what the page has to know."""
    photos = [conformance.random_photo(37, 23, seed) for seed in (0, 1)]
    monkeypatch.setattr(artifacts, "_telling_photos", lambda: photos)
    model = conformance.shaken(zoo.create_model("zhang:tiny"))
    run, made = model.save(tmp_path / "run"), tmp_path / "made"
    arguments = ["export", str(run), "--format", "web", "-o", "render_factor=2"]
    arguments += ["-o", "temperature=0.5", "--out", str(made)]
    monkeypatch.setattr("zoo.export.questions._LARGE", 80)
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    found = {file.name for file in made.iterdir()}
    assert found == {*page_files(), NETWORK, ABOUT, "README.md", "card.json"}
    assert len((made / "README.md").read_text("utf-8").splitlines()) == 3
    about = json.loads((made / ABOUT).read_text("utf-8"))
    assert (about["name"], about["license"], about["render_factor"]) == ("zhang:tiny", None, 2)
    ((option, default),) = ((one["name"], one["default"]) for one in about["options"])
    assert (option, default) == ("temperature", 0.5)
    for file in about["files"].values():
        assert (made / file["path"]).stat().st_size == file["bytes"]
        assert sha256_of_file(made / file["path"]).startswith(file["version"])
    export = read_card(made).export
    assert export.weights == "int8"
    assert export.artifacts["web"].check.photos == 3  # one of them with another temperature
    assert export.artifacts["web"].sha256 == {NETWORK: sha256_of_file(made / NETWORK)}


def test_what_moves_colors_too_far_is_not_kept(tmp_path, monkeypatch):
    model = conformance.shaken(zoo.create_model("mse_regression:tiny", width=16))
    photos = [conformance.random_photo(37, 23)]
    monkeypatch.setattr(artifacts, "_telling_photos", lambda: photos)
    monkeypatch.setattr(artifacts, "_MOST_MOVED", 1e-4)
    with pytest.raises(ZooError, match=r"move colors by 0\.\d+ CIEDE2000.*allowed.*float16"):
        model.export(tmp_path / "made", "web", render_factor=2)
    assert not list(tmp_path.iterdir())


def test_networks_of_int8_compute_as_before():
    """Each kind of layer has its channels at a place of its own; here they differ by far."""
    rng, make = np.random.default_rng(0), onnx.helper.make_node
    strength = 10.0 ** np.arange(0, -40, -1).clip(-3)  # most channels would be lost with one scale

    def kernel(name, shape, axis):
        values = rng.normal(0, 1, shape) * np.expand_dims(
            strength[: shape[axis]], tuple(i for i in range(len(shape)) if i != axis % len(shape))
        )
        return onnx.numpy_helper.from_array(values.astype("float32"), name)

    kernels = [
        kernel("conv", (40, 3, 3, 3), 0),
        kernel("up", (3, 40, 3, 3), 1),
        kernel("dense", (30, 40), -1),
        kernel("short", (30, 2), -1),
    ]
    nodes = [
        make("Conv", ["x", "conv"], ["conv_"]),
        make("ConvTranspose", ["x", "up"], ["up_"]),
        make("MatMul", ["y", "dense"], ["dense_"]),
        make("MatMul", ["y", "short"], ["short_"]),
    ]

    def values(name, rank):
        return onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [None] * rank)

    inputs = [values("x", 4), values("y", 2)]
    outputs = [values(node.output[0], 4 if "x" in node.input else 2) for node in nodes]
    graph = onnx.helper.make_graph(nodes, "layers", inputs, outputs, kernels)
    opset = [onnx.helper.make_opsetid("", 18)]
    model = onnx.helper.make_model(graph, ir_version=8, opset_imports=opset)

    def run():
        session = onnxruntime.InferenceSession(model.SerializeToString())
        return session.run(None, given)

    given = {
        "x": rng.normal(0, 1, (1, 3, 9, 9)).astype("float32"),
        "y": rng.normal(0, 1, (5, 30)).astype("float32"),
    }
    before, size = run(), model.ByteSize()
    networks._quantize(model)
    assert model.ByteSize() < 0.45 * size
    onnx.checker.check_model(model)
    for found, expected in zip(run(), before, strict=True):
        others = tuple(i for i in range(expected.ndim) if i != 1)  # the channels
        off = np.abs(found - expected).mean(axis=others) / expected.std(axis=others)
        assert off.max() < 0.02
    np.testing.assert_array_equal(run()[3], before[3])  # too small to be worth it


def test_kernels_become_whole_numbers_channel_by_channel():
    values = np.random.default_rng(0).normal(0, [[1], [1000], [0]], (3, 500)).astype("float32")
    codes, scale = networks._quantized(values, 0)
    assert codes.dtype == np.int8
    assert list(np.abs(codes).max(axis=1)) == [127, 127, 0]
    assert (np.abs(codes * scale[:, None] - values) <= 0.501 * scale[:, None]).all()


def test_the_model_of_the_server_is_that_of_the_package_and_small():
    about = json.loads((READY / ABOUT).read_text("utf-8"))
    name = about["name"].partition(":")[0]
    folder = registry.resolve(name).folder
    assert about["weights_sha256"] == read_card(folder).weights_sha256
    loaded = {file["path"]: file for file in about["files"].values()}
    for path, source in ready_files().items():
        if path in loaded:
            assert source.stat().st_size == loaded[path]["bytes"]
            assert sha256_of_file(source).startswith(loaded[path]["version"])
    assert loaded[NETWORK]["bytes"] < MOST_NETWORK
    texts = [file for name, file in ready_files().items() if not name.endswith(".txt")]
    assert sum(file.stat().st_size for file in texts) < MOST


def test_the_runtime_is_the_one_of_its_package():
    record = json.loads((RUNTIME / "runtime.json").read_text("utf-8"))
    for name, sha256 in record["sha256"].items():
        if name.endswith(".wasm"):
            content = gzip.decompress((RUNTIME / f"{name}.gz").read_bytes())
        else:
            content = (RUNTIME / name.replace(".mjs", ".js")).read_bytes()
        assert hashlib.sha256(content).hexdigest() == sha256
    assert f"v{record['version']}" in (RUNTIME / "ort.wasm.min.js").read_text("utf-8")[:200]
    assert record["license"] in (RUNTIME / "LICENSE").read_text("utf-8")


def test_the_license_of_the_page_is_that_of_the_zoo():
    root = Path(zoo.__file__).parents[1] / "LICENSE"
    assert (PAGE / "LICENSE.txt").read_text("utf-8") == root.read_text("utf-8")


def test_the_worker_keeps_all_that_the_page_needs():
    shell = re.search(r"const SHELL = \[(.*?)\];", (PAGE / "sw.js").read_text("utf-8"), re.S)
    kept = set(re.findall(r'"([^"]+)"', shell[1]))
    needed = {name for name in page_files() if not name.endswith((".txt", ".gz"))}
    assert kept == {"./", ABOUT, *needed} - {"index.html", "sw.js", "shell.js"}


def test_imports_name_what_is_there():
    """And no file names another host."""
    files = {name: file for name, file in page_files().items() if file.parent != RUNTIME}
    for name, file in files.items():
        if name.endswith((".png", ".txt")):
            continue
        text = file.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"(https?:)?//[\w-]+\.\w", text), name
        for module in re.findall(r'from "\./([^"]+)"', text):
            assert module in page_files()

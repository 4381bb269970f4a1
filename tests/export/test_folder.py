"""Exported folders: kept only if they work; and exports from other backends."""

import json
import subprocess
import sys

import numpy as np
import pytest

import zoo
from zoo import conformance
from zoo.cli import main
from zoo.errors import ZooError
from zoo.export import folder as folders
from zoo.export import onnx
from zoo.export.graph import Graph
from zoo.files import read_json, sha256_of_file, write_json


@pytest.mark.usefixtures("small_checks")
def test_what_differs_is_not_kept(tmp_path, monkeypatch):
    """A file that answers, but with the colors of another model.

    ONNX here and below, for which the process that tries it needs no TensorFlow, and starts soon.
    """
    other = conformance.shaken(zoo.create_model("mean_color"))
    wrong = Graph(other, other.resolve_options({}))
    right = onnx.write
    monkeypatch.setattr(onnx, "write", lambda graph, file, half: right(wrong, file, half=half))
    other.networks["chroma"].get_layer("constant").ab.assign([0, 40])
    with pytest.raises(ZooError, match=r"onnx of mean_color:default was not kept.* off"):
        other.export(tmp_path / "made", "onnx")
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("small_checks")
def test_what_cannot_be_run_is_not_kept(tmp_path, monkeypatch):
    def write_nonsense(graph, file, half):
        file.write_bytes(b"nonsense")

    monkeypatch.setattr(onnx, "write", write_nonsense)
    with pytest.raises(ZooError, match="cannot be run, and was not kept"):
        zoo.create_model("gray").export(tmp_path / "made", "onnx")
    assert not list(tmp_path.iterdir())


def test_a_poisoned_model_folder_runs_nothing(tmp_path, monkeypatch, capsys):
    """A pickle in place of the weights, with the sha256 that belongs to it."""

    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "sprung"), "w"))

    run = zoo.create_model("gray").save(tmp_path / "run")
    np.savez(run / "weights.npz", **{"chroma/constant/ab": np.array([Trap()], dtype=object)})
    (tmp_path / "sprung").unlink(missing_ok=True)
    card = read_json(run / "card.json")
    write_json(run / "card.json", card | {"weights_sha256": sha256_of_file(run / "weights.npz")})
    monkeypatch.setattr(sys, "argv", ["zoo", "export", str(run), "--out", str(tmp_path / "made")])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert "cannot be read as weights" in told
    assert "Traceback" not in told
    assert not (tmp_path / "sprung").exists()
    assert not (tmp_path / "made").exists()


def test_another_backend_exports_in_a_process_of_tensorflow(tmp_path, monkeypatch):
    """With what was asked for, and with what that process says of mistakes."""
    asked = {}

    def run(command, env, **settings):
        request = command[-2]
        stated = json.loads((folders.Path(request) / "plan.json").read_text("utf-8"))
        asked.update(stated, backend=env["KERAS_BACKEND"])
        model = zoo.load_model(folders.Path(request) / "model")
        return subprocess.CompletedProcess(command, 1, "", f"chatter\nNo room for {model.name}.\n")

    monkeypatch.setattr(folders.keras.backend, "backend", lambda: "jax")
    monkeypatch.setattr("subprocess.run", run)
    with pytest.raises(ZooError, match=r"^No room for gray\.$"):
        zoo.create_model("gray").export(tmp_path / "made", ("onnx", "litert"), size=(8, 9))
    assert asked["backend"] == "tensorflow"
    assert asked["formats"] == ["onnx", "litert"]
    assert asked["size"] == [8, 9]
    assert asked["options"] == {"render_factor": 8}

"""Exported folders: kept only if they work; and exports from other backends."""

import json
import subprocess
import sys

import numpy as np
import pytest

import zoo
from zoo import conformance
from zoo.errors import ZooError
from zoo.export import folder as folders
from zoo.export import saved_model
from zoo.export.graph import Graph
from zoo.files import read_json, sha256_of_file, write_json


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

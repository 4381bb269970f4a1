"""Coloring by an exported ONNX file, without a deep-learning framework."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from conftest import pixels
from icc_profiles import P3, rgb_profile
from PIL import Image

from zoo import conformance, create_model
from zoo.cli import main
from zoo.errors import ZooError
from zoo.inference import exported
from zoo.inference.exported import ExportedModel, is_exported
from zoo.inference.jobs import Outcome, plan_jobs
from zoo.photos.decoding import read_photo

pytest.importorskip("onnxruntime", reason="the extra `onnx` is not installed")
pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="exports are TensorFlow's"
)


@pytest.fixture(scope="module")
def model():
    return conformance.shaken(create_model("zhang:tiny"))


@pytest.fixture(scope="module")
def folder(model, tmp_path_factory):
    """The model exported, its temperature left open."""
    from zoo.export import questions

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(questions, "_LARGE", 80)
        return model.export(tmp_path_factory.mktemp("exports") / "onnx", "onnx", render_factor=2)


@pytest.fixture
def photos(tmp_path):
    root = tmp_path / "photos"
    root.mkdir()
    for number, (height, width) in enumerate([(40, 56), (56, 40), (40, 56)]):
        rgb = np.random.default_rng(number).integers(0, 256, (height, width, 3), dtype=np.uint8)
        Image.fromarray(rgb).save(root / f"{number}.png")
    (root / "broken.png").write_text("no photo")
    return root


def test_a_folder_gets_the_model_s_colors(model, folder, photos, tmp_path):
    found = ExportedModel(folder)
    options = found.option_values({"temperature": "0.4"})
    outcome = found.run_jobs(plan_jobs([photos], tmp_path / "out"), options)
    assert outcome.failures.keys() == {"broken.png"}
    for number in range(3):
        expected = model.colorize(photos / f"{number}.png", render_factor=2, temperature=0.4)
        made = pixels(tmp_path / "out" / f"{number}.png")
        assert np.abs(made - expected).max() <= 1
        assert (made != found.colorize(read_photo(photos / f"{number}.png").rgb, {})).any()


def test_the_command_takes_it_and_starts_no_framework(folder, photos, tmp_path):
    code = (
        "import atexit, os, sys; from zoo.cli import main\n"
        "atexit.register(lambda: {'keras', 'tensorflow'} & set(sys.modules) and os._exit(7))\n"
        "main()"
    )
    words = ["colorize", str(photos / "0.png"), "--model", str(folder)]
    words += ["--out", str(tmp_path / "out"), "-o", "temperature=0.4"]
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ,
    )
    assert done.returncode == 0, done.stderr
    assert "Colored 1 photo" in done.stdout
    assert not done.stderr
    assert (tmp_path / "out" / "0.png").is_file()


@pytest.mark.parametrize(
    ("further", "told"),
    [
        (["-o", "render_factor=3"], "choose from: temperature"),
        (["-o", "temperature=warm"], "must be a number; got 'warm'"),
        (["--confidence"], "leave out --confidence"),
    ],
)
def test_what_it_cannot_do_is_told(folder, photos, tmp_path, capsys, monkeypatch, further, told):
    words = ["colorize", str(photos), "--model", str(folder), "--out", str(tmp_path / "out")]
    monkeypatch.setattr(sys, "argv", ["zoo", *words, *further])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert told in capsys.readouterr().err


def test_a_changed_file_is_refused(folder, tmp_path):
    changed = tmp_path / "changed"
    changed.mkdir()
    for path in folder.iterdir():
        (changed / path.name).write_bytes(path.read_bytes())
    assert is_exported(changed)
    with (changed / "model.onnx").open("ab") as file:
        file.write(b"!")
    with pytest.raises(ZooError, match="not the file that the folder's card tells of"):
        ExportedModel(changed)
    assert not is_exported(tmp_path)


def test_photos_that_memory_may_not_hold_are_refused(folder, photos, tmp_path, monkeypatch):
    monkeypatch.setattr(exported, "_MOST", 1000)
    outcome = ExportedModel(folder).run_jobs(plan_jobs([photos], tmp_path / "out"), {})
    assert outcome.failures["0.png"] == "too many pixels for an exported model"


def test_photos_of_16_bits_are_counted(folder, tmp_path):
    deep = np.random.default_rng(0).integers(0, 65536, (40, 56), dtype=np.uint16)
    Image.fromarray(deep).save(tmp_path / "scan.tif")
    jobs = plan_jobs([tmp_path / "scan.tif"], tmp_path / "out")
    assert ExportedModel(folder).run_jobs(jobs, {}) == Outcome(reduced=1)


def test_the_runtime_s_absence_is_one_sentence(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ZooError, match=r"needs ONNX Runtime; run .*\[onnx\]"):
        ExportedModel(folder)


def test_the_profile_is_kept_where_that_is_asked_for(folder, tmp_path):
    profile, source = rgb_profile(*P3), tmp_path / "photo.png"
    rgb = np.random.default_rng(0).integers(60, 200, (40, 56, 3), dtype=np.uint8)
    Image.fromarray(rgb).save(source, icc_profile=profile)
    jobs = plan_jobs([source], tmp_path / "out")
    assert ExportedModel(folder).run_jobs(jobs, {}, keep_profile=True) == Outcome()
    assert read_photo(tmp_path / "out" / "photo.png").profile == profile

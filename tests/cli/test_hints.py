"""`zoo colorize` with hints: what they do, and mistakes in one sentence."""

import json
import sys

import numpy as np
import pytest
from PIL import Image

import zoo
from zoo.cli import main
from zoo.hints.marks import Hints, Point
from zoo.hints.overlay import read_overlay

HINTS = {"version": 1, "points": [{"x": 10, "y": 8, "color": "#c03020", "radius": 3}]}


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """Color photo.png with some arguments: the exit status, and what was said of errors."""
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(60, 90, (30, 40, 3), dtype=np.uint8)).save(tmp_path / "photo.png")
    monkeypatch.chdir(tmp_path)

    def colorize(*arguments, photos=("photo.png",), model="levin"):
        monkeypatch.setattr(
            sys, "argv", ["zoo", "colorize", *photos, "--model", model, *map(str, arguments)]
        )
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code or 0, capsys.readouterr().err

    return colorize


def written(path, content):
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path.name


def painted(path, height=30, width=40):
    overlay = np.zeros((height, width, 4), np.uint8)
    overlay[20:24, 5:30] = (20, 60, 210, 255)
    Image.fromarray(overlay).save(path)
    return path.name


def test_hints_and_strokes_color_a_photo(run, tmp_path):
    hints, strokes = written(tmp_path / "hints.json", HINTS), painted(tmp_path / "strokes.png")
    status, told = run("--hints", hints, "--strokes", strokes, "-o", "own_strength=2")
    assert (status, told) == (0, "")
    both = Hints.read(hints).with_others(read_overlay(strokes))
    expected = zoo.load_model("levin").colorize("photo.png", hints=both, own_strength=2)
    with Image.open("colorized/photo.png") as colored:
        np.testing.assert_array_equal(np.array(colored), expected)
    assert run("--hints", hints, "--overwrite")[0] == 0
    assert run("--strokes", strokes, "--overwrite")[0] == 0


def test_a_point_at_the_photo_s_end_is_inside(run, tmp_path):
    Hints(points=(Point(39, 29, "gray"),), size=(40, 30)).write("hints.json")
    assert run("--hints", "hints.json")[0] == 0


POINT = HINTS["points"][0]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "hints.json is not valid JSON"),
        ({"version": 1, "dots": []}, "unknown field 'dots'"),
        ({"version": 1, "points": [POINT | {"color": "reddish"}]}, "got 'reddish'"),
        ({"version": 1, "points": [POINT | {"x": 40}]}, "(40, 8), outside of the photo"),
        ({"version": 1, "points": [POINT, POINT | {"color": "gray"}]}, "different colors at"),
        ({"version": 1, "size": [30, 40]}, "for a photo of 30 x 40 px, and this one has 40 x 30"),
    ],
)
def test_hints_that_cannot_be_used(run, tmp_path, content, told):
    refused(run("--hints", written(tmp_path / "hints.json", content)), told)
    assert not (tmp_path / "colorized" / "photo.png").exists()


def test_an_overlay_of_another_size(run, tmp_path):
    refused(run("--strokes", painted(tmp_path / "strokes.png", 40, 30)), "30 x 40 px, and this one")


def test_files_that_are_not_there(run):
    refused(run("--hints", "none.json"), "Cannot read none.json")
    refused(run("--strokes", "none.png"), "Cannot read none.png")


def test_hints_are_of_one_photo(run, tmp_path):
    hints = written(tmp_path / "hints.json", HINTS)
    (tmp_path / "folder").mkdir()
    (tmp_path / "film.mp4").touch()
    for photos in (["folder"], ["film.mp4"], ["photo.png", "photo.png"]):
        refused(run("--hints", hints, photos=photos), "Hints are of one photo")


def test_an_exported_model_takes_none(run, tmp_path):
    (tmp_path / "exported").mkdir()
    (tmp_path / "exported" / "model.onnx").touch()
    hints = written(tmp_path / "hints.json", HINTS)
    refused(run("--hints", hints, model="exported"), "exported model, which takes no hints")


def refused(outcome, told):
    status, said = outcome
    last = said.strip().splitlines()[-1]
    assert status == 2
    assert told in last
    assert last.endswith(".")
    assert "Traceback" not in said

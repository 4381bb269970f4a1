"""`zoo colorize` with a reference: what it does, and mistakes in one sentence."""

import json
import sys

import numpy as np
import pytest
from PIL import Image
from skimage import data

import zoo
from zoo.cli import main
from zoo.transfer import reference


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """Color photos with some arguments: the exit status, and what was said of errors."""
    for name, photo in (("photo", data.coffee()), ("other", data.chelsea())):
        Image.fromarray(photo).resize((60, 40)).save(tmp_path / f"{name}.png")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(reference, "_FACTOR", 3)

    def colorize(*arguments, photos=("photo.png",)):
        monkeypatch.setattr(sys, "argv", ["zoo", "colorize", *photos, *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code or 0, capsys.readouterr().err

    return colorize


def colored(name="photo.png"):
    with Image.open(f"colorized/{name}") as image:
        return np.array(image)


@pytest.mark.parametrize("method", ["reinhard", "welsh"])
def test_a_photo_takes_a_reference_s_colors(run, method):
    assert run("--reference", "other.png", "--transfer", method) == (0, "")
    np.testing.assert_array_equal(colored(), zoo.transfer_color("photo.png", "other.png", method))


def test_match_is_what_is_done_without_a_method_and_behind_a_model(run):
    assert run("--reference", "other.png", "--model", "mse_regression") == (0, "")
    model = zoo.load_model("mse_regression")
    expected = zoo.transfer_color("photo.png", "other.png", model=model)
    # The network runs another way for a single photo of the command.
    assert np.abs(colored().astype(int) - expected).max() <= 1


def test_a_folder_takes_one_reference_and_what_is_there_already_stays(run, tmp_path):
    (tmp_path / "in").mkdir()
    for name in ("a.png", "b.png"):
        (tmp_path / "photo.png").rename(tmp_path / "in" / name) if name == "b.png" else Image.open(
            tmp_path / "photo.png"
        ).rotate(180).save(tmp_path / "in" / name)
    given = ("--reference", "other.png", "--transfer", "reinhard")
    assert run(*given, photos=("in",))[0] == 0
    for name in ("a.png", "b.png"):
        expected = zoo.transfer_color(tmp_path / "in" / name, "other.png", "reinhard")
        np.testing.assert_array_equal(colored(name), expected)


def test_hints_win(run, tmp_path):
    point = {"x": 20, "y": 10, "color": [50, 40], "radius": 3}
    (tmp_path / "hints.json").write_text(json.dumps({"version": 1, "points": [point]}))
    given = ("--reference", "other.png", "--transfer", "welsh")
    assert run(*given, "--hints", "hints.json") == (0, "")
    hints = zoo.Hints.read("hints.json")
    expected = zoo.transfer_color("photo.png", "other.png", "welsh", hints=hints)
    np.testing.assert_array_equal(colored(), expected)


def test_swatches_and_the_bar_of_style(run):
    given = ("--reference", "other.png", "--transfer", "welsh")
    assert run(*given, "--swatch", "0,0,30,40=0,0,20,20")[0] == 0
    plain = colored()
    assert run(*given, "--overwrite")[0] == 0
    assert (colored() != plain).any()
    style = ("--reference", "other.png", "--transfer", "style", "--iterations", 1)
    status, told = run(*style, "--overwrite")
    assert status == 0
    assert "Transferring the style" in told


GIVEN = ("--reference", "other.png")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "give --model RUN, or --reference FILE"),
        (("--transfer", "welsh"), "--transfer says how the colors of a reference go over"),
        (("--model", "gray", "--swatch", "0,0,1,1=0,0,1,1"), "--swatch says how"),
        (("--iterations", 5), "--iterations says how"),
        (("--features", "hed"), "--features says how"),
        (("--reference", "none.png"), "Cannot read none.png"),
        (("--reference", "gray.png"), "is gray"),
        (("--reference", "one.png"), "has 1 x 1 px"),
        (("--reference", "text.png"), "Cannot read text.png"),
        ((*GIVEN, "--transfer", "walsh"), "did you mean 'welsh'"),
        ((*GIVEN, "--iterations", 5), "of the method style"),
        ((*GIVEN, "--transfer", "style", "--features", "vgg"), "no network of features 'vgg'"),
        ((*GIVEN, "--transfer", "welsh", "--swatch", "1,2"), "swatch '1,2' cannot be read"),
        (
            (*GIVEN, "--transfer", "welsh", "--swatch", "50,0,20,9=0,0,9,9"),
            "not inside of the photo, which has 60 x 40 px",
        ),
    ],
)
def test_mistakes_are_one_sentence_and_nothing_is_lost(run, tmp_path, arguments, told):
    Image.new("L", (40, 40), 90).save(tmp_path / "gray.png")
    Image.new("RGB", (1, 1), "red").save(tmp_path / "one.png")
    (tmp_path / "text.png").write_text("no photo")
    (tmp_path / "colorized").mkdir()
    (tmp_path / "colorized" / "photo.png").write_bytes(b"kept")
    status, said = run(*arguments, "--overwrite")
    assert status == 2
    assert told in said
    assert said.count("\n") == 1
    assert "Traceback" not in said
    assert (tmp_path / "colorized" / "photo.png").read_bytes() == b"kept"


def test_what_takes_no_reference(run, tmp_path):
    (tmp_path / "film.mp4").touch()
    pair = ("photo.png", "other.png")
    swatch = (*GIVEN, "--transfer", "welsh", "--swatch", "0,0,9,9=0,0,9,9")
    status, said = run(*swatch, photos=pair)
    assert (status, "Swatches are of one photo" in said) == (2, True)
    (tmp_path / "exported").mkdir()
    (tmp_path / "exported" / "model.onnx").touch()
    status, said = run(*GIVEN, "--model", "exported")
    assert (status, "takes no reference" in said) == (2, True)
    status, said = run(*GIVEN, "--transfer", "welsh", photos=("film.mp4",))
    assert (status, "by match alone" in said) == (2, True)

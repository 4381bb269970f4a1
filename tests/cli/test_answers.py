"""`zoo suggest`, `zoo colorize --answers` and hints of whole photos: files, words and mistakes."""

import json
import re
import sys

import numpy as np
import pytest
from PIL import Image

import zoo
from zoo.cli import main


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """Run a command beside photo.png: the exit status, what was said, and what of errors."""
    rng = np.random.default_rng(0)
    for name in ("photo.png", "other.jpg"):
        coarse = Image.fromarray(rng.integers(40, 200, (4, 5, 3), dtype=np.uint8))
        coarse.resize((40, 30), Image.Resampling.BICUBIC).save(tmp_path / name)
    monkeypatch.chdir(tmp_path)

    def command(*arguments):
        monkeypatch.setattr(sys, "argv", ["zoo", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code or 0, *capsys.readouterr()

    return command


def pixels(path):
    with Image.open(path) as image:
        return np.array(image)


def saved(path, sure=False):
    """A small model that holds several colors for likely, or is sure of one."""
    model = zoo.create_model("zhang:tiny")
    head = model.networks["colorizer"].get_layer("head")
    head.kernel.assign(head.kernel * (0 if sure else 100))
    bias = np.random.default_rng(0).normal(0, 1, len(model.bins))
    head.bias.assign(np.eye(len(model.bins))[150] * 60 if sure else bias)
    model.defaults["render_factor"], model.fitted = 2, True
    model.save(path)
    return model


@pytest.fixture(scope="module")
def bold(tmp_path_factory):
    """The folder of a model, and the model."""
    path = tmp_path_factory.mktemp("models") / "bold"
    return path, saved(path)


# --- several answers --------------------------------------------------------------------------


def test_answers_are_numbered_files(run, tmp_path, bold):
    status, said, told = run(
        "colorize", "photo.png", "other.jpg", "--model", bold[0], "--answers", 3
    )
    assert (status, "Colored 2 photos into colorized." in said) == (0, True)
    assert "Traceback" not in told
    names = [
        f"{name}-{number}{suffix}"
        for name, suffix in (("other", ".jpg"), ("photo", ".png"))
        for number in (1, 2, 3)
    ]
    assert sorted(path.name for path in (tmp_path / "colorized").iterdir()) == names
    for number, answer in enumerate(bold[1].colorize("photo.png", answers=3), start=1):
        np.testing.assert_array_equal(pixels(f"colorized/photo-{number}.png"), answer)


def test_a_stopped_run_goes_on(run, tmp_path, bold):
    """The first answer is written last: without it the others are made again."""
    command = ("colorize", ".", "--model", bold[0], "--answers", 2)
    assert run(*command)[0] == 0
    out = tmp_path / "colorized"
    expected = {path.name: path.read_bytes() for path in out.iterdir()}
    (out / "photo-1.png").unlink()
    (out / "photo-2.png").write_bytes(b"half")
    kept = (out / "other-2.jpg").stat().st_mtime_ns
    status, said, _ = run(*command)
    assert (status, "Colored 1 photo" in said, "Skipped 1 already there" in said) == (0, True, True)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == expected
    assert (out / "other-2.jpg").stat().st_mtime_ns == kept


def test_nothing_of_an_earlier_run_is_left(run, tmp_path):
    """A photo with fewer answers than were asked for says so."""
    saved(tmp_path / "sure", sure=True)
    out = tmp_path / "colorized"
    out.mkdir()
    (out / "photo-2.png").touch()
    status, said, _ = run("colorize", "photo.png", "--model", "sure", "--answers", 2)
    assert (status, "photo.png has 1 answer" in said) == (0, True)
    assert [path.name for path in out.iterdir()] == ["photo-1.png"]


def test_files_that_two_photos_would_write(run, tmp_path, bold):
    Image.new("RGB", (40, 30)).save(tmp_path / "photo-1.png")
    arguments = ("colorize", "photo.png", "photo-1.png", "--model", bold[0], "--answers", 2)
    refused(run(*arguments, "--out", "."), "photo-1.png would replace a file")
    Image.new("RGB", (40, 30)).save(tmp_path / "photo.jpg")
    assert run("colorize", "photo.png", "photo.jpg", "--model", bold[0], "--answers", 2)[0] == 0


def test_confidence_beside_answers(run, tmp_path, bold):
    assert run("colorize", "photo.png", "--model", bold[0], "--answers", 2, "--confidence")[0] == 0
    names = sorted(path.name for path in (tmp_path / "colorized").iterdir())
    assert names == ["photo-1.png", "photo-2.png", "photo_confidence.png"]


@pytest.mark.parametrize("count", ["1", "9", "many"])
def test_counts_out_of_range(run, count, bold):
    status, _, told = run("colorize", "photo.png", "--model", bold[0], "--answers", count)
    assert status == 2
    assert "--answers" in told
    assert "Traceback" not in told


def test_what_has_one_answer(run, tmp_path, bold):
    several = ("--answers", "2")
    refused(
        run("colorize", "photo.png", "--model", "levin", *several),
        "so it has one answer; leave out --answers, or take one of these models: zhang,",
    )
    (tmp_path / "exported").mkdir()
    (tmp_path / "exported" / "model.onnx").touch()
    refused(run("colorize", "photo.png", "--model", "exported", *several), "which gives one answer")
    (tmp_path / "film.mp4").touch()
    refused(run("colorize", "film.mp4", "--model", bold[0], *several), "answers are of photos")


# --- suggested colors -------------------------------------------------------------------------


def test_suggestions_are_printed(run):
    status, said, told = run("suggest", "photo.png", "12", "7", "--count", 4)
    assert (status, told) == (0, "")
    lines = said.splitlines()
    expected = zoo.load_model("zhang").suggest_colors("photo.png", (12, 7), 4)
    assert len(lines) == len(expected)
    for line, one in zip(lines, expected, strict=True):
        color, a, b, share = re.fullmatch(r"(\S+)\s+ab\s+(\S+)\s+(\S+)\s+(\S+) %\s*", line).groups()
        assert color == one.color
        assert (int(a), int(b)) == tuple(map(round, one.ab))
        assert float(share) == pytest.approx(100 * one.probability, abs=0.051)


def test_on_a_terminal_there_are_blocks_of_color(run, monkeypatch, bold):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLORTERM", "truecolor")
    status, said, _ = run("suggest", "photo.png", 12, 7, "--count", 1, "--model", bold[0])
    assert status == 0
    color = re.search(r"#(\w{6})", said)[1]
    assert f"\x1b[48;2;{';'.join(map(str, bytes.fromhex(color)))}m" in said


def test_suggestions_know_of_hints(run, tmp_path, bold):
    _, plain, _ = run("suggest", "photo.png", 12, 7, "--model", bold[0])
    (tmp_path / "hints.json").write_text(json.dumps({"version": 1, "palette": ["#2030d0"]}))
    status, said, _ = run(
        "suggest", "photo.png", 12, 7, "--model", bold[0], "--hints", "hints.json"
    )
    assert status == 0
    assert said != plain


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("photo.png", 40, 7), "(40, 7) is outside of the photo, which has 40 x 30 px"),
        (("none.png", 4, 7), "There is no photo none.png"),
        ((".", 4, 7), "There is no photo ."),
        (("photo.png", 4, 7, "--model", "levin"), "has nothing to suggest; take one of these"),
        (("photo.png", 4, 7, "--model", "zang"), "did you mean 'zhang'?"),
        (("photo.png", 4, 7, "--hints", "none.json"), "Cannot read none.json"),
        (("photo.png", 4, 7, "-o", "heat=3"), "no option of zhang 'heat'"),
        (("hints.json", 4, 7), "hints.json"),
    ],
)
def test_what_cannot_be_suggested(run, tmp_path, arguments, told):
    (tmp_path / "hints.json").write_text("{}")
    refused(run("suggest", *arguments), told)


@pytest.mark.parametrize("arguments", [("x", "7"), ("4",), ("4", "7", "--count", "0")])
def test_what_is_no_place_or_count(run, arguments):
    status, _, told = run("suggest", "photo.png", *arguments)
    assert status == 2
    assert "Traceback" not in told


# --- the whole photo --------------------------------------------------------------------------


def test_hints_of_the_whole_photo(run, tmp_path, bold):
    said = {"mean_color": [5, 12], "palette": ["#a06020"], "gray_stays_gray": True}
    (tmp_path / "hints.json").write_text(json.dumps({"version": 1, **said}))
    assert run("colorize", "photo.png", "--model", bold[0], "--hints", "hints.json")[0] == 0
    expected = bold[1].colorize("photo.png", hints=zoo.Hints(**said))
    np.testing.assert_array_equal(pixels("colorized/photo.png"), expected)
    assert (expected != bold[1].colorize("photo.png")).any()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"palette": ["reddish"]}, "hints.json each color of the palette must be"),
        ({"mean_color": [30, 40], "saturation": 10}, "more than the saturation, 10, allows"),
        ({"palette": ["#ff0000"], "saturation": 0}, "leave one of them out"),
        ({"saturation": 10}, "too even for a saturation of 10"),
    ],
)
def test_hints_that_cannot_be_followed(run, tmp_path, content, told):
    (tmp_path / "hints.json").write_text(json.dumps({"version": 1, **content}))
    refused(run("colorize", "photo.png", "--model", "levin", "--hints", "hints.json"), told)


def refused(outcome, told):
    status, _, said = outcome
    last = said.strip().splitlines()[-1]
    assert status in (1, 2)
    assert told in last
    assert last.endswith(".")
    assert "Traceback" not in said

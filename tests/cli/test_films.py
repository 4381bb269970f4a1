"""`zoo colorize` with films."""

import numpy as np
import pytest
from films import make_film, moving, read_film
from PIL import Image
from typer.testing import CliRunner

import zoo
from zoo.cli.commands import app
from zoo.cli.settings import parse_time
from zoo.errors import ZooError


def run(*arguments):
    return CliRunner().invoke(app, ["colorize", *map(str, arguments)])


@pytest.fixture
def folder(tmp_path):
    """A photo, a film, a broken film, and one that was colored before."""
    made = tmp_path / "box"
    made.mkdir()
    Image.fromarray(moving(1)[0]).save(made / "a.png")
    make_film(made / "b.mkv", moving(6))
    (made / "c.mp4").write_bytes(b"no film")
    return made


def test_photos_and_films_of_a_folder(folder, tmp_path):
    done = run(folder, "--model", "gray", "--out", tmp_path / "out")
    assert done.exit_code == 1, done.output
    assert "Colored 1 photo into" in done.output
    assert "Colored 6 frames in 1 shot" in done.output
    assert "1 file could not be read" in done.output
    assert "c.mp4: not a film, or damaged" in done.output
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.png", "b.mkv"]
    again = run(folder, "--model", "gray", "--out", tmp_path / "out")
    assert "Skipped 2 already there" in again.output


def test_a_photo_and_a_film_take_a_reference_s_colors_by_match(folder, tmp_path):
    Image.fromarray(moving(6)[0]).save(tmp_path / "reference.png")
    given = ("--reference", tmp_path / "reference.png", "--out", tmp_path / "out")
    done = run(folder / "a.png", folder / "b.mkv", *given, "--codec", "ffv1")
    assert done.exit_code == 0, done.output
    (first, *_), _ = read_film(tmp_path / "out" / "b.mkv")
    plain = zoo.load_model("gray").colorize(moving(6)[0])
    off, before = (np.abs(one.astype(float) - moving(6)[0]).mean() for one in (first, plain))
    assert off < 0.2 * before
    expected = zoo.transfer_color(folder / "a.png", tmp_path / "reference.png")
    with Image.open(tmp_path / "out" / "a.png") as photo:
        assert np.abs(np.array(photo).astype(int) - expected).max() <= 1


def test_a_part_with_a_preview(folder, tmp_path):
    film, out = folder / "b.mkv", tmp_path / "out"
    options = ("--start", "0.04", "--end", "00:00:00.2", "--preview", "--smoothing", "past")
    done = run(film, "--model", "gray", "--out", out, *options, "--codec", "ffv1")
    assert done.exit_code == 0, done.output
    frames, _ = read_film(out / "b_preview.mkv")
    assert frames.shape == (4, 32, 96, 3)
    np.testing.assert_array_equal(frames[:, :, :48], frames[:, :, 48:])


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--smoothing", "magic"), "no smoothing 'magic'"),
        (("--start", "soon"), "Cannot read the time 'soon'; write seconds"),
        (("--keyframe", "1"), "write --keyframe name=value"),
        (("--keyframe", "1=none.png"), "There is no key frame none.png"),
    ],
)
def test_mistakes_are_told_at_once(folder, tmp_path, options, sentence):
    done = run(folder / "b.mkv", "--model", "gray", "--out", tmp_path / "out", *options)
    assert done.exit_code == 2
    assert sentence in " ".join(done.output.split())


def test_options_for_films_want_a_film(folder, tmp_path):
    done = run(folder / "a.png", "--model", "gray", "--out", tmp_path / "out", "--preview")
    assert done.exit_code == 2
    assert "there is no film; leave them out" in " ".join(done.output.split())


@pytest.mark.parametrize(
    ("text", "seconds"), [("70", 70), ("70.5", 70.5), ("01:10", 70), ("1:00:01.25", 3601.25)]
)
def test_times(text, seconds):
    assert parse_time(text) == seconds


@pytest.mark.parametrize("text", ["", "a", "-1", "1:2:3:4", "1.5:00", "nan", "1::2"])
def test_times_that_are_none(text):
    with pytest.raises(ZooError, match="Cannot read the time"):
        parse_time(text)

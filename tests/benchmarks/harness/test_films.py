"""Models are scored on films, and the report shows and plays them."""

import base64
import csv
import json
import re
import shutil

import numpy as np
import pytest
from conftest import eagerly
from films import make_film, moving, read_film
from skimage import color
from tiny_runs import TINY

from benchmarks.films.clips import LONGEST, prepare_clips
from benchmarks.harness import films
from benchmarks.harness.stored import merge_seeds, read_results
from benchmarks.run_all import main
from benchmarks.suites import load_suite
from zoo.errors import ZooError
from zoo.inference.films.smoothing import SMOOTHINGS
from zoo.photos.photoset import PhotoSet
from zoo.registry import load_model

FRAMES = 14


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return make_film(tmp_path_factory.mktemp("films") / "pan.mkv", moving(FRAMES))


@pytest.fixture(scope="module")
def scored(tmp_path_factory, finished, photos, film):
    """A finished benchmark whose models were scored on a film afterwards."""
    out = shutil.copytree(finished, tmp_path_factory.mktemp("films") / "scored")
    with eagerly():
        assert main([*TINY, *photos, "--out", str(out), "--resume", "--film", str(film)]) == 0
    return out


def stored(out):
    paths = sorted((out / "results").glob("*.json"))
    return {path.stem: json.loads(path.read_text()) for path in paths}


def of_model(out, name):
    return next(one for one in stored(out).values() if one["cell"]["model"] == name)


def test_scores_are_added_to_results_that_stay_what_they_are(finished, scored):
    before, after = stored(finished), stored(scored)
    assert before.keys() == after.keys()
    for key, result in after.items():
        (one,) = result.pop("films").values()
        assert result == before[key]
        assert one["smoothings"].keys() == SMOOTHINGS.keys()
        for name, figures in one["smoothings"].items():
            assert {len(scores) for scores in figures["scores"].values()} == {FRAMES}, name


def test_frame_by_frame_has_the_scores_of_photos(scored):
    result = of_model(scored, "mse_regression")
    model = load_model(scored / "models" / result["key"])
    pan = result["films"]["pan"]
    assert pan["rate"] == 25
    colorfulness = []
    for number, rgb in enumerate(moving(FRAMES)):
        made = model.colorize(rgb)
        wanted = color.deltaE_ciede2000(color.rgb2lab(rgb), color.rgb2lab(made)).mean()
        found = pan["smoothings"]["none"]["scores"]["ciede2000"][number]
        assert found == pytest.approx(wanted, abs=0.05)
        red, green, blue = np.moveaxis(rgb.astype(float), -1, 0)
        opponents = np.stack([red - green, (red + green) / 2 - blue])
        spread, mean = opponents.std((1, 2)), opponents.mean((1, 2))
        colorfulness.append(np.hypot(*spread) + 0.3 * np.hypot(*mean))
    assert pan["truth"]["colorfulness"] == pytest.approx(colorfulness, abs=1e-6)


def test_what_is_gray_does_not_flicker(scored):
    for smoothing in SMOOTHINGS:
        scores = of_model(scored, "gray")["films"]["pan"]["smoothings"][smoothing]["scores"]
        assert scores["warp_error"][0] is None
        assert scores["warp_error"][1:] == pytest.approx([0.0] * (FRAMES - 1), abs=1e-5)
        assert scores["colorfulness"] == pytest.approx([0.0] * FRAMES, abs=0.1)


def test_finished_scores_are_kept_and_those_of_another_film_are_not(scored, film, tmp_path):
    (own,) = prepare_clips([str(film)], PhotoSet(()), tmp_path, print)
    namesake = make_film(tmp_path / "pan.mkv", moving(6, seed=1))
    (other,) = prepare_clips([str(namesake)], PhotoSet(()), tmp_path, print)
    for result in stored(scored).values():
        assert films.is_scored(result, [own])
        assert not films.is_scored(result, [other])
        assert not films.is_scored(result, [own, other])


def test_the_report_has_every_figure(scored):
    with (scored / "films.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3 * len(SMOOTHINGS) * 6
    result = of_model(scored, "mse_regression")["films"]["pan"]
    wanted = {
        name: np.array(one["scores"]["warp_error"], float)
        for name, one in result["smoothings"].items()
    }
    found = {
        row["smoothing"]: row
        for row in rows
        if row["title"].startswith("mse_regression") and row["measure"].startswith("warp error")
    }
    assert float(found["motion"]["figure"]) == pytest.approx(np.nanmean(wanted["motion"]))
    change = np.nanmean(wanted["motion"] - wanted["none"])
    assert float(found["motion"]["difference"]) == pytest.approx(change)
    assert float(found["motion"]["difference_low"]) <= change
    assert found["frame by frame"]["difference"] == ""


def test_the_report_plays_the_film_in_all_colors(scored, tmp_path):
    page = (scored / "report.html").read_text(encoding="utf-8")
    (address,) = re.findall(r'<video src="data:video/mp4;base64,([^"]*)"', page)
    assert "autoplay muted loop" in page
    assert "media-src data:" in page
    (tmp_path / "clip.mp4").write_bytes(base64.b64decode(address))
    frames, _ = read_film(tmp_path / "clip.mp4")
    assert len(frames) == FRAMES
    # Gray, two models and the truth; three smoothings: of 32 x 48 px with gaps of 4.
    assert frames[0].shape == (3 * 36 - 4, 4 * 52 - 4, 3)
    truth = frames[0][:32, -48:].astype(int)
    assert np.abs(truth - moving(FRAMES)[0]).mean((0, 1)).max() < 30  # H.264 halves the colors
    assert np.abs(truth - moving(FRAMES)[0]).mean(-1).mean() < 20
    gray = frames[0][:32, :48].astype(int)
    assert np.ptp(gray, axis=-1).mean() < 4


def test_without_such_scores_there_is_no_such_section(finished):
    assert not (finished / "films.csv").exists()
    assert "<h2>Films</h2>" not in (finished / "report.html").read_text(encoding="utf-8")


def test_seeds_are_averaged_frame_by_frame(scored):
    first = next(one for one in read_results(scored) if one["cell"]["model"] == "mse_regression")
    second = json.loads(json.dumps(first))
    second["cell"]["seed"] = 1
    scores = second["films"]["pan"]["smoothings"]["motion"]["scores"]
    scores["ciede2000"] = [0.5 * one for one in scores["ciede2000"]]
    merged = merge_seeds([first, second])["films"]["pan"]["smoothings"]["motion"]["scores"]
    own = first["films"]["pan"]["smoothings"]["motion"]["scores"]
    np.testing.assert_allclose(merged["ciede2000"], 0.75 * np.array(own["ciede2000"]))
    assert merged["warp_error"][0] is None
    second["films"]["pan"]["digest"] = "other"
    assert merge_seeds([first, second])["films"] == {}


# ---------------------------------------------------------------------- clips


def test_long_and_large_films_are_cut_and_shrunk(tmp_path):
    times = [round(1000 * n) for n in range(9)]
    film = make_film(tmp_path / "a.mkv", moving(9, 300, 512), times=times, rate=1)
    (clip,) = prepare_clips([str(film)], PhotoSet(()), tmp_path / "out", print)
    frames, seconds = read_film(clip.path)
    assert seconds == [0, 1, 2, 3, 4, 5]
    assert LONGEST == 6
    assert frames[0].shape == (256, 437, 3)


def test_a_film_is_made_of_the_photos(tmp_path, photos):
    folder = photos[photos.index("--test-photos") + 1]
    test, told = PhotoSet.from_folder(folder), []
    (clip,) = prepare_clips(["made"], test, tmp_path, told.append)
    (again,) = prepare_clips(["made"], test, tmp_path, told.append)
    assert clip == again
    assert len(told) == 1
    frames, _ = read_film(clip.path)
    assert len(frames) >= 125
    changes = np.abs(np.diff(np.stack(frames).astype(int), axis=0)).mean((1, 2, 3))
    assert np.sum(changes > 5 * np.median(changes)) == 4  # five shots


def test_mistakes_with_films_are_said(tmp_path, film):
    one = PhotoSet(())
    with pytest.raises(ZooError, match="two photos or more"):
        prepare_clips(["made"], one, tmp_path, print)
    other = shutil.copy(film, tmp_path)
    with pytest.raises(ZooError, match="called pan; rename one"):
        prepare_clips([str(film), str(other)], one, tmp_path, print)
    with pytest.raises(ZooError, match="there is no such file"):
        prepare_clips([str(tmp_path / "none.mp4")], one, tmp_path, print)
    assert [path for path in (tmp_path / "films").iterdir() if "pan" not in path.name] == []


def test_the_suite_makes_a_film_itself_and_a_plan_stores_none(tmp_path, capsys):
    assert load_suite("video").defaults == {"films": ["made"]}
    assert main(["--suite", "video", "--dry-run", "--out", str(tmp_path / "out")]) == 0
    assert not (tmp_path / "out").exists()
    assert "mse_regression" in capsys.readouterr().out

"""The temperature study of the benchmark: stored for models that have one, shown by the report."""

import dataclasses
import html
import json
import re
import shutil

import numpy as np
import pytest
from PIL import Image
from tiny_runs import make_photos

from benchmarks.harness import pictures
from benchmarks.harness.cells import Conditions, Shown
from benchmarks.harness.run_cell import Task, result_path, run_cell
from benchmarks.report.figures import TemperatureCurves, _temperature_figure
from benchmarks.report.leaderboard import Leaderboard
from benchmarks.report.page import write_report
from benchmarks.report.temperature import _strips
from benchmarks.suites import Row
from zoo.budget import Budget
from zoo.evaluation.calibrate import METRICS, Study, study
from zoo.files import read_json
from zoo.metrics import get_metric
from zoo.photos.photoset import PhotoSet
from zoo.registry import create_model, load_model

TEMPERATURES = [0.0, 0.2, 0.38, 0.6, 1.0]


@pytest.fixture(scope="module")
def conditions(tmp_path_factory, photos):
    """Twelve photos to learn from, three to score, and five, one of them gray, to validate."""
    folder = tmp_path_factory.mktemp("validation") / "photos"
    make_photos(folder, [f"{number}.png" for number in range(4)], seed=3)
    Image.new("L", (60, 48), 90).save(folder / "0-gray.png")
    train, test = PhotoSet.from_folder(photos[1]), PhotoSet.from_folder(photos[3])
    return Conditions(
        train=train,
        validation=PhotoSet.from_folder(folder),
        test=test,
        shown=[Shown(photo, "test") for photo in test],
        train_size=32,
        test_size=32,
        budget=Budget(photos_seen=16),
        precision="float32",
        command="",
    )


def run(conditions, out, name="zhang:tiny"):
    """Run a model and render the report; return the stored result."""
    model, _, preset = name.partition(":")
    cell = conditions.cell(Row(model, preset=preset))
    run_cell(Task(cell, conditions, out))
    write_report(out)
    return read_json(result_path(out, cell))


@pytest.fixture(scope="module")
def validated(tmp_path_factory, conditions):
    """The folder and the result of a benchmark that scores two of its validation photos."""
    out = tmp_path_factory.mktemp("validated")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pictures, "STUDY_PHOTOS", 2)
        return out, run(conditions, out)


@pytest.fixture(scope="module")
def unvalidated(conditions):
    """The same conditions without validation photos."""
    return dataclasses.replace(conditions, validation=None)


@pytest.fixture
def copy(validated, tmp_path):
    """A copy of that folder, to change."""
    return shutil.copytree(validated[0], tmp_path / "copy")


def change(out, key, **changes):
    """Change what a result says about the temperature."""
    path = out / "results" / f"{key}.json"
    result = read_json(path)
    result["temperature"] |= changes
    path.write_text(json.dumps(result))


def section(out):
    """The page's section about the temperature, with its pictures left out; None without one."""
    found = re.search(r"<h2>Temperature</h2>.*?(?=<h2>)", (out / "report.html").read_text(), re.S)
    if found is None:
        return None
    text = re.sub(r"base64,[A-Za-z0-9+/=]+", "", found.group())
    return html.unescape(" ".join(text.split()))


# ------------------------------------------------------------------ stored


def test_the_study_is_of_the_validation_photos_alone(validated, conditions):
    out, result = validated
    stored = result["temperature"]
    colored = conditions.validation.color_only()
    assert (len(conditions.validation), len(colored)) == (5, 4)
    assert stored["validation_photos"] == 4
    scored = colored[::2]
    assert stored["study"]["fingerprint"] == scored.fingerprint
    model = load_model(out / "models" / result["key"])
    expected = study(model, scored, TEMPERATURES, size=32)
    assert stored["study"] == json.loads(json.dumps(expected.to_json()))
    assert Study.from_json(stored["study"]) == expected


def test_nothing_is_chosen(validated):
    out, result = validated
    model = load_model(out / "models" / result["key"])
    assert model.defaults["temperature"] == result["temperature"]["default"] == 0.38
    assert result["report"]["options"] == {}


def test_the_first_photo_is_stored_at_each_temperature(validated):
    out, result = validated
    folder = out / "pictures" / result["key"]
    first = result["pictures"][0]["file"]
    tiles = {tile["temperature"]: tile["file"] for tile in result["temperature"]["tiles"]}
    assert list(tiles) == TEMPERATURES
    assert tiles[0.38] == first.replace(".png", "-T0.38.png")
    colored = {T: np.array(Image.open(folder / file)).astype(int) for T, file in tiles.items()}
    assert abs(colored[0.0] - colored[1.0]).max() > 10
    np.testing.assert_array_equal(colored[0.38], np.array(Image.open(folder / first)))
    # Of the other photos there is one picture each.
    assert len(list(folder.iterdir())) == len(tiles) + 3


def test_all_validation_photos_and_an_unusual_default_are_tried(conditions, tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "TEMPERATURES", (0.0, 1.0))
    model = create_model("zhang:tiny")
    model.defaults["temperature"] = 0.7
    cell = conditions.cell(Row("zhang", preset="tiny"))
    stored = pictures.try_temperatures(model, cell, conditions, tmp_path, progress=False)
    assert stored["default"] == 0.7
    assert [tile["temperature"] for tile in stored["tiles"]] == [0.0, 0.7, 1.0]
    assert (stored["study"]["option"], stored["study"]["values"]) == (
        "temperature",
        (0.0, 0.7, 1.0),
    )
    assert stored["study"]["fingerprint"] == conditions.validation.color_only().fingerprint


def test_models_without_a_temperature_have_no_study(conditions, tmp_path):
    assert "temperature" not in run(conditions, tmp_path, "gray:default")
    assert section(tmp_path) is None
    assert not (tmp_path / "temperature.png").exists()


# ------------------------------------------------------------------ shown


def test_the_page_shows_photo_and_curves(validated):
    out, result = validated
    text = section(out)
    assert "Nothing is chosen here" in text
    assert "model’s default, zhang:tiny 0.38." in text
    assert "<code>zoo temperature RUN --photos DIR</code>" in text
    assert f"<h3>{result['pictures'][0]['photo']} at several temperatures</h3>" in text
    assert "over 2, evenly spread, of the 4 validation photos, at most 32 px" in text
    assert "With 2 validation photos, fewer than 30, the curves make no claims" in text
    assert text.count('<img src="data:') == 2
    assert "no curves" not in text
    # Five temperatures and the truth, 240 px each and 8 px between them; the curves below it.
    picture = Image.open(out / "temperature.png")
    assert picture.width == 6 * 248 + 8
    assert picture.height > 400


def test_without_validation_photos_the_page_says_why_there_are_no_curves(unvalidated, tmp_path):
    result = run(unvalidated, tmp_path)
    assert result["temperature"]["study"] is None
    assert len(result["temperature"]["tiles"]) == 5
    text = section(tmp_path)
    assert "There are no curves" in text
    assert text.count('<img src="data:') == 1
    assert Image.open(tmp_path / "temperature.png").height < 200


def test_many_validation_photos_make_claims_with_or_without_a_photo_to_show(copy, validated):
    key, stored = validated[1]["key"], validated[1]["temperature"]
    change(copy, key, tiles=[], validation_photos=30, study=stored["study"] | {"photos": 30})
    write_report(copy)
    text = section(copy)
    assert "over the 30 validation photos, at" in text
    assert "no claims" not in text
    assert text.count('<img src="data:') == 1
    assert "at several temperatures</h3>" not in text
    assert (copy / "temperature.png").is_file()


def test_results_that_were_stored_without_it_have_no_section(copy, validated):
    path = copy / "results" / f"{validated[1]['key']}.json"
    result = read_json(path)
    del result["temperature"]
    path.write_text(json.dumps(result))
    (copy / "temperature.png").unlink()
    assert section(copy) is not None
    assert copy / "temperature.png" not in write_report(copy)
    assert section(copy) is None
    assert not (copy / "temperature.png").exists()


def test_rendering_twice_gives_the_same_bytes(copy, validated):
    paths = write_report(copy)
    assert copy / "temperature.png" in paths
    for path in paths:
        assert path.read_bytes() == (validated[0] / path.name).read_bytes(), path.name


def test_a_temperature_that_a_model_was_not_tried_at_is_blank(validated):
    out, result = validated
    tiles = result["temperature"]["tiles"]
    other = result | {"temperature": result["temperature"] | {"tiles": tiles[:1]}}
    board = Leaderboard((result,))
    _, rows, _ = _strips(board, [result, other], out)
    assert [len(row.tiles) for row in rows] == [6, 6]
    np.testing.assert_array_equal(rows[1].tiles[0], rows[0].tiles[0])
    assert (rows[1].tiles[1] == 255).all()
    assert (rows[0].tiles[1] != 255).any()
    np.testing.assert_array_equal(rows[1].tiles[5], rows[0].tiles[5])


def test_curves_show_every_metric_with_its_reference_and_every_model(validated):
    stored = validated[1]["temperature"]["study"]
    study = Study.from_json(stored)
    models = [TemperatureCurves("one", 0.38, study), TemperatureCurves("two", 1.0, study)]
    figure = _temperature_figure(models)
    assert figure.get_suptitle().startswith("Means over 2 validation photos, 95 % intervals (no ")
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "one (ring: the leaderboard's 0.38)",
        "two (ring: the leaderboard's 1)",
    ]
    panels = dict(zip(METRICS, figure.axes, strict=True))
    for metric, axes in panels.items():
        assert get_metric(metric).title in axes.get_title()
        means = [one["mean"] for one in stored["figures"][metric]]
        # Each model's curve and ring, in its own color.
        lines = axes.lines[:4]
        assert [line.get_color() for line in lines] == ["C0", "C0", "C1", "C1"]
        for curve, ring, at in ((*lines[:2], 2), (*lines[2:], 4)):
            assert list(curve.get_xdata()) == TEMPERATURES
            assert list(curve.get_ydata()) == means
            assert (*ring.get_xdata(), *ring.get_ydata()) == (TEMPERATURES[at], means[at])
    references = {
        metric: list(axes.lines[4].get_ydata())
        for metric, axes in panels.items()
        if len(axes.lines) > 4
    }
    assert references == {
        "colorfulness": [stored["true_colorfulness"]] * 2,
        "auc": [stored["gray"]["auc"]] * 2,
        "ciede2000": [stored["gray"]["ciede2000"]] * 2,
    }

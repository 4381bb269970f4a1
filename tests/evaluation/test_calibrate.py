"""Choosing a temperature: measured by `evaluate`, decided by one rule, drawn, and stored."""

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import zoo
from zoo.cli import main
from zoo.colorizer import Colorizer
from zoo.errors import ZooError
from zoo.evaluation import calibrate
from zoo.evaluation.calibrate import TemperatureStudy, choose, draw_curves, draw_temperatures, study
from zoo.evaluation.report import Interval, evaluate
from zoo.files import read_json, sha256_of_file


@pytest.fixture
def model() -> Colorizer:
    """A tiny untrained network whose distributions are far from even: its temperature matters."""
    model = zoo.create_model("zhang:tiny")
    head = model.networks["colorizer"].get_layer("head")
    head.kernel.assign(head.kernel * 30)
    return model


def study_of(auc, delta, temperatures=None, gray=0.8, **changes) -> TemperatureStudy:
    temperatures = temperatures or tuple(np.linspace(0, 1, len(auc)).round(2).tolist())
    means = {"auc": auc, "delta_colorfulness": delta}
    figures = {
        name: tuple(
            Interval(mean, mean - 0.01, mean + 0.01) for mean in means.get(name, [20.0] * len(auc))
        )
        for name in calibrate.METRICS
    }
    parts = {
        "model": "zhang:tiny",
        "photos": 4,
        "fingerprint": "f1",
        "size": None,
        "gray": dict.fromkeys(calibrate.METRICS, 0.0) | {"auc": gray},
        "true_colorfulness": 30.0,
    }
    return TemperatureStudy(temperatures=temperatures, figures=figures, **parts | changes)


# ------------------------------------------------------------------ measured


def test_a_study_holds_what_evaluate_says(model, photo_folder):
    photos = zoo.PhotoSet.from_folder(photo_folder)
    found = study(model, photos, (1.0, 0.0, 1), size=24)
    assert found.temperatures == (0.0, 1.0)
    assert (found.model, found.photos, found.size) == ("zhang:tiny", 6, 24)
    assert found.fingerprint == photos.fingerprint
    for row, chosen in enumerate(found.temperatures):
        summary = evaluate(model, photos, size=24, temperature=chosen).summary()
        assert {name: figures[row] for name, figures in found.figures.items()} == {
            name: summary[name] for name in calibrate.METRICS
        }
    # The higher temperature mixes more bins, and mixtures are duller.
    vivid, muted = found.means("colorfulness")
    assert vivid > muted + 1
    gray = evaluate(zoo.create_model("gray"), photos, size=24).summary()
    assert found.gray == {name: gray[name].mean for name in calibrate.METRICS}
    assert found.gray["colorfulness"] == 0.0
    # Of gray photos the difference to the true colorfulness is all of it.
    assert found.true_colorfulness == pytest.approx(gray["delta_colorfulness"].mean)
    assert json.loads(json.dumps(found.to_json()))["temperatures"] == [0.0, 1.0]


def test_other_options_keep_the_models_defaults(model, photo_folder):
    photos = zoo.PhotoSet.from_folder(photo_folder)
    expected = evaluate(model, photos, temperature=0.5, render_factor=2).summary()["auc"]
    model.defaults["render_factor"] = 2
    assert study(model, photos, [0.5]).figures["auc"] == (expected,)
    model.defaults["render_factor"] = 8
    assert study(model, photos, [0.5]).figures["auc"] != (expected,)


def test_a_study_refuses(model, photo_folder):
    photos = zoo.PhotoSet.from_folder(photo_folder)
    able = "zhang, colorunet, knn_patches, som_patches"
    for name in ("mse_regression:tiny", "gray"):
        with pytest.raises(ZooError, match=rf"no temperature.*: {able}\.$"):
            study(zoo.create_model(name), photos)
    with pytest.raises(ZooError, match="0 to 10"):
        study(model, photos, (0.5, -1))
    with pytest.raises(ZooError, match="at least one"):
        study(model, photos, ())


# ------------------------------------------------------------------ chosen


@pytest.mark.parametrize(
    ("auc", "delta", "chosen"),
    [
        ((0.85, 0.86, 0.87), (1.0, 4.0, 9.0), 1.0),  # the others cost accuracy
        ((0.8692, 0.8695, 0.87), (1.0, 4.0, 9.0), 0.0),  # near enough: the truest colorfulness
        ((0.8692, 0.8695, 0.87), (9.0, 2.0, 4.0), 0.5),
        ((0.8689, 0.8695, 0.87), (1.0, 4.0, 9.0), 0.5),  # the truest one costs too much
        ((0.87, 0.8695, 0.8692), (3.0, 3.0, 9.0), 0.5),  # of equals the highest
        ((0.5,), (9.0,), 0.0),
    ],
)
def test_the_chosen_temperature(auc, delta, chosen):
    assert choose(study_of(auc, delta)) == chosen


# ------------------------------------------------------------------ drawn


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.array(image.convert("RGB")).astype(int)


def test_curves_show_every_metric_with_its_reference_and_the_choice(tmp_path):
    base = study_of((0.8692, 0.8695, 0.87), (9.0, 2.0, 4.0))
    draw_curves(tmp_path / "curves.svg", base)
    # Text is drawn as paths; its source stands in the comments.
    text = (tmp_path / "curves.svg").read_text()
    for title in ("AuC (higher is better)", "class-rebalanced AuC", "delta colorfulness (lower"):
        assert f"<!-- {title}" in text
    assert text.count("<!-- temperature -->") == 4
    assert text.count("<!-- chosen: 0.5 -->") == 4
    assert text.count("<!-- gray photos -->") == 2
    assert text.count("<!-- true photos -->") == 1
    assert "<!-- zhang:tiny: means over 4 validation photos" in text
    assert "no claims are made" in text
    draw_curves(tmp_path / "curves.svg", replace(base, photos=30))
    assert "no claims" not in (tmp_path / "curves.svg").read_text()
    draw_curves(tmp_path / "curves.png", base)
    drawn = pixels(tmp_path / "curves.png")
    assert drawn.shape == (990, 1350, 3)
    # The truth's line is where it belongs: moving it changes the picture.
    draw_curves(tmp_path / "moved.png", replace(base, true_colorfulness=25.0))
    assert (pixels(tmp_path / "moved.png") != drawn).any()
    with pytest.raises(ZooError, match=r"\.doc"):
        draw_curves(tmp_path / "curves.doc", base)
    assert {path.name for path in tmp_path.iterdir()} == {"curves.svg", "curves.png", "moved.png"}


def test_one_photo_at_several_temperatures(model, photo_folder, tmp_path):
    photo = photo_folder / "sea/0.png"
    path = tmp_path / "photos.png"
    draw_temperatures(path, photo, model, (0.0, 1.0), chosen=1.0)
    drawn = pixels(path)
    height, width = drawn.shape[:2]
    assert width == 3 * 480
    assert 300 < height < 500
    panels = [
        drawn[height // 2 - 60 : height // 2 + 60, left + 180 : left + 300]
        for left in (0, 480, 960)
    ]
    spreads = [(panel.max(-1) - panel.min(-1)).mean() for panel in panels]
    assert spreads[0] > spreads[1] + 1, "T = 0 is more vivid than T = 1"
    assert (panels[2] != panels[0]).any()


# ------------------------------------------------------------------ as a command


@pytest.fixture
def run(capsys, monkeypatch):
    def call(*arguments) -> tuple[int, str, str]:
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["zoo", *map(str, arguments)])
        monkeypatch.setenv("COLUMNS", "120")
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code or 0, *capsys.readouterr()

    return call


@pytest.fixture
def saved(model, tmp_path) -> Path:
    return model.save(tmp_path / "run")


def contents(folder: Path) -> dict[str, str]:
    return {path.name: sha256_of_file(path) for path in folder.iterdir()}


def test_the_command_stores_the_choice_and_nothing_else(run, saved, photo_folder):
    before = contents(saved)
    config = read_json(saved / "config.json")
    status, out, err = run("temperature", saved, "--photos", photo_folder, "--size", 24)
    assert status == 0, err
    stored = read_json(saved / "card.json")["temperature"]
    chosen = stored["chosen"]
    assert chosen != config["defaults"]["temperature"] == 0.38
    photos = zoo.PhotoSet.from_folder(photo_folder)
    expected = study(zoo.load_model(saved), photos, size=24)
    assert stored == json.loads(json.dumps({"chosen": choose(expected), **expected.to_json()}))
    assert stored["fingerprint"] == photos.fingerprint

    assert f"chosen: {chosen:g}" in out
    assert f"is {chosen:g} now; it was 0.38." in out
    assert out.count("no claims") == 1
    assert "6 photos" in out
    config["defaults"]["temperature"] = chosen
    assert read_json(saved / "config.json") == config
    assert contents(saved)["weights.npz"] == before["weights.npz"]
    assert set(contents(saved)) == {*before, "temperature_curves.png", "temperature_photos.png"}
    assert pixels(saved / "temperature_curves.png").shape == (990, 1350, 3)
    assert pixels(saved / "temperature_photos.png").shape[1] == 4 * 480

    loaded = zoo.load_model(saved)
    assert loaded.defaults["temperature"] == chosen
    photo = photo_folder / "sea/0.png"
    np.testing.assert_array_equal(
        loaded.colorize(photo), loaded.colorize(photo, temperature=chosen)
    )
    _, told, _ = run("info", saved)
    assert [line.split("│")[2].strip() for line in told.splitlines() if "│ temperature  " in line]
    default = next(line for line in told.splitlines() if "0 takes the most likely" in line)
    assert f" {chosen:g} " in default
    assert "temperature chosen on" in told


def test_pictures_go_where_they_are_wanted(run, saved, photo_folder, tmp_path):
    wide = tmp_path / "wide.jpg"
    Image.new("RGB", (90, 30), (200, 30, 10)).save(wide)
    out = tmp_path / "new/pictures"
    status, _, err = run(
        "temperature", saved, "--photos", photo_folder, "--photo", wide, "--out", out
    )
    assert status == 0, err
    assert set(contents(out)) == {"temperature_curves.png", "temperature_photos.png"}
    assert set(contents(saved)) == {"card.json", "config.json", "weights.npz"}
    height, width = pixels(out / "temperature_photos.png").shape[:2]
    assert width > 2 * height, "three rows of a photo three times as wide as tall"


def test_of_a_manifest_the_validation_photos_count(run, saved, photo_folder):
    rows = ["sea/0.png,train", "sea/1.png,val", "tree/0.png,val", "tree/1.png,test"]
    table = photo_folder / "photos.csv"
    table.write_text("\n".join(["file,split", *rows]))
    status, out, _ = run("temperature", saved, "--photos", table)
    assert status == 0
    assert "Photos: 2 photos" in out
    photos = zoo.PhotoSet.from_manifest(table, "val")
    assert read_json(saved / "card.json")["temperature"]["fingerprint"] == photos.fingerprint


def test_a_caution_where_the_photos_are_those_of_the_training(run, model, photo_folder, tmp_path):
    photos = zoo.PhotoSet.from_folder(photo_folder)
    model.card = {"training": {"fingerprint": photos.fingerprint}}
    trained = model.save(tmp_path / "trained")
    # Gray photos are left out here as they are in training.
    Image.new("L", (40, 32), 90).save(photo_folder / "gray.png")
    (photo_folder / "text.png").write_text("no picture")
    _, out, err = run("temperature", trained, "--photos", photo_folder)
    assert "Caution" in err
    assert "text.png (not an image" in out
    assert "1 gray photo;" in out
    assert "Means over 6 photos" in out
    shutil.rmtree(photo_folder / "tree")
    assert "Caution" not in run("temperature", trained, "--photos", photo_folder)[2]


def test_ctrl_c_leaves_the_run_as_it_was(run, saved, photo_folder, monkeypatch):
    before = contents(saved)
    calls = []

    def interrupted(*arguments, **options):
        calls.append(options)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return evaluate(*arguments, **options)

    monkeypatch.setattr(calibrate, "evaluate", interrupted)
    status, _, err = run("temperature", saved, "--photos", photo_folder)
    assert (status, err.splitlines()[-1]) == (130, "Interrupted.")
    assert len(calls) == 3
    assert contents(saved) == before


def test_the_command_refuses_before_any_work(run, saved, photo_folder, tmp_path):
    before = contents(saved)
    other = zoo.create_model("mse_regression:tiny").save(tmp_path / "other")
    photos = ["--photos", photo_folder]
    for arguments, words in (
        ((other, *photos), "no temperature"),
        (("gray", *photos), "only a name"),
        (("zhang", *photos), "only a name"),
        ((tmp_path / "none", *photos), "no folder"),
        ((saved, "--photos", tmp_path / "none"), "does not exist"),
        ((saved, *photos, "--photo", tmp_path / "none.png"), "no such file"),
        ((saved, *photos, "--out", photo_folder / "sea/0.png"), "Cannot write"),
    ):
        status, out, err = run("temperature", *arguments)
        assert (status, out) == (2, "")
        assert words in err.splitlines()[-1]
        assert err.endswith(".\n")
    assert contents(saved) == before

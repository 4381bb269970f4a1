"""`zoo temperature`: measures, chooses, draws, and stores the choice."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import pixels
from PIL import Image
from studies import decided_model

import zoo
from zoo.card import Card, Chosen, Training, read_card
from zoo.cli import main
from zoo.evaluation import calibrate
from zoo.evaluation.calibrate import choose, study
from zoo.files import read_json, sha256_of_file


@pytest.fixture
def model():
    return decided_model()


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
    stored = read_card(saved).temperature
    chosen = stored.chosen
    assert chosen != config["defaults"]["temperature"] == 0.38
    photos = zoo.PhotoSet.from_folder(photo_folder)
    expected = study(zoo.load_model(saved), photos, size=24)
    assert stored == Chosen(choose(expected), expected)
    assert stored.study.fingerprint == photos.fingerprint

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
    assert read_card(saved).temperature.study.fingerprint == photos.fingerprint


def test_a_caution_where_the_photos_are_those_of_the_training(run, model, photo_folder, tmp_path):
    photos = zoo.PhotoSet.from_folder(photo_folder)
    model.card = Card(training=Training(fingerprint=photos.fingerprint))
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

    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(calibrate, "evaluate_variants", interrupted)
    status, _, err = run("temperature", saved, "--photos", photo_folder)
    assert (status, err.splitlines()[-1]) == (130, "Interrupted.")
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

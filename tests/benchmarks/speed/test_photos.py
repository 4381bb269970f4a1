"""The benchmark of photos, on tiny ones."""

import json

import pytest

from benchmarks.speed import photos
from benchmarks.speed.timing import Measurement
from zoo import create_model


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    monkeypatch.setattr(photos, "_LARGE", (40, 60))
    monkeypatch.setattr(photos, "_SMALL", (30, 40))
    monkeypatch.setattr(photos, "_IN_FOLDER", 3)
    # Each would start TensorFlow in a new process.
    monkeypatch.setattr(photos, "_python", lambda *words: None)
    return str(create_model("zhang:tiny").save(tmp_path / "model"))


def test_every_row_names_what_it_is_compared_with(tiny, tmp_path, capsys):
    figures = tmp_path / "photos.json"
    assert photos.main([tiny, "--json", str(figures)]) == 0
    stored, said = json.loads(figures.read_text()), capsys.readouterr().out
    compared = [(row["title"].split(",")[0], row["alternative"]["name"]) for row in stored["rows"]]
    assert compared[:3] == [
        ("all but the network", "skimage rgb2lab and lab2rgb"),
        ("colorize", "skimage rgb2lab and lab2rgb"),
        ("colorize 40 x 30", "network alone, 171 x 128"),
    ]
    assert compared[3][1] in ("decoding and encoding alone", "network and merging alone")
    assert compared[4] == ("one small photo from a cold start", "import tensorflow")
    for row in stored["rows"]:
        assert row["ratio"] == pytest.approx(row["ours"]["median"] / row["alternative"]["median"])
        assert row["title"] in said


def test_the_slower_part_is_what_a_folder_is_compared_with(tiny, monkeypatch):
    def measured(actions, count, repetitions):
        assert count == 3
        for action in actions.values():
            action()
        seconds = dict(zip(actions, (0.5, 0.1, 0.4), strict=True))
        return [Measurement.once(name, value) for name, value in seconds.items()]

    monkeypatch.setattr(photos, "measure_in_turn", measured)
    row = photos.folder_row(create_model("zhang:tiny"))
    assert row.alternative.name == "network and merging alone"
    assert row.ratio == 1.25


def test_a_model_that_there_is_not_is_told(capsys):
    assert photos.main(["zang"]) == 2
    assert "zang" in capsys.readouterr().err

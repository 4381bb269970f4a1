import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from tiny_runs import make_photos

from benchmarks import speed
from benchmarks.speed import Measurement, Row
from zoo.photos.loader import PhotoLoader
from zoo.photos.photoset import PhotoSet

ROW = Row(
    "loading [warm]",
    "photos/s",
    True,
    Measurement("ours", 6000.0, 5000.0, 7000.0),
    Measurement("theirs", 600.0, 500.0, 700.0),
)


def test_table_and_json_say_the_same(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(speed, "measure", lambda folder: [ROW])
    assert speed.main(["--json", str(tmp_path / "speed.json")]) == 0
    (row,) = json.loads((tmp_path / "speed.json").read_text())["rows"]
    assert row["ratio"] == 10
    assert row["ours"]["median"] == 6000
    printed = capsys.readouterr().out
    assert "10.00" in printed
    assert "6,000" in printed


def test_mistakes_get_one_sentence(capsys):
    assert speed.main(["--photos", "no/such/folder"]) == 2
    assert "does not exist" in capsys.readouterr().err


def test_repetitions_are_timed_after_a_warm_up():
    calls = []
    rate = speed._rate("nothing", 10, lambda: calls.append(1))
    assert len(calls) == 2 + speed._REPETITIONS
    assert 0 < rate.low <= rate.median <= rate.high


def test_the_plain_loop_makes_what_the_loader_makes(tmp_path):
    make_photos(tmp_path / "photos", ["a.png", "b.png", "c.png"], seed=5)
    photos = PhotoSet.from_folder(tmp_path / "photos")
    plain = speed._plain_batch(photos, 0)
    loader = PhotoLoader(photos, speed._SIZE, speed._BATCH, steps=1, cache_dir=tmp_path)
    assert plain.shape == loader[0][0].shape
    assert plain.dtype == np.uint8


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_peak_memory_is_in_megabytes():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    present = pages * os.sysconf("SC_PAGE_SIZE") / 1e6
    assert 0.9 * present <= speed._peak_memory() <= 50 * present


def test_large_photos_have_the_size_they_are_named_for():
    for megapixels, (height, width) in speed._MEGAPIXELS.items():
        assert height * width == megapixels * 1e6

"""The benchmark of films, on a tiny one."""

import pytest
from films import read_film

from benchmarks.speed import films
from zoo import create_model


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    small = {"_SIZE": (30, 40), "_TIMED": 11, "_SHORT": 2, "_LONG": 5, "_REPETITIONS": 1}
    for name, value in small.items():
        monkeypatch.setattr(films, name, value)
    # It would start TensorFlow in a new process.
    monkeypatch.setattr(films, "in_new_process", lambda function, given: function(given))
    return str(create_model("zhang:tiny").save(tmp_path / "model"))


def test_every_row_names_what_it_is_compared_with(tiny, capsys, monkeypatch):
    rows = []
    monkeypatch.setattr(films, "print_table", rows.extend)
    assert films.main([tiny]) == 0
    said = capsys.readouterr().out
    assert [row.alternative.name for row in rows] == 2 * ["network alone"] + ["of 2 frames"]
    assert [row.unit for row in rows] == ["s", "s", "MB"]
    for row in rows:
        assert row.ours.median > 0
        assert row.title in said


def test_the_film_has_as_many_frames_as_it_should(tmp_path, monkeypatch):
    monkeypatch.setattr(films, "_SIZE", (30, 40))
    frames, times = read_film(films._film(tmp_path / "film.mp4", 130))
    assert frames[0].shape == (30, 40, 3)
    assert times == pytest.approx([number / 25 for number in range(130)])

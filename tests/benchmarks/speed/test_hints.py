"""The benchmark of hints, on tiny photos."""

import json

import pytest

from benchmarks.speed import hints
from zoo import create_model


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    monkeypatch.setattr(hints, "_LARGE", (40, 60))
    monkeypatch.setattr(hints, "_CLICKED", (32, 32))
    monkeypatch.setattr(hints, "_FACTOR", 2)
    monkeypatch.setattr(hints, "in_new_process", lambda function, given: function(given))
    return str(create_model("zhang:tiny").save(tmp_path / "model"))


def test_every_row_names_what_it_is_compared_with(tiny, tmp_path, capsys):
    figures = tmp_path / "hints.json"
    assert hints.main([tiny, "--json", str(figures)]) == 0
    stored, said = json.loads(figures.read_text())["rows"], capsys.readouterr().out
    assert [(row["title"].split(",")[0], row["alternative"]["name"]) for row in stored] == [
        ("one more point", "colorize anew"),
        ("a photo of 0 megapixels", "without"),
        ("peak memory", "without"),
    ]
    for row in stored:
        assert row["ratio"] == pytest.approx(row["ours"]["median"] / row["alternative"]["median"])
        assert row["title"] in said


def test_a_prepared_photo_gets_the_colors_of_colorize(tiny, monkeypatch):
    model, answers = create_model("zhang:tiny"), []

    def once(actions, *_, **__):
        answers.extend(action() for action in actions.values())
        return [hints.Measurement.once(name, 1.0) for name in actions]

    monkeypatch.setattr(hints, "measure_in_turn", once)
    hints.click_row(model)
    click, anew = answers
    assert (click[0] == anew).all()


def test_points_have_places_and_colors_of_their_own():
    points = hints.points_on(hints.made_photo(0, 90, 120), 30).points
    assert len({(point.x, point.y) for point in points}) == 30
    assert len({point.color for point in points}) == 30

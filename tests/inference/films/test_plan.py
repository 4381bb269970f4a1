"""How a film is gone about."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.errors import ZooError
from zoo.inference.films import plan as planning
from zoo.inference.films.plan import FilmSettings, Plan, read_state, write_state
from zoo.photos.film import Timeline


@st.composite
def plans(draw):
    frames = draw(st.integers(1, 60))
    later = draw(st.sets(st.integers(1, frames), max_size=5)) - {frames}
    shots = (0, *sorted(later))
    together = draw(st.integers(1, 8))
    return Plan(Path("x"), Timeline(tuple(range(frames))), shots, together)


@pytest.fixture(autouse=True)
def short_parts(monkeypatch):
    monkeypatch.setattr(planning, "LONGEST_PART", 10)


@given(plans())
def test_every_frame_is_in_one_part_of_its_shot(plan):
    assert [number for part in plan.parts for number in part] == list(range(plan.frames))
    for part in plan.parts:
        assert 1 <= len(part) <= 10
        assert len({plan.first_of_shot(number) for number in part}) == 1
    starts = {part.start for part in plan.parts}
    assert starts.issuperset(plan.shots)


@given(plans())
def test_every_frame_is_in_one_piece_of_its_part(plan):
    pieces = list(plan.pieces(list(range(len(plan.parts)))))
    assert [n for piece in pieces for n in piece.numbers] == list(range(plan.frames))
    for piece in pieces:
        assert set(piece.numbers) <= set(plan.parts[piece.part])
        assert len(piece.numbers) <= plan.together


@given(plans(), st.integers(0, 20), st.data())
def test_looking_ahead_stays_in_the_shot(plan, ahead, data):
    every = list(plan.pieces(list(range(len(plan.parts)))))
    piece = data.draw(st.sampled_from(every))
    seen = plan.seen_for(piece, ahead)
    place = every.index(piece)
    assert seen == every[place : place + len(seen)]
    shot = plan.first_of_shot(piece.first)
    assert all(plan.first_of_shot(one.first) == shot for one in seen)
    stop = seen[-1].stop
    over = stop == plan.frames or plan.begins_shot(stop)
    assert over or piece.stop + ahead <= stop < piece.stop + ahead + plan.together


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"smoothing": "magic"}, "no smoothing 'magic'; choose from: motion, past, none"),
        ({"codec": "gif"}, "no codec 'gif'"),
        ({"look_ahead": 21}, "0 to 20 frames; got 21"),
        ({"look_ahead": 1, "smoothing": "past"}, "Only the smoothing `motion` looks ahead"),
        ({"start": -1}, "is empty"),
        ({"start": 2, "end": 2}, "is empty"),
    ],
)
def test_settings_that_make_no_sense(given, sentence):
    with pytest.raises(ZooError, match=sentence):
        FilmSettings(**given)


@pytest.mark.parametrize(
    ("name", "settings", "expected"),
    [
        ("a.mp4", {}, "a.mp4"),
        ("a.MOV", {"preview": True}, "a_preview.MOV"),
        ("a.wmv", {}, "a.mkv"),
        ("a.mp4", {"codec": "ffv1"}, "a.mkv"),
        ("a.avi", {"codec": "vp9"}, "a.webm"),
    ],
)
def test_names(name, settings, expected):
    assert FilmSettings(**settings).name_of(Path("films", name)) == expected


def test_states_come_back(tmp_path):
    state = {"mean": np.arange(6, dtype=np.float32).reshape(2, 3)}
    write_state(tmp_path / "0.npz", state)
    found = read_state(tmp_path / "0.npz")
    np.testing.assert_array_equal(found["mean"], state["mean"])
    (tmp_path / "0.npz").write_bytes(b"PK")
    with pytest.raises(ZooError, match=r"0\.npz is damaged; remove its folder"):
        read_state(tmp_path / "0.npz")

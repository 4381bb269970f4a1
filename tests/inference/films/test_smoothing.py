"""Smoothing in time, against formulas by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.inference.films.smoothing import (
    FORGETTING,
    KEPT,
    PAST_FRAMES,
    SMOOTHINGS,
    MotionSmoothing,
    NoSmoothing,
    PastSmoothing,
    Step,
    at_places,
)
from zoo.photos.motion import Motion

STRIDE = 4


def still(height=8, width=12):
    return Motion(*(np.zeros((height, width, 2), np.float32) for _ in range(2)))


def steps(values, motion=None):
    """Frames whose shares are the same everywhere; a shot begins with the first one."""
    made = []
    for number, value in enumerate(values):
        shares = np.full((2, 3, 1), value, np.float32)
        moved = None if number == 0 else motion or still()
        made.append(Step(shares, STRIDE, first=number == 0, motion=moved))
    return made


def run(smoothing, given):
    return [float(smoothing.smoothed(step)[0, 0, 0]) for step in given]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_past_is_the_formula(values):
    found = run(PastSmoothing(), steps(values))
    for t, value in enumerate(found):
        number = min(t, PAST_FRAMES) + 1
        weights = [np.exp(-FORGETTING * i) for i in range(number)]
        mean = sum(w * values[t - i] for i, w in enumerate(weights)) / sum(weights)
        assert value == pytest.approx(mean, abs=1e-5)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_where_nothing_moves_motion_is_a_weighted_mean(values):
    found = run(MotionSmoothing(), steps(values))
    for t, value in enumerate(found):
        weights = [KEPT**i for i in range(t + 1)]
        mean = sum(w * values[t - i] for i, w in enumerate(weights)) / sum(weights)
        assert value == pytest.approx(mean, abs=1e-5)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.integers(0, 12))
def test_frames_ahead_count_as_those_behind(values, place):
    place = min(place, len(values) - 1)
    made, smoothing = steps(values), MotionSmoothing()
    for step in made[:place]:
        smoothing.smoothed(step)
    found = float(smoothing.smoothed(made[place], made[place + 1 :])[0, 0, 0])
    weights = [KEPT ** abs(i - place) for i in range(len(values))]
    mean = sum(w * value for w, value in zip(weights, values, strict=True)) / sum(weights)
    assert found == pytest.approx(mean, abs=1e-5)


def test_looking_ahead_changes_nothing_behind():
    made, one, other = steps([0.1, 0.9, 0.4]), MotionSmoothing(), MotionSmoothing()
    one.smoothed(made[0], made[1:])
    other.smoothed(made[0])
    np.testing.assert_array_equal(one.smoothed(made[1]), other.smoothed(made[1]))


def test_colors_follow_what_moves():
    """A colored column moves 4 px, a place, to the right from frame to frame."""
    there, back = still(8, 32), still(8, 32)
    there.there[..., 0], back.back[..., 0] = -4, 4
    motion = Motion(there.there, back.back)
    smoothing, found = MotionSmoothing(), None
    for number in range(4):
        shares = np.zeros((2, 8, 1), np.float32)
        shares[:, number + 1] = 1
        moved = None if number == 0 else motion
        found = smoothing.smoothed(Step(shares, STRIDE, first=number == 0, motion=moved))
    expected = np.zeros((2, 8, 1))
    expected[:, 4] = 1
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("ahead", [False, True])
def test_where_the_flows_disagree_other_frames_do_not_count(ahead):
    motion = still()
    motion.back[..., 0] = 5  # and not what undoes 0
    one, two = steps([0.2, 0.8], motion)
    smoothing = MotionSmoothing()
    if ahead:
        assert smoothing.smoothed(one, [two]).max() == pytest.approx(0.2)
    else:
        smoothing.smoothed(one)
        assert smoothing.smoothed(two).min() == pytest.approx(0.8)


@pytest.mark.parametrize("name", SMOOTHINGS)
def test_a_new_shot_never_sees_the_one_before(name):
    smoothing, fresh = SMOOTHINGS[name](), SMOOTHINGS[name]()
    run(smoothing, steps([0.9] * 5))
    assert run(smoothing, steps([0.1, 0.2])) == run(fresh, steps([0.1, 0.2]))


@pytest.mark.parametrize("name", SMOOTHINGS)
def test_it_goes_on_from_its_state(name):
    made, whole, other = steps([0.1, 0.7, 0.3, 0.9]), SMOOTHINGS[name](), SMOOTHINGS[name]()
    expected = run(whole, made)
    first = SMOOTHINGS[name]()
    run(first, made[:2])
    other.restore(first.state())
    assert run(other, made[2:]) == expected[2:]


def test_distributions_stay_such():
    rng = np.random.default_rng(0)
    smoothing = MotionSmoothing()
    for number in range(5):
        shares = rng.dirichlet(np.ones(7), (2, 3)).astype(np.float32)
        flows = [rng.uniform(-2, 2, (8, 12, 2)).astype(np.float32) for _ in range(2)]
        step = Step(shares, STRIDE, number == 0, Motion(*flows) if number else None)
        np.testing.assert_allclose(smoothing.smoothed(step).sum(-1), 1, atol=1e-5)


def test_none_is_the_frame_itself():
    assert run(NoSmoothing(), steps([0.5, 0.25])) == [0.5, 0.25]


def test_places_are_means_of_squares():
    """By hand: the last place reaches beyond the image, whose edge is repeated."""
    x = np.arange(6, dtype=np.float32).reshape(1, 6, 1)
    found = at_places(x, (1, 2), 4)
    np.testing.assert_allclose(found[0, :, 0], [1.5, (4 + 5 + 5 + 5) / 4])

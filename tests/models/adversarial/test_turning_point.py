"""When the colors of the same photos have turned: never by chance, soon where they do."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.models.adversarial.turning_point import (
    ERRORS,
    PATIENCE,
    SMOOTHED,
    round_score,
    turning_point,
)

ROUNDS, PHOTOS = 40, 200


def stage(rng, course, *, photos=PHOTOS, wobble=0.01, unrest=0.0, memory=0.0):
    """Scores of photos: each one's difficulty, the rounds' course, and chance in each.

    `unrest` is that of all photos together, and `memory` how much of it stays to the next round.
    """
    common = rng.normal(0.0, unrest, len(course))
    for number in range(1, len(common)):
        common[number] = memory * common[number - 1] + (1 - memory**2) ** 0.5 * common[number]
    course = (np.asarray(course) + common)[:, None]
    shape = (len(course), photos)
    auc = rng.normal(0.9, 0.04, photos) - course + rng.normal(0.0, wobble, shape)
    truth = rng.uniform(20.0, 60.0, photos) * np.ones((len(course), 1))
    made = truth * (0.8 + rng.normal(0.0, 10 * wobble, shape))
    return {"auc": auc, "colorfulness": made, "truth": truth}


def first_turn(scores):
    """The first round after which the rule would end the stage, and the turn it names."""
    for rounds in range(1, len(scores["auc"]) + 1):
        turn = turning_point({name: kind[:rounds] for name, kind in scores.items()})
        if turn is not None:
            return rounds, turn
    return None


#: AuC of the shipped model's joint stage went up and down by .0016, without averaged weights.
UNREST = [(0.0, 0.0), (0.0004, 0.0), (0.0016, 0.0), (0.0004, 0.5), (0.0016, 0.5)]


@pytest.mark.parametrize(("unrest", "memory"), UNREST)
def test_chance_alone_ends_a_stage_in_fewer_than_one_of_twenty(unrest, memory):
    course = np.zeros(ROUNDS)
    ended = [
        first_turn(stage(np.random.default_rng([7, seed]), course, unrest=unrest, memory=memory))
        for seed in range(200)
    ]
    assert sum(one is not None for one in ended) < 10


@pytest.mark.parametrize(("unrest", "memory"), UNREST[:2])
def test_colors_that_turn_end_the_stage_soon(unrest, memory):
    """0.0015 of AuC a round: after some ten rounds it is three times the chance of a mean."""
    course = np.abs(np.arange(ROUNDS) - 12) * 0.0015
    for seed in range(20):
        scores = stage(np.random.default_rng(seed), course, unrest=unrest, memory=memory)
        rounds, turn = first_turn(scores)
        assert abs(turn - 12) <= 2
        assert rounds <= 12 + SMOOTHED + PATIENCE + 3


def test_scores_that_still_get_better_have_no_turning_point():
    falling = 0.05 - 0.001 * np.arange(ROUNDS)
    assert first_turn(stage(np.random.default_rng(0), falling)) is None


def test_few_rounds_or_a_single_photo_tell_nothing():
    rising = stage(np.random.default_rng(0), 0.01 * np.arange(ROUNDS))
    early = {name: kind[: SMOOTHED + PATIENCE - 1] for name, kind in rising.items()}
    assert turning_point(early) is None
    assert turning_point({}) is None
    assert (
        turning_point(stage(np.random.default_rng(0), 0.01 * np.arange(ROUNDS), photos=1)) is None
    )


def brute_force(scores):
    """The rule in plain loops, with the jackknife by leaving each photo out."""
    kinds = [np.array(scores[name]) for name in ("auc", "colorfulness", "truth")]
    rounds, photos = kinds[0].shape

    def score(chosen, seen):
        auc, made, truth = (np.mean([[kind[r][p] for p in seen] for r in chosen]) for kind in kinds)
        return 1 - auc + 0.05 * abs(made / truth - 1)

    everyone = range(photos)
    windows = [
        np.mean([score([r], everyone) for r in range(i, i + SMOOTHED)])
        for i in range(rounds - SMOOTHED + 1)
    ]
    lowest = int(np.argmin(windows))
    if rounds - (lowest + SMOOTHED) < PATIENCE:
        return None
    late, early = range(rounds - PATIENCE, rounds), range(lowest, lowest + SMOOTHED)
    left = [
        score(late, seen) - score(early, seen)
        for seen in ([p for p in everyone if p != out] for out in everyone)
    ]
    of_photos = (photos - 1) * np.mean(np.square(left - np.mean(left)))
    single = [score([r], everyone) for r in range(rounds)]
    unrest = np.mean([(b - a) ** 2 for a, b in zip(single, single[2:], strict=False)]) / 2
    error = np.sqrt(of_photos + 2 * unrest * (1 / SMOOTHED + 1 / PATIENCE))
    difference = score(late, everyone) - score(early, everyone)
    return lowest + 1 if difference > ERRORS * error else None


@given(st.integers(0, 10_000), st.integers(SMOOTHED + PATIENCE, 16), st.floats(0.0, 0.01))
def test_the_rule_is_what_it_says(seed, rounds, slope):
    scores = stage(np.random.default_rng(seed), slope * np.arange(rounds), photos=5)
    assert turning_point(scores) == brute_force(scores)


@pytest.mark.parametrize(
    ("auc", "made", "true", "score"),
    [(0.9, 50, 50, 0.1), (0.9, 40, 50, 0.11), (0.8, 75, 50, 0.225)],
)
def test_a_fifth_of_the_colorfulness_counts_as_a_hundredth_of_auc(auc, made, true, score):
    assert float(round_score(auc, made, true)) == pytest.approx(score)

"""When scores have turned, against a brute-force version."""

from hypothesis import given
from hypothesis import strategies as st

from zoo.models.adversarial.turning_point import PATIENCE, SMOOTHED, turning_point


def brute_force(scores):
    """In words: every window of three that is lower than all others, far enough from the end."""
    means = [sum(scores[i : i + SMOOTHED]) / SMOOTHED for i in range(len(scores) - SMOOTHED + 1)]
    if not means:
        return None
    lowest = min(range(len(means)), key=lambda i: (means[i], i))
    after = len(scores) - (lowest + SMOOTHED)
    return lowest + 1 if after >= PATIENCE else None


@given(st.lists(st.integers(0, 20), max_size=30))
def test_the_turning_point_is_the_lowest_mean_with_patience_behind_it(scores):
    scores = [3.0 * score for score in scores]  # sums of three are whole: no rounding
    assert turning_point(scores) == brute_force(scores)


def test_scores_that_still_fall_have_no_turning_point():
    assert turning_point(list(range(50, 0, -1))) is None

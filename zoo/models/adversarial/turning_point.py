"""When scores that rise and fall at random have turned from better to worse.

The author of NoGAN found the moment to stop by eye. The rule here: scores of single rounds are
noisy, so means of `SMOOTHED` in a row count; the lowest mean is the turning point once none has
been lower for `PATIENCE` rounds.
"""

from collections.abc import Sequence

import numpy as np

SMOOTHED = 3
PATIENCE = 8


def smoothed(scores: Sequence[float]) -> np.ndarray:
    """Means of `SMOOTHED` scores in a row; none if there are too few."""
    if len(scores) < SMOOTHED:
        return np.empty(0)
    return np.convolve(scores, np.full(SMOOTHED, 1 / SMOOTHED), "valid")


def turning_point(scores: Sequence[float]) -> int | None:
    """The round at which scores (lower is better) turned, if that is certain by now.

    Returns:
        The middle one of the rounds whose mean is lowest, once at least `PATIENCE` rounds followed
        these; else None.

    Examples:
        >>> turning_point([5, 4, 3, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
        3
    """
    means = smoothed(scores)
    if not len(means):
        return None
    lowest = int(np.argmin(means))
    if len(means) - 1 - lowest < PATIENCE:
        return None
    return lowest + SMOOTHED // 2

"""When colors that get better and worse by chance have turned from better to worse.

The author of NoGAN found the moment to stop by eye. The rule here looks at the same validation
photos after each round. A round's score is `round_score` of the means over these photos; means of
`SMOOTHED` rounds in a row count, since single ones are noisy. The lowest one is the turning point
once it is lower than the mean of the last `PATIENCE` rounds by more than `ERRORS` standard errors
of that difference. The error has two parts. One is that of the choice of photos: both sides see the
same ones, and what makes a photo hard for both cancels out. The other is that of the rounds, whose
scores go up and down together for all photos.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

SMOOTHED = 3
PATIENCE = 8
#: The lowest of some thirty noisy means is low by chance: with 3 one stage in eight would end so.
ERRORS = 3.5


def round_score(auc: ArrayLike, colorfulness: ArrayLike, truth: ArrayLike) -> np.ndarray:
    """What rounds are compared by, lower is better: 1 - AuC, and a share of the color error.

    The losses of two nets that learn against each other choose nothing. AuC alone prefers muted
    colors, colorfulness alone any that are bold: a fifth of it too much or too little counts as
    much as 0.01 of AuC.

    Args:
        auc: means over photos, of any shape.
        colorfulness: of the made colors.
        truth: of the true ones.

    Examples:
        >>> round(float(round_score(0.9, 40.0, 50.0)), 6)
        0.11
    """
    off = np.abs(np.asarray(colorfulness) / np.maximum(truth, 1e-6) - 1.0)
    return 1.0 - np.asarray(auc) + 0.05 * off


def smoothed(scores: Sequence[float] | np.ndarray) -> np.ndarray:
    """Means of `SMOOTHED` scores in a row; none if there are too few."""
    if len(scores) < SMOOTHED:
        return np.empty(0)
    return np.convolve(scores, np.full(SMOOTHED, 1 / SMOOTHED), "valid")


def turning_point(scores: Mapping[str, Sequence[Sequence[float]]]) -> int | None:
    """The round at which the colors turned, counted from 0, if that is certain by now.

    Args:
        scores: of single photos after each round, "auc", "colorfulness" and "truth": lists of
            equally long lists, one for each round.

    Returns:
        The middle one of the rounds whose mean is lowest; None while it is not surely lower than
        the last `PATIENCE` ones, or as long as so many have not followed it.
    """
    kinds = [np.array(scores.get(name, ()), float) for name in ("auc", "colorfulness", "truth")]
    rounds = len(kinds[0])
    if rounds < SMOOTHED + PATIENCE:
        return None
    single = round_score(*(kind.mean(axis=1) for kind in kinds))
    of_rounds = smoothed(single)
    lowest = int(np.argmin(of_rounds))
    if rounds - (lowest + SMOOTHED) < PATIENCE:
        return None
    both = [slice(rounds - PATIENCE, rounds), slice(lowest, lowest + SMOOTHED)]
    late, early = ([kind[part] for kind in kinds] for part in both)
    difference, of_photos = _difference(late, early)
    error = np.hypot(of_photos, _error_of_rounds(single))
    return lowest + SMOOTHED // 2 if difference > ERRORS * error else None


def _error_of_rounds(scores: np.ndarray) -> float:
    """The standard error of a mean of `PATIENCE` scores less one of `SMOOTHED`, by their unrest.

    The variance of a score is that of rounds two apart, between which a slow course changes little.
    It counts twice: rounds resemble their neighbors, and means of them are less certain for it.
    """
    variance = np.mean(np.square(scores[2:] - scores[:-2])) / 2
    return float(np.sqrt(2 * variance * (1 / SMOOTHED + 1 / PATIENCE)))


def _difference(late: Sequence[np.ndarray], early: Sequence[np.ndarray]) -> tuple[float, float]:
    """How much higher the score of some rounds is, and its standard error over the photos.

    The error is the jackknife's (Efron and Tibshirani 1993, chapter 11): what the difference would
    be without each photo in turn. Each argument has (rounds, n) scores of three kinds.
    """
    sides = [[kind.mean(axis=0) for kind in side] for side in (late, early)]
    photos = len(sides[0][0])
    if photos < 2:
        return 0.0, 0.0
    whole = np.subtract(*(round_score(*(kind.mean() for kind in side)) for side in sides))
    without = np.subtract(
        *(round_score(*((kind.sum() - kind) / (photos - 1) for kind in side)) for side in sides)
    )
    spread = np.square(without - without.mean()).sum()
    return float(whole), float(np.sqrt((photos - 1) / photos * spread))

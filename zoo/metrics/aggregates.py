"""From the scores of n photos, (..., n), to one figure, (...).

The last axis is the photos', so that a bootstrap aggregates all its resamples in one call. Every
function takes the photos' weights too, and those without a use for them are given none.
"""

import numpy as np


def mean(scores: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Mean over photos, weighted by (..., n) positive `weights` where there are any."""
    return np.average(scores, axis=-1, weights=weights)


def root_mean_square(scores: np.ndarray, weights: None = None) -> np.ndarray:
    """Square root of the mean squared score: every photo counts the same, whatever its size."""
    return np.sqrt(np.square(scores).mean(axis=-1))


def absolute_mean(scores: np.ndarray, weights: None = None) -> np.ndarray:
    """Absolute value of the mean; of per-photo differences, the distance between the two means."""
    return np.abs(scores.mean(axis=-1))


def mean_of_scored(scores: np.ndarray, weights: None = None) -> np.ndarray:
    """Mean over the photos that have a score: NaN marks those without, and is the mean of none."""
    scored = ~np.isnan(scores)
    counts = scored.sum(axis=-1)
    totals = np.where(scored, scores, 0.0).sum(axis=-1)
    return np.where(counts > 0, totals / np.maximum(counts, 1), np.nan)


def effective_number(weights: np.ndarray) -> float:
    """How many equally weighted photos carry as much as n photos of (n,) positive weights.

    (sum w)^2 / sum w^2, from 1 to n (Kish 1965, Survey Sampling, section 11.7): a weighted mean of
    many photos that few decide is as uncertain as a plain mean of few.

    Examples:
        >>> effective_number(np.array([1.0, 1.0, 1.0, 1.0]))
        4.0
        >>> round(effective_number(np.array([97.0, 1.0, 1.0, 1.0])), 2)
        1.06
    """
    return float(weights.sum() ** 2 / np.square(weights).sum())

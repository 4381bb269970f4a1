"""The formulas of AuC (how near colors are to the true ones) and of colorfulness.

Both are written in what NumPy and `keras.ops` share, and take either as `xp`: metrics compute them
exactly in float64, a training logs them in its graph. No deep-learning framework is imported.
"""

from typing import Any

import numpy as np

#: The greatest ab error that AuC tells apart.
FARTHEST = 150
# Two ways to compute one error may differ by this much; it must not cross a threshold.
_ROUNDING = 1e-9


def auc(errors: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Area under the share of pixels whose ab error is within t, t from 0 to 150: 0 to 1.

    The thresholds are the integers; the area is computed by trapezoids and divided by 150 (Zhang et
    al. 2016, arXiv 1603.08511, section 3.1).

    Args:
        errors: the Euclidean distance of each pixel's ab from the true one, of any shape.
        weights: how much each pixel counts; None counts all the same.
    """
    first_within = np.ceil(errors - _ROUNDING).clip(0, FARTHEST + 1).astype(np.intp).ravel()
    weights = np.ones(first_within.shape) if weights is None else weights.ravel()
    share = np.bincount(first_within, weights, minlength=FARTHEST + 2).cumsum()
    share = share[:-1] / share[-1]
    return float((share.sum() - (share[0] + share[-1]) / 2) / FARTHEST)


def auc_in_the_limit(errors: Any, xp: Any = np, axis: tuple[int, ...] | None = None) -> Any:
    """`auc` for infinitely many thresholds, which has a gradient and needs no counting.

    `axis` has those of the pixels; None for all.
    """
    return 1.0 - xp.mean(xp.minimum(errors, float(FARTHEST)), axis=axis) / FARTHEST


def colorfulness(rgb: Any, xp: Any = np, *, channels: int = -1, epsilon: float = 0.0) -> Any:
    """Colorfulness of each photo, from 0 for gray (Hasler and Suesstrunk 2003, M3).

    The opponent axes keep their sign: some code takes absolute values first, and gets incomparable
    figures, about a sixth lower.

    Args:
        rgb: (..., H, W, 3) floats in [0, 255].
        xp: `numpy` or `keras.ops`.
        channels: -3 for (..., 3, H, W); sums of another layout differ in their last bits.
        epsilon: added under each root, for gradients at 0.

    Returns:
        (...) floats.
    """
    pixels = tuple(axis for axis in (-3, -2, -1) if axis != channels)
    red, green, blue = (xp.take(rgb, channel, axis=channels) for channel in range(3))
    opponents = xp.stack([red - green, (red + green) / 2.0 - blue], axis=channels)
    spread = xp.sum(xp.var(opponents, axis=pixels), axis=-1)
    offset = xp.sum(xp.square(xp.mean(opponents, axis=pixels)), axis=-1)
    return xp.sqrt(spread + epsilon) + 0.3 * xp.sqrt(offset + epsilon)

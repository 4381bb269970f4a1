"""Modes of a distribution over colors: few that are clearly unlike each other stand for all."""

import numpy as np

#: How far apart modes are, in units of ab: at a middle lightness about the difference of a red and
#: an orange, which people call by two names.
APART = 20.0
#: The width of the kernel that finds where the distribution is dense, half the usual step of bins.
_WIDTH = 5.0


def modes(
    probabilities: np.ndarray, colors: np.ndarray, apart: float = APART
) -> list[tuple[int, float]]:
    """Find the colors around which a distribution lies, by non-maximum suppression.

    The densest bin comes first, by a Gaussian kernel; it takes the probability of all bins that are
    less than `apart` away. The densest of the rest is next, until nothing is left.

    Args:
        probabilities: (Q,), at least 0.
        colors: (Q, 2) ab of the bins.
        apart: no two modes are nearer.

    Returns:
        The number of each mode's bin, and the probability that it has taken; the likeliest first.
        The probabilities' sum is that of all bins.

    Examples:
        >>> colors = np.array([[0.0, 0.0], [10.0, 0.0], [40.0, 0.0]])
        >>> modes(np.array([0.5, 0.25, 0.25]), colors)
        [(0, 0.75), (2, 0.25)]
    """
    squares = np.square(colors[:, None].astype(float) - colors[None]).sum(axis=-1)
    near, density = squares < apart**2, np.exp(-squares / (2 * _WIDTH**2)) @ probabilities
    free, found = probabilities > 0, []
    while free.any():
        best = int(np.argmax(np.where(free, density, -1)))
        taken = near[best] & free
        found.append((best, float(probabilities[taken].sum())))
        free &= ~taken
    return sorted(found, key=lambda mode: -mode[1])

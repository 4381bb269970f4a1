"""The 313 bins of Zhang et al. 2016 as points, and smoothing of what is counted in them.

In NumPy alone: metrics weigh colors by a prior, and import no deep-learning framework. What models
need of bins is in `zoo.color.bins`.
"""

import numpy as np

#: The distance of neighboring bins along each axis of the paper's grid.
PAPER_STEP = 10

# For a = -90, -80, ..., 100 the lowest and the highest b, every tenth b between them included. No
# rule about the sRGB gamut gives exactly these.
_LOWEST_A = -90
_RANGES_OF_B = (
    *((50, 90), (20, 90), (0, 90), (-20, 90), (-30, 100), (-40, 100), (-50, 100)),
    *((-50, 100), (-60, 100), (-70, 100), (-80, 90), (-80, 90), (-90, 90), (-100, 90)),
    *((-100, 80), (-110, 80), (-110, 80), (-110, 70), (-110, 70), (-90, 0)),
)


def paper_centers() -> np.ndarray:
    """The (313, 2) float64 ab of the paper's bins, by a and then by b as in its released files.

    Zhang, Isola and Efros 2016, arXiv 1603.08511, section 2.1.

    Examples:
        >>> paper_centers()[[0, -1]].tolist()
        [[-90.0, 50.0], [100.0, 0.0]]
    """
    return np.array(
        [
            (_LOWEST_A + PAPER_STEP * row, b)
            for row, (lowest, highest) in enumerate(_RANGES_OF_B)
            for b in range(lowest, highest + 1, PAPER_STEP)
        ],
        np.float64,
    )


def smooth_prior(prior: np.ndarray, centers: np.ndarray, sigma: float) -> np.ndarray:
    """Spread each bin's share over the bins around it by a Gaussian: (Q,) -> (Q,) float64.

    arXiv 1603.08511, section 2.2, with sigma = 5; `sigma` is in the unit of the (Q, 2) centers.
    """
    centers = centers.astype("float64")
    squares = ((centers[:, None] - centers[None]) ** 2).sum(axis=-1)
    kernel = np.exp(squares / (-2.0 * sigma**2))
    return prior @ (kernel / kernel.sum(axis=1, keepdims=True))

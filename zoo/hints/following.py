"""How a model's colors follow hints: at the marks exactly, and around them along edges."""

import numpy as np

from zoo import preprocessing
from zoo.color.propagation import Propagation
from zoo.hints.marks import Hints
from zoo.hints.placing import placed
from zoo.prediction import SMOOTH

#: Larger photos are solved at a smaller size: a factorization of 2**19 px takes two seconds and
#: 1 GB.
_MOST_PIXELS = 2**19
#: The pull of a strength of 1 on a photo whose short side is 1 px. It falls with the square of the
#: side, so that hints reach equally far at all sizes: where lightness is flat an offset falls to a
#: third within twice the short side, divided by the root of the strength.
_PULL = 0.1
#: How far the offsets of a smaller size are fitted to the edges of the larger one, in px.
_RADIUS = 2


def followed(
    ab: np.ndarray, lightness: np.ndarray, hints: Hints, photo: tuple[int, int], strength: float
) -> np.ndarray:
    """Let a model's colors follow hints.

    What spreads is the difference of the hints to the model's colors, so that the model's own
    detail stays, and far away nothing changes (`zoo.color.propagation`).

    Args:
        ab: (h, w, 2), the model's colors.
        lightness: (h, w) L in [0, 100] of the photo at that size.
        hints: of the photo.
        photo: its height and width.
        strength: of the model's own colors, away from the marks: see `zoo.options.OWN_STRENGTH`.

    Returns:
        (h, w, 2) float32; at marked pixels exactly the hints' ab.

    Raises:
        ZooError: as `zoo.hints.placing.placed`.
    """
    size = ab.shape[:2]
    wanted, marked = placed(hints, size, photo)
    if not marked.any():
        return ab
    fine = lightness[None, ..., None].astype(np.float32)
    shrink = max(1.0, (ab[..., 0].size / _MOST_PIXELS) ** 0.5)
    if shrink == 1.0:
        offsets = _spread(wanted - ab, lightness, marked, strength)
    else:
        small = (max(1, round(size[0] / shrink)), max(1, round(size[1] / shrink)))
        coarse = np.asarray(preprocessing.resample_lightness(fine, small))
        row, column = np.nonzero(marked)
        below = row * small[0] // size[0], column * small[1] // size[1]
        given, there = np.zeros((*small, 2), np.float32), np.zeros(small, bool)
        given[below], there[below] = (wanted - ab)[marked], True
        spread = _spread(given, coarse[0, ..., 0], there, strength)[None]
        guides = (coarse / 100, fine / 100)
        offsets = preprocessing.guided_resize(spread, *guides, _RADIUS, SMOOTH)[0]
    return np.where(marked[..., None], wanted, ab + np.asarray(offsets, np.float32))


def _spread(
    offsets: np.ndarray, lightness: np.ndarray, marked: np.ndarray, strength: float
) -> np.ndarray:
    pull = _PULL * strength / min(marked.shape) ** 2
    return Propagation(lightness / 100, marked, pull).spread(offsets).astype(np.float32)

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


class Follower:
    """The equations of a photo with its hints: solved once, for the colors of any model.

    What spreads is the difference of the hints to the model's colors, so that the model's own
    detail stays, and far away nothing changes (`zoo.color.propagation`).

    Args:
        lightness: (h, w) L in [0, 100] of the photo, at the size of the colors.
        hints: of the photo.
        photo: its height and width.
        strength: of the model's own colors, away from the marks: see `zoo.options.OWN_STRENGTH`.

    Raises:
        ZooError: as `zoo.hints.placing.placed`.
    """

    def __init__(
        self, lightness: np.ndarray, hints: Hints, photo: tuple[int, int], strength: float
    ) -> None:
        size = lightness.shape
        self._wanted, self._marked = placed(hints, size, photo)
        self._fine = lightness[None, ..., None].astype(np.float32)
        shrink = max(1.0, (lightness.size / _MOST_PIXELS) ** 0.5)
        small = (max(1, round(size[0] / shrink)), max(1, round(size[1] / shrink)))
        self._coarse = self._fine
        if small != size:
            self._coarse = np.asarray(preprocessing.resample_lightness(self._fine, small))
        row, column = np.nonzero(self._marked)
        self._below = row * small[0] // size[0], column * small[1] // size[1]
        if self._marked.any():
            there = np.zeros(small, bool)
            there[self._below] = True
            pull = _PULL * strength / min(small) ** 2
            self._equations = Propagation(self._coarse[0, ..., 0] / 100, there, pull)

    def __call__(self, ab: np.ndarray) -> np.ndarray:
        """Let a model's colors follow the hints.

        Args:
            ab: (h, w, 2).

        Returns:
            (h, w, 2) float32; at marked pixels exactly the hints' ab.
        """
        if not self._marked.any():
            return ab
        given = np.zeros((*self._coarse.shape[1:3], 2), np.float32)
        given[self._below] = (self._wanted - ab)[self._marked]
        offsets = self._equations.spread(given).astype(np.float32)
        if offsets.shape != ab.shape:
            guides = (self._coarse / 100, self._fine / 100)
            enlarged = preprocessing.guided_resize(offsets[None], *guides, _RADIUS, SMOOTH)[0]
            offsets = np.asarray(enlarged, np.float32)
        return np.where(self._marked[..., None], self._wanted, ab + offsets)

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


class Drawn:
    """The equations of a photo with pixels whose colors are known, whoever says them.

    What spreads is the difference of these to the model's colors, so that the model's own detail
    stays, and far away nothing changes (`zoo.color.propagation`).

    Args:
        lightness: (h, w) L in [0, 100] of the photo, at the size of the colors.
        wanted: (h, w, C), what is known of the marked pixels; ab, or more.
        marked: (h, w) bool.
        strength: of the model's own colors, away from the marks: see `zoo.options.OWN_STRENGTH`.
    """

    def __init__(
        self, lightness: np.ndarray, wanted: np.ndarray, marked: np.ndarray, strength: float
    ) -> None:
        size = lightness.shape
        self._wanted, self._marked = wanted, marked
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
        """Let a model's colors follow the marked pixels.

        Args:
            ab: (h, w, C).

        Returns:
            (h, w, C) float32; at marked pixels exactly `wanted`, and `ab` itself if none is marked.
        """
        if not self._marked.any():
            return ab
        given = np.zeros((*self._coarse.shape[1:3], ab.shape[-1]), np.float32)
        given[self._below] = (self._wanted - ab)[self._marked]
        offsets = self._equations.spread(given).astype(np.float32)
        if offsets.shape != ab.shape:
            offsets = enlarged(offsets[None], self._coarse, self._fine)[0]
        return np.where(self._marked[..., None], self._wanted, ab + offsets)


class Follower(Drawn):
    """The equations of a photo with its hints: solved once, for the colors of any model.

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
        height, width = lightness.shape
        super().__init__(lightness, *placed(hints, (height, width), photo), strength)


def enlarged(offsets: np.ndarray, coarse: np.ndarray, fine: np.ndarray) -> np.ndarray:
    """Enlarge differences of colors along the edges of lightness.

    Args:
        offsets: (1, h, w, C).
        coarse: (1, h, w, 1) L in [0, 100] at that size.
        fine: (1, H, W, 1), L at the size wanted.

    Returns:
        (1, H, W, C) float32.
    """
    guides = coarse / 100, fine / 100
    found = preprocessing.guided_resize(offsets.astype(np.float32), *guides, _RADIUS, SMOOTH)
    return np.asarray(found, np.float32)

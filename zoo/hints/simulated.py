"""Hints as an input of networks that listen to them, simulated in training from the true photo.

Zhang et al. 2017, "Real-Time User-Guided Image Colorization with Learned Deep Priors" (arXiv
1705.02999), section 3.3, with the numbers of the authors' training code.
"""

from dataclasses import dataclass

import numpy as np
from skimage.color import rgb2lab

from zoo.hints.marks import Hints
from zoo.hints.placing import placed
from zoo.inputs import SimulatedInput
from zoo.networks.blocks import AB_SCALE

#: Of the geometric distribution of the number of points, which begins at 0: 7 on average.
_STOP = 1 / 8
#: The share of photos of which everything is said, so that networks learn to copy.
_TOLD_ALL = 0.01
#: The widest patch that a point covers, in px.
_WIDEST = 9
#: Parts the stream of random numbers from others that have the same seed.
_HINTS = 17


@dataclass(frozen=True)
class HintInput(SimulatedInput):
    """A map of three channels: ab / 110 of what is marked, and a mask that is 1 there, 0 elsewhere.

    In training a photo has points, in number geometric with p = 1/8 from 0 on. A point is a patch
    whose side is uniform from 1 to 9 px, around a normal place with the photo's middle as its mean
    and a quarter of its side as its deviation, moved into the photo; it says the patch's mean ab.
    Of one photo in a hundred everything is said.
    """

    def simulate(self, rgb: np.ndarray, seed: int, numbers: np.ndarray) -> np.ndarray:
        """(n, h, w, 3) float32, a pure function of the photos, their numbers and the seed."""
        told = np.zeros((*rgb.shape[:3], 3), np.float32)
        for photo, number, said in zip(rgb, numbers, told, strict=True):
            _tell(photo, said, np.random.default_rng([seed, _HINTS, int(number)]))
        return told

    def of(self, hints: Hints, size: tuple[int, int], photo: tuple[int, int]) -> np.ndarray:
        """What hints say at the size at which a network sees the photo: (1, *size, 3) float32.

        Raises:
            ZooError: as `zoo.hints.placing.placed`.
        """
        ab, marked = placed(hints, size, photo)
        return np.dstack([ab / AB_SCALE, marked]).astype(np.float32)[None]


#: What such networks declare.
HINTS = HintInput("hints", "map", 3)


def _tell(photo: np.ndarray, said: np.ndarray, generator: np.random.Generator) -> None:
    """Write what is said of a photo, (h, w, 3) uint8, into (h, w, 3) zeros."""
    if generator.random() < _TOLD_ALL:
        said[..., :2], said[..., 2] = rgb2lab(photo)[..., 1:] / AB_SCALE, 1.0
        return
    for _ in range(generator.geometric(_STOP) - 1):
        side = min(int(generator.integers(1, _WIDEST, endpoint=True)), *photo.shape[:2])
        row, column = (_start(length, side, generator) for length in photo.shape[:2])
        patch = slice(row, row + side), slice(column, column + side)
        said[patch][..., :2] = rgb2lab(photo[patch])[..., 1:].mean(axis=(0, 1)) / AB_SCALE
        said[patch][..., 2] = 1.0


def _start(length: int, side: int, generator: np.random.Generator) -> int:
    """Where a patch begins along an axis."""
    free = length - side + 1
    return int(np.clip(generator.normal(free / 2, free / 4), 0, length - side))

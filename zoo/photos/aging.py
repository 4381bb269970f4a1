"""Old photos for training: a share of the photos is degraded, each in its own way.

The loader gives the change of lightness beside the pixels, zero for photos that stay as they are:
what is learned, the photo's colors, follows from the pixels, and only the network's input changes.
Kinds and strengths follow from the seed and the photo's number in the training, so that a resumed
training sees the same photos. On one core a degraded photo of 128 px takes about a millisecond.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from zoo.photos import degrade
from zoo.photos.degrade import Degradation
from zoo.photos.loader import Samples

#: Beside the pixels of a batch: (n, h, w, 1) float32, what is added to L before a network sees it.
CHANGE = "lightness_change"

# The probability of each kind in a photo that is degraded; most have two to four.
_PROBABILITY = 1 / 3

#: From a kind's setting and the range of its strengths.
_Ranges = dict[str, tuple[float, float]]

# In the order in which they befall a photo: lens, film, print, damage, scanner, file.
_KINDS: tuple[tuple[Callable[..., np.ndarray], _Ranges], ...] = (
    (degrade.vignette, {"strength": (0.1, 0.5)}),
    (degrade.blur, {"sigma": (0.4, 1.5)}),
    (degrade.grain, {"strength": (2.0, 8.0), "size": (0.4, 1.0)}),
    (degrade.gamma, {"exponent": (0.7, 1.5)}),
    (degrade.contrast, {"factor": (0.7, 1.4)}),
    (degrade.fade, {"black": (0.0, 25.0), "white": (75.0, 100.0)}),
    (degrade.scratches, {"lines": (0, 4), "specks": (0, 15)}),
    (degrade.sharpen, {"sigma": (0.6, 1.2), "amount": (0.3, 1.2)}),
    (degrade.jpeg, {"quality": (20, 80)}),
)


def draw_kinds(generator: np.random.Generator) -> list[Degradation]:
    """Draw what befalls a photo, at least one thing, in its order.

    Strengths are uniform over their ranges; those whose ends are whole numbers are whole.
    """
    chosen = generator.random(len(_KINDS)) < _PROBABILITY
    if not chosen.any():
        chosen[generator.integers(len(_KINDS))] = True
    drawn = []
    for (function, ranges), wanted in zip(_KINDS, chosen, strict=True):
        if wanted:
            settings = {name: _between(*ends, generator) for name, ends in ranges.items()}
            drawn.append(Degradation(function.__name__, function, settings))
    return drawn


def _between(low: float, high: float, generator: np.random.Generator) -> float:
    if isinstance(low, int) and isinstance(high, int):
        return int(generator.integers(low, high, endpoint=True))
    return float(generator.uniform(low, high))


@dataclass(frozen=True)
class Aging:
    """Rows of a loader: the change of lightness of a training's photos.

    Attributes:
        share: of the photos that are degraded, from 0 to 1.
    """

    share: float

    def __call__(self, samples: Samples) -> np.ndarray:
        """(n, h, w, 1) float32, a pure function of the photos, their numbers and the seed."""
        changes = np.zeros((*samples.rgb.shape[:3], 1), np.float32)
        for rgb, number, change in zip(samples.rgb, samples.numbers, changes, strict=True):
            generator = degrade.generator_of(samples.seed, int(number))
            if generator.random() < self.share:
                lightness = degraded = degrade.lightness_of(rgb)
                for kind in draw_kinds(generator):
                    degraded = kind.of_photo(degraded, generator)
                change[..., 0] = degraded - lightness
        return changes

"""How a model's colors follow what is said of the whole photo: a palette, a mean color, gray.

Zhang et al. 2017 ("Real-Time User-Guided Image Colorization with Learned Deep Priors", arXiv
1705.02999, section 3.2) train a network that sees a histogram of colors and a mean saturation. Here
nothing is trained, so that every model follows: decoded colors are moved and stretched until their
means are what was asked for. Models that predict distributions lean toward it before they decode,
which leaves this less to do (`zoo.models.classification.leaning`).
"""

import numpy as np
from scipy.optimize import brentq

from zoo.errors import ZooError
from zoo.hints.marks import Hints
from zoo.hints.placing import chroma_of

#: Chroma up to which a color counts as gray, and from which on it counts as a color; between them
#: more and more. A photo counts as gray up to the first one in Zhang et al. 2016 (released code).
GRAY_TO, COLOR_FROM = 5.0, 10.0
#: How far colors go toward the palette.
_PULL = 0.5
#: Within how many units of ab colors of the palette share a place.
_WIDTH = 10.0
#: Chroma that cannot be stretched to any other: the model says gray.
_NONE = 1e-3
#: No color needs more, if its model says any color at all.
_MOST_STRETCH = 1000.0


def chroma(ab: np.ndarray) -> np.ndarray:
    """How far colors are from gray: (..., 2) ab -> (...,)."""
    return np.hypot(ab[..., 0], ab[..., 1])


def colorful(ab: np.ndarray) -> np.ndarray:
    """How much of a color each is: (..., 2) -> (...,), 0 up to a chroma of 5, 1 from 10 on."""
    return np.clip((chroma(ab) - GRAY_TO) / (COLOR_FROM - GRAY_TO), 0, 1)


def counted_places(plain: np.ndarray, hints: Hints) -> np.ndarray:
    """How much each place counts in what is said of the whole photo: (..., 2) ab -> (...,).

    All alike, or, where gray stays gray, by how much of a color the model's own answer `plain` is.
    """
    return colorful(plain) if hints.gray_stays_gray else np.ones(plain.shape[:-1], plain.dtype)


def target_of(hints: Hints) -> np.ndarray | None:
    """The mean ab that is asked for, (2,); None where nobody asks."""
    return None if hints.mean_color is None else chroma_of([hints.mean_color])[0]


def toward_palette(ab: np.ndarray, palette: np.ndarray) -> np.ndarray:
    """Move colors half of the way to those of a palette, the nearer ones of it.

    The palette says hues: no color gets farther from gray than it is, so that gray stays gray.

    Args:
        ab: (..., 2).
        palette: (K, 2) ab.
    """
    own, there = chroma(ab)[..., None], chroma(palette)
    paler = palette * (np.minimum(own, there) / np.maximum(there, 1e-6))[..., None]
    distances = np.square(paler - ab[..., None, :]).sum(axis=-1) / (2 * _WIDTH**2)
    shares = np.exp(distances.min(axis=-1, keepdims=True) - distances)
    shares /= shares.sum(axis=-1, keepdims=True)
    return ab + _PULL * ((shares[..., None] * paler).sum(axis=-2) - ab)


def imposed(ab: np.ndarray, plain: np.ndarray, hints: Hints) -> np.ndarray:
    """Give colors the mean and the saturation that are asked for, and let gray stay gray.

    Colors are moved alike and stretched alike around their mean; a saturation alone stretches them
    around gray. Where gray stays gray, means are of what has color.

    Args:
        ab: (..., 2), colors of a photo.
        plain: (..., 2), the model's colors of it if nothing is said.
        hints: of the photo.

    Returns:
        (..., 2) float32.

    Raises:
        ZooError: if there is no color that could be made so saturated, or all is gray and stays so.
    """
    counted = counted_places(plain, hints)
    target = target_of(hints)
    if target is not None or hints.saturation is not None:
        if not counted.any():
            raise ZooError(
                "The model takes all of this photo for gray, which is to stay gray, so that it "
                "cannot have a mean color or saturation; leave out gray_stays_gray."
            )
        weights = counted / counted.sum()
        mean = np.tensordot(weights, ab, weights.ndim)
        # A saturation alone leaves gray where it is.
        middle = np.zeros(2) if target is None else mean
        ab = (middle if target is None else target) + _stretched(
            ab - middle, weights, target, hints.saturation
        )
    return np.asarray(ab * counted[..., None], np.float32)


def _stretched(
    around: np.ndarray, weights: np.ndarray, target: np.ndarray | None, saturation: float | None
) -> np.ndarray:
    """Multiply differences to a middle so that the mean chroma becomes the saturation."""
    if saturation is None:
        return around
    moved = np.zeros(2) if target is None else target

    def excess(factor: float) -> float:
        return float((weights * chroma(moved + factor * around)).sum() - saturation)

    # It never falls with the factor: the differences' mean is 0, or the middle is gray.
    if excess(0.0) >= 0:
        return 0.0 * around
    if chroma(around).max() < _NONE or excess(_MOST_STRETCH) < 0:
        raise ZooError(
            f"The model's colors of this photo are too even for a saturation of {saturation:g}; "
            "leave it out, or give points or another model."
        )
    return brentq(excess, 0.0, _MOST_STRETCH) * around

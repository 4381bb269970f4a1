"""Which colors are likely at a place of a photo, as suggestions of hints.

Zhang et al. 2017 ("Real-Time User-Guided Image Colorization with Learned Deep Priors", arXiv
1705.02999, section 3.2) recommend the modes of the predicted distribution, found by k-means. Here
they are found by non-maximum suppression (`zoo.color.modes`), so that no two look alike and each
has a probability.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops

from zoo.color.modes import modes
from zoo.color.planes import Plane
from zoo.color.spaces import lab_to_rgb_of_lightness, rgb_to_lab, unit_to_uint8
from zoo.errors import ZooError
from zoo.options import Option
from zoo.prediction import Distribution

COUNT = Option(
    "count", default=5, low=1, high=16, meaning="how many colors are suggested", whole=True
)
#: What is less likely is not suggested.
_LEAST = 0.005
#: How far a place's neighborhood reaches, in places of the network's output.
_REACH = 1.5


@dataclass(frozen=True)
class Suggestion:
    """A color that is likely at a place.

    Attributes:
        color: "#rrggbb", at the photo's lightness there, in gamut: it may be the color of a hint.
        ab: a and b of the same, in Lab's units.
        probability: of all colors that it stands for, those less than 20 units of ab away.
    """

    color: str
    ab: tuple[float, float]
    probability: float


def check_place(place: tuple[float, float], height: int, width: int) -> tuple[float, float]:
    """Return x and y, in px of a photo; (0, 0) is the middle of the pixel at the top left.

    Raises:
        ZooError: if they are no finite numbers, or outside of the photo.
    """
    try:
        x, y = (float(one) for one in place)
    except (TypeError, ValueError) as error:
        raise ZooError(f"The place must be (x, y) in px; got {place!r}.") from error
    if not (0 <= x <= width - 1 and 0 <= y <= height - 1):
        raise ZooError(
            f"The place ({x:g}, {y:g}) is outside of the photo, which has {width} x {height} px; x "
            f"may be 0 to {width - 1} and y 0 to {height - 1}."
        )
    return x, y


def suggestions(
    prediction: Distribution, plane: Plane, place: tuple[float, float], photo: tuple[int, int]
) -> list[Suggestion]:
    """Find the likely colors at a place.

    The distribution there is the mean over the network's places within one and a half of it, of
    which nearer ones count more. Colors are told apart as the gamut has them at the mean lightness
    of these places: where a photo is nearly black or white, there are few.

    Args:
        prediction: of one photo.
        plane: of its bins.
        place: x and y in px of the photo.
        photo: its height and width.

    Returns:
        The likeliest first; none that is less likely than 0.5 %.
    """
    shares = prediction.probabilities()[0]
    padded = ops.convert_to_numpy(prediction.lightness)[0]
    steps = [whole // part for whole, part in zip(padded.shape[:2], shares.shape[:2], strict=True)]
    rows, columns = (
        _nearness(position, length, int(seen), step)
        for position, length, seen, step in zip(
            place[::-1], photo, prediction.size, steps, strict=True
        )
    )
    there = np.einsum("i,j,ijq->q", rows, columns, shares[: len(rows), : len(columns)])
    weights = [
        np.repeat(part, step) / step for part, step in zip((rows, columns), steps, strict=True)
    ]
    seen = padded[: len(weights[0]), : len(weights[1]), 0]
    lightness = np.float32(np.einsum("i,j,ij->", *weights, seen))
    rgb, ab = _in_gamut(prediction.bins.centers, plane, lightness)
    return [
        Suggestion("#" + bytes(rgb[best]).hex(), (float(ab[best, 0]), float(ab[best, 1])), share)
        for best, share in modes(there, ab)
        if share >= _LEAST
    ]


def _nearness(position: float, length: int, seen: int, step: int) -> np.ndarray:
    """How much each place of the network's output counts, along a side: (n,), with the sum 1.

    Args:
        position: in px of the photo, whose side has `length` px.
        length: in px.
        seen: px of that side as the network sees it, without padding.
        step: px of a place.
    """
    at = (position + 0.5) * seen / length / step - 0.5
    found = np.maximum(0, _REACH - np.abs(np.arange(math.ceil(seen / step)) - at))
    return found / found.sum()


def _in_gamut(centers: np.ndarray, plane: Plane, lightness: np.float32) -> tuple[Any, np.ndarray]:
    """Bins at a lightness as sRGB has them: (Q, 3) uint8 and (Q, 2) ab."""
    light = np.full((len(centers), 1), lightness)
    lab = np.concatenate([light, np.asarray(plane.to_ab(centers, light))], axis=-1)
    rgb = lab_to_rgb_of_lightness(lab)
    # Rounded, so that bins of a grid stay as far apart as they are; and no -0.
    ab = np.round(np.asarray(rgb_to_lab(rgb))[:, 1:].astype(float), 2) + 0.0
    return np.asarray(unit_to_uint8(rgb)), ab

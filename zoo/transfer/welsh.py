"""Color transfer by luminance and texture: each pixel takes the color of one like it.

Welsh, Ashikhmin and Mueller 2002, "Transferring Color to Greyscale Images" (ACM Transactions on
Graphics 21, 3), section 3: the reference's luminance is shifted and stretched to the mean and the
deviation of the photo's; about 200 of its pixels are drawn from a jittered grid; each pixel of the
photo takes alpha and beta of the one that is nearest, by half the difference in luminance and half
that in the deviation of luminance within 5 x 5 px. Section 3.2 has swatches: pairs of regions that
somebody says belong together. Within a pair colors go over as above, from 50 samples; every other
pixel of the photo then takes the color of the pixel inside of a swatch of the photo whose
5 x 5 px are nearest to its own.

Departures: those pixels are drawn from a jittered grid, too, about 200 a swatch; and ab of each
pixel are those of its new alpha and beta at its own lightness.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zoo.errors import ZooError
from zoo.transfer.reinhard import chroma_of, lalphabeta_to_rgb, rgb_to_lalphabeta, with_chroma
from zoo.transfer.texture import deviation, jittered, neighborhoods

#: Of the reference, of a swatch of it, and of a swatch of the photo.
_SAMPLES, _OF_SWATCH, _SPOKEN = 200, 50, 200

#: x and y of the left upper pixel, width and height, in px.
Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Swatch:
    """A region of the photo, and the region of the reference that it takes its colors from.

    Attributes:
        photo: x, y, width and height in px of the photo.
        reference: the same in px of the reference.
    """

    photo: Box
    reference: Box

    @classmethod
    def parse(cls, text: str) -> "Swatch":
        """Read "X,Y,WIDTH,HEIGHT=X,Y,WIDTH,HEIGHT": the photo's region, then the reference's.

        Examples:
            >>> Swatch.parse("0,10,50,40=5,5,20,20").photo
            (0, 10, 50, 40)

        Raises:
            ZooError: if it is something else, or a region is empty.
        """
        try:
            photo, reference = (_box(part) for part in text.split("="))
        except ValueError as error:
            raise ZooError(
                f"The swatch {text!r} cannot be read; write X,Y,WIDTH,HEIGHT of the photo, =, and "
                "X,Y,WIDTH,HEIGHT of the reference, in whole px."
            ) from error
        return cls(photo, reference)

    def require_within(self, photo: tuple[int, int], reference: tuple[int, int]) -> None:
        """Refuse regions that are not inside of their pictures, of (height, width) px.

        Raises:
            ZooError: naming the region and the picture's size.
        """
        for box, (height, width), name in (
            (self.photo, photo, "photo"),
            (self.reference, reference, "reference"),
        ):
            x, y, across, down = box
            if x + across > width or y + down > height:
                raise ZooError(
                    f"The swatch {','.join(map(str, box))} is not inside of the {name}, which has "
                    f"{width} x {height} px; give x, y, width and height of a part of it."
                )


def _box(text: str) -> Box:
    x, y, width, height = map(int, text.split(","))
    if min(x, y) < 0 or min(width, height) < 1:
        raise ValueError("an empty region")
    return x, y, width, height


class Welsh:
    """Colors each pixel as one of a reference that is like it.

    Args:
        reference: (h, w, 3) uint8 sRGB.
    """

    def __init__(self, reference: np.ndarray) -> None:
        self._reference = rgb_to_lalphabeta(reference / 255)

    def __call__(
        self,
        lightness: np.ndarray,
        ab: np.ndarray,
        swatches: Sequence[tuple[tuple[slice, slice], tuple[slice, slice]]] = (),
    ) -> np.ndarray:
        """Color (h, w) L in [0, 100]: (h, w, 2) float32 ab.

        Args:
            lightness: (h, w).
            ab: (h, w, 2), of a model; not looked at.
            swatches: rows and columns of the photo and of the reference that belong together, at
                the sizes at which they are given here.
        """
        photo = rgb_to_lalphabeta(with_chroma(lightness, np.zeros_like(ab)))
        if swatches:
            color = _from_swatches(photo[..., 0], self._reference, swatches)
        else:
            color = _like_it(photo[..., 0], self._reference, _SAMPLES)
        return chroma_of(lalphabeta_to_rgb(np.concatenate([photo[..., :1], color], axis=-1)))


def _like_it(luminance: np.ndarray, reference: np.ndarray, samples: int) -> np.ndarray:
    """Alpha and beta of the sample of the reference that each pixel is nearest to.

    Args:
        luminance: (h, w), the photo's l.
        reference: (h', w', 3) l-alpha-beta.
        samples: how many are drawn, about.
    """
    from scipy.spatial import cKDTree

    own = reference[..., 0]
    spread = own.std()
    stretch = luminance.std() / spread if spread > 0 else 0.0
    remapped = (own - own.mean()) * stretch + luminance.mean()
    drawn = jittered(own.shape[0], own.shape[1], samples)
    known = np.stack([remapped[drawn], deviation(remapped)[drawn]], axis=-1)
    asked = np.stack([luminance, deviation(luminance)], axis=-1)
    # Halves of both differences order the samples as their sum does.
    _, nearest = cKDTree(known).query(asked.reshape(-1, 2), p=1)
    found: np.ndarray = reference[drawn][nearest.reshape(luminance.shape), 1:]
    return found


def _from_swatches(
    luminance: np.ndarray,
    reference: np.ndarray,
    swatches: Sequence[tuple[tuple[slice, slice], tuple[slice, slice]]],
) -> np.ndarray:
    """Alpha and beta by pairs of regions: inside of them by `_like_it`, elsewhere from there."""
    from scipy.spatial import cKDTree

    around, color = neighborhoods(luminance), np.zeros((*luminance.shape, 2))
    inside = np.zeros(luminance.shape, bool)
    spoken, colors = [], []
    for here, there in swatches:
        color[here] = _like_it(luminance[here], reference[there], _OF_SWATCH)
        inside[here] = True
        height, width = luminance[here].shape
        drawn = jittered(height, width, _SPOKEN)
        spoken.append(around[here][drawn])
        colors.append(color[here][drawn])
    _, nearest = cKDTree(np.concatenate(spoken)).query(around[~inside])
    color[~inside] = np.concatenate(colors)[nearest]
    return color

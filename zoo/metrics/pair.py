"""What a metric sees: a photo with its colorization, and how frequent the photos' colors are."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import skimage  # loads its submodules on first use, so that importing the metrics stays quick

from zoo.errors import ZooError

BIN_STEP = 10
# sRGB's a and b stay within 110 of zero, so that 23 x 23 bins hold every color.
_REACH = 11
_BINS_PER_AXIS = 2 * _REACH + 1


def rgb_to_lab(rgb: np.ndarray) -> np.ndarray:
    """Convert (..., 3) uint8 sRGB to (..., 3) float64 CIE Lab (D65), L in [0, 100]."""
    return skimage.color.rgb2lab(rgb)


class ColorStatistics:
    """How often each ab color occurs in a set of photos, counted photo by photo.

    A color is a bin of the ab plane: the nearest point of the grid of step 10, as in Zhang et al.
    2016 (arXiv 1603.08511, section 2.1). `counts` holds the pixels of each bin.
    """

    def __init__(self) -> None:
        self.counts = np.zeros(_BINS_PER_AXIS**2, np.int64)

    def add(self, ab: np.ndarray) -> None:
        """Count the pixels of one more photo, (..., 2) ab."""
        self.counts += np.bincount(_bin_of(ab).ravel(), minlength=self.counts.size)

    def pixel_weights(self, ab: np.ndarray) -> np.ndarray:
        """Return 1/p for each pixel of (..., 2) ab, p the share of all counted pixels in its bin.

        Over the counted photos, the weights of every occupied bin add up to the same total: a
        weighted mean over their pixels is a mean over colors.
        """
        counts = self.counts[_bin_of(ab)]
        if not counts.all():
            raise ZooError(
                "A photo has colors that the color statistics never saw; add() all photos first."
            )
        return self.counts.sum() / counts


def _bin_of(ab: np.ndarray) -> np.ndarray:
    """Number the bin of each pixel: (..., 2) ab -> (...) integers."""
    cells = np.rint(ab / BIN_STEP).astype(np.intp) + _REACH
    return cells[..., 0] * _BINS_PER_AXIS + cells[..., 1]


@dataclass(frozen=True, eq=False)
class Pair:
    """A true photo and its colorization; what several metrics need is computed once, on demand.

    Attributes:
        truth: (H, W, 3) uint8 RGB.
        prediction: (H, W, 3) uint8 RGB.
        colors: the statistics of all evaluated photos; None counts this photo alone.
    """

    truth: np.ndarray
    prediction: np.ndarray
    colors: ColorStatistics | None = None

    def __post_init__(self) -> None:
        kinds = [f"{photo.dtype} {photo.shape}" for photo in (self.truth, self.prediction)]
        shape = self.truth.shape
        valid = len(shape) == 3 and shape[2] == 3 and 0 not in shape
        if kinds[0] != kinds[1] or self.truth.dtype != np.uint8 or not valid:
            raise ZooError(
                "A metric compares two uint8 photos of one (H, W, 3) shape; "
                f"got a truth {kinds[0]} and a prediction {kinds[1]}."
            )

    def in_other_colors(self, prediction: np.ndarray) -> "Pair":
        """Pair the truth with another prediction; what is known of the truth stays known."""
        other, known = replace(self, prediction=prediction), vars(self)
        of_truth = known.keys() & {"truth_lab", "pixel_weights"}
        vars(other).update({name: known[name] for name in of_truth})
        return other

    @cached_property
    def truth_lab(self) -> np.ndarray:
        return rgb_to_lab(self.truth)

    @cached_property
    def prediction_lab(self) -> np.ndarray:
        return rgb_to_lab(self.prediction)

    @cached_property
    def squared_ab_error(self) -> np.ndarray:
        """The squared distance of each pixel's predicted ab from its true ab, (H, W) float64."""
        return np.square((self.prediction_lab - self.truth_lab)[..., 1:]).sum(-1)

    @cached_property
    def ciede2000(self) -> np.ndarray:
        """The CIEDE2000 color difference of each pixel, (H, W) float64."""
        return skimage.color.deltaE_ciede2000(self.truth_lab, self.prediction_lab)

    @cached_property
    def pixel_weights(self) -> np.ndarray:
        """The rarity 1/p of each pixel's true color, (H, W) float64."""
        ab = self.truth_lab[..., 1:]
        colors = self.colors
        if colors is None:
            colors = ColorStatistics()
            colors.add(ab)
        return colors.pixel_weights(ab)

"""What a metric sees: a photo with its colorization."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import skimage  # loads its submodules on first use, so that importing the metrics stays quick

from zoo.color import scores as color
from zoo.errors import ZooError
from zoo.metrics.prior import color_prior


def rgb_to_lab(rgb: np.ndarray) -> np.ndarray:
    """Convert (..., 3) uint8 sRGB to (..., 3) float64 CIE Lab (D65), L in [0, 100]."""
    return skimage.color.rgb2lab(rgb)


@dataclass(frozen=True, eq=False)
class Pair:
    """A true photo and its colorization; what several metrics need is computed once, on demand.

    Attributes:
        truth: (H, W, 3) uint8 RGB.
        prediction: (H, W, 3) uint8 RGB.
    """

    truth: np.ndarray
    prediction: np.ndarray

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
        of_truth = known.keys() & {"truth_lab", "truth_colorfulness", "pixel_weights"}
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
        """How rare each pixel's true color is in photos, (H, W) float64: see `ColorPrior`."""
        return color_prior().pixel_weights(self.truth_lab[..., 1:])

    @cached_property
    def truth_colorfulness(self) -> float:
        return _colorfulness(self.truth)

    @cached_property
    def prediction_colorfulness(self) -> float:
        return _colorfulness(self.prediction)


def _colorfulness(rgb: np.ndarray) -> float:
    # Channels first: each opponent axis is summed in one go, which is faster.
    return float(color.colorfulness(np.moveaxis(rgb.astype(np.float64), -1, 0), channels=-3))

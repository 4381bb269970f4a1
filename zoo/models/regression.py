"""Regression of ab from L: the approach that all others are compared with.

`paper` is the L2 row of Zhang, Isola and Efros 2016 ("Colorful Image Colorization", arXiv
1603.08511, equation 1): their network with two output channels instead of 313, so that the loss
alone differs from their classification. `compact` has an encoder that learned on ImageNet and
trains on two processor cores; `scratch` is a U-Net from random weights. A squared error averages
over all plausible colors of an object, so photos come out muted: that is the approach, not a bug.
Two choices beside it: `error="huber"`, that of Zhang et al. 2017 ("Real-Time User-Guided Image
Colorization", arXiv 1705.02999), which a few large errors move less; and `gradient_weight`, which
makes color that leaks over an edge cost extra.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from keras import ops

from zoo.color.spaces import Tensor, rgb_to_lab
from zoo.colorizer import Departure, Preset
from zoo.errors import valid_choice
from zoo.models.gradient import (
    PRETRAINED,
    ZHANG_2016,
    ZHANG_2016_DEPARTURES,
    GradientColorizer,
    NetworkConfig,
)
from zoo.networks.blocks import average_to_size
from zoo.training.config import check_fields

#: Where the Huber error turns from a square into an absolute value, in Lab units of ab: the delta
#: of Zhang et al. 2017, whose training code has it as 1 / 110 of ab / 110.
HUBER_WIDTH = 1.0


@dataclass(frozen=True)
class RegressionConfig(NetworkConfig):
    """The network, the error of its colors, and its training.

    Attributes:
        error: of scaled ab: "squared", or "huber", which is absolute beyond 1 Lab unit.
        gradient_weight: of the mean absolute error of the ab gradient, against color bleeding.
    """

    error: str = "squared"
    gradient_weight: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        valid_choice("error", self.error, ("squared", "huber"))
        check_fields(self, lambda value: value >= 0, "at least 0", "gradient_weight")


class RegressionColorizer(GradientColorizer):
    """A GradientColorizer whose network learns ab by its error alone."""

    def color_loss(self, rgb: Tensor, output: Tensor) -> Tensor:
        """The configured error of scaled ab, at the output's size.

        Args:
            rgb: (N, H, W, 3) uint8 photos.
            output: (N, h, w, 2) made ab, divided by `ab_scale`.
        """
        truth = average_to_size(rgb_to_lab(rgb)[..., 1:], output)
        error = ops.cast(output, "float32") - truth / self.ab_scale
        if self.config.error == "huber":
            loss = huber(error, HUBER_WIDTH / self.ab_scale)
        else:
            loss = ops.mean(ops.square(error))
        weight = self.config.gradient_weight
        return loss + weight * gradient_error(error) if weight else loss


def huber(error: Tensor, width: float) -> Tensor:
    """Mean Huber error divided by `width`, so that it is about the mean absolute error.

    Zhang et al. 2017, equation 2: e^2 / 2 where |e| < delta, delta (|e| - delta / 2) beyond.
    """
    size = ops.abs(error)
    return ops.mean(ops.where(size < width, ops.square(error) / (2 * width), size - width / 2))


def gradient_error(error: Tensor) -> Tensor:
    """Mean absolute gradient of an error of color, (N, h, w, 2): down plus across.

    The gradient of an error is the error of the gradient. The term that Eigen and Fergus 2015
    (arXiv 1411.4734, equation 1) add for depth, by forward differences, absolute in place of
    squared: a true edge of colors is then worth keeping sharp.
    """
    down, across = error[:, 1:] - error[:, :-1], error[:, :, 1:] - error[:, :, :-1]
    return ops.mean(ops.abs(down)) + ops.mean(ops.abs(across))


class MSERegression(RegressionColorizer):
    """L in, ab out."""

    PRESETS: ClassVar = {
        "compact": Preset(
            RegressionConfig(**PRETRAINED),
            "ours: an encoder of ImageNet and a light decoder, which train on two processor cores",
        ),
        "paper": Preset(
            RegressionConfig(**ZHANG_2016),
            "Zhang et al. 2016, arXiv 1603.08511, figure 2, with the L2 loss of equation 1",
            (
                *ZHANG_2016_DEPARTURES,
                Departure(
                    "the loss is half the sum of the squared errors of ab",
                    "the mean squared error of ab / 110",
                    "numbers near 1; the loss is the same but for a factor",
                ),
            ),
        ),
        "scratch": Preset(
            RegressionConfig(),
            "ours: as `compact` without a pretrained encoder, a U-Net of 4.4 million parameters",
        ),
        "tiny": Preset(
            RegressionConfig(width=4, depth=2, train_size=32, batch_size=4), "ours: for tests"
        ),
    }

    def loss(self, batch: Mapping[str, Tensor], output: Tensor) -> Tensor:
        return self.color_loss(batch["rgb"], output)

"""Classification over quantized chroma with class rebalancing: "Colorful Image Colorization".

Zhang, Isola and Efros 2016 (arXiv 1603.08511): each place gets a distribution over 313 bins of ab;
rare colors count more in the loss (section 2.2); the annealed mean of the distribution is the color
(section 2.3). A squared error would answer with the average of all plausible colors, which is gray;
a distribution keeps them apart.

`paper` is the network of figure 2 with the training of section 3.1. `compact` is the same method on
an encoder that learned on ImageNet, and trains on two processor cores; `scratch` is it on a U-Net
from random weights.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from keras import ops

from zoo.color.bins import Bins, ab_bins, measure_prior
from zoo.color.planes import AB
from zoo.color.prior import smooth_prior
from zoo.color.spaces import Tensor
from zoo.colorizer import Departure, Preset
from zoo.errors import ZooError
from zoo.models.classification.base import ClassificationColorizer, ClassificationConfig
from zoo.models.gradient import PRETRAINED, ZHANG_2016, ZHANG_2016_DEPARTURES, NetworkConfig
from zoo.training.config import check_fields

#: A photo without any |a| or |b| above this does not count in the loss (the released code).
_NEARLY_GRAY = 5.0


@dataclass(frozen=True)
class ZhangConfig(NetworkConfig, ClassificationConfig):
    """The network, its bins and its training.

    Attributes:
        grid: distance of the bins in ab, from 2 to 50; 10 gives the paper's 313.
        prior: how frequent each bin of `zoo.color.bins.ab_bins` is, with the sum 1, for the
            rebalancing; if empty, that of the training photos.
    """

    grid: float = 10.0
    prior: tuple[float, ...] = ()
    width: int = 64
    output_stride: int = 4
    scale: str = "zhang"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_fields(self, lambda value: 2 <= value <= 50, "from 2 to 50", "grid")
        if self.prior:
            _check_prior(np.array(self.prior), len(ab_bins(self.grid)))


def _check_prior(prior: np.ndarray, bins: int) -> None:
    if len(prior) != bins or not (prior >= 0).all() or not 0.99 < prior.sum() < 1.01:
        raise ZooError(
            f"prior must be {bins} numbers, one a bin in the order of zoo.color.bins.ab_bins, at "
            f"least 0 and with the sum 1; got {len(prior)} with the sum {prior.sum():g}."
        )


class Zhang(ClassificationColorizer):
    """L in, a distribution over bins of ab out."""

    plane: ClassVar = AB
    PRESETS: ClassVar = {
        "compact": Preset(
            ZhangConfig(**PRETRAINED, uniform_share=0.9),
            "ours: the method of Zhang et al. 2016 on an encoder of ImageNet, that trains on two "
            "processor cores",
        ),
        "paper": Preset(
            ZhangConfig(**ZHANG_2016),
            "Zhang et al. 2016, arXiv 1603.08511, figure 2 and section 3.1",
            (
                *ZHANG_2016_DEPARTURES,
                Departure(
                    "the prior is that of ImageNet",
                    "of the training photos, unless `prior` is given",
                    "other photos have other colors",
                ),
                Departure(
                    "every photo counts",
                    "one whose a and b are all within 5 does not",
                    "the released code does so",
                ),
            ),
        ),
        "scratch": Preset(
            # With the paper's lambda of 0.5 a network this small paints so boldly that its plain
            # AuC falls below gray's. On 300 validation photos, at a temperature of 0.65: 0.887 and
            # 86 % of the truth's colorfulness with a lambda of 0.65, 0.897 and 68 % with 0.85, and
            # gray has 0.885. 0.75 is vivid enough and clearly better than gray.
            ZhangConfig(uniform_share=0.75),
            "ours: as `compact` without a pretrained encoder, a U-Net of 7.8 million parameters",
        ),
        "tiny": Preset(
            ZhangConfig(width=4, depth=2, output_stride=2, train_size=32, batch_size=4),
            "ours: for tests",
        ),
    }

    @staticmethod
    def initial_bins(config: Any) -> Bins:
        return ab_bins(config.grid)

    def prior(self, batches: Iterator[Tensor]) -> np.ndarray:
        """The configuration's prior or the photos' own, smoothed (section 2.2)."""
        if self.config.loss == "plain":
            return np.full(len(self.bins), 1 / len(self.bins))
        prior = np.array(self.config.prior)
        if not len(prior):
            prior = measure_prior(batches, self.bins)
        return smooth_prior(prior / prior.sum(), self.bins.centers, self.config.sigma)

    def photo_weight(self, chroma: Tensor) -> Tensor:
        """0 for photos that are nearly gray, 1 for the others."""
        return ops.cast(ops.max(ops.abs(chroma), axis=(1, 2, 3)) > _NEARLY_GRAY, "float32")

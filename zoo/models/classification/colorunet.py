"""ColorUNet: a small U-Net that classifies over the most frequent bins of UV.

Billaut, de Rochemonteix and Thibault 2018 ("ColorUNet: A convolutional classification approach to
colorization", arXiv 1811.03120): the 32 most frequent of 10 x 10 bins of UV, and a network of 0.14
million parameters. A color outside the kept bins goes to the nearest.

`paper` is that network. `compact` is the same method on an encoder that learned on ImageNet,
`scratch` on a U-Net that is big enough to be good.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from keras import ops

from zoo.color.bins import Bins, NearestBins, measure_prior, most_frequent, uv_bins
from zoo.color.planes import UV
from zoo.color.spaces import Tensor
from zoo.colorizer import Departure, Preset
from zoo.models.classification.base import ClassificationColorizer, ClassificationConfig
from zoo.models.gradient import PRETRAINED, NetworkConfig
from zoo.training.config import check_fields


@dataclass(frozen=True)
class ColorUNetConfig(NetworkConfig, ClassificationConfig):
    """The network, its bins and its training.

    Attributes:
        cells: on each side of the UV plane, from 2 to 50.
        kept: how many of the cells x cells bins, the most frequent ones, are colors to choose from.
    """

    uniform_share: float = 0.2
    neighbors: int = 1
    sigma: float = 0.05
    cells: int = 10
    kept: int = 32
    width: int = 64
    output_stride: int = 4
    scale: str = "luma"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_fields(self, lambda value: 2 <= value <= 50, "from 2 to 50", "cells")
        check_fields(self, lambda v: 2 <= v <= self.cells**2, "from 2 to cells x cells", "kept")


class ColorUNet(ClassificationColorizer):
    """Y in, a distribution over bins of UV out."""

    plane: ClassVar = UV
    PRESETS: ClassVar = {
        "compact": Preset(
            ColorUNetConfig(**PRETRAINED, cells=11, uniform_share=0.65),
            "ours: the method of Billaut et al. 2018 on an encoder of ImageNet, that trains on two "
            "processor cores",
        ),
        "paper": Preset(
            ColorUNetConfig(architecture="colorunet"),
            "Billaut et al. 2018, arXiv 1811.03120; training rate and batch are ours",
            (
                Departure(
                    "sees the Y of the color photo",
                    "the gray value of its L, in training, too",
                    "a black-and-white photo has no other; true UV comes out within 0.5 CIEDE2000 "
                    "on average",
                ),
                Departure(
                    "the side of the transposed convolutions is not given",
                    "3 px",
                    "makes the stated 0.14 million parameters",
                ),
                Departure(
                    "the training is not described in full",
                    "Adam, 1e-3 on a cosine, 16 squares of 96 px at a time",
                    "as in `scratch`",
                ),
            ),
        ),
        "scratch": Preset(
            # An odd number of cells has one at gray, without which gray things get a tint; and on
            # few photos the paper's weights make rare colors out of common ones.
            ColorUNetConfig(cells=11, uniform_share=0.65),
            "ours: as `compact` without a pretrained encoder, a U-Net of 7.8 million parameters",
        ),
        "tiny": Preset(
            ColorUNetConfig(width=4, depth=2, output_stride=2, train_size=32, batch_size=4),
            "ours: for tests",
        ),
    }

    @staticmethod
    def initial_bins(config: Any) -> Bins:
        """The bins around gray, as many as will be kept, until training chooses them."""
        grid = uv_bins(config.cells)
        return grid.keep(most_frequent(-np.linalg.norm(grid.centers, axis=1), config.kept))

    def prior(self, batches: Iterator[Tensor]) -> np.ndarray:
        """Choose the bins, unless an earlier training did, and count how frequent they are."""
        grid = uv_bins(self.config.cells)
        counted = measure_prior(batches, grid)
        if not self.fitted:
            self.set_bins(grid.keep(most_frequent(counted, self.config.kept)))
        if self.config.loss == "plain":
            return np.full(len(self.bins), 1 / len(self.bins))
        # The colors of a bin that was not kept are counted where its center goes.
        kept = ops.convert_to_numpy(NearestBins(self.bins, 1)(grid.centers)[0])[:, 0]
        return np.bincount(kept, counted, minlength=len(self.bins))

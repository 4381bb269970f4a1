"""ColorUNet: a small U-Net that classifies over the most frequent bins of UV.

Billaut, de Rochemonteix and Thibault 2018 ("ColorUNet: A convolutional classification approach to
colorization", arXiv 1811.03120): YUV instead of Lab, the 32 most frequent of 10 x 10 bins instead
of 313, and a network of 0.14 million parameters. A color outside the kept bins goes to the nearest.

`paper` is that network, transposed convolutions of 3 x 3 included, which give the stated number of
parameters; the training is ours, as the paper's is not told in full. `compact` is the same method
on a network that is big enough to be good.

Departure: the network sees the gray photo's own value as Y, in training too, as a black-and-white
photo has no other. The luma of a colored pixel is a little off it: true UV comes out within 0.5
CIEDE2000 on average.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import keras
import numpy as np
from keras import layers, ops

from zoo.color.bins import Bins, NearestBins, measure_prior, most_frequent, uv_bins
from zoo.color.planes import UV
from zoo.color.spaces import Tensor, lightness_to_gray
from zoo.colorizer import Preset
from zoo.errors import valid_choice
from zoo.models.classification.base import ClassificationColorizer, ClassificationConfig
from zoo.networks.blocks import HEAD, batch_norm, conv, unet, up_conv
from zoo.training.config import check_fields


@dataclass(frozen=True)
class ColorUNetConfig(ClassificationConfig):
    """The network, its bins and its training.

    Attributes:
        cells: on each side of the UV plane, from 2 to 50.
        kept: how many of the cells x cells bins, the most frequent ones, are colors to choose from.
        architecture: "colorunet", the paper's, or "unet".
        width: channels of the U-Net's first block.
        depth: levels of the U-Net.
        output_stride: the U-Net's output is this many times smaller than its input: 1, 2 or 4.

    Raises:
        ZooError: if a number makes no network or no bins.
    """

    uniform_share: float = 0.2
    neighbors: int = 1
    sigma: float = 0.05
    cells: int = 10
    kept: int = 32
    architecture: str = "unet"
    width: int = 64
    depth: int = 4
    output_stride: int = 4

    def __post_init__(self) -> None:
        """Refuse numbers that make no network or no bins."""
        super().__post_init__()
        valid_choice("architecture", self.architecture, ("colorunet", "unet"))
        check_fields(self, lambda value: value >= 1, "at least 1", "width", "depth")
        check_fields(self, lambda value: value in (1, 2, 4), "1, 2 or 4", "output_stride")
        check_fields(self, lambda value: 2 <= value <= 50, "from 2 to 50", "cells")
        check_fields(self, lambda v: 2 <= v <= self.cells**2, "from 2 to cells x cells", "kept")


class ColorUNet(ClassificationColorizer):
    """Y in, a distribution over bins of UV out."""

    plane: ClassVar = UV
    PRESETS: ClassVar = {
        "compact": Preset(
            # An odd number of cells has one at gray, without which gray things get a tint; and on
            # few photos the paper's weights make rare colors out of common ones.
            ColorUNetConfig(cells=11, uniform_share=0.65),
            "ours: the method of Billaut et al. 2018 on a U-Net of 7.8 million parameters",
        ),
        "paper": Preset(
            ColorUNetConfig(architecture="colorunet"),
            "Billaut et al. 2018, arXiv 1811.03120; training rate and batch are ours",
        ),
        "tiny": Preset(
            ColorUNetConfig(width=4, depth=2, output_stride=2, train_size=32, batch_size=4),
            "ours: for tests",
        ),
    }

    @staticmethod
    def initial_bins(config: Any) -> Bins:
        """As many bins as will be kept, those around gray, until training chooses them."""
        grid = uv_bins(config.cells)
        return grid.keep(most_frequent(-np.linalg.norm(grid.centers, axis=1), config.kept))

    def build_colorizer(self) -> keras.Model:
        """The network (N, H, W, 1) -> (N, h, w, Q) logits."""
        config = self.config
        if config.architecture == "colorunet":
            return colorunet(config.kept, self.seed)
        return unet(config.width, config.depth, config.kept, config.output_stride, self.seed)

    @property
    def stride(self) -> int:
        """Sides of the network's input must be multiples of this."""
        if self.config.architecture == "colorunet":
            return 8
        return self.config.output_stride * 2 ** (self.config.depth - 1)

    @property
    def output_stride(self) -> int:
        """By how much the network's output is smaller than its input."""
        return 1 if self.config.architecture == "colorunet" else self.config.output_stride

    def scale_lightness(self, lightness: Tensor) -> Tensor:
        """The gray value as Y, centered: in [-1, 1]."""
        return lightness_to_gray(lightness)[..., :1] * 2.0 - 1.0

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


def colorunet(channels: int, seed: int) -> keras.Model:
    """The network of arXiv 1811.03120, figure 2: 0.14 million parameters with 32 bins.

    Args:
        channels: of the output: one a bin.
        seed: decides the initial weights.

    Returns:
        A functional model {"lightness": (N, H, W, 1)} -> (N, H, W, channels); H and W multiples
        of 8.
    """
    inputs = keras.Input((None, None, 1), name="lightness")
    x, skips = inputs, []
    for level, width in enumerate((16, 32, 64), start=1):
        x = _two_convs(x, width, f"down{level}", seed)
        x = layers.MaxPooling2D(2, name=f"down{level}_pool", dtype="float32")(x)
        x = batch_norm(x, f"down{level}_norm")
        skips.append(x)
    for level, width in ((2, 32), (1, 16)):
        x = up_conv(x, width, f"up{level}_grow", seed, kernel=3)
        x = _two_convs(x, 32, f"up{level}", seed)
        x = batch_norm(x, f"up{level}_norm")
        x = layers.Concatenate(name=f"up{level}_join", dtype="float32")([skips[level - 1], x])
    x = up_conv(x, 16, "up0_grow", seed, kernel=3)
    x = conv(x, 16, "up0_conv", seed)
    outputs = conv(x, channels, HEAD, seed, kernel=1, activation=None)
    return keras.Model({"lightness": inputs}, outputs, name="colorunet")


def _two_convs(x: Tensor, filters: int, name: str, seed: int) -> Tensor:
    for index in (1, 2):
        x = conv(x, filters, f"{name}_conv{index}", seed)
    return x

"""Regression of ab from L with a squared error: the approach that every other one is compared with.

`paper` is the L2 row of Zhang, Isola and Efros 2016 ("Colorful Image Colorization", arXiv
1603.08511, equation 1): their network, its last layer two channels wide instead of
313, so that the loss alone differs from their classification. `compact` is a U-Net that trains on
two processor cores. The squared error averages over all plausible colors of an object, so its
photos come out muted: that is the approach, not a bug.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import keras
from keras import ops

from zoo.color.spaces import Tensor, rgb_to_lab
from zoo.colorizer import Preset
from zoo.errors import valid_choice
from zoo.models.gradient import GradientColorizer
from zoo.networks.blocks import AB_SCALE, average_to_size, unet, zhang_network
from zoo.training.config import TrainingConfig, check_fields


@dataclass(frozen=True)
class MSERegressionConfig(TrainingConfig):
    """The network and its training.

    Attributes:
        architecture: "unet" or "zhang".
        width: channels of its first block.
        depth: levels of the U-Net; Zhang's network has 8 blocks.
        output_stride: the U-Net's output is this many times smaller than its input: 1, 2 or 4;
            Zhang's network has 4.

    Raises:
        ZooError: if a number makes no network.
    """

    architecture: str = "unet"
    width: int = 48
    depth: int = 4
    output_stride: int = 2

    def __post_init__(self) -> None:
        """Refuse numbers that make no network."""
        super().__post_init__()
        valid_choice("architecture", self.architecture, ("unet", "zhang"))
        check_fields(self, lambda value: value >= 1, "at least 1", "width", "depth")
        check_fields(self, lambda value: value in (1, 2, 4), "1, 2 or 4", "output_stride")


class MSERegression(GradientColorizer):
    """L in, ab out, squared error."""

    PRESETS: ClassVar = {
        "compact": Preset(
            MSERegressionConfig(),
            "ours: a U-Net of 4.4 million parameters that trains on two processor cores",
        ),
        "paper": Preset(
            MSERegressionConfig(
                architecture="zhang",
                width=64,
                train_size=176,
                batch_size=40,
                learning_rate=3e-5,
                schedule="zhang",
                beta_2=0.99,
                weight_decay=1e-3,
            ),
            "Zhang et al. 2016, arXiv 1603.08511, figure 2, with the L2 loss of equation 1",
        ),
        "tiny": Preset(
            MSERegressionConfig(width=4, depth=2, train_size=32, batch_size=4),
            "ours: for tests",
        ),
    }

    def build_networks(self) -> dict[str, keras.Model]:
        """The colorizing network alone."""
        config = self.config
        if config.architecture == "zhang":
            network = zhang_network(2, config.width, config.weight_decay, self.seed)
        else:
            network = unet(config.width, config.depth, 2, config.output_stride, self.seed)
        return {"colorizer": network}

    @property
    def stride(self) -> int:
        """Sides of the network's input must be multiples of this."""
        if self.config.architecture == "zhang":
            return 8
        return self.config.output_stride * 2 ** (self.config.depth - 1)

    def scale_lightness(self, lightness: Tensor) -> Tensor:
        """L as the network sees it: Zhang's scale, or [-1, 1] for the U-Net."""
        if self.config.architecture == "zhang":
            return (lightness - 50.0) / 100.0
        return lightness / 50.0 - 1.0

    def loss(self, batch: Mapping[str, Tensor], output: Tensor) -> Tensor:
        """Mean squared error of ab / 110 against the truth averaged down to the output's size."""
        truth = average_to_size(rgb_to_lab(batch["rgb"])[..., 1:], output)
        return ops.mean(ops.square(ops.cast(output, "float32") - truth / AB_SCALE))

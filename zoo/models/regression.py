"""Regression of ab from L with a squared error: the approach that all others are compared with.

`paper` is the L2 row of Zhang, Isola and Efros 2016 ("Colorful Image Colorization", arXiv
1603.08511, equation 1): their network with two output channels instead of 313, so that the loss
alone differs from their classification. `compact` is a U-Net that trains on two processor cores.
A squared error averages over all plausible colors of an object, so photos come out muted: that is
the approach, not a bug.
"""

from collections.abc import Mapping
from typing import ClassVar

from keras import ops

from zoo.color.spaces import Tensor, rgb_to_lab
from zoo.colorizer import Preset
from zoo.models.gradient import ZHANG_2016, GradientColorizer, NetworkConfig
from zoo.networks.blocks import average_to_size


class MSERegression(GradientColorizer):
    """L in, ab out, squared error."""

    PRESETS: ClassVar = {
        "compact": Preset(
            NetworkConfig(),
            "ours: a U-Net of 4.4 million parameters that trains on two processor cores",
        ),
        "paper": Preset(
            NetworkConfig(**ZHANG_2016),
            "Zhang et al. 2016, arXiv 1603.08511, figure 2, with the L2 loss of equation 1",
        ),
        "tiny": Preset(
            NetworkConfig(width=4, depth=2, train_size=32, batch_size=4), "ours: for tests"
        ),
    }

    def loss(self, batch: Mapping[str, Tensor], output: Tensor) -> Tensor:
        truth = average_to_size(rgb_to_lab(batch["rgb"])[..., 1:], output)
        return ops.mean(ops.square(ops.cast(output, "float32") - truth / self.ab_scale))

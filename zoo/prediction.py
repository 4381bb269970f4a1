"""Prediction: the output of a network for photos, before it becomes color.

It is ab or a distribution over bins, of the size of the network's output. Options that only change
how it becomes color (a temperature, a saturation) need no network.
"""

from dataclasses import dataclass

import numpy as np
from keras import ops

from zoo import preprocessing
from zoo.color.bins import Bins, entropy
from zoo.color.spaces import Tensor

#: Height and width.
Size = tuple[preprocessing.Length, preprocessing.Length]


@dataclass(frozen=True, eq=False)
class Prediction:
    """The output of a network for photos.

    Attributes:
        lightness: (N, H', W', 1) L in [0, 100] as the network saw it, padded at the bottom and
            right to a multiple of its stride.
        size: (H, W), of the photos' L without the padding.
    """

    lightness: Tensor
    size: Size

    def enlarged(self, x: Tensor) -> Tensor:
        """(N, h, w, C) of the output's size -> (N, H, W, C)."""
        height, width = self.size
        padded = ops.shape(self.lightness)[1:3]
        return preprocessing.resize(x, padded)[:, :height, :width]


@dataclass(frozen=True, eq=False)
class Chroma(Prediction):
    """One color per place.

    Attributes:
        ab: (N, h, w, 2), in Lab's units; H' and W' are multiples of h and w.
    """

    ab: Tensor


@dataclass(frozen=True, eq=False)
class Distribution(Prediction):
    """A distribution over bins of chroma at each place.

    Attributes:
        logits: (N, h, w, Q); H' and W' are multiples of h and w.
        bins: the Q bins.
    """

    logits: Tensor
    bins: Bins

    def probabilities(self) -> np.ndarray:
        """(N, h, w, Q) float32, with the sum 1 over the bins."""
        return ops.convert_to_numpy(ops.softmax(self.logits, axis=-1))

    def confidence(self) -> Tensor:
        """How sure the network is: (N, H, W, 1), 1 - H / log Q, H the entropy.

        0 where all bins are equally likely, 1 where one of them is certain.
        """
        return self.enlarged(1.0 - entropy(self.logits)[..., None] / np.log(len(self.bins)))

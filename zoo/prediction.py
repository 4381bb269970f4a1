"""Prediction: the output of a network for photos, before it becomes color.

It is ab or a distribution over bins, of the size of the network's output. Options that only change
how it becomes color (a temperature, a saturation) need no network.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from keras import ops

from zoo import preprocessing
from zoo.color.bins import Bins, entropy
from zoo.color.spaces import Tensor

#: Variance of L / 100 below which a square counts as smooth: a deviation of 3 in L.
SMOOTH = 1e-3

#: The probability of what is taken never to be: a logarithm needs one.
_NEVER = 1e-30

#: Height and width.
Size = tuple[preprocessing.Length, preprocessing.Length]


@dataclass(frozen=True, eq=False)
class Prediction(ABC):
    """The output of a network for photos.

    Attributes:
        lightness: (N, H', W', 1) L in [0, 100] as the network saw it, padded at the bottom and
            right to a multiple of its stride.
        size: (H, W), of the photos' L without the padding.
    """

    lightness: Tensor
    size: Size

    @abstractmethod
    def shares(self) -> Tensor:
        """What may be averaged over places and over predictions: (N, h, w, C)."""

    @abstractmethod
    def with_shares(self, shares: Tensor) -> Self:
        """The same with other numbers in the place of `shares`."""

    def smoothed(self, radius: int) -> Self:
        """Smooth the prediction along the edges of lightness, not across them.

        The guided filter (He, Sun and Tang 2013, "Guided Image Filtering", section 3), guided by L
        at the size of the network's output, over squares that reach `radius` px of the working size
        far to each side: at least a place of the output.
        """
        if not radius:
            return self
        shares = self.shares()
        height, width = ops.shape(shares)[1:3]
        stride = ops.shape(self.lightness)[1] // height
        places = (radius + stride - 1) // stride
        guide = preprocessing.resample_lightness(self.lightness, (height, width)) / 100.0
        return self.with_shares(
            preprocessing.guided_resize(
                shares, guide, guide, places, SMOOTH, preprocessing.window_mean
            )
        )

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

    def shares(self) -> Tensor:
        return self.ab

    def with_shares(self, shares: Tensor) -> Self:
        return replace(self, ab=shares)


@dataclass(frozen=True, eq=False)
class Distribution(Prediction):
    """A distribution over bins of chroma at each place.

    Attributes:
        logits: (N, h, w, Q); H' and W' are multiples of h and w.
        bins: the Q bins.
    """

    logits: Tensor
    bins: Bins

    def shares(self) -> Tensor:
        return ops.softmax(self.logits, axis=-1)

    def with_shares(self, shares: Tensor) -> Self:
        # A filter that follows a guide overshoots at its edges.
        return replace(self, logits=ops.log(ops.maximum(shares, _NEVER)))

    def probabilities(self) -> np.ndarray:
        """(N, h, w, Q) float32, with the sum 1 over the bins."""
        return ops.convert_to_numpy(self.shares())

    def confidence(self) -> Tensor:
        """How sure the network is: (N, H, W, 1), 1 - H / log Q, H the entropy.

        0 where all bins are equally likely, 1 where one of them is certain.
        """
        return self.enlarged(1.0 - entropy(self.logits)[..., None] / np.log(len(self.bins)))

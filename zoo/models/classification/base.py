"""What the classifiers over bins of chroma share: Zhang's network, ColorUNet and SOM patches.

The network gives each place a distribution over bins. It learns by cross-entropy, in which rare
colors may count more; colors are read off the distribution at a temperature.
"""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.color.bins import NearestBins, divergence, rebalancing_weights, soft_encode
from zoo.color.spaces import Tensor
from zoo.errors import valid_choice
from zoo.models.classification.distribution import DistributionColorizer
from zoo.models.gradient import GradientColorizer
from zoo.networks.blocks import average_to_size
from zoo.photos.loader import PhotoLoader
from zoo.photos.photoset import PhotoSet
from zoo.prediction import Distribution, Prediction, Size
from zoo.training.config import TrainingConfig, check_fields
from zoo.training.plan import TrainingPlan

#: The batch that the prior is counted in.
_COUNTED_AT_ONCE = 64


@dataclass(frozen=True)
class ClassificationConfig(TrainingConfig):
    """The loss and its targets, beside the training.

    Attributes:
        loss: "rebalanced" (rare colors count more) or "plain".
        uniform_share: lambda of the rebalancing weights, above 0 and at most 1: at 1 every pixel
            counts the same, toward 0 every color.
        neighbors: over how many bins a true color is spread.
        sigma: how widely, in the unit of the bins' plane.
    """

    loss: str = "rebalanced"
    uniform_share: float = 0.5
    neighbors: int = 5
    sigma: float = 5.0

    def __post_init__(self) -> None:
        super().__post_init__()
        valid_choice("loss", self.loss, ("rebalanced", "plain"))
        check_fields(self, lambda v: 0 < v <= 1, "above 0 and at most 1", "uniform_share")
        check_fields(self, lambda v: v >= 1, "at least 1", "neighbors")
        check_fields(self, lambda v: v > 0, "positive", "sigma")


class ClassificationColorizer(DistributionColorizer, GradientColorizer):
    """A GradientColorizer whose network gives logits over the bins of a plane."""

    output_stride = GradientColorizer.output_stride

    def __init__(self, name: str, preset: str, config: Any, seed: int = 0) -> None:
        super().__init__(name, preset, config, seed)
        #: (Q,) float32: how much a pixel counts whose nearest bin this is.
        self.weights = np.ones(len(self.bins), "float32")
        self._nearest: NearestBins | None = None

    @abstractmethod
    def prior(self, batches: Iterator[Tensor]) -> np.ndarray:
        """The prior that a rebalanced loss follows, (Q,); a uniform one leaves the loss plain.

        `batches` gives the training photos' chroma, (N, h, w, 2), and may be left unread.
        """

    def photo_weight(self, chroma: Tensor) -> Tensor | None:
        """How much each photo counts, from its (N, h, w, 2) chroma: (N,), or None for equally."""
        return None

    def build_networks(self) -> dict[str, keras.Model]:
        return {"colorizer": self.build_colorizer(len(self.bins)), "decoder": self.decoder()}

    def prepare(self, train: PhotoSet, plan: TrainingPlan) -> None:
        prior = self.prior(self._chroma_batches(train, plan))
        self.weights = rebalancing_weights(prior, self.config.uniform_share).astype("float32")

    def loss(self, batch: Mapping[str, Tensor], output: Tensor) -> Tensor:
        """Weighted cross-entropy (2016, equation 2) minus that of a perfect prediction."""
        chroma = average_to_size(self.plane.of_rgb(batch["rgb"]), output)
        indices, shares = soft_encode(chroma, self._nearest_bins(), self.config.sigma)
        losses = divergence(output, indices, shares) * ops.take(self.weights, indices[..., 0])
        per_photo = ops.mean(losses, axis=(1, 2))
        counts = self.photo_weight(chroma)
        return ops.mean(per_photo if counts is None else per_photo * counts)

    def _nearest_bins(self) -> NearestBins:
        """The search among the present bins, made once: making it takes as long as a small step."""
        if self._nearest is None or self._nearest.bins is not self.bins:
            self._nearest = NearestBins(self.bins, self.config.neighbors)
        return self._nearest

    def _chroma_batches(self, photos: PhotoSet, plan: TrainingPlan) -> Iterator[Tensor]:
        """The photos' chroma as the loss sees it, each photo once."""
        loader = PhotoLoader(
            photos, plan.size, _COUNTED_AT_ONCE, augment=False, progress=plan.progress
        )
        side = plan.size // self.output_stride
        like = np.empty((1, side, side, 1))
        for index in range(len(loader)):
            yield average_to_size(self.plane.of_rgb(loader.batch(index)), like)

    def understood(self, output: Tensor, lightness: Tensor, size: Size) -> Prediction:
        return Distribution(lightness, size, output, self.bins)

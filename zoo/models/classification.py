"""Colorization as classification: what Zhang's network and ColorUNet have in common.

The network gives each place a distribution over bins of chroma. It learns by cross-entropy, in
which rare colors may count more, and colors are read off the distribution at a temperature.
"""

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import keras
import numpy as np
from keras import layers, ops

from zoo.color.bins import (
    Bins,
    NearestBins,
    annealed_mean,
    divergence,
    entropy,
    rebalancing_weights,
    soft_encode,
)
from zoo.color.spaces import Tensor
from zoo.colorizer import RENDER_FACTOR, History, Option, TrainingPlan
from zoo.errors import valid_choice
from zoo.models import pipeline
from zoo.models.layers import average_to_size
from zoo.models.training import GradientColorizer, TrainingConfig, check_fields
from zoo.photos.decoding import read_photo
from zoo.photos.loader import PhotoLoader

if TYPE_CHECKING:
    import os

    import PIL.Image

    from zoo.photos.photoset import PhotoSet

#: The batch that the prior is counted in.
_COUNTED_AT_ONCE = 64

TEMPERATURE = Option(
    "temperature",
    default=0.38,
    low=0.0,
    high=10.0,
    meaning="0 takes the most likely color (vivid), 1 the mean of all (muted)",
)


@dataclass(frozen=True)
class ClassificationConfig(TrainingConfig):
    """The loss and the targets, beside the training.

    loss: "rebalanced" (rare colors count more) or "plain". uniform_share: lambda of the
    rebalancing weights. neighbors, sigma: over how many bins a true color is spread, and how
    widely, in the unit of the bins' plane.
    """

    loss: str = "rebalanced"
    uniform_share: float = 0.5
    neighbors: int = 5
    sigma: float = 5.0

    def __post_init__(self) -> None:
        """Refuse what makes no loss."""
        super().__post_init__()
        valid_choice("loss", self.loss, ("rebalanced", "plain"))
        check_fields(self, lambda v: 0 < v <= 1, "above 0 and at most 1", "uniform_share")
        check_fields(self, lambda v: v >= 1, "at least 1", "neighbors")
        check_fields(self, lambda v: v > 0, "positive", "sigma")


class BinCenters(layers.Layer):
    """The annealed mean over bins whose centers are stored as a weight."""

    def __init__(self, centers: np.ndarray, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._initial = centers

    def build(self, *shapes: tuple[int | None, ...]) -> None:
        """Make the weight: (Q, 2). Gradients do not reach it."""
        constant = keras.initializers.Constant(self._initial)
        self.centers = self.add_weight(
            shape=self._initial.shape, initializer=constant, trainable=False, name="centers"
        )

    def call(self, logits: Tensor, temperature: Tensor) -> Tensor:
        """(N, h, w, Q) logits and (N,) temperatures -> (N, h, w, 2)."""
        return annealed_mean(logits, self.centers, temperature[:, None, None, None])


class ClassificationColorizer(GradientColorizer):
    """A GradientColorizer whose network gives logits over bins.

    Subclasses make the network and say which bins there are, and how ab becomes a place in their
    plane and comes back.
    """

    options: ClassVar = (RENDER_FACTOR, TEMPERATURE)

    def __init__(self, name: str, preset: str, config: Any, seed: int = 0) -> None:
        self.bins = self.initial_bins(config)
        #: (Q,) float32: how much a pixel counts whose nearest bin this is.
        self.weights = np.ones(len(self.bins), "float32")
        super().__init__(name, preset, config, seed)

    @staticmethod
    @abstractmethod
    def initial_bins(config: Any) -> Bins:
        """The bins of an untrained model."""

    @abstractmethod
    def build_colorizer(self) -> keras.Model:
        """The network (N, H, W, 1) -> (N, h, w, Q) logits."""

    @abstractmethod
    def chroma_of(self, rgb: Tensor) -> Tensor:
        """(N, H, W, 3) uint8 photos -> (N, H, W, 2) in the bins' plane."""

    @abstractmethod
    def chroma_to_ab(self, chroma: Tensor, lightness: Tensor) -> Tensor:
        """(N, h, w, 2) in the bins' plane, (N, h, w, 1) L -> (N, h, w, 2) ab."""

    @abstractmethod
    def prior(self, batches: Iterator[Tensor]) -> np.ndarray:
        """The prior that a rebalanced loss follows, (Q,); a uniform one leaves the loss plain.

        `batches` gives the training photos' chroma, (N, h, w, 2), and may be left unread.
        """

    @property
    @abstractmethod
    def output_stride(self) -> int:
        """By how much the network's output is smaller than its input."""

    def photo_weight(self, chroma: Tensor) -> Tensor | None:
        """How much each photo counts, from its (N, h, w, 2) chroma: (N,), or None for equally."""
        return None

    # ------------------------------------------------------------------ learned

    def build_networks(self) -> dict[str, keras.Model]:
        """The colorizing network, and the bins that it chooses from."""
        logits = keras.Input((None, None, len(self.bins)), name="logits")
        temperature = keras.Input((), name="temperature")
        centers = BinCenters(self.bins.centers, name="bins", dtype="float32")
        decoder = keras.Model([logits, temperature], centers(logits, temperature), name="decoder")
        return {"colorizer": self.build_colorizer(), "decoder": decoder}

    def learn(
        self, train: "PhotoSet", validation: "PhotoSet | None", plan: TrainingPlan
    ) -> History:
        """Count the colors of the training photos, then train the network."""
        prior = self.prior(self._chroma_batches(train, plan))
        self.weights = rebalancing_weights(prior, self.config.uniform_share).astype("float32")
        return super().learn(train, validation, plan)

    def loss(self, rgb: Tensor, output: Tensor) -> Tensor:
        """Weighted cross-entropy (2016, equation 2) less what a perfect prediction would have."""
        chroma = average_to_size(self.chroma_of(rgb), output)
        nearest = NearestBins(self.bins, self.config.neighbors)
        indices, shares = soft_encode(chroma, nearest, self.config.sigma)
        losses = divergence(output, indices, shares) * ops.take(self.weights, indices[..., 0])
        per_photo = ops.mean(losses, axis=(1, 2))
        counts = self.photo_weight(chroma)
        return ops.mean(per_photo if counts is None else per_photo * counts)

    def _chroma_batches(self, photos: "PhotoSet", plan: TrainingPlan) -> Iterator[Tensor]:
        """The photos' chroma as the loss sees it, each photo once."""
        loader = PhotoLoader(
            photos, plan.size, _COUNTED_AT_ONCE, augment=False, progress=plan.progress
        )
        side = plan.size // self.output_stride
        like = np.empty((1, side, side, 1))
        for index in range(len(loader)):
            yield average_to_size(self.chroma_of(loader[index][0]), like)

    def load_weights(self, path: Path) -> None:
        """As `Colorizer.load_weights`; the bins are those that were stored."""
        super().load_weights(path)
        centers = ops.convert_to_numpy(self.networks["decoder"].get_layer("bins").centers)
        self.bins = replace(self.bins, centers=np.array(centers))

    # ------------------------------------------------------------------ predicted

    def output_to_ab(self, output: Tensor, lightness: Tensor, temperature: float) -> Tensor:
        """The annealed mean of the distributions, as ab."""
        temperatures = np.full(len(output), temperature, "float32")
        chroma = self.networks["decoder"]([output, temperatures])
        return self.chroma_to_ab(chroma, average_to_size(lightness, output))

    def predict_distribution(self, lightness: Tensor) -> np.ndarray:
        """The distribution over bins at each place of the network's output.

        Args:
            lightness: (N, H, W, 1) L in [0, 100], any size.

        Returns:
            (N, h, w, Q) float32, summing to 1 over the bins `model.bins`; h and w are the sides of
            the input, padded to the network's stride, divided by its output's.
        """
        return ops.convert_to_numpy(ops.softmax(self.network_output(lightness)[0], axis=-1))

    def confidence(
        self, photo: "str | os.PathLike | bytes | PIL.Image.Image | np.ndarray", **options: float
    ) -> np.ndarray:
        """How sure the network is of each pixel's color: 1 - H / log Q, H the entropy.

        Args:
            photo: as for `colorize`.
            **options: as for `colorize`; the temperature changes nothing here.

        Returns:
            (H, W) float32 in [0, 1], of the photo's size: 0 where all bins are equally likely.
        """
        rgb, _ = read_photo(photo)
        factor = int(self.resolve_options(options)["render_factor"])
        size = pipeline.working_size(*rgb.shape[:2], factor)
        output, padded = self.network_output(pipeline.working_lightness(rgb[None], size))
        sure = 1.0 - entropy(output)[..., None] / np.log(len(self.bins))
        sure = pipeline.resize(sure, padded.shape[1:3])[:, : size[0], : size[1]]
        sure = ops.convert_to_numpy(pipeline.resize(sure, rgb.shape[:2]))
        return np.clip(sure[0, ..., 0], 0.0, 1.0)

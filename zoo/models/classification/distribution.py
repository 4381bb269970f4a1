"""What models have in common that answer with a distribution over colors at each place.

A color is read off the distribution at a temperature; the distribution's entropy tells how sure the
model is.
"""

from abc import abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import keras
import numpy as np
from keras import layers, ops

from zoo import preprocessing
from zoo.color.bins import Bins, annealed_mean, entropy
from zoo.color.planes import Plane
from zoo.color.spaces import Tensor
from zoo.colorizer import RENDER_FACTOR, Colorizer, Option
from zoo.networks.blocks import average_by
from zoo.photos.decoding import read_photo

if TYPE_CHECKING:
    import os

    import PIL.Image

TEMPERATURE = Option(
    "temperature",
    default=0.38,
    low=0.0,
    high=10.0,
    meaning="0 takes the most likely color (vivid), 1 the mean of all (muted)",
)


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


class DistributionColorizer(Colorizer):
    """A Colorizer that gives logits over bins.

    Subclasses say which bins there are, of which plane, and make the logits.
    """

    options: ClassVar = (RENDER_FACTOR, TEMPERATURE)

    def __init__(self, name: str, preset: str, config: Any, seed: int = 0) -> None:
        self.bins = self.initial_bins(config)
        super().__init__(name, preset, config, seed)

    @staticmethod
    @abstractmethod
    def initial_bins(config: Any) -> Bins:
        """The bins of an untrained model."""

    @property
    @abstractmethod
    def plane(self) -> Plane:
        """The plane that the bins are of."""

    @property
    @abstractmethod
    def output_stride(self) -> int:
        """By how much the network's output is smaller than its input."""

    @abstractmethod
    def network_output(self, lightness: Tensor, **options: float) -> tuple[Tensor, Tensor]:
        """The logits for L of any size.

        Args:
            lightness: (N, H, W, 1) L in [0, 100].
            **options: the model's own ones beside the temperature.

        Returns:
            (N, h, w, Q), and (N, H', W', 1) L as the network saw it, padded at the bottom and
            right; H' and W' are multiples of h and w.
        """

    def decoder(self) -> keras.Model:
        """The network from logits and temperatures to chroma."""
        logits = keras.Input((None, None, len(self.bins)), name="logits")
        temperature = keras.Input((), name="temperature")
        centers = BinCenters(self.bins.centers, name="bins", dtype="float32")
        return keras.Model([logits, temperature], centers(logits, temperature), name="decoder")

    def set_bins(self, bins: Bins) -> None:
        """Take other bins, of the same number."""
        self.bins = bins
        self.networks["decoder"].get_layer("bins").centers.assign(bins.centers)

    def assign(self, values: dict[str, np.ndarray]) -> None:
        """As `Colorizer.assign`; the bins are those among the values."""
        super().assign(values)
        centers = ops.convert_to_numpy(self.networks["decoder"].get_layer("bins").centers)
        self.bins = replace(self.bins, centers=np.array(centers))

    def output_to_ab(self, output: Tensor, lightness: Tensor, temperature: Tensor) -> Tensor:
        """The annealed mean of the distributions, as ab."""
        temperatures = number_a_photo(temperature, output)
        chroma = self.networks["decoder"]([ops.convert_to_tensor(output), temperatures])
        return self.plane.to_ab(chroma, average_by(lightness, self.output_stride))

    def predict_distribution(self, lightness: Tensor, **options: float) -> np.ndarray:
        """The distribution over bins at each place of the network's output.

        Args:
            lightness: (N, H, W, 1) L in [0, 100], any size.
            **options: as for `colorize`; the temperature and the render factor change nothing here.

        Returns:
            (N, h, w, Q) float32, summing to 1 over the bins `model.bins`; h and w are the sides of
            the input, padded to the network's stride, divided by its output's.
        """
        logits, _ = self.network_output(lightness, **self.own_options(options))
        return ops.convert_to_numpy(ops.softmax(logits, axis=-1))

    def confidence(
        self, photo: "str | os.PathLike | bytes | PIL.Image.Image | np.ndarray", **options: float
    ) -> np.ndarray:
        """How sure the model is of each pixel's color: 1 - H / log Q, H the entropy.

        Args:
            photo: as for `colorize`.
            **options: as for `colorize`; the temperature changes nothing here.

        Returns:
            (H, W) float32 in [0, 1], of the photo's size: 0 where all bins are equally likely.
        """
        rgb, _ = read_photo(photo)
        factor = int(self.resolve_options(options)["render_factor"])
        size = preprocessing.working_size(*rgb.shape[:2], factor)
        lightness = preprocessing.working_lightness(rgb[None], size)
        output, padded = self.network_output(lightness, **self.own_options(options))
        sure = 1.0 - entropy(output)[..., None] / np.log(len(self.bins))
        sure = preprocessing.resize(sure, padded.shape[1:3])[:, : size[0], : size[1]]
        sure = ops.convert_to_numpy(preprocessing.resize(sure, rgb.shape[:2]))
        return np.clip(sure[0, ..., 0], 0.0, 1.0)

    def own_options(self, options: dict[str, float]) -> dict[str, float]:
        """The values of the options that `network_output` takes, every one of them."""
        values = self.chroma_options(options)
        del values[TEMPERATURE.name]
        return values


def number_a_photo(number: Tensor, photos: Tensor) -> Tensor:
    """The same number for each photo of a batch: () and (N, ...) -> (N,) float32."""
    return ops.broadcast_to(ops.cast(number, "float32"), ops.shape(photos)[:1])

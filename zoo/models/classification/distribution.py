"""What models share that answer with a distribution over colors at each place.

A color is read off the distribution at a temperature; its entropy tells how sure the model is.
"""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import keras
import numpy as np
from keras import layers, ops

from zoo import preprocessing
from zoo.color.bins import Bins, annealed_mean
from zoo.color.planes import Plane
from zoo.color.spaces import Tensor
from zoo.colorizer import Colorizer
from zoo.fullsize import FullSize
from zoo.inputs import inputs_of_photos
from zoo.networks.blocks import average_by
from zoo.networks.runner import Runner
from zoo.options import OF_NETWORKS, RENDER_FACTOR, Option
from zoo.photos.decoding import PhotoSource, read_photo
from zoo.prediction import Distribution, Prediction

TEMPERATURE = Option(
    "temperature",
    default=0.38,
    low=0.0,
    high=10.0,
    meaning="0 takes the most likely color (vivid), 1 the mean of all (muted)",
)


class BinCenters(layers.Layer):
    """The annealed mean over bins whose centers are stored as a weight, (Q, 2)."""

    def __init__(self, centers: np.ndarray, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._initial = centers

    def build(self, *shapes: tuple[int | None, ...]) -> None:
        constant = keras.initializers.Constant(self._initial)
        self.centers = self.add_weight(
            shape=self._initial.shape, initializer=constant, trainable=False, name="centers"
        )

    def call(self, logits: Tensor, temperature: Tensor = 1.0) -> Tensor:
        """(N, h, w, Q) logits -> (N, h, w, 2)."""
        return annealed_mean(logits, self.centers, temperature)


class DistributionColorizer(Colorizer):
    """A Colorizer that gives logits over bins.

    Subclasses define the bins and their plane, and make the logits.
    """

    options: ClassVar[tuple[Option, ...]] = (*OF_NETWORKS, TEMPERATURE)

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
        """How many times smaller the network's output is than its input."""

    def decoder(self) -> keras.Model:
        """The network from logits to the mean chroma; its layer takes a temperature, too."""
        logits = keras.Input((None, None, len(self.bins)), name="logits")
        centers = BinCenters(self.bins.centers, name="bins", dtype="float32")
        return keras.Model(logits, centers(logits), name="decoder")

    @property
    def _centers(self) -> BinCenters:
        return self.networks["decoder"].get_layer("bins")

    def set_bins(self, bins: Bins) -> None:
        """Take other bins, of the same number."""
        self.bins = bins
        self._centers.centers.assign(bins.centers)

    def assign(self, values: Mapping[str, np.ndarray]) -> None:
        """As `Colorizer.assign`; the bins are those among the values."""
        super().assign(values)
        centers = ops.convert_to_numpy(self._centers.centers)
        self.bins = replace(self.bins, centers=np.array(centers))

    def to_ab(self, prediction: Prediction, **values: Tensor) -> Tensor:
        return self.colors(prediction, values[TEMPERATURE.name])

    def colors(self, prediction: Prediction, temperature: Tensor) -> Tensor:
        """The distributions' ab, of the output's size: (N, h, w, 2)."""
        assert isinstance(prediction, Distribution)
        logits = ops.convert_to_tensor(prediction.logits)
        chroma = annealed_mean(logits, self._centers.centers, temperature)
        return self.plane.to_ab(chroma, average_by(prediction.lightness, self.output_stride))

    def confidence(
        self, photo: PhotoSource, *, runner: Runner | None = None, **options: float
    ) -> np.ndarray:
        """How sure the model is of each pixel's color: 1 - H / log Q, H the entropy.

        The arguments are those of `colorize`; options that only change colors have no effect.

        Returns:
            (H, W) float32 in [0, 1], of the photo's size: 0 where all bins are equally likely.
        """
        rgb = read_photo(photo).rgb
        values = self.resolve_options(options)
        inputs = inputs_of_photos(self.inputs, FullSize(rgb[None]), int(values[RENDER_FACTOR.name]))
        prediction = self.predict(inputs, runner=runner, **values)
        assert isinstance(prediction, Distribution)
        sure = preprocessing.resize(prediction.confidence(), rgb.shape[:2])
        return np.clip(ops.convert_to_numpy(sure)[0, ..., 0], 0.0, 1.0)

"""What models share that answer with a distribution over colors at each place.

A color is read off the distribution at a temperature; its entropy tells how sure the model is.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping
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
from zoo.hints.marks import Hints
from zoo.hints.placing import chroma_of
from zoo.hints.suggestions import COUNT, Suggestion, check_place, suggestions
from zoo.hints.whole_photo import counted_places, target_of
from zoo.inputs import inputs_of_photos
from zoo.models.classification.answers import ANSWERS, distinct
from zoo.models.classification.leaning import Leaning, leanings, tilted, with_palette
from zoo.networks.blocks import average_by
from zoo.networks.runner import Runner
from zoo.options import EDGE_RADIUS, OF_NETWORKS, RENDER_FACTOR, Option
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

    def with_logits(
        self, prediction: Distribution, logits: np.ndarray, temperature: float
    ) -> Distribution:
        """The prediction with other distributions, and all that it says beside them moved alike."""
        return replace(prediction, logits=logits)

    def leaned(self, prediction: Prediction, hints: Hints, **options: Any) -> Prediction:
        """Tilt distributions toward a palette, a mean color and a saturation."""
        assert isinstance(prediction, Distribution)
        temperature = self._values(options, "decode")[TEMPERATURE.name]
        logits, colors = ops.convert_to_numpy(prediction.logits), self._colors_of_bins(prediction)
        counted = counted_places(ops.convert_to_numpy(self.colors(prediction, temperature)), hints)
        if hints.palette:
            logits = with_palette(logits, colors, chroma_of(hints.palette))
        if counted.any():
            target = target_of(hints), hints.saturation
            logits = tilted(logits[0], colors, counted[0], temperature, *target)[None]
        return self.with_logits(prediction, logits, temperature)

    def check_answers(self, count: Any) -> int:
        return int(ANSWERS.check(count))

    def several(
        self,
        prediction: Prediction,
        count: int,
        finished: Callable[[Prediction], np.ndarray],
        **options: Any,
    ) -> list[np.ndarray]:
        """Make the ordinary answer and others, toward which all distributions lean together."""
        assert isinstance(prediction, Distribution)
        temperature = self._values(options, "decode")[TEMPERATURE.name]
        logits = ops.convert_to_numpy(prediction.logits)

        def color(way: Leaning) -> np.ndarray:
            return finished(self.with_logits(prediction, logits + way.factors, temperature))

        tried = leanings(logits[0], self._colors_of_bins(prediction), temperature)
        return distinct(finished(prediction), tried, count, color)

    def _colors_of_bins(self, prediction: Distribution) -> np.ndarray:
        """The ab of each bin, (Q, 2), at the mean lightness of what is seen."""
        mean = np.mean(ops.convert_to_numpy(prediction.lightness), dtype=np.float32)
        lightness = np.full((len(self.bins), 1), mean)
        return ops.convert_to_numpy(self.plane.to_ab(self.bins.centers, lightness))

    def suggest_colors(
        self,
        photo: PhotoSource,
        place: tuple[float, float],
        count: int = int(COUNT.default),
        *,
        hints: Hints | None = None,
        runner: Runner | None = None,
        **options: Any,
    ) -> tuple[Suggestion, ...]:
        count = int(COUNT.check(count))
        photos = FullSize(read_photo(photo).rgb[None])
        place = check_place(place, *photos.size)
        values = self.resolve_options(options)
        inputs = inputs_of_photos(self.inputs, photos, int(values[RENDER_FACTOR.name]))
        if hints is not None:
            hints.require_within(*photos.size)
            inputs = self.told(inputs, hints, photos.size)
        prediction = self.predict(inputs, runner=runner, **values)
        if hints is not None and hints.says_of_whole_photo:
            prediction = self.leaned(prediction, hints, **values)
        smoothed = prediction.smoothed(int(values[EDGE_RADIUS.name]))
        assert isinstance(smoothed, Distribution)
        return tuple(suggestions(smoothed, self.plane, place, photos.size)[:count])

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

"""Scoring a model on photos that are worse than they should be."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.color.spaces import Tensor
from zoo.fullsize import FullSize
from zoo.inputs import inputs_of_photos
from zoo.options import RENDER_FACTOR
from zoo.photos.degrade import numbers_of_photos

if TYPE_CHECKING:
    from zoo.colorizer import Colorizer


class Degraded:
    """A model that sees photos degraded; for `evaluate` in the place of the model itself.

    Its colors go onto the photo's own lightness, which was not degraded. So a score differs from
    the model's own by the colors alone: that L is worse is no fault of the model.

    Args:
        model: any colorizer.
        degrade: from (N, H, W, 1) L in [0, 100] and the photos' N numbers to L, as those of
            `zoo.photos.degrade`. It is applied to what the networks see, at their working size.
    """

    def __init__(
        self, model: "Colorizer", degrade: Callable[[Tensor, Sequence[int]], Tensor]
    ) -> None:
        self.name, self.preset = model.name, model.preset
        self._model, self._degrade = model, degrade

    def colorize_batch(self, rgb: np.ndarray, **options: Any) -> np.ndarray:
        """Color photos as `Colorizer.colorize_batch` does, but for what the networks see."""
        model = self._model
        values: dict[str, Any] = model.resolve_options(options)
        factor = int(values[RENDER_FACTOR.name])
        numbers, photos = numbers_of_photos(rgb), FullSize(rgb)
        inputs = inputs_of_photos(
            model.inputs, photos, factor, lambda lightness: self._degrade(lightness, numbers)
        )
        ab = model.decode(model.predict(inputs, **values), **values)
        return photos.merge(ab)

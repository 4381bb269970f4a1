"""Baselines: no color, and the mean color. A broken benchmark shows in their rows first."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import keras
import numpy as np
from keras import layers, ops

from zoo.color.spaces import Tensor, rgb_to_lab
from zoo.colorizer import Colorizer, Preset
from zoo.networks.runner import Runner
from zoo.photos.photoset import PhotoSet
from zoo.prediction import Chroma, Prediction
from zoo.training.plan import History, TrainingPlan


class ConstantChroma(layers.Layer):
    """One ab for every pixel, stored as a weight: (N, H, W, 1) -> (N, H, W, 2)."""

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.ab = self.add_weight(shape=(2,), initializer="zeros", trainable=False, name="ab")

    def call(self, lightness: Tensor) -> Tensor:
        return ops.zeros_like(lightness) + self.ab


@dataclass(frozen=True)
class BaselineConfig:
    """The size at which a baseline looks at photos.

    Attributes:
        train_size: side of the photos' squares in px.
    """

    train_size: int = 96


class Gray(Colorizer):
    """ab = 0 everywhere."""

    needs_training = False
    PRESETS: ClassVar = {"default": Preset(BaselineConfig(), "by definition")}

    def build_networks(self) -> dict[str, keras.Model]:
        lightness = keras.Input((None, None, 1), name="lightness")
        constant = ConstantChroma(name="constant", dtype="float32")
        return {"chroma": keras.Model({"lightness": lightness}, constant(lightness), name="chroma")}

    def learn(self, train: PhotoSet, validation: PhotoSet | None, plan: TrainingPlan) -> History:
        return History()

    def run_networks(
        self, inputs: Mapping[str, Tensor], runner: Runner, **values: Tensor
    ) -> Prediction:
        lightness = inputs["lightness"]
        height, width = ops.shape(lightness)[1:3]
        ab = runner(self.networks["chroma"], {"lightness": lightness})
        return Chroma(lightness, (height, width), ab)

    def to_ab(self, prediction: Prediction, **values: Tensor) -> Tensor:
        assert isinstance(prediction, Chroma)
        return prediction.ab


class MeanColor(Gray):
    """The mean ab of the training photos, the best constant under a squared error."""

    needs_training = True

    def learn(self, train: PhotoSet, validation: PhotoSet | None, plan: TrainingPlan) -> History:
        """Average ab over every photo once, or over evenly spread ones if the budget is smaller."""
        from zoo.photos.loader import PhotoLoader

        started = time.monotonic()
        seen = train.spread(plan.budget.photos_seen or len(train))
        loader = PhotoLoader(seen, plan.size, 32, augment=False, progress=plan.progress)
        total = np.zeros(2)
        for index in range(len(loader)):
            rgb = loader.batch(index)
            total += ops.convert_to_numpy(rgb_to_lab(rgb))[..., 1:].mean(axis=(1, 2)).sum(axis=0)
        count = len(loader.photos)
        self.networks["chroma"].get_layer("constant").ab.assign(total / count)
        return History(photos_seen=count, seconds=time.monotonic() - started)

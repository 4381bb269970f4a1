"""A small neural network over the features of a patch picks its cluster of the codebook.

The paper and what both patch classifiers share are in `base.py`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import keras
import numpy as np

from zoo.color.bins import measure_prior
from zoo.color.spaces import Tensor
from zoo.colorizer import Departure, Preset
from zoo.models.classification.base import ClassificationColorizer, ClassificationConfig
from zoo.models.patches.base import (
    DEPARTURES,
    PAPER,
    TINY,
    PatchColorizer,
    PatchConfig,
    check_patches,
)
from zoo.networks.blocks import HEAD, conv
from zoo.photos.photoset import PhotoSet
from zoo.training.config import check_fields
from zoo.training.plan import TrainingPlan


@dataclass(frozen=True)
class SOMConfig(PatchConfig, ClassificationConfig):
    """The small network over the features.

    Attributes:
        hidden: the sizes of its hidden layers.
    """

    loss: str = "plain"
    neighbors: int = 1
    learning_rate: float = 3e-3
    stride: int = 2
    hidden: tuple[int, ...] = (256, 256)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_patches(self)
        check_fields(self, lambda v: all(units >= 1 for units in v), "at least 1", "hidden")


class SOMPatches(PatchColorizer, ClassificationColorizer):
    """A small neural network predicts the codebook's cluster of each patch."""

    PRESETS: ClassVar = {
        "compact": Preset(
            SOMConfig(components=0),
            "ours: the method of Richart and Visca on features at three scales",
        ),
        "paper": Preset(
            SOMConfig(**PAPER, sigma=0.05, hidden=(100,)),
            "Richart and Visca: UV, raw patches; the sizes of patch, map and layers are ours",
            (
                *DEPARTURES,
                Departure(
                    "the network learns from 2,500 to 3,000 pixels of each photo, drawn once",
                    "from all pixels of a random square, another one each time; the map learns "
                    "from 2,750",
                    "it learns by the same loader and trainer as the other networks",
                ),
                Departure("the layers are not given", "one of 100 units", "ours"),
            ),
        ),
        "tiny": Preset(
            SOMConfig(**TINY, components=8, hidden=(16,), batch_size=4), "ours: for tests"
        ),
    }

    def build_colorizer(self, channels: int, **parts: Any) -> keras.Model:
        """Features, then convolutions of 1 x 1: the same small network at every place."""
        lightness = keras.Input((None, None, 1), name="lightness")
        x = self.feature_layer()(lightness)
        for index, units in enumerate(self.config.hidden, start=1):
            x = conv(x, units, f"hidden{index}", self.seed, kernel=1)
        logits = conv(x, channels, HEAD, self.seed, kernel=1, activation=None)
        return keras.Model({"lightness": lightness}, logits, name="som_patches")

    @property
    def stride(self) -> int:
        return self.config.stride

    def scale_lightness(self, lightness: Tensor) -> Tensor:
        return lightness / 100.0

    def prepare(self, train: PhotoSet, plan: TrainingPlan) -> None:
        if not self.fitted:  # the trained weights belong to these features and this codebook
            self.learn_features(train, plan)
        super().prepare(train, plan)

    def prior(self, batches: Iterator[Tensor]) -> np.ndarray:
        if self.config.loss == "plain":
            return np.full(len(self.bins), 1 / len(self.bins))
        return measure_prior(batches, self.bins)

"""The configuration that every gradient training has."""

import dataclasses
from collections.abc import Callable
from typing import Any

from zoo.errors import ZooError, valid_choice


@dataclasses.dataclass(frozen=True)
class TrainingConfig:
    """What every gradient training needs.

    Attributes:
        train_size: side of the training squares in px, where `fit` is told no other.
        learning_rate: Adam's at its highest.
        schedule: "cosine" (a short warm-up, then down to zero), "constant", or "zhang" (the paper's
            two steps, at the same shares of the training).
        weight_decay: so many times the kernels are added to the gradient of a loss that sums over
            places and averages over photos.
        degraded_share: of the photos, how many the network sees as old ones (`zoo.photos.aging`).
        average_weights: whether the weights that are scored and kept are an exponential average
            over the last steps (`zoo.training.averaging`).
    """

    train_size: int = 96
    batch_size: int = 16
    learning_rate: float = 1e-3
    schedule: str = "cosine"
    beta_2: float = 0.999
    weight_decay: float = 0.0
    degraded_share: float = 0.0
    average_weights: bool = False

    def __post_init__(self) -> None:
        valid_choice("schedule", self.schedule, ("cosine", "constant", "zhang"))
        check_fields(self, lambda value: value >= 1, "at least 1", "train_size", "batch_size")
        check_fields(self, lambda value: value > 0, "positive", "learning_rate")
        check_fields(self, lambda value: value >= 0, "at least 0", "weight_decay")
        check_fields(self, lambda value: 0 <= value < 1, "at least 0 and below 1", "beta_2")
        check_fields(self, lambda value: 0 <= value <= 1, "from 0 to 1", "degraded_share")


def check_fields(config: Any, holds: Callable[[Any], bool], words: str, *names: str) -> None:
    """Refuse a configuration in which the value of a named field is not what `words` say."""
    for name in names:
        if not holds(getattr(config, name)):
            raise ZooError(f"{name} must be {words}; got {getattr(config, name)}.")

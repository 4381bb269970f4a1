"""One training of a colorizer's networks: which task, on which photos, and when it ends."""

from typing import TYPE_CHECKING, ClassVar

import keras

from zoo.photos.loader import PhotoLoader, Rows
from zoo.training.plan import TrainingPlan
from zoo.training.task import Task

if TYPE_CHECKING:
    from zoo.models.gradient import GradientColorizer
    from zoo.photos.photoset import PhotoSet


class Stage:
    """One training of a colorizer: which graph learns from which photos, and when it ends.

    Most models train in this one. Subclasses are for models that train otherwise, or several times
    in a row, each time with another loss.

    Args:
        colorizer: whose networks learn.
        train: photos to learn from.
        validation: photos that are scored after each round, if there are some.
        plan: what the caller of `fit` asked for, its precision decided.
    """

    #: Tells the files of a training's stages apart; empty where there is only one.
    name: ClassVar[str] = ""
    #: It has one of these numbers of rounds, or fewer where it has fewer steps.
    rounds: ClassVar[range] = range(8, 13)
    #: Whether the model is kept as it is after each round, for people to choose from.
    keeps_checkpoints: ClassVar[bool] = False

    def __init__(
        self,
        colorizer: "GradientColorizer",
        train: "PhotoSet",
        validation: "PhotoSet | None",
        plan: TrainingPlan,
    ) -> None:
        self.colorizer, self.train, self.validation, self.plan = colorizer, train, validation, plan
        self.batch_size = colorizer.config.batch_size
        self.rows = self._rows(train, training=True)

    def graph(self) -> Task:
        """What learns."""
        return self.colorizer.training_graph()

    def optimizer(self, steps: int) -> keras.optimizers.Optimizer:
        """What moves the weights of the graph."""
        return self.colorizer.optimizer(steps)

    def training_loader(self, size: int, steps: int) -> PhotoLoader:
        """So many augmented batches of squares of this size."""
        return PhotoLoader(
            self.train,
            size,
            self.batch_size,
            steps=steps,
            seed=self.colorizer.seed,
            rows=self.rows,
            progress=self.plan.progress,
        )

    def validation_loader(self) -> PhotoLoader | None:
        """The validation photos at the last training size."""
        if self.validation is None:
            return None
        return PhotoLoader(
            self.validation,
            self.plan.size,
            self.batch_size,
            augment=False,
            rows=self._rows(self.validation, training=False),
            progress=self.plan.progress,
        )

    def examine(self) -> dict[str, float]:
        """Further scores of the networks as they are after a round."""
        return {}

    def score(self, logs: dict[str, float]) -> float | None:
        """What the best weights are lowest in; None keeps the last ones."""
        return self.colorizer.round_score(logs)

    def warning(self, curves: dict[str, list[float]]) -> str | None:
        """What goes wrong, and its likely cause, by the scores of all rounds so far."""
        return None

    def end(self, curves: dict[str, list[float]]) -> str | None:
        """Why to stop before the budget is used up, by the scores of all rounds so far."""
        return None

    def _rows(self, photos: "PhotoSet", training: bool) -> dict[str, Rows]:
        return self.colorizer.rows(photos, training=training, progress=self.plan.progress)

"""One training of networks: which task, on which photos, and when it ends."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import keras

from zoo.photos.loader import PhotoLoader
from zoo.training.checkpoint import Progress
from zoo.training.plan import TrainingPlan
from zoo.training.task import Task

#: A stage has one of these numbers of rounds, or fewer where there are fewer steps.
ROUNDS = range(8, 13)

#: What was logged in a round; and what in all of them so far.
Logs = dict[str, float]
Curves = Mapping[str, list[float]]


@dataclass(kw_only=True)
class Stage:
    """What the trainer runs."""

    task: Task
    plan: TrainingPlan  # what the caller of `fit` asked for, its precision decided
    batch_size: int
    optimizer: Callable[[int], keras.optimizers.Optimizer]  # from the number of steps
    loader: Callable[[int, int], PhotoLoader]  # from the squares' side and a number of steps
    validation: PhotoLoader | None  # photos that are scored after each round
    weights: Mapping[str, keras.Variable]  # those of which the best are kept
    identity: Mapping[str, Any]  # JSON: the position on disk of another training is refused
    name: str = ""  # tells the files of a training's stages apart
    rounds: range = ROUNDS  # one of these numbers; see `plan_rounds`
    best_by: str | None = "val_loss"  # lowest with the best weights; the last ones if not logged
    examine: Callable[[Logs], Logs] | None = None  # further scores of the networks after a round
    keep: Callable[[int, Logs], None] | None = None  # keeps what is there after a round for people
    warning: Callable[[Curves], str | None] | None = None  # what goes wrong, and its likely cause
    # Weights that are scored and kept as their average over the last steps; see `WeightAverage`.
    averaged: Mapping[str, keras.Variable] = field(default_factory=dict)
    of_photos: Callable[[], Mapping[str, list[float]]] | None = None  # scores of single photos
    end: Callable[[Progress], str | None] | None = None  # why to stop before the budget is used up

"""One training of networks: which task, on which photos, and when it ends."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import keras

from zoo.photos.loader import PhotoLoader
from zoo.training.plan import TrainingPlan
from zoo.training.task import Task

#: What was logged in a round; and what in all of them so far.
Logs = dict[str, float]
Curves = Mapping[str, list[float]]


@dataclass(kw_only=True)
class Stage:
    """What the trainer runs.

    Attributes:
        plan: what the caller of `fit` asked for, its precision decided.
        optimizer: from the number of steps to what moves the task's weights.
        loader: from the side of the squares and a number of steps to so many augmented batches.
        validation: photos that are scored after each round, if there are some.
        weights: those of which the best are kept, by name.
        identity: what the training is, as JSON: a position on disk that belongs to another one is
            refused.
        name: tells the files of a training's stages apart; empty where there is only one.
        rounds: it has one of these numbers of rounds, or fewer where it has fewer steps.
        best_by: the logged value that the best weights are lowest in; the last ones are kept where
            it is None or not logged.
        examine: from a round's logs to further scores of the networks as they are.
        keep: called after each round with its number and logs: keeps what is there for people.
        warning: what goes wrong, and its likely cause, by the scores of all rounds so far.
        end: why to stop before the budget is used up, by the scores of all rounds so far.
    """

    task: Task
    plan: TrainingPlan
    batch_size: int
    optimizer: Callable[[int], keras.optimizers.Optimizer]
    loader: Callable[[int, int], PhotoLoader]
    validation: PhotoLoader | None
    weights: Mapping[str, keras.Variable]
    identity: Mapping[str, Any]
    name: str = ""
    rounds: range = range(8, 13)
    best_by: str | None = "val_loss"
    examine: Callable[[Logs], Logs] | None = None
    keep: Callable[[int, Logs], None] | None = None
    warning: Callable[[Curves], str | None] | None = None
    end: Callable[[Curves], str | None] | None = None

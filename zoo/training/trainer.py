"""The trainer that all gradient-trained models share, on Keras' own `fit`.

A training is a number of steps, fixed beforehand and divided into about ten rounds, Keras' epochs:
at the end of each the networks are scored on the validation photos, the best weights are kept and
a checkpoint is written. Which photo is seen in which step follows from the seed and the step alone:
a resumed training ends with the same weights, to the bit, on one machine with the same backend,
precision, thread count and versions.
"""

import gc
import json
import math
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import keras
import numpy as np

from zoo.backend import keep_freed_memory, use_jit
from zoo.errors import TrainingWarning, ZooError
from zoo.training import checkpoint
from zoo.training.averaging import WeightAverage
from zoo.training.callbacks import (
    Keeper,
    StageCallback,
    StepClock,
    StoppedError,
    interrupt_flag,
    progress_bar,
)
from zoo.training.checkpoint import Progress, numpy_values
from zoo.training.plan import History
from zoo.training.stage import Stage
from zoo.training.step_log import StepLog

_WARM_UP_STEPS = 8
#: Of a training's time validation has this share at most. To score a photo counts as much as to
#: learn from one: it takes a third, but with a frozen encoder and short rounds three quarters.
_VALIDATION = 0.1
#: So many validation photos are scored in any case: fewer say nothing.
_LEAST_SCORED = 16


def plan_rounds(steps: int, counts: range) -> tuple[int, int]:
    """Divide steps into equal rounds: (rounds, steps a round).

    Of several `counts`, or fewer rounds where there are fewer steps, the one that adds the fewest
    steps. A single count is kept: its rounds have about as many steps as they should.

    Examples:
        >>> plan_rounds(6250, range(8, 13))
        (10, 625)
        >>> plan_rounds(31, range(20, 21))
        (20, 2)
    """
    if len(counts) == 1:
        return counts[0], max(1, round(steps / counts[0]))
    sizes = {math.ceil(steps / rounds) for rounds in counts}
    size = min(sizes, key=lambda size: (math.ceil(steps / size) * size, size))
    return math.ceil(steps / size), size


@dataclass(frozen=True)
class Part:
    """Rounds in a row, without `end`, that see photos of one size in px.

    An interrupted training has `done` so many steps of the first one.
    """

    begin: int
    end: int
    done: int
    size: int


class Trainer:
    """Runs a stage: the compiled task, the loaders, and where it stands."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.plan, self.task = stage, stage.plan, stage.task
        self.batch_size = stage.batch_size
        self.progress = Progress()
        self._scored: int | None = None  # so many of the validation photos, if not all
        run = {"sizes": self.plan.sizes, "budget": str(self.plan.budget)}
        run |= {"precision": self.plan.precision, "backend": keras.backend.backend()}
        # As it comes back from a file: tuples become lists.
        self.run_key = json.loads(json.dumps({**stage.identity, **run}))

    def run(self) -> History:
        """Train from the start or the checkpoint to the end; the best weights stay in place."""
        started = time.monotonic()
        keep_freed_memory()
        stored = self._stored_position()
        steps = checkpoint.stored_steps(stored) if stored else self._budget_in_steps(started)
        self.run_key["steps"] = steps
        self.rounds, self.round_steps = plan_rounds(steps, self.stage.rounds)
        self._limit_validation()
        self._compile(self.rounds * self.round_steps)
        if stored is not None:
            self.progress = checkpoint.load(stored, self.run_key, self.task)
        self.average = WeightAverage(
            self.stage.averaged, self.round_steps / 2, self.progress.averages
        )
        self.log = StepLog(self.plan.run_dir, self.stage.name, self.batch_size, self.progress.step)
        self.started = started - self.progress.seconds
        try:
            with progress_bar(self) as bar, interrupt_flag() as interrupted:
                for part in self._parts():
                    trouble = self._fit(part, [*bar, *self.plan.callbacks], interrupted)
                    if trouble is not None:
                        # What `fit` held is free only now. A reading thread of TensorFlow that
                        # outlives the program would write its own complaints below ours.
                        gc.collect()
                        raise trouble
                    if self.task.stop_training:
                        break
        finally:
            self.log.flush()
            for name, variable in self.stage.weights.items():
                kept = self.progress.best or self.progress.averages
                if name in kept:
                    variable.assign(kept[name])
        for callback in self.plan.callbacks:
            if isinstance(callback, StageCallback):
                callback.on_stage_end(self.stage.name, self.progress)
        return self._history()

    def save(self, task: keras.Model) -> None:
        """Write a checkpoint of the present position, where there is a folder for it."""
        self.progress.seconds = time.monotonic() - self.started
        self.log.flush()
        if self.plan.run_dir is not None:
            path = checkpoint.file_of(self.plan.run_dir, self.stage.name)
            checkpoint.save(path, self.run_key, task, self.progress)

    def end_round(self, task: keras.Model, number: int, logs: dict[str, float]) -> None:
        """Keep the scores, the weights if they are the best so far, and a checkpoint; or stop.

        Where weights are averaged, scores and what is kept are those of the averages.
        """
        stage, progress, curves = self.stage, self.progress, self.progress.curves
        self.average.show()
        logs = {"photos_seen": float(progress.step * self.batch_size)} | logs
        if stage.examine is not None:
            logs |= stage.examine(logs)
        for name, value in logs.items():
            curves.setdefault(name, []).append(value)
        for name, scores in (stage.of_photos() if stage.of_photos else {}).items():
            progress.photo_scores.setdefault(name, []).append(scores)
        score = None if stage.best_by is None else logs.get(stage.best_by)
        if score is not None and (progress.best_score is None or score < progress.best_score):
            progress.best_score, progress.best_round = score, number
            progress.best = dict(
                zip(stage.weights, numpy_values(stage.weights.values()), strict=True)
            )
        self._warn(stage.warning(curves) if stage.warning else None)
        if stage.keep is not None:
            stage.keep(number, logs)
        self.average.hide()
        progress.ended = stage.end(progress) if stage.end else None
        self.save(task)
        task.stop_training = task.stop_training or progress.ended is not None

    def _warn(self, warning: str | None) -> None:
        """Warn of each kind once: the figures in a warning are different every time."""
        known = [one.partition(":")[0] for one in self.progress.warnings]
        if warning is not None and warning.partition(":")[0] not in known:
            self.progress.warnings.append(warning)
            warnings.warn(warning, TrainingWarning, stacklevel=3)

    def _stored_position(self) -> Path | None:
        run_dir = self.plan.run_dir
        path = run_dir and checkpoint.file_of(run_dir, self.stage.name)
        if path is None or not path.is_file():
            return None
        if not self.plan.resume:
            raise checkpoint.unfinished(path.parent)
        return path

    def _compile(self, steps: int) -> None:
        optimizer = self.stage.optimizer(steps)
        self.task.compile(optimizer=optimizer, jit_compile=use_jit())
        self._compiled_size: int | None = None
        optimizer.build(self.task.trainable_variables)

    def _limit_validation(self) -> None:
        """Score so few validation photos after each round that this takes no more than its share.

        How many follows from the budget alone, so that a resumed training scores the same ones.
        """
        validation = self.stage.validation
        if validation is None:
            return
        seen = self.round_steps * self.batch_size
        affordable = int(_VALIDATION / (1 - _VALIDATION) * seen)
        count = max(_LEAST_SCORED, affordable)
        if count < len(validation.photos):
            validation.thin_out(count)
            self._scored = len(validation.photos)

    def _budget_in_steps(self, started: float) -> int:
        """How many steps the budget allows; minutes are turned into steps by a timed warm-up."""
        budget = self.plan.budget
        if budget.minutes is None:
            return max(1, round((budget.photos_seen or 0) / self.batch_size))
        self._compile(1)
        before = numpy_values(self.task.variables)
        clocks = [StepClock() for _ in self.plan.sizes]
        for clock, size in zip(clocks, self.plan.sizes, strict=True):
            loader = self.stage.loader(size, _WARM_UP_STEPS)
            self.task.train_function = None
            clock.start()
            self.task.fit(loader, verbose=0, shuffle=False, callbacks=[clock])
        for variable, value in zip(self.task.variables, before, strict=True):
            variable.assign(value)
        # Compiling costs about as much once more, and each round one pass of about a third of a
        # training step's work over the validation photos.
        compiling = sum(clock.first_step for clock in clocks)
        left = 60 * budget.minutes - (time.monotonic() - started) - compiling
        steps = left / np.mean([clock.seconds_per_step for clock in clocks])
        if self.stage.validation is not None:
            steps -= max(self.stage.rounds) * len(self.stage.validation) / 3
        return max(1, round(steps))

    def _parts(self) -> Iterator[Part]:
        """What is left; the rest of a round that was interrupted is a part of its own."""
        if self.progress.ended is not None:
            return
        given, rounds = self.plan.sizes, self.rounds
        sizes = [given[number * len(given) // rounds] for number in range(rounds)]  # equal shares
        begin, inside = divmod(self.progress.step, self.round_steps)
        while begin < rounds:
            end = begin + 1
            while not inside and end < rounds and sizes[end] == sizes[begin]:
                end += 1
            yield Part(begin, end, inside, sizes[begin])
            begin, inside = end, 0

    def _fit(
        self, part: Part, callbacks: Sequence[keras.callbacks.Callback], interrupted: Event
    ) -> ZooError | None:
        """Run Keras' `fit` over a part; give why it was stopped, if it was."""
        loader = self.stage.loader(part.size, self.round_steps - part.done)
        if loader.too_small:
            self.progress.too_small[f"{part.size} px"] = loader.too_small
        keeper = Keeper(self, loader, part.done, interrupted)
        # TensorFlow would answer another size with a graph for all sizes, which losses that divide
        # sides by each other cannot handle.
        if part.size != self._compiled_size:
            self.task.train_function, self._compiled_size = None, part.size
        try:
            self.task.fit(
                loader,
                validation_data=self.stage.validation,
                initial_epoch=part.begin,
                epochs=part.end,
                shuffle=False,
                verbose=0,
                callbacks=[keeper, *callbacks],
            )
        except StoppedError as stopped:
            return stopped.args[0]
        return None

    def _history(self) -> History:
        progress = self.progress
        rare = {
            "ended": progress.ended,
            "warnings": progress.warnings,
            "photos_too_small": progress.too_small,
            "validation_photos": self._scored,
        }
        details = {
            "precision": self.plan.precision,
            "batch_size": self.batch_size,
            "steps": progress.step,
            "best_round": progress.best_round,
            "best_score": progress.best_score,
            **{name: value for name, value in rare.items() if value},
        }
        return History(
            curves=progress.curves,
            photos_seen=progress.step * self.batch_size,
            seconds=round(progress.seconds, 2),
            details=details,
        )

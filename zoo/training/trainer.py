"""The trainer that all gradient-trained models share, on Keras' own `fit`.

A training is a number of steps, fixed beforehand and divided into rounds, about ten. A round is
what Keras calls an epoch: at its end the model is scored on the validation photos, the best weights
are kept and a checkpoint is written. Which photo is seen in which step follows from the seed and
the step's number alone, so that a training resumed from a checkpoint ends with the same weights, to
the bit, on one machine with the same backend, precision, thread count and versions.
"""

import dataclasses
import gc
import math
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

from zoo.backend import use_jit
from zoo.errors import TrainingWarning, ZooError
from zoo.models.adversarial import rounds
from zoo.plotting.training import draw_training
from zoo.training import checkpoint
from zoo.training.callbacks import Keeper, StepClock, StoppedError, interrupt_flag, progress_bar
from zoo.training.checkpoint import Progress
from zoo.training.plan import History
from zoo.training.step_log import StepLog, file_of, read_steps

if TYPE_CHECKING:
    from zoo.training.stage import Stage

_WARM_UP_STEPS = 8


def plan_rounds(steps: int, counts: range) -> tuple[int, int]:
    """Divide at least `steps` steps into equal rounds: (rounds, steps a round).

    The number of rounds, one of `counts` or fewer where there are fewer steps, is the one that adds
    the fewest steps.

    Examples:
        >>> plan_rounds(6250, range(8, 13))
        (10, 625)
    """
    sizes = {math.ceil(steps / rounds) for rounds in counts}
    size = min(sizes, key=lambda size: (math.ceil(steps / size) * size, size))
    return math.ceil(steps / size), size


class Trainer:
    """Runs a stage: the compiled graph, the loaders, and where it stands.

    Args:
        stage: what is to be done.
    """

    def __init__(self, stage: "Stage") -> None:
        self.stage, self.colorizer, self.plan = stage, stage.colorizer, stage.plan
        self.batch_size = stage.batch_size
        self.graph = stage.graph()
        self.validation = stage.validation_loader()
        self.samples = self._samples() if stage.keeps_checkpoints else None
        self.progress = Progress()
        validation = stage.validation
        self.run_key = {
            "model": self.colorizer.name,
            "config": _as_json(dataclasses.asdict(self.colorizer.config)),
            "seed": self.colorizer.seed,
            "start": self.colorizer.card.get("weights_sha256"),
            "frozen layers": self.plan.freeze,
            "photos": stage.train.fingerprint,
            "validation photos": validation.fingerprint if validation else None,
            "sizes": list(self.plan.sizes),
            "budget": str(self.plan.budget),
            "precision": self.plan.precision,
            "backend": keras.backend.backend(),
            "references": self.colorizer.references(),
        }

    def run(self) -> History:
        """Train from the start or the checkpoint to the end; the best weights stay in place.

        Raises:
            ZooError: if the run folder holds another training, or one that is not to be resumed.
            TrainingInterrupted: after Ctrl-C, once the position is saved.
        """
        run_dir, started = self.plan.run_dir, time.monotonic()
        path = run_dir and checkpoint.file_of(run_dir, self.stage.name)
        stored = path is not None and path.is_file()
        if stored and not self.plan.resume:
            raise ZooError(
                f"{run_dir} holds an unfinished training; resume it (--resume) or choose another "
                "folder."
            )
        steps = checkpoint.stored_steps(path) if stored else self._budget_in_steps(started)
        self.run_key["steps"] = steps
        self.rounds, self.round_steps = plan_rounds(steps, self.stage.rounds)
        self._compile(self.rounds * self.round_steps)
        if stored:
            self.progress = checkpoint.load(path, self.run_key, self.graph)
        self.log = StepLog(run_dir, self.stage.name, self.batch_size, self.progress.step)
        self.started = started - self.progress.seconds
        try:
            self._fit()
        finally:
            self.log.flush()
            for name, variable in self.colorizer.variables().items():
                if name in self.progress.best:
                    variable.assign(self.progress.best[name])
        if self.stage.keeps_checkpoints and run_dir is not None:
            self._draw(run_dir)
        return self._history()

    def save(self, graph: keras.Model) -> None:
        """Write a checkpoint of the present position, where there is a folder for it."""
        self.progress.seconds = time.monotonic() - self.started
        self.log.flush()
        if self.plan.run_dir is not None:
            path = checkpoint.file_of(self.plan.run_dir, self.stage.name)
            checkpoint.save(path, self.run_key, graph, self.progress)

    def end_round(self, graph: keras.Model, round_index: int, logs: dict[str, float]) -> None:
        """Keep the round's scores, the weights if they are the best so far, and a checkpoint.

        Where the stage ends here, the graph is told to stop.
        """
        progress, curves = self.progress, self.progress.curves
        logs = {"photos_seen": float(progress.step * self.batch_size)} | logs
        logs |= self.stage.examine()
        score = self.stage.score(logs)
        if score is not None and self.stage.keeps_checkpoints:
            logs["score"] = score
        for name, value in logs.items():
            curves.setdefault(name, []).append(value)
        best = progress.best_score
        if score is not None and (best is None or score < best):
            progress.best_score, progress.best_round = score, round_index
            progress.best = {
                name: np.array(ops.convert_to_numpy(variable))
                for name, variable in self.colorizer.variables().items()
            }
        warning = self.stage.warning(curves)
        # Each kind once: the figures in it are different every time.
        kinds = [known.partition(":")[0] for known in progress.warnings]
        if warning is not None and warning.partition(":")[0] not in kinds:
            progress.warnings.append(warning)
            warnings.warn(warning, TrainingWarning, stacklevel=2)
        if self.stage.keeps_checkpoints and self.plan.run_dir is not None:
            self._keep(round_index, score, logs)
        progress.ended = self.stage.end(curves)
        self.save(graph)
        graph.stop_training = graph.stop_training or progress.ended is not None

    def _keep(self, round_index: int, score: float | None, logs: dict[str, float]) -> None:
        scores = {name: value for name, value in logs.items() if name.startswith("val_")}
        about = {"photos_seen": int(logs["photos_seen"]), "score": score} | scores
        name = rounds.name_of(self.stage.name, round_index)
        rounds.keep(self.plan.run_dir, name, self.colorizer, about, self.samples)

    def _draw(self, run_dir: Path) -> None:
        name, progress = self.stage.name, self.progress
        draw_training(
            run_dir / (f"training-{name}.png" if name else "training.png"),
            read_steps(file_of(run_dir, name)),
            progress.curves,
            progress.best_round,
            progress.ended,
        )

    def _samples(self) -> np.ndarray:
        """The photos that checkpoints show: of the validation photos or else of those to learn."""
        photos = self.stage.train if self.stage.validation is None else self.stage.validation
        return rounds.sample_squares(photos, self.plan.size)

    def _compile(self, steps: int) -> None:
        optimizer = self.stage.optimizer(steps)
        self.graph.compile(optimizer=optimizer, jit_compile=use_jit())
        optimizer.build(self.graph.trainable_variables)

    def _budget_in_steps(self, started: float) -> int:
        """How many steps the budget allows; minutes are turned into steps by a timed warm-up."""
        budget = self.plan.budget
        if budget.photos_seen is not None:
            return max(1, round(budget.photos_seen / self.batch_size))
        self._compile(1)
        before = [np.array(ops.convert_to_numpy(v)) for v in self.graph.variables]
        clocks = [StepClock() for _ in self.plan.sizes]
        for clock, size in zip(clocks, self.plan.sizes, strict=True):
            loader = self.stage.training_loader(size, _WARM_UP_STEPS)
            self.graph.train_function = None
            clock.start()
            self.graph.fit(loader, verbose=0, shuffle=False, callbacks=[clock])
        for variable, value in zip(self.graph.variables, before, strict=True):
            variable.assign(value)
        # Compiling costs about as much once more, and each round one pass of about a third of a
        # training step's work over the validation photos.
        compiling = sum(clock.first_step for clock in clocks)
        left = 60 * budget.minutes - (time.monotonic() - started) - compiling
        steps = left / np.mean([clock.seconds_per_step for clock in clocks])
        if self.validation is not None:
            steps -= max(self.stage.rounds) * len(self.validation) / 3
        return max(1, round(steps))

    def _fit(self) -> None:
        """Run what is left."""
        if self.progress.ended is not None:
            return
        with progress_bar(self) as bar, interrupt_flag() as interrupted:
            for begin, end, offset, size in self._parts():
                loader = self.stage.training_loader(size, self.round_steps - offset)
                keeper = Keeper(self, loader, offset, interrupted)
                # TensorFlow would answer another size with a graph for all sizes, which losses that
                # divide sides by each other cannot do with.
                self.graph.train_function = None
                trouble = self._fit_rounds(keeper, begin, end, [keeper, *bar, *self.plan.callbacks])
                if trouble is not None:
                    # What `fit` held is free only now. A reading thread of TensorFlow that outlives
                    # the program would write its own complaints below ours.
                    gc.collect()
                    raise trouble
                if self.graph.stop_training:
                    break

    def _parts(self) -> Iterator[tuple[int, int, int, int]]:
        """What is left, in parts of one size: rounds from, to, steps done of the first, size.

        The rest of a round that was interrupted is a part of its own.
        """
        begin, inside = divmod(self.progress.step, self.round_steps)
        while begin < self.rounds:
            size, end = self._size_of(begin), begin + 1
            while not inside and end < self.rounds and self._size_of(end) == size:
                end += 1
            yield begin, end, inside, size
            begin, inside = end, 0

    def _size_of(self, round_index: int) -> int:
        """Each of the sizes gets an equal share of the rounds."""
        return self.plan.sizes[round_index * len(self.plan.sizes) // self.rounds]

    def _fit_rounds(
        self, keeper: "Keeper", begin: int, end: int, callbacks: list[keras.callbacks.Callback]
    ) -> ZooError | None:
        """Keras' `fit` over rounds `begin` to `end` - 1; why it was stopped, if it was."""
        try:
            self.graph.fit(
                keeper.loader,
                validation_data=self.validation,
                initial_epoch=begin,
                epochs=end,
                shuffle=False,
                verbose=0,
                callbacks=callbacks,
            )
        except StoppedError as stopped:
            return stopped.reason
        return None

    def _history(self) -> History:
        progress = self.progress
        details = {
            "precision": self.plan.precision,
            "batch_size": self.batch_size,
            "steps": progress.step,
            "best_round": progress.best_round,
            "best_score": progress.best_score,
        }
        if progress.ended is not None:
            details["ended"] = progress.ended
        if progress.warnings:
            details["warnings"] = progress.warnings
        return History(
            curves=progress.curves,
            photos_seen=progress.step * self.batch_size,
            seconds=round(progress.seconds, 2),
            details=details,
        )


def _as_json(config: dict[str, Any]) -> dict[str, Any]:
    """Tuples become lists, as they do in a file."""
    return {key: list(v) if isinstance(v, tuple) else v for key, v in config.items()}

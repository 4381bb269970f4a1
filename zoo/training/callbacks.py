"""What happens inside Keras' `fit`: rounds, checkpoints, Ctrl-C, the progress bar, the clock."""

import math
import signal
import threading
import time
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import keras

from zoo.errors import TrainingInterrupted, ZooError
from zoo.photos.loader import PhotoLoader
from zoo.training.checkpoint import Progress, numpy_values, training_variables

if TYPE_CHECKING:
    import rich.progress

    from zoo.training.trainer import Trainer

_CHECKPOINT_SECONDS = 60.0
#: Steps between two looks at the loss; each look waits for the device.
_CHECK_EVERY = 10


class StoppedError(Exception):
    """Carries the reason for stopping, a `ZooError`, out of Keras' `fit`."""


class StageCallback(keras.callbacks.Callback):
    """A callback that is also told when a stage has ended, once the best weights are in place."""

    @abstractmethod
    def on_stage_end(self, name: str, progress: Progress) -> None:
        """The `name` of the stage is part of its files' names; empty where there is only one."""


class Keeper(keras.callbacks.Callback):
    """Moves the loader from round to round, watches the loss, keeps scores and checkpoints.

    The task is taken from `self.model`: on JAX, asking for that brings the variables up to date.
    """

    def __init__(
        self, trainer: "Trainer", loader: PhotoLoader, offset: int, interrupted: threading.Event
    ) -> None:
        super().__init__()
        self.trainer, self.loader, self.offset = trainer, loader, offset
        self.interrupted = interrupted
        # Keras sets the running means to zero when a round begins: an interrupted one's come back.
        self.running_means = numpy_values(training_variables(trainer.task)["metrics"])
        self.saved_at = time.monotonic()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.loader.offset = epoch * self.trainer.round_steps + self.offset
        if self.offset:
            variables = training_variables(self.model)["metrics"]
            for variable, value in zip(variables, self.running_means, strict=True):
                variable.assign(value)
        means = self.model.get_metrics_result() if self.offset else {}
        self.trainer.log.begin_round(self.offset, means)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Check the loss now and then; save once a minute, and on Ctrl-C."""
        self.trainer.progress.step = self.loader.offset + batch + 1
        if self.trainer.stage.averaged:
            _ = self.model  # on JAX this brings the variables up to date
            self.trainer.average.follow()
        self.trainer.log.add(logs or {})
        due = time.monotonic() - self.saved_at > _CHECKPOINT_SECONDS
        asked = self.interrupted.is_set()
        if due or asked or self.trainer.progress.step % _CHECK_EVERY == 0:
            self._check_finite(logs)
            self.trainer.log.flush()
        if self.trainer.progress.step % self.trainer.round_steps == 0:
            return  # a position between a round's last step and its scores would lose these
        if due or asked:
            self.trainer.save(self.model)
            self.saved_at = time.monotonic()
        if asked:
            raise StoppedError(TrainingInterrupted(self._interruption()))

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        if self.trainer.stage.averaged:
            _ = self.model
            self.trainer.average.show()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._check_finite(logs)
        logs = {name: float(value) for name, value in (logs or {}).items()}
        self.trainer.end_round(self.model, epoch, logs)
        self.saved_at = time.monotonic()
        if self.interrupted.is_set():
            raise StoppedError(TrainingInterrupted(self._interruption()))

    def _check_finite(self, logs: dict[str, Any] | None) -> None:
        for name, value in (logs or {}).items():
            if not math.isfinite(float(value)):
                step = self.trainer.progress.step
                reason = (
                    f"The training's {name} is no longer finite at step {step}; lower "
                    "learning_rate or use --precision float32. The last checkpoint and the best "
                    "weights so far are kept."
                )
                raise StoppedError(ZooError(reason))

    def _interruption(self) -> str:
        run_dir = self.trainer.plan.run_dir
        stopped = f"Stopped after {self.trainer.progress.step * self.trainer.batch_size:,} photos"
        if run_dir is None:
            return f"{stopped}; nothing was saved, as no run folder was given."
        return (
            f"{stopped}; the position is saved in {run_dir}: repeat the command with --resume to "
            "go on."
        )


class StepClock(keras.callbacks.Callback):
    """Seconds of the first step, which compiles, and of the ones after the second."""

    def __init__(self) -> None:
        super().__init__()
        self.ends: list[float] = []

    def start(self) -> None:
        self.ends = [time.monotonic()]

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        float((logs or {})["loss"])
        self.ends.append(time.monotonic())

    @property
    def first_step(self) -> float:
        return self.ends[1] - self.ends[0]

    @property
    def seconds_per_step(self) -> float:
        return (self.ends[-1] - self.ends[2]) / (len(self.ends) - 3)


class ProgressBar(keras.callbacks.Callback):
    """Shows finished steps, the loss and the time left."""

    def __init__(self, trainer: "Trainer", bar: "rich.progress.Progress") -> None:
        super().__init__()
        self.trainer, self.bar = trainer, bar
        title = f"Training {trainer.run_key['model']} {trainer.stage.name}".rstrip()
        total, done = trainer.rounds * trainer.round_steps, trainer.progress.step
        self.task = bar.add_task(title, total=total, completed=done, loss="")

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        step = self.trainer.progress.step
        self.bar.update(self.task, completed=step)
        if step % _CHECK_EVERY == 0:
            # Rarely, as that waits for the device.
            self.bar.update(self.task, loss=f", loss {float((logs or {})['loss']):.4f}")


@contextmanager
def progress_bar(trainer: "Trainer") -> Iterator[list[keras.callbacks.Callback]]:
    """Give the callback that shows a bar where the plan wants one."""
    if not trainer.plan.progress:
        yield []
        return
    from rich import progress
    from rich.console import Console

    with progress.Progress(
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TextColumn("steps{task.fields[loss]},"),
        progress.TimeRemainingColumn(),
        progress.TextColumn("left"),
        console=Console(stderr=True),
    ) as bar:
        yield [ProgressBar(trainer, bar)]


@contextmanager
def interrupt_flag() -> Iterator[threading.Event]:
    """Turn the first Ctrl-C into a flag, so that the step at hand can end; the second one kills."""
    flag = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield flag
        return
    before = signal.getsignal(signal.SIGINT)

    def first(number: int, frame: Any) -> None:
        flag.set()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, first)
    try:
        yield flag
    finally:
        signal.signal(signal.SIGINT, before)

"""The trainer that all gradient-trained models share, on Keras' own `fit`.

A training is a number of steps, fixed beforehand and divided into about ten rounds. A round is what
Keras calls an epoch: at its end the model is scored on the validation photos, the best weights are
kept and a checkpoint is written. Which photo is seen in which step follows from the seed and the
step's number alone, so that a training resumed from a checkpoint ends with the same weights, to the
bit, on one machine with the same backend, precision, thread count and versions.

The loader yields uint8 RGB; color conversion and losses are part of the compiled graph.
"""

import dataclasses
import gc
import math
import signal
import threading
import time
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

from zoo.color.spaces import Tensor, rgb_to_lightness
from zoo.colorizer import RENDER_FACTOR, Colorizer, History, TrainingPlan
from zoo.errors import TrainingInterrupted, ZooError, valid_choice
from zoo.models import pipeline
from zoo.models.checkpoint import (
    FILE_NAME,
    Progress,
    load_checkpoint,
    save_checkpoint,
    stored_steps,
    training_variables,
)
from zoo.models.precision import fastest_precision, training_precision, use_jit
from zoo.models.prediction import predict
from zoo.photos.loader import Companion, PhotoLoader

if TYPE_CHECKING:
    import rich.progress

    from zoo.photos.photoset import PhotoSet

#: A training has one of these numbers of rounds, or fewer where it has fewer steps.
_ROUNDS = range(8, 13)
_CHECKPOINT_SECONDS = 60.0
_WARM_UP_STEPS = 8
#: Steps between two looks at the loss; each look waits for the device.
_CHECK_EVERY = 10


@dataclasses.dataclass(frozen=True)
class TrainingConfig:
    """What every gradient training needs.

    schedule: "cosine" (a short warm-up, then down to zero), "constant", or "zhang" (the paper's two
    steps, at the same shares of the training). beta_2 is Adam's; weight_decay multiplies the
    weights in the gradient, for networks that use it.
    """

    train_size: int = 96
    batch_size: int = 16
    learning_rate: float = 1e-3
    schedule: str = "cosine"
    beta_2: float = 0.999
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        """Refuse numbers that cannot train."""
        valid_choice("schedule", self.schedule, ("cosine", "constant", "zhang"))
        check_fields(self, lambda value: value >= 1, "at least 1", "train_size", "batch_size")
        check_fields(self, lambda value: value > 0, "positive", "learning_rate")
        check_fields(self, lambda value: value >= 0, "at least 0", "weight_decay")
        check_fields(self, lambda value: 0 <= value < 1, "at least 0 and below 1", "beta_2")


def check_fields(config: Any, holds: Callable[[float], bool], words: str, *names: str) -> None:
    """Refuse a configuration in which a named field does not hold what `words` say.

    Raises:
        ZooError: naming the field and its value.
    """
    for name in names:
        if not holds(getattr(config, name)):
            raise ZooError(f"{name} must be {words}; got {getattr(config, name)}.")


class GradientColorizer(Colorizer):
    """A Colorizer whose one network learns by the gradient of a loss.

    Subclasses say what the network sees, what the loss is, and how its output becomes ab.
    """

    trains_by_gradient = True

    @property
    @abstractmethod
    def stride(self) -> int:
        """Sides of the network's input must be multiples of this."""

    @abstractmethod
    def scale_lightness(self, lightness: Tensor) -> Tensor:
        """(N, h, w, 1) L in [0, 100] -> the network's input."""

    @abstractmethod
    def loss(self, rgb: Tensor, output: Tensor) -> Tensor:
        """The scalar to minimize, in float32, from the photos and the network's output for them."""

    @abstractmethod
    def output_to_ab(self, output: Tensor, lightness: Tensor, **options: float) -> Tensor:
        """The network's output, and (N, h, w, 1) L that it was made from -> (N, h', w', 2) ab.

        `options` are the model's own at prediction, every one of them.
        """

    def network_input(self, rgb: Tensor) -> Tensor:
        """What the network sees of training photos: (N, h, w, 3) uint8 RGB -> its input."""
        return self.scale_lightness(rgb_to_lightness(rgb))

    def companion(self, photos: "PhotoSet", *, training: bool, progress: bool) -> Companion | None:
        """What training needs of each photo beside its pixels; nothing for most models.

        Where there is something, `network_input` and `loss` get its rows as their last argument.

        Args:
            photos: those to train on, or those for validation.
            training: which of the two.
            progress: whether to show a progress bar where this takes long.
        """
        return None

    def training_network(self) -> keras.Model:
        """The network that `loss` gets its output from; it may give more than the colorizer's."""
        return self.networks["colorizer"]

    def training_graph(self) -> "TrainingGraph":
        """What is trained: the network and its loss, or several of them."""
        return TrainingGraph(self)

    def round_score(self, logs: dict[str, float]) -> float | None:
        """What the best weights are lowest in: a round's validation loss, if there is one."""
        return logs.get("val_loss")

    def optimizer(self, steps: int) -> keras.optimizers.Optimizer:
        """Adam with the configuration's schedule over `steps`."""
        config = self.config
        return keras.optimizers.Adam(schedule(config, steps), beta_2=config.beta_2)

    def predict_ab(self, lightness: Tensor, **options: float) -> np.ndarray:
        """Predict chroma: (N, H, W, 1) L in [0, 100], any size -> (N, H, W, 2) float32 ab."""
        return self.predicted_ab(*self.network_output(lightness), lightness.shape[1:3], options)

    def predicted_ab(
        self, output: Tensor, padded: Tensor, size: tuple[int, int], options: dict[str, float]
    ) -> np.ndarray:
        """From what `network_output` gave for L of this size, to the ab of `predict_ab`."""
        values = self.resolve_options(options)
        del values[RENDER_FACTOR.name]  # it decided the size of L
        height, width = size
        ab = pipeline.resize(self.output_to_ab(output, padded, **values), padded.shape[1:3])
        return ops.convert_to_numpy(ab)[:, :height, :width]

    def network_output(self, lightness: Tensor) -> tuple[Tensor, Tensor]:
        """What the network makes of (N, H, W, 1) L in [0, 100] of any size.

        Returns:
            The output, and L as the network saw it: reflected at the border to the stride.
        """
        padded = pipeline.reflect_to_multiple(ops.cast(lightness, "float32"), self.stride)
        return predict(self.networks["colorizer"], self.scale_lightness(padded)), padded

    def learn(
        self, train: "PhotoSet", validation: "PhotoSet | None", plan: TrainingPlan
    ) -> History:
        """Train the network as `plan` says."""
        if plan.size < self.stride or plan.size % self.stride:
            raise ZooError(
                f"The training size of {self.name}:{self.preset} must be a multiple of "
                f"{self.stride} px; got {plan.size}."
            )
        precision = fastest_precision() if plan.precision == "auto" else plan.precision
        with training_precision(self.networks["colorizer"], precision):
            return _Training(self, train, validation, plan, precision).run()


class TrainingGraph(keras.Model):
    """From uint8 photos, or those and their companions, to the loss: one graph for Keras' `fit`."""

    def __init__(self, colorizer: GradientColorizer) -> None:
        super().__init__(name="training", dtype="float32")
        self.network = colorizer.training_network()
        self._network_input = colorizer.network_input
        self._photo_loss = colorizer.loss

    def call(self, batch: Tensor | tuple[Tensor, Tensor], training: bool = False) -> Tensor:
        """(N, h, w, 3) uint8, with or without rows beside them -> the network's output."""
        return self.network(self._network_input(*_parts(batch)), training=training)

    def compute_loss(
        self,
        x: Tensor = None,
        y: Tensor = None,
        y_pred: Tensor = None,
        sample_weight: Tensor = None,
        training: bool = True,
    ) -> Tensor:
        """The colorizer's loss; weight decay joins in training only, to keep scores comparable."""
        rgb, *beside = _parts(x)
        loss = self._photo_loss(rgb, y_pred, *beside)
        if training and self.losses:
            loss = loss + sum(ops.cast(term, "float32") for term in self.losses)
        return loss


def _parts(batch: Tensor | Sequence[Tensor]) -> Sequence[Tensor]:
    return batch if isinstance(batch, (tuple, list)) else (batch,)


def schedule(
    config: TrainingConfig, steps: int
) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """The learning rate over a training of `steps` steps.

    "zhang": in arXiv 1603.08511, 3e-5 falls to 1e-5 at 200k and to 3e-6 at 375k of about 450k
    iterations; here at the same shares of `steps`.
    """
    rate = config.learning_rate
    if config.schedule == "constant":
        return rate
    if config.schedule == "zhang":
        return keras.optimizers.schedules.PiecewiseConstantDecay(
            [round(steps * 200 / 450), round(steps * 375 / 450)], [rate, rate / 3, rate / 10]
        )
    warm_up = min(100, steps // 10)
    return keras.optimizers.schedules.CosineDecay(
        rate if warm_up == 0 else rate / 10,
        decay_steps=max(1, steps - warm_up),
        warmup_target=rate if warm_up else None,
        warmup_steps=warm_up,
    )


def plan_rounds(steps: int) -> tuple[int, int]:
    """Divide at least `steps` steps into equal rounds, about ten: (rounds, steps a round).

    The number of rounds, at most 12, is the one that adds the fewest steps.

    >>> plan_rounds(6250)
    (10, 625)
    """
    sizes = {math.ceil(steps / rounds) for rounds in _ROUNDS}
    size = min(sizes, key=lambda size: (math.ceil(steps / size) * size, size))
    return math.ceil(steps / size), size


class _Training:
    """One call of `learn`: the compiled graph, the loaders, and where it stands."""

    def __init__(
        self,
        colorizer: GradientColorizer,
        train: "PhotoSet",
        validation: "PhotoSet | None",
        plan: TrainingPlan,
        precision: str,
    ) -> None:
        self.colorizer, self.train, self.plan, self.precision = colorizer, train, plan, precision
        self.batch_size = colorizer.config.batch_size
        self.graph = colorizer.training_graph()
        self.companion = colorizer.companion(train, training=True, progress=plan.progress)
        self.validation = validation and PhotoLoader(
            validation,
            plan.size,
            self.batch_size,
            augment=False,
            companion=colorizer.companion(validation, training=False, progress=plan.progress),
            progress=plan.progress,
        )
        self.progress = Progress()
        self.run_key = {
            "model": colorizer.name,
            "config": _as_json(dataclasses.asdict(colorizer.config)),
            "seed": colorizer.seed,
            "photos": train.fingerprint,
            "validation photos": validation.fingerprint if validation else None,
            "size": plan.size,
            "budget": str(plan.budget),
            "precision": precision,
            "backend": keras.backend.backend(),
            "references": colorizer.references(),
        }

    def run(self) -> History:
        """Train from the start or the checkpoint to the end; the best weights stay in place."""
        run_dir, started = self.plan.run_dir, time.monotonic()
        stored = run_dir is not None and (run_dir / FILE_NAME).is_file()
        if stored and not self.plan.resume:
            raise ZooError(
                f"{run_dir} holds an unfinished training; resume it (--resume) or choose another "
                "folder."
            )
        steps = stored_steps(run_dir) if stored else self._budget_in_steps(started)
        self.run_key["steps"] = steps
        self.rounds, self.round_steps = plan_rounds(steps)
        self._compile(self.rounds * self.round_steps)
        if stored:
            self.progress = load_checkpoint(run_dir, self.run_key, self.graph)
        self.started = started - self.progress.seconds
        try:
            self._fit()
        finally:
            for name, variable in self.colorizer.variables().items():
                if name in self.progress.best:
                    variable.assign(self.progress.best[name])
        return self._history()

    def save(self, graph: keras.Model) -> None:
        """Write a checkpoint of the present position, where there is a folder for it."""
        self.progress.seconds = time.monotonic() - self.started
        if self.plan.run_dir is not None:
            save_checkpoint(self.plan.run_dir, self.run_key, graph, self.progress)

    def end_round(self, graph: keras.Model, round_index: int, logs: dict[str, float]) -> None:
        """Keep the round's scores, the weights if they are the best so far, and a checkpoint."""
        progress, curves = self.progress, self.progress.curves
        logs = {"photos_seen": float(progress.step * self.batch_size)} | logs
        for name, value in logs.items():
            curves.setdefault(name, []).append(value)
        score = self.colorizer.round_score(logs)
        best = progress.best_score
        if score is not None and (best is None or score < best):
            progress.best_score, progress.best_round = score, round_index
            progress.best = {
                name: np.array(ops.convert_to_numpy(variable))
                for name, variable in self.colorizer.variables().items()
            }
        self.save(graph)

    def _compile(self, steps: int) -> None:
        optimizer = self.colorizer.optimizer(steps)
        self.graph.compile(optimizer=optimizer, jit_compile=use_jit())
        optimizer.build(self.graph.trainable_variables)

    def _loader(self, steps: int) -> PhotoLoader:
        return PhotoLoader(
            self.train,
            self.plan.size,
            self.batch_size,
            steps=steps,
            seed=self.colorizer.seed,
            companion=self.companion,
            progress=self.plan.progress,
        )

    def _budget_in_steps(self, started: float) -> int:
        """How many steps the budget allows; minutes are turned into steps by a timed warm-up."""
        budget = self.plan.budget
        if budget.photos_seen is not None:
            return max(1, round(budget.photos_seen / self.batch_size))
        self._compile(1)
        before = [np.array(ops.convert_to_numpy(v)) for v in self.graph.variables]
        clock = _StepClock()
        self.graph.fit(self._loader(_WARM_UP_STEPS), verbose=0, shuffle=False, callbacks=[clock])
        for variable, value in zip(self.graph.variables, before, strict=True):
            variable.assign(value)
        # Compiling costs about as much once more, and each round one pass of about a third of a
        # training step's work over the validation photos.
        left = 60 * budget.minutes - (time.monotonic() - started) - clock.first_step
        steps = left / clock.seconds_per_step
        if self.validation is not None:
            steps -= max(_ROUNDS) * len(self.validation) / 3
        return max(1, round(steps))

    def _fit(self) -> None:
        """Run what is left: the rest of a round that was interrupted, then the whole rounds."""
        first, inside = divmod(self.progress.step, self.round_steps)
        parts = [(first, first + 1, inside)] if inside else []
        if first + len(parts) < self.rounds:
            parts.append((first + len(parts), self.rounds, 0))
        with _progress_bar(self) as bar, _interrupt_flag() as interrupted:
            for begin, end, offset in parts:
                keeper = _Keeper(self, self._loader(self.round_steps - offset), offset, interrupted)
                trouble = self._fit_rounds(keeper, begin, end, [keeper, *bar, *self.plan.callbacks])
                if trouble is not None:
                    # What `fit` held is free only now. A reading thread of TensorFlow that outlives
                    # the program would write its own complaints below ours.
                    gc.collect()
                    raise trouble
                if self.graph.stop_training:
                    break

    def _fit_rounds(
        self, keeper: "_Keeper", begin: int, end: int, callbacks: list[keras.callbacks.Callback]
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
        except _StoppedError as stopped:
            return stopped.reason
        return None

    def _history(self) -> History:
        progress = self.progress
        return History(
            curves=progress.curves,
            photos_seen=progress.step * self.batch_size,
            seconds=round(progress.seconds, 2),
            details={
                "precision": self.precision,
                "batch_size": self.batch_size,
                "steps": progress.step,
                "best_round": progress.best_round,
                "best_score": progress.best_score,
            },
        )


class _StoppedError(Exception):
    """Carries the reason for stopping out of Keras' `fit`."""

    def __init__(self, reason: ZooError) -> None:
        super().__init__(str(reason))
        self.reason = reason


class _Keeper(keras.callbacks.Callback):
    """Moves the loader from round to round, watches the loss, keeps scores and checkpoints.

    The training graph is always taken from `self.model`: on JAX, asking for that brings the
    variables up to date.
    """

    def __init__(
        self, training: _Training, loader: PhotoLoader, offset: int, interrupted: threading.Event
    ) -> None:
        super().__init__()
        self.training, self.loader, self.offset = training, loader, offset
        self.interrupted = interrupted
        # Keras sets the running means to zero at a round's beginning: an interrupted round's are
        # put back.
        self.running_means = [
            np.array(ops.convert_to_numpy(variable))
            for variable in training_variables(training.graph)["metrics"]
        ]
        self.saved_at = time.monotonic()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Put the loader at the round's first step."""
        self.loader.offset = epoch * self.training.round_steps + self.offset
        if self.offset:
            for variable, value in zip(
                training_variables(self.model)["metrics"], self.running_means, strict=True
            ):
                variable.assign(value)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Check the loss now and then; save once a minute, and on Ctrl-C."""
        self.training.progress.step = self.loader.offset + batch + 1
        due = time.monotonic() - self.saved_at > _CHECKPOINT_SECONDS
        asked = self.interrupted.is_set()
        if due or asked or self.training.progress.step % _CHECK_EVERY == 0:
            self._check_finite(logs)
        if due or asked:
            self.training.save(self.model)
            self.saved_at = time.monotonic()
        if asked:
            raise _StoppedError(TrainingInterrupted(self._interruption()))

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Hand the round's logs on."""
        self._check_finite(logs)
        logs = {name: float(value) for name, value in (logs or {}).items()}
        self.training.end_round(self.model, epoch, logs)
        self.saved_at = time.monotonic()

    def _check_finite(self, logs: dict[str, Any] | None) -> None:
        for name, value in (logs or {}).items():
            if not math.isfinite(float(value)):
                reason = ZooError(
                    f"The training's {name} is no longer finite at step "
                    f"{self.training.progress.step}; lower learning_rate or use --precision "
                    "float32. The last checkpoint and the best weights so far are kept."
                )
                raise _StoppedError(reason)

    def _interruption(self) -> str:
        run_dir, photos = self.training.plan.run_dir, self.training.progress.step
        photos *= self.training.batch_size
        if run_dir is None:
            return (
                f"Stopped after {photos:,} photos; nothing was saved, as no run folder was given."
            )
        return (
            f"Stopped after {photos:,} photos; the position is saved in {run_dir}: repeat the "
            "command with --resume to go on."
        )


class _StepClock(keras.callbacks.Callback):
    """Seconds of the first step, which compiles, and of the ones after the second."""

    def __init__(self) -> None:
        super().__init__()
        self.ends = [time.monotonic()]

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Wait for the step's result, then note the time."""
        float((logs or {})["loss"])
        self.ends.append(time.monotonic())

    @property
    def first_step(self) -> float:
        """Seconds from the start to the end of the first step."""
        return self.ends[1] - self.ends[0]

    @property
    def seconds_per_step(self) -> float:
        """Mean over the warm steps."""
        return (self.ends[-1] - self.ends[2]) / (len(self.ends) - 3)


class _ProgressBar(keras.callbacks.Callback):
    """Shows finished steps, the loss and the time left."""

    def __init__(self, training: _Training, bar: "rich.progress.Progress") -> None:
        super().__init__()
        self.training, self.bar = training, bar
        self.task = bar.add_task(
            f"Training {training.colorizer.name}",
            total=training.rounds * training.round_steps,
            completed=training.progress.step,
            loss="",
        )

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Move on by a step; the loss is looked at rarely, as that waits for the device."""
        step = self.training.progress.step
        fields = {}
        if step % _CHECK_EVERY == 0:
            fields["loss"] = f", loss {float((logs or {})['loss']):.4f}"
        self.bar.update(self.task, completed=step, **fields)


@contextmanager
def _progress_bar(training: _Training) -> Iterator[list[keras.callbacks.Callback]]:
    if not training.plan.progress:
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
        yield [_ProgressBar(training, bar)]


@contextmanager
def _interrupt_flag() -> Iterator[threading.Event]:
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


def _as_json(config: dict[str, Any]) -> dict[str, Any]:
    """Tuples become lists, as they do in a file."""
    return {key: list(v) if isinstance(v, tuple) else v for key, v in config.items()}

"""What gradient-trained models share: their configuration, their graph, and what a stint is.

The loader yields uint8 RGB; color conversion and losses are part of the compiled graph. The trainer
itself is in `trainer.py`.
"""

import dataclasses
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

import keras
from keras import ops

from zoo import preprocessing
from zoo.color.spaces import Tensor, rgb_to_lightness
from zoo.colorizer import Colorizer, History, TrainingPlan
from zoo.errors import ZooError, valid_choice
from zoo.networks.runner import predict
from zoo.photos.loader import Companion, PhotoLoader
from zoo.training.precision import fastest_precision, training_precision
from zoo.training.trainer import Trainer

if TYPE_CHECKING:
    from zoo.photos.photoset import PhotoSet


#: The share of a trained kernel that is kept, and that of an initial one that is added to it, where
#: a model is trained further. Chosen on validation photos of retinas, for models of scenes.
_KEPT, _ADDED = 0.4, 0.1


@dataclasses.dataclass(frozen=True)
class TrainingConfig:
    """What every gradient training needs.

    Attributes:
        train_size: side of the training squares in px, where `fit` is told no other.
        batch_size: photos a step.
        learning_rate: Adam's at its highest.
        schedule: "cosine" (a short warm-up, then down to zero), "constant", or "zhang" (the paper's
            two steps, at the same shares of the training).
        beta_2: Adam's, at least 0 and below 1.
        weight_decay: so many times the weights are added to their gradient, for networks that use
            it.

    Raises:
        ZooError: if a number cannot train.
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

    Args:
        config: the configuration.
        holds: from a field's value to whether it may be that.
        words: what the value must be, for the message.
        *names: of the fields.

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
        """The scalar to minimize, from the photos and the network's output for them.

        Args:
            rgb: (N, h, w, 3) uint8 sRGB.
            output: what the network gives for their L, in the training's precision.

        Returns:
            A float32 scalar, in `keras.ops`.
        """

    @abstractmethod
    def output_to_ab(self, output: Tensor, lightness: Tensor, **options: float) -> Tensor:
        """The network's output as chroma.

        Args:
            output: what the network gave.
            lightness: (N, h, w, 1) L in [0, 100] that it was made from.
            **options: the model's own at prediction, every one of them but the render factor.

        Returns:
            (N, h', w', 2) ab, of the output's size or of L's.
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

    def chroma(self, lightness: Tensor, **values: Tensor) -> Tensor:
        """The network's answer as ab, of the size of L: see `Colorizer.chroma`."""
        output, padded = self.network_output(lightness)
        return preprocessing.fit_to(self.output_to_ab(output, padded, **values), padded, lightness)

    def network_output(self, lightness: Tensor) -> tuple[Tensor, Tensor]:
        """What the network makes of (N, H, W, 1) L in [0, 100] of any size.

        Returns:
            The output, and L as the network saw it: reflected at the border to the stride.
        """
        padded = preprocessing.reflect_to_multiple(ops.cast(lightness, "float32"), self.stride)
        return predict(self.networks["colorizer"], self.scale_lightness(padded)), padded

    def learn(
        self, train: "PhotoSet", validation: "PhotoSet | None", plan: TrainingPlan
    ) -> History:
        """Train the network as `plan` says: see `Colorizer.learn`.

        Raises:
            ZooError: also if a size is no multiple of the stride, or too many layers are frozen.
        """
        for size in plan.sizes:
            if size < self.stride or size % self.stride:
                raise ZooError(
                    f"The training size of {self.name}:{self.preset} must be a multiple of "
                    f"{self.stride} px; got {size}."
                )
        precision = fastest_precision() if plan.precision == "auto" else plan.precision
        plan, network = dataclasses.replace(plan, precision=precision), self.networks["colorizer"]
        with training_precision(network, precision), _still_layers(network, plan.freeze):
            if "weights_sha256" in self.card:  # it was trained before, and saved
                shrink_and_perturb(network, self.build_networks()["colorizer"])
            return self.train_stints(train, validation, plan)

    def train_stints(
        self, train: "PhotoSet", validation: "PhotoSet | None", plan: TrainingPlan
    ) -> History:
        """Train in one stint; models that learn by several losses in turn have more."""
        return Trainer(self.stint(train, validation, plan)).run()

    def stint(
        self, train: "PhotoSet", validation: "PhotoSet | None", plan: TrainingPlan
    ) -> "Stint":
        """What the training consists of."""
        return Stint(self, train, validation, plan)


@contextmanager
def _still_layers(network: keras.Model, count: int) -> Iterator[None]:
    """Let the first so many layers that have weights stay as they are inside the block."""
    layers = [layer for layer in network.layers if layer.trainable_weights]
    if count >= len(layers):
        raise ZooError(
            f"{network.name} has {len(layers)} layers that learn, so at most {len(layers) - 1} can "
            f"be frozen; got {count}."
        )
    try:
        for layer in layers[:count]:
            layer.trainable = False
        yield
    finally:
        for layer in layers[:count]:
            layer.trainable = True


def shrink_and_perturb(network: keras.Model, fresh: keras.Model) -> None:
    """Prepare a trained network for learning anew: Ash and Adams 2020, arXiv 1910.08475, section 4.

    Weights grow while they learn, and the larger they are the less a step turns them: without this
    a network that starts from trained weights ends worse than one that starts from none. Kernels
    keep their direction for the most part, which is what batch normalization lets count; layers
    that are frozen stay as they are.

    Args:
        network: changed in place.
        fresh: the same with initial weights.
    """
    layers = zip(network.layers, fresh.layers, strict=True)
    for layer, new in ((one, other) for one, other in layers if one.trainable):
        variables = zip(layer.trainable_variables, new.trainable_variables, strict=True)
        for variable, initial in ((one, other) for one, other in variables if len(one.shape) > 1):
            variable.assign(_KEPT * variable.value + _ADDED * initial.value)


class Stint:
    """One training of a colorizer: which graph learns from which photos, and when it ends.

    Most models train in this one. Subclasses are for models that train otherwise, or several times
    in a row, each time with another loss.

    Args:
        colorizer: whose networks learn.
        train: photos to learn from.
        validation: photos that are scored after each round, if there are some.
        plan: what the caller of `fit` asked for, its precision decided.
    """

    #: Tells the files of a training's stints apart; empty where there is only one.
    name: ClassVar[str] = ""
    #: It has one of these numbers of rounds, or fewer where it has fewer steps.
    rounds: ClassVar[range] = range(8, 13)
    #: Whether the model is kept as it is after each round, for people to choose from.
    keeps_checkpoints: ClassVar[bool] = False

    def __init__(
        self,
        colorizer: GradientColorizer,
        train: "PhotoSet",
        validation: "PhotoSet | None",
        plan: TrainingPlan,
    ) -> None:
        self.colorizer, self.train, self.validation, self.plan = colorizer, train, validation, plan
        self.batch_size = colorizer.config.batch_size
        self.companion = self._companion(train, training=True)

    def graph(self) -> "TrainingGraph":
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
            companion=self.companion,
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
            companion=self._companion(self.validation, training=False),
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

    def _companion(self, photos: "PhotoSet", training: bool) -> Companion | None:
        return self.colorizer.companion(photos, training=training, progress=self.plan.progress)


class TrainingGraph(keras.Model):
    """From uint8 photos, or those and their companions, to the loss: one graph for Keras' `fit`.

    Args:
        colorizer: whose loss it is.
        network: what learns; the colorizer's `training_network` by default.
    """

    def __init__(self, colorizer: GradientColorizer, network: keras.Model | None = None) -> None:
        super().__init__(name="training", dtype="float32")
        self.network = network or colorizer.training_network()
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
        """What Keras asks for; see `step_loss`."""
        return self.step_loss(x, y_pred, training)

    def step_loss(
        self, batch: Tensor | tuple[Tensor, Tensor], output: Tensor, training: bool
    ) -> Tensor:
        """The colorizer's loss; weight decay joins in training only, to keep scores comparable."""
        rgb, *beside = _parts(batch)
        loss = self._photo_loss(rgb, output, *beside)
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

    Examples:
        >>> schedule(TrainingConfig(learning_rate=0.001, schedule="constant"), steps=100)
        0.001
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

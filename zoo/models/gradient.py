"""What gradient-trained models share.

The loader yields uint8 RGB; color conversion and losses are part of the compiled graph.
"""

from abc import abstractmethod
from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, ClassVar

import keras
from keras import ops

from zoo import preprocessing
from zoo.color.spaces import Tensor, rgb_to_lightness
from zoo.colorizer import Colorizer
from zoo.errors import ZooError
from zoo.inputs import LIGHTNESS, DerivedInput, SimulatedInput
from zoo.networks.blocks import AB_SCALE
from zoo.networks.runner import Runner
from zoo.photos.loader import PhotoLoader, Rows
from zoo.prediction import Chroma, Prediction, Size
from zoo.training.optimizers import schedule
from zoo.training.plan import History, TrainingPlan
from zoo.training.precision import fastest_precision, training_precision
from zoo.training.stage import Stage
from zoo.training.task import NetworkTask, Task
from zoo.training.trainer import Trainer
from zoo.training.transfer import digest, frozen_layers, restart_generators, shrink_and_perturb

if TYPE_CHECKING:
    from zoo.photos.photoset import PhotoSet


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
    def loss(self, batch: Mapping[str, Tensor], output: Tensor) -> Tensor:
        """The scalar to minimize, from the photos and the network's output for them.

        Args:
            batch: "rgb", (N, h, w, 3) uint8 sRGB, and what `rows` gives.
            output: what the network gives for their L, in the training's precision.

        Returns:
            A float32 scalar, in `keras.ops`.
        """

    #: What the network's ab is divided by.
    ab_scale: ClassVar[float] = AB_SCALE

    def network_input(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What the network sees of a batch of training photos."""
        lightness = rgb_to_lightness(batch["rgb"])
        seen = {LIGHTNESS.name: self.scale_lightness(lightness)}
        for declared in self.inputs[1:]:
            given = batch.get(declared.name)
            seen[declared.name] = declared.missing(lightness) if given is None else given
        return seen

    def rows(self, photos: "PhotoSet", *, training: bool, progress: bool) -> dict[str, Rows]:
        """What training needs of each photo beside its pixels, by name: the further inputs.

        Args:
            photos: those to train on, or those for validation.
            training: which of the two.
            progress: whether to show a progress bar where this takes long.
        """
        rows: dict[str, Rows] = {}
        for declared in self.inputs:
            if isinstance(declared, DerivedInput):
                rows[declared.name] = declared.rows(photos, progress=progress)
            elif isinstance(declared, SimulatedInput):
                rows[declared.name] = declared.rows
        return rows

    def task(self) -> Task:
        """What is trained: the network and its loss, or several of them."""
        return NetworkTask(self.networks["colorizer"], self.network_input, self.loss)

    def optimizer(self, steps: int) -> keras.optimizers.Optimizer:
        """Adam with the configuration's schedule over `steps`."""
        config = self.config
        return keras.optimizers.Adam(schedule(config, steps), beta_2=config.beta_2)

    def run_networks(
        self, inputs: Mapping[str, Tensor], runner: Runner, **values: Tensor
    ) -> Prediction:
        """Run the network on inputs that are reflected at the border to its stride."""
        maps = {declared.name for declared in self.inputs if declared.kind == "map"}
        padded = {
            name: preprocessing.reflect_to_multiple(ops.cast(x, "float32"), self.stride)
            if name in maps
            else x
            for name, x in inputs.items()
        }
        lightness = padded[LIGHTNESS.name]
        seen = padded | {LIGHTNESS.name: self.scale_lightness(lightness)}
        output = runner(self.networks["colorizer"], seen)
        height, width = ops.shape(inputs[LIGHTNESS.name])[1:3]
        return self.understood(output, lightness, (height, width))

    def understood(self, output: Tensor, lightness: Tensor, size: Size) -> Prediction:
        """What the network's output says; arguments as those of `Prediction`."""
        return Chroma(lightness, size, output * self.ab_scale)

    def to_ab(self, prediction: Prediction, **values: Tensor) -> Tensor:
        """The ab that was predicted."""
        assert isinstance(prediction, Chroma)
        return prediction.enlarged(prediction.ab)

    def learn(
        self, train: "PhotoSet", validation: "PhotoSet | None", plan: TrainingPlan
    ) -> History:
        """Train the network as `plan` says: see `Colorizer.learn`.

        Raises:
            ZooError: also if a size is no multiple of the stride, or a layer cannot be frozen.
        """
        for size in plan.sizes:
            if size < self.stride or size % self.stride:
                raise ZooError(
                    f"The training size of {self.name}:{self.preset} must be a multiple of "
                    f"{self.stride} px; got {size}."
                )
        precision = fastest_precision() if plan.precision == "auto" else plan.precision
        plan, network = replace(plan, precision=precision), self.networks["colorizer"]
        restart_generators(self.networks.values())
        done: dict[str, History] = {}
        with frozen_layers(network, plan.freeze):
            self.prepare(train, plan)
            if plan.start == "shrink":
                shrink_and_perturb(network, self.build_networks()["colorizer"])
            stages = closing(self.stages(train, validation, plan, done))
            with training_precision(network, precision), stages as turns:
                for stage in turns:
                    done[stage.name] = Trainer(stage).run()
        return History.of_stages(done)

    def prepare(self, train: "PhotoSet", plan: TrainingPlan) -> None:
        """Learn what the losses need of the photos, before the first stage."""

    def stages(
        self,
        train: "PhotoSet",
        validation: "PhotoSet | None",
        plan: TrainingPlan,
        done: Mapping[str, History],
    ) -> Generator[Stage, None, None]:
        """The stages of a training, each of them made once the one before it has ended.

        Args:
            train: photos to learn from.
            validation: photos that are scored after each round, if there are some.
            plan: what the caller of `fit` asked for, its precision decided.
            done: the histories of the stages that have ended, by name.
        """
        yield self.stage(train, validation, plan, self.task())

    def stage(
        self, train: "PhotoSet", validation: "PhotoSet | None", plan: TrainingPlan, task: Task
    ) -> Stage:
        """A stage over all the photos, with this model's optimizer and weights."""
        batch_size, progress = self.config.batch_size, plan.progress
        rows = self.rows(train, training=True, progress=progress)
        scored = None
        if validation is not None:
            scored = PhotoLoader(
                validation,
                plan.size,
                batch_size,
                augment=False,
                rows=self.rows(validation, training=False, progress=progress),
                progress=progress,
            )

        def loader(size: int, steps: int) -> PhotoLoader:
            return PhotoLoader(
                train, size, batch_size, steps=steps, seed=self.seed, rows=rows, progress=progress
            )

        return Stage(
            task=task,
            plan=plan,
            batch_size=batch_size,
            optimizer=self.optimizer,
            loader=loader,
            validation=scored,
            weights=self.variables(),
            identity={
                "model": self.name,
                "config": asdict(self.config),
                "seed": self.seed,
                "start": digest(self.variables()),
                "frozen layers": plan.freeze,
                "photos": train.fingerprint,
                "validation photos": validation.fingerprint if validation else None,
                "references": self.references(),
            },
        )

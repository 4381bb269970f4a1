"""What gradient-trained models share.

The loader yields uint8 RGB; color conversion and losses are part of the compiled graph.
"""

import dataclasses
from abc import abstractmethod
from typing import TYPE_CHECKING

import keras
from keras import ops

from zoo import preprocessing
from zoo.color.spaces import Tensor, rgb_to_lightness
from zoo.colorizer import Colorizer
from zoo.errors import ZooError
from zoo.networks.runner import predict
from zoo.photos.loader import Rows
from zoo.training.optimizers import schedule
from zoo.training.plan import History, TrainingPlan
from zoo.training.precision import fastest_precision, training_precision
from zoo.training.stage import Stage
from zoo.training.task import Task
from zoo.training.trainer import Trainer
from zoo.training.transfer import frozen_layers, shrink_and_perturb

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
    def loss(self, batch: dict[str, Tensor], output: Tensor) -> Tensor:
        """The scalar to minimize, from the photos and the network's output for them.

        Args:
            batch: "rgb", (N, h, w, 3) uint8 sRGB, and what `rows` gives.
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

    def network_input(self, batch: dict[str, Tensor]) -> Tensor:
        """What the network sees of a batch of training photos."""
        return self.scale_lightness(rgb_to_lightness(batch["rgb"]))

    def rows(self, photos: "PhotoSet", *, training: bool, progress: bool) -> dict[str, Rows]:
        """What training needs of each photo beside its pixels, by name; nothing for most models.

        Args:
            photos: those to train on, or those for validation.
            training: which of the two.
            progress: whether to show a progress bar where this takes long.
        """
        return {}

    def training_network(self) -> keras.Model:
        """The network that `loss` gets its output from; it may give more than the colorizer's."""
        return self.networks["colorizer"]

    def training_graph(self) -> Task:
        """What is trained: the network and its loss, or several of them."""
        return Task(self)

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
        with training_precision(network, precision), frozen_layers(network, plan.freeze):
            if "weights_sha256" in self.card:  # it was trained before, and saved
                shrink_and_perturb(network, self.build_networks()["colorizer"])
            return self.train_stages(train, validation, plan)

    def train_stages(
        self, train: "PhotoSet", validation: "PhotoSet | None", plan: TrainingPlan
    ) -> History:
        """Train in one stage; models that learn by several losses in turn have more."""
        return Trainer(self.stage(train, validation, plan)).run()

    def stage(self, train: "PhotoSet", validation: "PhotoSet | None", plan: TrainingPlan) -> Stage:
        """What the training consists of."""
        return Stage(self, train, validation, plan)

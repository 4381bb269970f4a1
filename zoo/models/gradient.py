"""What gradient-trained models share: any architecture, the loss in the graph, the stages."""

from abc import abstractmethod
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar

import keras
from keras import ops

from zoo import preprocessing
from zoo.backend import on_devices, require_devices
from zoo.color.spaces import Tensor, rgb_to_lightness
from zoo.colorizer import Colorizer, Departure
from zoo.errors import ZooError, valid_choice
from zoo.inputs import LIGHTNESS, DerivedInput, SimulatedInput
from zoo.networks.architectures import ARCHITECTURES, SCALES, Architecture
from zoo.networks.blocks import NetworkSpec, share_statistics
from zoo.networks.encoders import open_encoder
from zoo.networks.encoders.base import PREFIX
from zoo.networks.runner import OneDevice, Runner
from zoo.options import DENOISE, OF_NETWORKS, Option
from zoo.photos.aging import CHANGE, Aging
from zoo.photos.loader import PhotoLoader, Rows
from zoo.photos.photoset import PhotoSet
from zoo.prediction import Chroma, Prediction, Size
from zoo.training.config import TrainingConfig, check_fields
from zoo.training.optimizers import Adam, GroupedAdam, Multiple, Rate, schedule
from zoo.training.plan import History, TrainingPlan
from zoo.training.precision import fastest_precision, training_precision
from zoo.training.stage import ROUNDS, Stage
from zoo.training.task import NetworkTask, Task
from zoo.training.trainer import Trainer
from zoo.training.transfer import digest, frozen_layers, restart_generators, shrink_and_perturb


@dataclass(frozen=True)
class NetworkConfig(TrainingConfig):
    """The network of `zoo.networks.architectures`, and its training.

    Attributes:
        architecture: "unet", "zhang", "colorunet", "encoder_decoder", "pix2pix", "encoder_unet", or
            "local_hints" for models that take two outputs.
        width: channels of its first block, or of the last one of an encoder_unet's decoder; those
            of colorunet are fixed.
        depth: levels of a unet or pix2pix.
        output_stride: how many times smaller a unet's output is than its input: 1, 2 or 4.
        scale: how the network sees lightness, "signed", "zhang" or "luma"; if empty, as the
            architecture does.
        dropout: share that is dropped in training, at least 0 and below 1: at the network's lowest
            level, by an encoder_unet before its last layer.
        encoder: of an encoder_unet, as `zoo.networks.encoders` has it: "efficientnet_lite0"; empty
            for the others.
        frozen_levels: how many of the encoder's five levels stay as they are, from the finest on.
        encoder_rate: the encoder learns at so many times the learning rate.
    """

    #: How many outputs of a network the model takes at most.
    heads: ClassVar[int] = 1

    architecture: str = "unet"
    width: int = 48
    depth: int = 4
    output_stride: int = 2
    scale: str = ""
    dropout: float = 0.0
    encoder: str = ""
    frozen_levels: int = 0
    encoder_rate: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        valid_choice("architecture", self.architecture, tuple(ARCHITECTURES))
        valid_choice("scale", self.scale, ("", *SCALES))
        check_fields(self, lambda value: value >= 1, "at least 1", "width", "depth")
        check_fields(self, lambda value: value in (1, 2, 4), "1, 2 or 4", "output_stride")
        check_fields(self, lambda value: 0 <= value < 1, "at least 0 and below 1", "dropout")
        check_fields(self, lambda value: 0 <= value <= 5, "from 0 to 5", "frozen_levels")
        check_fields(self, lambda value: value > 0, "positive", "encoder_rate")
        if ARCHITECTURES[self.architecture].heads > self.heads:
            raise ZooError(
                f"The architecture {self.architecture} answers with a distribution and a color, "
                "which `hinted` alone takes; choose another."
            )
        self._check_encoder()

    def _check_encoder(self) -> None:
        architecture = ARCHITECTURES[self.architecture]
        if architecture.encoded != bool(self.encoder):
            wants = (
                "needs an encoder, as efficientnet_lite0" if architecture.encoded else "has none"
            )
            raise ZooError(
                f"The architecture {self.architecture} {wants}; got encoder={self.encoder!r}."
            )
        if self.encoder:
            open_encoder(self.encoder)
            expected = f"empty or {architecture.scale}, as the encoder has learned to see it"
            check_fields(self, lambda value: value in ("", architecture.scale), expected, "scale")


#: A network of 3.6 million parameters around an encoder of ImageNet, and its training.
PRETRAINED: dict[str, Any] = {
    "architecture": "encoder_unet",
    "encoder": "efficientnet_lite0",
    "width": 64,
    "frozen_levels": 3,
    "encoder_rate": 0.3,
    "scale": "",
    "train_size": 128,
    "batch_size": 32,
}

#: The network and the training of Zhang et al. 2016, arXiv 1603.08511, figure 2 and section 3.1.
ZHANG_2016: dict[str, Any] = {
    "architecture": "zhang",
    "width": 64,
    "weight_decay": 1e-3,
    "train_size": 176,
    "batch_size": 40,
    "beta_2": 0.99,
    "learning_rate": 3e-5,
    "schedule": "zhang",
}
#: In what the network and the training are others than those.
ZHANG_2016_DEPARTURES = (
    Departure(
        "k-means initialization (Krähenbühl et al. 2015)",
        "random weights (He et al. 2015), small ones in the last layer",
        "it needs no photos; the first colors are nearly gray",
    ),
    Departure(
        "Caffe's batch normalization: no scale and shift, averages over about 1,000 steps",
        "PyTorch's: with scale and shift, averages over about 10 steps",
        "the authors' PyTorch version has it; short trainings need statistics that follow",
    ),
    Departure("sees L - 50", "sees (L - 50) / 100", "the authors' PyTorch version does so"),
    Departure(
        "targets are the colors of every fourth pixel (released code)",
        "colors averaged over 4 x 4 px",
        "a place of the output stands for all of its pixels",
    ),
    Departure(
        "the rate falls at 200,000 and 375,000 iterations",
        "at the same shares of the training",
        "budgets differ",
    ),
    Departure(
        "weight decay of kernels and biases (Caffe's default)",
        "of kernels",
        "biases are few and need none",
    ),
    Departure(
        "crops of 176 px out of photos of 256 px (released code)",
        "random squares with a side of 1 to 1.25 times 176 px",
        "every model learns from the same loader",
    ),
)


class GradientColorizer(Colorizer):
    """A Colorizer whose one network learns by the gradient of a loss.

    A model with a network of its own overrides `stride`, `output_stride` and `scale_lightness`.
    Subclasses define the loss, and how the network's output becomes ab.
    """

    options: ClassVar[tuple[Option, ...]] = OF_NETWORKS
    trains_by_gradient = True

    @property
    def architecture(self) -> Architecture:
        return ARCHITECTURES[self.config.architecture]

    @property
    def stride(self) -> int:
        """Divides the sides of the network's input."""
        return self.architecture.stride(self.config.depth, self.config.output_stride)

    @property
    def output_stride(self) -> int:
        """How many times smaller the network's output is than its input."""
        return self.architecture.output_stride(self.config.depth, self.config.output_stride)

    @property
    def ab_scale(self) -> float:
        """The network's output, if it is chroma, is chroma divided by this."""
        return self.architecture.ab_scale

    def scale_lightness(self, lightness: Tensor) -> Tensor:
        """(N, h, w, 1) L in [0, 100] -> the network's input."""
        return SCALES[self.config.scale or self.architecture.scale](lightness)

    def scale_inputs(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """All declared inputs, L in [0, 100] among them -> those of the network."""
        return {**inputs, LIGHTNESS.name: self.scale_lightness(inputs[LIGHTNESS.name])}

    def build_networks(self) -> dict[str, keras.Model]:
        return {"colorizer": self.build_colorizer(2, bounded=True)}

    def build_colorizer(self, channels: int, **parts: Any) -> keras.Model:
        """Build the configured network; `parts` are further fields of its `NetworkSpec`."""
        config = self.config
        spec = NetworkSpec(
            channels,
            self.seed,
            width=config.width,
            depth=config.depth,
            output_stride=config.output_stride,
            decay=config.weight_decay,
            dropout=config.dropout,
            encoder=config.encoder,
            frozen_levels=config.frozen_levels,
            **parts,
        )
        return self.architecture.build(spec)

    def pretrain(self) -> None:
        # A model with a network of its own has no encoder.
        if isinstance(self.config, NetworkConfig) and self.config.encoder:
            open_encoder(self.config.encoder).put_weights(self.networks["colorizer"])

    def colorizer_weights(self) -> dict[str, keras.Variable]:
        """The weights of the network that colors, by their names among all of the model's."""
        return {f"colorizer/{one.path}": one for one in self.networks["colorizer"].weights}

    @abstractmethod
    def loss(self, batch: Mapping[str, Tensor], output: Tensor) -> Tensor:
        """The float32 scalar to minimize, in `keras.ops`.

        Args:
            batch: "rgb", (N, h, w, 3) uint8 sRGB, and what `rows` gives.
            output: of the network for their L, in the training's precision.
        """

    def network_input(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What the network sees of a batch; degraded photos as the loader says.

        Only this: losses and discriminators know the photo as it is.
        """
        lightness = rgb_to_lightness(batch["rgb"])
        if CHANGE in batch:
            lightness = ops.clip(lightness + batch[CHANGE], 0.0, 100.0)
        seen = {LIGHTNESS.name: lightness}
        for declared in self.inputs[1:]:
            given = batch.get(declared.name)
            seen[declared.name] = declared.missing(lightness) if given is None else given
        return self.scale_inputs(seen)

    def rows(self, photos: PhotoSet, *, training: bool, progress: bool) -> dict[str, Rows]:
        """What training needs of each photo beside its pixels, by name: the further inputs.

        `training` tells photos to learn from, a share of which is degraded, and photos for
        validation apart. An embedding is of the photo as it is: it is computed once a photo.
        """
        rows: dict[str, Rows] = {}
        if training and self.config.degraded_share > 0:
            rows[CHANGE] = Aging(self.config.degraded_share)
        for declared in self.inputs:
            if isinstance(declared, DerivedInput):
                rows[declared.name] = declared.rows(photos, progress=progress)
            elif isinstance(declared, SimulatedInput):
                rows[declared.name] = declared.rows
        return rows

    def task(self) -> Task:
        return NetworkTask(self.networks["colorizer"], self.network_input, self.loss)

    def optimizer(self, steps: int) -> keras.optimizers.Optimizer:
        rate, beta_2 = schedule(self.config, steps), self.config.beta_2
        groups, rates = self.encoder_group(rate)
        if not groups:
            return Adam(rate, beta_2=beta_2)
        return GroupedAdam({"decoder": [], **groups}, {"decoder": rate, **rates}, beta_2=beta_2)

    def encoder_group(self, rate: Rate) -> tuple[dict[str, list[keras.Variable]], dict[str, Rate]]:
        """The encoder's weights that learn and their rate, beside one of `rate`, by "encoder".

        Nothing where there are none.
        """
        learning = self.networks["colorizer"].trainable_variables
        found = [variable for variable in learning if variable.path.startswith(PREFIX)]
        if not found:
            return {}, {}
        return {"encoder": found}, {"encoder": Multiple(rate, self.config.encoder_rate)}

    def run_networks(
        self, inputs: Mapping[str, Tensor], runner: Runner, **values: Tensor
    ) -> Prediction:
        padded = dict(inputs)
        seen = preprocessing.denoised(inputs[LIGHTNESS.name], values[DENOISE.name])
        padded[LIGHTNESS.name] = seen
        for declared in self.inputs:
            if declared.kind == "map":
                x = preprocessing.cast(padded[declared.name], "float32")
                padded[declared.name] = preprocessing.reflect_to_multiple(x, self.stride)
        output = runner(self.networks["colorizer"], self.scale_inputs(padded))
        height, width = ops.shape(inputs[LIGHTNESS.name])[1:3]
        return self.understood(output, padded[LIGHTNESS.name], (height, width))

    def understood(self, output: Tensor, lightness: Tensor, size: Size) -> Prediction:
        """What the network's output says; arguments as those of `Prediction`."""
        return Chroma(lightness, size, output * self.ab_scale)

    def to_ab(self, prediction: Prediction, **values: Tensor) -> Tensor:
        assert isinstance(prediction, Chroma)
        return prediction.ab

    def learn(self, train: PhotoSet, validation: PhotoSet | None, plan: TrainingPlan) -> History:
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
        require_devices(plan.devices)
        plan.require_shares(self.config.batch_size)
        precision = fastest_precision() if plan.precision == "auto" else plan.precision
        plan, done = replace(plan, precision=precision), dict[str, History]()
        with self._shared_by(plan.devices):
            network = self.networks["colorizer"]
            restart_generators(self.networks.values())
            with frozen_layers(network, plan.freeze):
                self.prepare(train, plan)
                if plan.start == "shrink":
                    shrink_and_perturb(network, self.build_networks()["colorizer"])
                stages = closing(self.stages(train, validation, plan, done))
                with training_precision(network, plan.precision), stages as turns:
                    for stage in turns:
                        done[stage.name] = Trainer(stage).run()
        return History.of_stages(done)

    @contextmanager
    def _shared_by(self, devices: int) -> Iterator[None]:
        """Let so many devices train the networks in the block; afterwards they are as before."""
        if devices == 1:
            yield
            return
        runner = self.runner
        try:
            with on_devices(devices):
                self._rebuild()
                self.runner = OneDevice()
                for network in self.networks.values():
                    share_statistics(network)
                yield
        finally:
            self.runner = runner
            self._rebuild()

    def prepare(self, train: PhotoSet, plan: TrainingPlan) -> None:
        """Learn what the losses need of the photos, before the first stage."""

    def stages(
        self,
        train: PhotoSet,
        validation: PhotoSet | None,
        plan: TrainingPlan,
        done: Mapping[str, History],
    ) -> Generator[Stage, None, None]:
        """The stages of a training, each made once the one before it has ended.

        `done` has the histories of the stages that have ended, by name.
        """
        yield self.stage(train, validation, plan, self.task())

    def stage(
        self,
        train: PhotoSet,
        validation: PhotoSet | None,
        plan: TrainingPlan,
        task: Task,
        batch_size: int | None = None,
    ) -> Stage:
        """A stage over all photos, with this model's optimizer and weights.

        `batch_size` is the configured one where None.
        """
        batch_size, progress = batch_size or self.config.batch_size, plan.progress
        plan.require_shares(batch_size)
        rows = self.rows(train, training=True, progress=progress)
        scored = None
        if validation is not None:
            known = self.rows(validation, training=False, progress=progress)
            scored = PhotoLoader(
                validation,
                plan.size,
                batch_size,
                augment=False,
                rows=known,
                multiple=plan.devices,
                progress=progress,
            )

        def loader(size: int, steps: int) -> PhotoLoader:
            return PhotoLoader(
                train, size, batch_size, steps=steps, seed=self.seed, rows=rows, progress=progress
            )

        count = plan.rounds
        return Stage(
            task=task,
            plan=plan,
            rounds=ROUNDS if count is None else range(count, count + 1),
            batch_size=batch_size,
            optimizer=self.optimizer,
            loader=loader,
            validation=scored,
            weights=self.variables(),
            averaged=self.colorizer_weights() if self.config.average_weights else {},
            identity={
                "model": self.name,
                "config": asdict(self.config),
                "seed": self.seed,
                "start": digest(self.variables()),
                "rounds": count,
                "frozen layers": plan.freeze,
                "photos": train.fingerprint,
                "validation photos": validation.fingerprint if validation else None,
                "references": self.references(),
            },
        )

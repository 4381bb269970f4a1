"""Adversarial colorization: a U-Net generator against a PatchGAN discriminator.

Isola et al. 2017 ("Image-to-Image Translation with Conditional Adversarial Networks", arXiv
1611.07004; pix2pix): the generator makes ab from L; the discriminator sees L with true or made ab
and tells for each patch which it is; the generator learns to pass for true and to keep the mean
absolute error low. That error alone would answer with muted colors, which a discriminator detects.

`paper` is pix2pix: its U-Net at 256 px, patches of 70 px, its rates and the batch of its
colorization. `report` is what a report on colorization made of it in 2020: patches of 34 px, one-
sided label smoothing (Salimans et al. 2016, arXiv 1606.03498, section 3.4) and unequal rates;
`Budget(epochs=20)` keeps the model after each of its 20 passes over the photos. `compact` is the
same method on an encoder that learned on ImageNet, and trains on two processor cores; `scratch` is
it on a U-Net from random weights. Both have no batch normalization in the discriminator: in
training it sees true and made colors in separate batches, whose statistics tell them apart and are
of no use for a single photo.
"""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import keras
import numpy as np
from keras import ops
from PIL import Image

from zoo import preprocessing
from zoo.color.planes import AB
from zoo.color.spaces import Tensor, rgb_to_lightness
from zoo.colorizer import Departure, Preset
from zoo.errors import valid_choice
from zoo.models.adversarial.losses import ADVERSARIAL_LOSSES, AdversarialLoss
from zoo.models.adversarial.stages import adversarial_stage
from zoo.models.adversarial.tasks import COLOR_SCORES, AdversarialTask
from zoo.models.adversarial.turning_point import round_score
from zoo.models.gradient import PRETRAINED, GradientColorizer, NetworkConfig
from zoo.networks.architectures import SCALES
from zoo.networks.blocks import AB_SCALE, average_to_size, dropout_seed
from zoo.networks.pix2pix import patch_discriminator
from zoo.networks.runner import Runner, walk
from zoo.options import OF_NETWORKS, RENDER_FACTOR, Option
from zoo.photos.decoding import PhotoSource, read_photo
from zoo.photos.photoset import PhotoSet
from zoo.prediction import Chroma, Prediction
from zoo.training.config import check_fields
from zoo.training.optimizers import GroupedAdam, Multiple, Rate, schedule
from zoo.training.plan import History, TrainingPlan
from zoo.training.stage import Stage
from zoo.training.task import Task

NOISE = Option(
    "noise",
    default=0,
    low=0,
    high=10_000,
    meaning="0 for one answer; every other number for a variant, by the training's dropout",
    whole=True,
    step="network",
    export="refused",
)

SATURATION = Option(
    "saturation",
    default=1.0,
    low=0.0,
    high=4.0,
    meaning="factor of the colors' strength: 0 is gray, 1 is what the generator gave",
)


@dataclass(frozen=True)
class GANConfig(NetworkConfig):
    """Both nets and their training.

    Attributes:
        learning_rate: of the generator.
        discriminator_rate: of the discriminator.
        beta_1: Adam's, of both; at least 0 and below 1.
        adversarial: the loss, "bce", "least_squares" or "hinge".
        l1_weight: of the mean absolute error of ab / 110, beside the adversarial loss.
        real_label: the discriminator's target for true colors, above 0.5 and at most 1.
        patch_layers: the discriminator's strided layers: 1, 2, 3 and 4 give patches of 16, 34, 70
            and 142 px.
        patch_width: channels of the discriminator's first layer.
        patch_norm: "none" or "batch", after the discriminator's inner layers.
        classifier: "keras:NAME" or "hub:FOLDER", whose answers about colored validation photos are
            a further score of each round; none if empty.
    """

    learning_rate: float = 6e-4
    discriminator_rate: float = 4e-4
    beta_1: float = 0.5
    adversarial: str = "bce"
    l1_weight: float = 50.0
    real_label: float = 0.9
    dropout: float = 0.5
    patch_layers: int = 2
    patch_width: int = 32
    patch_norm: str = "none"
    classifier: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        valid_choice("adversarial", self.adversarial, tuple(ADVERSARIAL_LOSSES))
        valid_choice("patch_norm", self.patch_norm, ("none", "batch"))
        check_fields(self, lambda v: v >= 1, "at least 1", "patch_width")
        check_fields(self, lambda v: v in (1, 2, 3, 4), "1, 2, 3 or 4", "patch_layers")
        check_fields(self, lambda v: v > 0, "positive", "discriminator_rate")
        check_fields(self, lambda v: v >= 0, "at least 0", "l1_weight")
        check_fields(self, lambda v: 0 <= v < 1, "at least 0 and below 1", "beta_1")
        check_fields(self, lambda v: 0.5 < v <= 1, "above 0.5 and at most 1", "real_label")


#: Both nets of pix2pix at its size and rates, and nets for tests.
PIX2PIX: dict[str, Any] = {
    "architecture": "pix2pix",
    "width": 64,
    "depth": 8,
    "output_stride": 1,
    "patch_width": 64,
    "train_size": 256,
    "batch_size": 4,
    "learning_rate": 2e-4,
    "discriminator_rate": 2e-4,
}
#: A generator around an encoder. Its output is a quarter of the photo's size: patches of 16 px are
#: 64 px of the photo, as pix2pix has 70, and the next larger ones, of 34 px, exceed the 32 px of a
#: photo of 128 px. There is no dropout: no layer comes after that of an encoder_unet but the head,
#: so that it is grain in the colors, which true ones have not, and no variant of them.
ENCODED: dict[str, Any] = PRETRAINED | {"patch_layers": 1, "dropout": 0.0}
TINY: dict[str, Any] = {
    "width": 4,
    "depth": 2,
    "patch_layers": 1,
    "patch_width": 4,
    "train_size": 32,
    "batch_size": 4,
}
#: In what `paper` is other than pix2pix.
_DEPARTURES = (
    Departure(
        "batch normalization takes the statistics of the photo at hand when it predicts",
        "those of the training",
        "a photo's colors depend on no other photo",
    ),
    Departure(
        "dropout when it predicts, too",
        "only with the option `noise`",
        "the same photo gets the same colors",
    ),
    Departure(
        "the discriminator steps first, then the generator against it",
        "both step at once",
        "one step of Keras' own `fit`",
    ),
    Departure(
        "photos of 256 px, mirrored at random",
        "random squares with a side of 1 to 1.25 times 256 px, mirrored at random",
        "every model learns from the same loader",
    ),
)


class GAN(GradientColorizer):
    """L in, ab out, with a discriminator as part of the loss."""

    options: ClassVar[tuple[Option, ...]] = (*OF_NETWORKS, NOISE, SATURATION)
    #: Which groups of weights, "generator", "discriminator" and "encoder", learn in the first step,
    #: in the second, and so on; if empty, all in every one.
    phases: ClassVar[tuple[tuple[str, ...], ...]] = ()
    PRESETS: ClassVar = {
        "compact": Preset(
            GANConfig(**ENCODED),
            "ours: the method of Isola et al. 2017 on an encoder of ImageNet, that trains on two "
            "processor cores",
        ),
        "paper": Preset(
            GANConfig(
                **PIX2PIX,
                patch_layers=3,
                patch_norm="batch",
                l1_weight=100.0,
                real_label=1.0,
                schedule="constant",
            ),
            "Isola et al. 2017, arXiv 1611.07004, sections 3 and 6",
            _DEPARTURES,
        ),
        "report": Preset(
            GANConfig(
                **PIX2PIX | {"discriminator_rate": 1e-4},
                patch_layers=2,
                patch_norm="batch",
                l1_weight=100.0,
                real_label=0.9,
                schedule="constant",
            ),
            "a report on colorization of 2020, after Isola et al. 2017: patches of 34 px, smoothed "
            "labels, unequal rates, 20 epochs",
            (
                Departure(
                    "two unequal rates, not given",
                    "generator 2e-4, discriminator 1e-4",
                    "the first is pix2pix'",
                ),
                Departure(
                    "the generator's two losses are added without a weight",
                    "the mean absolute error of ab / 110 counts 100 times",
                    "so it does in pix2pix; the report does not state its scale of ab",
                ),
                Departure(
                    "epochs are ranked by the Inception score, people look at the best 12",
                    "by AuC and colorfulness on validation photos; by that score, too, with "
                    "`classifier=keras:InceptionV3`",
                    "that network is not at hand everywhere; `zoo checkpoints` shows all to people",
                ),
                Departure(
                    "the other details are not given",
                    "as in `paper`, with its departures",
                    "the report follows pix2pix",
                ),
            ),
        ),
        "scratch": Preset(
            GANConfig(),
            "ours: as `compact` without a pretrained encoder, a U-Net",
        ),
        "tiny": Preset(GANConfig(**TINY), "ours: for tests"),
    }

    def build_networks(self) -> dict[str, keras.Model]:
        config, normalized = self.config, self.config.patch_norm == "batch"
        return {
            "colorizer": self.build_colorizer(2, bounded=True),
            "discriminator": patch_discriminator(
                config.patch_layers,
                config.patch_width,
                self.seed,
                normalized=normalized,
                deviation=self.architecture.deviation,
            ),
        }

    @property
    def ab_scale(self) -> float:
        """The same for any generator: the discriminator sees its output."""
        return AB_SCALE

    @property
    def adversarial_loss(self) -> AdversarialLoss:
        return ADVERSARIAL_LOSSES[self.config.adversarial](self.config.real_label)

    def stages(
        self,
        train: PhotoSet,
        validation: PhotoSet | None,
        plan: TrainingPlan,
        done: Mapping[str, History],
    ) -> Generator[Stage, None, None]:
        yield adversarial_stage(self, train, validation, plan)

    def task(self) -> Task:
        return AdversarialTask(self)

    def optimizer(self, steps: int) -> keras.optimizers.Optimizer:
        config = self.config
        ratio = config.discriminator_rate / config.learning_rate
        return self.adam_of_both(schedule(config, steps), ratio)

    def adam_of_both(self, rate: Rate, ratio: float, *, skip_zeros: bool = False) -> GroupedAdam:
        """Adam with this rate for the generator, and `ratio` times it for the discriminator.

        A generator's encoder learns at the configured share of the generator's rate.
        """
        encoder, encoder_rates = self.encoder_group(rate)
        return GroupedAdam(
            {
                "generator": [],
                "discriminator": self.networks["discriminator"].trainable_variables,
                **encoder,
            },
            {"generator": rate, "discriminator": Multiple(rate, ratio), **encoder_rates},
            self.phases,
            skip_zeros=skip_zeros,
            beta_1=self.config.beta_1,
            beta_2=self.config.beta_2,
        )

    def judged(self, rgb: Tensor, output: Tensor) -> tuple[Tensor, Tensor]:
        """The discriminator's view of true photos: L and ab, both scaled, at the output's size.

        (N, H, W, 3) uint8 photos and a (N, h, w, 2) output -> (N, h, w, 1) and (N, h, w, 2)
        float32.
        """
        lightness = SCALES["signed"](average_to_size(rgb_to_lightness(rgb), output))
        return lightness, average_to_size(AB.of_rgb(rgb), output) / AB_SCALE

    def loss(self, batch: Mapping[str, Tensor], output: Tensor) -> Tensor:
        _, truth = self.judged(batch["rgb"], output)
        return ops.mean(ops.abs(ops.cast(output, "float32") - truth))

    def content_loss(self) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
        """What the generator's loss adds to the adversarial one: of scaled L, true and made ab."""
        weight = self.config.l1_weight
        return lambda lightness, truth, made: weight * ops.mean(ops.abs(made - truth))

    def round_score(self, logs: dict[str, float]) -> float | None:
        """What the best weights are lowest in; None without validation photos."""
        if "val_auc" not in logs:
            return None
        return float(round_score(*(logs[f"val_{name}"] for name in COLOR_SCORES)))

    def run_networks(
        self, inputs: Mapping[str, Tensor], runner: Runner, **values: Tensor
    ) -> Prediction:
        noise = values[NOISE.name]
        runner = _NoiseRunner(noise) if noise else runner
        return super().run_networks(inputs, runner, **values)

    def to_ab(self, prediction: Prediction, **values: Tensor) -> Tensor:
        assert isinstance(prediction, Chroma)
        return prediction.ab * values[SATURATION.name]

    def realness(self, photo: PhotoSource, **options: float) -> tuple[np.ndarray, float]:
        """How real the discriminator takes a color photo's colors to be.

        It has learned from the colors of this training's generator; another model's may fool it.

        Args:
            photo: as for `colorize`, in color.
            **options: `render_factor` as for `colorize`.

        Returns:
            A map (H, W) float32 of the photo's size, from 0 (made) to 1 (true), and its mean.
        """
        rgb = read_photo(photo).rgb
        factor = int(self.resolve_options(options)[RENDER_FACTOR.name])
        height, width = preprocessing.working_size(rgb.shape[0], rgb.shape[1], factor)
        small = np.asarray(Image.fromarray(rgb).resize((width, height), Image.Resampling.LANCZOS))
        padded = ops.convert_to_numpy(preprocessing.reflect_to_multiple(small[None], self.stride))
        like = np.empty((1, *(side // self.output_stride for side in padded.shape[1:3]), 2))
        scaled, ab = self.judged(padded, like)
        logits = self.runner(self.networks["discriminator"], {"lightness": scaled, "ab": ab})
        sure = self.adversarial_loss.probability(logits)
        real = preprocessing.resize(sure, padded.shape[1:3])[:, :height, :width]
        real = ops.convert_to_numpy(preprocessing.resize(real, rgb.shape[:2]))[0, ..., 0]
        return real, float(real.mean())


class _NoiseRunner(Runner):
    """Runs a network with its dropout at work; batch normalization is as it is without."""

    def __init__(self, noise: int) -> None:
        self._noise = noise

    def __call__(self, network: keras.Model, inputs: Mapping[str, Tensor]) -> Any:
        def dropped(operation: Any) -> Callable[..., Tensor] | None:
            if not isinstance(operation, keras.layers.Dropout):
                return None
            seed = dropout_seed(int(self._noise), operation.name)
            return partial(keras.random.dropout, rate=operation.rate, seed=seed)

        return walk(network, inputs, dropped)

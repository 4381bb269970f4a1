"""NoGAN: most of an adversarial training without the adversary.

The recipe of DeOldify (Antic, Howard and Manor 2019, github.com/jantic/DeOldify): the generator
learns alone on a perceptual loss and the absolute error; its colors are written out, and the
discriminator ("critic") learns alone to tell them from true ones; then both learn together, but
only for a short while, until the colors turn from better to worse. Critic and joint stage may be
repeated.

The recipe's author chose the moment to stop by eye. Here a rule does it: each round of the joint
stage, about 1 % of the budget, is scored on the same validation photos, and the stage ends once the
later rounds are surely worse than earlier ones (`turning_point.py`). The generator that is scored
and kept is the average over the last steps. The best round's model is kept; the other rounds' can
be had instead (`zoo checkpoints RUN`).

`paper` has the recipe's critic, losses, sizes, rates and shares; `compact` and `scratch` the
same stages on the nets of `gan`, the first with a perceptual loss by its pretrained encoder as it
came, the second by a small network of our own.
"""

import fnmatch
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

import keras
import numpy as np

from zoo.budget import Budget
from zoo.color.spaces import Tensor
from zoo.colorizer import Departure, Preset
from zoo.errors import valid_choice
from zoo.models.adversarial.gan import ENCODED, GAN, TINY, GANConfig
from zoo.models.adversarial.perceptual import (
    LEVELS,
    check_features,
    color_features,
    feature_distance,
    own_features,
    pretrained_features,
)
from zoo.models.adversarial.stages import (
    Part,
    critic_stage,
    feature_stage,
    generator_stage,
    joint_stage,
)
from zoo.networks.deoldify import check_side, deoldify_critic
from zoo.photos.photoset import PhotoSet
from zoo.training.config import check_fields
from zoo.training.plan import History, TrainingPlan
from zoo.training.stage import Stage
from zoo.training.transfer import frozen_layers

_OWN = "own"
#: Of DeOldify's critic.
_CRITICS_BLOCKS = 3
#: The middle levels weigh most, as in Johnson et al. 2016 (strides 2 and 4 of VGG16) and DeOldify
#: (4, 8 and 16). Stride 32 is a single place of the 32 px that the generator makes of 128 px: it
#: has the largest gradient and says least about where a color belongs. With these weights, and
#: `feature_weight` 1, the loss is about half of `l1_weight` times the absolute error, and its
#: gradient about one and a half times as large.
_ENCODERS_LEVELS = (1.0, 4.0, 4.0, 1.0, 0.0)


def _differ_in_size(texts: Sequence[str]) -> bool:
    """Whether parts have different sizes: these tell their files apart."""
    return len({Part.parse(text).size for text in texts}) == len(texts)


@dataclass(frozen=True)
class NoGANConfig(GANConfig):
    """Both nets and the stages.

    Attributes:
        learning_rate: of the generator alone.
        discriminator_rate: of the discriminator alone.
        joint_rate: of the generator while both learn together.
        joint_discriminator_rate: of the discriminator while both learn together.
        l1_weight: of the mean absolute error of ab / 110.
        features: of the perceptual loss: "own", a small network that learns on the same photos, or
            those of a classifier of ImageNet as it came, "keras:VGG16" or
            "encoder:efficientnet_lite0" (any of `zoo.networks.encoders`), each also with
            ",weights=FILE". It is no part of the model: nothing of it is saved or exported.
        feature_width: channels of the own network's first level.
        feature_weight: of the perceptual loss, beside `l1_weight`.
        level_weights: of the features' levels in it, from the finest on: three of the own network;
            five of an encoder, at strides 2, 4, 8, 16 and 32 of the generator's output.
        critic: "patch", as `gan`, or "deoldify".
        shares: of the budget for the own feature network, the generator and the critics, at most;
            the joint stages get the rest. Where the features are pretrained, the generator gets the
            first share, too.
        generator_parts: "SIZE:BATCH:RATE:WEIGHT" for each part of the generator's stage, as
            `stages.Part` has them; one of the configured size, batch and rate if empty.
        critic_parts: the same for the critic's; cycles after the first have the last part alone.
        cycles: how often critic and joint stage are repeated.
        joint_batch_size: photos a step while both nets learn; 0 for `batch_size`.
        joint_frozen: patterns of names of the generator's layers that stay as they are meanwhile.
        joint_content: weight of the other losses beside the adversarial one meanwhile.
        critic_until: meanwhile the critic alone learns until its loss in a step is below this, then
            the generator in one step; 0: both in every step.
    """

    learning_rate: float = 1e-3
    discriminator_rate: float = 5e-4
    joint_rate: float = 3e-4
    joint_discriminator_rate: float = 1e-3
    l1_weight: float = 10.0
    features: str = _OWN
    feature_width: int = 24
    feature_weight: float = 1.0
    level_weights: tuple[float, ...] = (1.0,) * LEVELS
    critic: str = "patch"
    shares: tuple[float, ...] = (0.08, 0.52, 0.1)
    generator_parts: tuple[str, ...] = ()
    critic_parts: tuple[str, ...] = ()
    cycles: int = 1
    joint_batch_size: int = 0
    joint_frozen: tuple[str, ...] = ()
    joint_content: float = 1.0
    critic_until: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_fields(self, lambda v: v >= 1, "at least 1", "feature_width", "cycles")
        check_fields(self, lambda v: v > 0, "positive", "joint_rate", "joint_discriminator_rate")
        weights = ("feature_weight", "joint_batch_size", "joint_content", "critic_until")
        check_fields(self, lambda v: v >= 0, "at least 0", *weights)
        valid_choice("critic", self.critic, ("patch", "deoldify"))
        levels = "numbers of at least 0, not all 0 (three for features=own)"
        own = self.features == _OWN
        check_fields(
            self,
            lambda v: min(v, default=-1) >= 0 < sum(v) and (len(v) == LEVELS or not own),
            levels,
            "level_weights",
        )
        if not own:
            check_features(self.features, len(self.level_weights))
        distinct = "parts of different sizes"
        check_fields(self, _differ_in_size, distinct, "generator_parts", "critic_parts")
        shares = "three positive numbers that leave some of 1"
        check_fields(self, lambda v: len(v) == 3 and min(v) > 0 and sum(v) < 1, shares, "shares")


#: In what `paper` is other than DeOldify.
_DEPARTURES = (
    Departure(
        "a U-Net on ResNet34 of ImageNet, with spectral norm, self-attention and pixel shuffle",
        "the U-Net of Ronneberger et al. 2015, from random weights, five levels of 64 to 1,024",
        "it comes with no package of Keras; so no first pass with a frozen encoder either",
    ),
    Departure(
        "makes RGB, of which the photo takes the chroma",
        "makes ab; the critic sees L and ab",
        "the lightness is known",
    ),
    Departure(
        "features of VGG16 with batch normalization",
        "of VGG16 without, each level divided by its mean size",
        "keras.applications has no other; batch normalization would keep that size near 1",
    ),
    Departure(
        "L1 on normalized RGB pixels, times 1",
        "L1 on ab / 110, times 1",
        "the network makes ab alone",
    ),
    Departure(
        "1.2 million photos, the stages as often as stated",
        "any number: the stages get the same shares of the budget",
        "budgets differ",
    ),
    Departure(
        "weight decay of 1e-3 in every stage, the critic's rate rises first",
        "in the generator's stage; the critic's rate falls from the start",
        "kept simple: the critic's stages are short",
    ),
    Departure(
        "colored once for the critic, at 192 px",
        "at each size of its stage",
        "the loader gives squares of the size that is learned",
    ),
    Departure(
        "zoom up to 1.2, warp, lighting; photos stretched to squares",
        "random squares with a side of 1 to 1.25 times the size, mirrored at random",
        "every model learns from the same loader",
    ),
    Departure(
        "the weights of the last step before colors turn, chosen by eye",
        "averages over the last steps, chosen by a rule on validation photos",
        "anyone can repeat a rule",
    ),
)


class NoGAN(GAN):
    """The nets of `gan`, trained apart and then briefly together."""

    PRESETS: ClassVar = {
        "compact": Preset(
            NoGANConfig(
                **ENCODED,
                features="encoder:efficientnet_lite0",
                level_weights=_ENCODERS_LEVELS,
            ),
            "ours: the recipe of Antic, Howard and Manor 2019 (DeOldify) on the nets of "
            "gan:compact",
        ),
        "paper": Preset(
            NoGANConfig(
                width=64,
                depth=5,
                output_stride=1,
                train_size=192,
                beta_1=0.0,
                beta_2=0.9,
                real_label=1.0,
                dropout=0.0,
                critic="deoldify",
                patch_width=256,
                l1_weight=1.0,
                features="keras:VGG16",
                feature_weight=100.0,
                level_weights=(0.0, 0.0, 20.0, 70.0, 10.0),
                # The photos of the notebook's stages, in passes: 2.5, 2.21 and 0.15 of 4.86.
                shares=(0.001, 0.514, 0.454),
                generator_parts=("64:88:3e-4:1", "128:22:1e-4:1", "192:11:5e-5:0.5"),
                critic_parts=("128:64:1e-3:6", "192:16:1e-4:4"),
                cycles=5,
                joint_rate=1e-5,
                joint_discriminator_rate=5e-5,
                joint_batch_size=9,
                joint_frozen=("down*_conv*",),
                joint_content=2.0,
                critic_until=0.65,
            ),
            "Antic, Howard and Manor 2019 (DeOldify), notebook of the artistic model",
            _DEPARTURES,
        ),
        "scratch": Preset(
            NoGANConfig(),
            "ours: as `compact`, on the nets of gan:scratch",
        ),
        "tiny": Preset(NoGANConfig(**TINY, feature_width=4), "ours: for tests"),
    }

    def build_networks(self) -> dict[str, keras.Model]:
        networks = super().build_networks()
        if self.config.critic == "deoldify":
            networks["discriminator"] = deoldify_critic(
                self.config.patch_width, _CRITICS_BLOCKS, self.seed
            )
        if self.config.features == _OWN:
            networks["features"] = color_features(self.config.feature_width, self.seed)
        return networks

    def empty_output(self, rgb: Tensor) -> np.ndarray:
        """An array of the size of the generator's output for these photos."""
        return np.empty((1, *(side // self.output_stride for side in rgb.shape[1:3]), 2))

    def content_loss(self) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
        error, weight = super().content_loss(), self.config.feature_weight
        levels = self.config.level_weights
        if self.config.features == _OWN:
            features = own_features(self.networks["features"])
        else:
            features = pretrained_features(self.config.features, len(levels))
        distance = feature_distance(features, levels)
        return lambda *seen: error(*seen) + weight * distance(*seen)

    def stages(
        self,
        train: PhotoSet,
        validation: PhotoSet | None,
        plan: TrainingPlan,
        done: Mapping[str, History],
    ) -> Generator[Stage, None, None]:
        """Features, generator, then critic and both together, as often as configured."""
        config, last = self.config, replace(plan, sizes=plan.sizes[-1:])
        if config.critic == "deoldify":
            sides = [plan.size, *(Part.parse(text).size for text in config.critic_parts)]
            check_side(min(sides) // self.output_stride, _CRITICS_BLOCKS)
        for_features, for_generator, for_critics = config.shares

        def share_of(
            plan: TrainingPlan, share: float, part: Part | None = None, batch_size: int = 0
        ) -> TrainingPlan:
            batch_size = part.batch_size if part else batch_size or config.batch_size
            if part:  # no part is larger than what was asked for
                plan = replace(plan, sizes=(min(part.size, plan.size),))
            return replace(plan, budget=_part(plan.budget, share, batch_size))

        if config.features == _OWN:
            yield feature_stage(self, train, validation, share_of(last, for_features))
        else:
            for_generator += for_features
        generators = _parts(config.generator_parts)
        for part, share in _shares([generators], for_generator)[0]:
            yield generator_stage(self, train, validation, share_of(plan, share, part), part)
        # Cycles after the first go on with photos of the last size.
        again = [_parts(config.critic_parts[-1:])] * (config.cycles - 1)
        critics = _shares([_parts(config.critic_parts), *again], for_critics)
        with TemporaryDirectory() as temporary:
            folder, files = plan.run_dir or Path(temporary), []
            for cycle, of_cycle in enumerate(critics, start=1):
                for part, share in of_cycle:
                    size = f"-{part.size}px" if part else ""
                    files.append(folder / f"made-{cycle}{size}.npy")
                    for_critic = share_of(last, share, part)
                    yield critic_stage(self, train, validation, for_critic, cycle, files[-1], part)
                later = sum(share for one in critics[cycle:] for _, share in one)
                left = max(0.0, _share_left(plan.budget, done.values()) - later)
                left /= config.cycles - cycle + 1
                with frozen_layers(self.networks["colorizer"], self._still(config.joint_frozen)):
                    for_joint = share_of(last, left, batch_size=config.joint_batch_size)
                    yield joint_stage(self, train, validation, for_joint, cycle)
            # Only now: a training that resumes goes through all stages again.
            for made in files:
                made.unlink(missing_ok=True)

    def _still(self, patterns: Sequence[str]) -> list[str]:
        """Those of the patterns that fit a layer which is not frozen already."""
        learning = [one.name for one in self.networks["colorizer"].layers if one.trainable_weights]
        return [pattern for pattern in patterns if fnmatch.filter(learning, pattern)]


def _parts(texts: Sequence[str]) -> list[Part | None]:
    """The parts of a stage; None stands for a stage in one piece."""
    return [Part.parse(text) for text in texts] or [None]


def _shares(
    cycles: Sequence[Sequence[Part | None]], share: float
) -> list[list[tuple[Part | None, float]]]:
    """Divide a share of the budget among the parts of several cycles."""
    weights = [[1.0 if part is None else part.weight for part in parts] for parts in cycles]
    whole = sum(map(sum, weights))
    return [
        [(part, share * weight / whole) for part, weight in zip(*pair, strict=True)]
        for pair in zip(cycles, weights, strict=True)
    ]


def _part(budget: Budget, share: float, batch_size: int) -> Budget:
    """A share of a budget: whole batches, one at least."""
    if budget.minutes is not None:
        return Budget(minutes=max(budget.minutes * share, 1e-3))
    # A hair more: shares are fractions that binary numbers only come near to.
    batches = int((budget.photos_seen or 0) * share / batch_size + 1e-6)
    return Budget(photos_seen=max(1, batches) * batch_size)


def _share_left(budget: Budget, done: Collection[History]) -> float:
    if budget.minutes is not None:
        return max(0.0, 1.0 - sum(one.seconds for one in done) / (60 * budget.minutes))
    return max(0.0, 1.0 - sum(one.photos_seen for one in done) / (budget.photos_seen or 1))

"""NoGAN: most of an adversarial training without the adversary.

The recipe of DeOldify (Antic, Howard and Manor 2019, github.com/jantic/DeOldify): the generator
learns alone on a perceptual loss and the absolute error; its colors are written out, and the
discriminator ("critic") learns alone to tell them from true ones; then both learn together, but
only for a short while, until the colors turn from better to worse. Critic and joint stage may be
repeated.

The recipe's author chose the moment to stop by eye. Here a rule does it, on validation photos: each
round of the joint stage, about 1 % of the budget, has a score (`GAN.round_score`), and the stage
ends once the scores have turned (`turning_point.py`). The best round's model is kept; the other
rounds' can be had instead (`zoo checkpoints RUN`).

Departures: short trainings on thousands of photos, not a million; the U-Net of `gan`, not one on a
pretrained ResNet; the perceptual loss is that of a small network of our own unless `features` names
a pretrained one.
"""

from collections.abc import Callable, Collection, Generator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

import keras
import numpy as np

from zoo.budget import Budget
from zoo.color.spaces import Tensor
from zoo.colorizer import Preset
from zoo.models.adversarial.gan import GAN, PIX2PIX, TINY, GANConfig
from zoo.models.adversarial.perceptual import (
    color_features,
    feature_distance,
    own_features,
    pretrained_features,
)
from zoo.models.adversarial.stages import critic_stage, feature_stage, generator_stage, joint_stage
from zoo.photos.photoset import PhotoSet
from zoo.training.config import check_fields
from zoo.training.plan import History, TrainingPlan
from zoo.training.stage import Stage

_OWN = "own"


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
            one of keras.applications, "keras:VGG16" or "keras:VGG16,weights=FILE".
        feature_width: channels of the own network's first level.
        feature_weight: of the perceptual loss, beside `l1_weight`.
        shares: of the budget for the own feature network, the generator and the critics, at most;
            the joint stages get the rest.
        cycles: how often critic and joint stage are repeated.
    """

    learning_rate: float = 1e-3
    discriminator_rate: float = 5e-4
    joint_rate: float = 3e-4
    joint_discriminator_rate: float = 1e-3
    l1_weight: float = 10.0
    features: str = _OWN
    feature_width: int = 24
    feature_weight: float = 1.0
    shares: tuple[float, ...] = (0.08, 0.52, 0.1)
    cycles: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        check_fields(self, lambda v: v >= 1, "at least 1", "feature_width", "cycles")
        check_fields(self, lambda v: v > 0, "positive", "joint_rate", "joint_discriminator_rate")
        check_fields(self, lambda v: v >= 0, "at least 0", "feature_weight")
        shares = "three positive numbers that leave some of 1"
        check_fields(self, lambda v: len(v) == 3 and min(v) > 0 and sum(v) < 1, shares, "shares")


class NoGAN(GAN):
    """The nets of `gan`, trained apart and then briefly together."""

    PRESETS: ClassVar = {
        "compact": Preset(
            NoGANConfig(),
            "ours: the recipe of Antic, Howard and Manor 2019 (DeOldify) on the nets of gan",
        ),
        "paper": Preset(
            NoGANConfig(
                **PIX2PIX,
                joint_rate=2e-5,
                joint_discriminator_rate=1e-4,
                features="keras:VGG16",
                shares=(0.01, 0.85, 0.1),
            ),
            "Antic, Howard and Manor 2019 (DeOldify): VGG16 features; pix2pix' nets, rates ours",
        ),
        "tiny": Preset(NoGANConfig(**TINY, feature_width=4), "ours: for tests"),
    }

    def build_networks(self) -> dict[str, keras.Model]:
        networks = super().build_networks()
        if self.config.features == _OWN:
            networks["features"] = color_features(self.config.feature_width, self.seed)
        return networks

    def empty_output(self, rgb: Tensor) -> np.ndarray:
        """An array of the size of the generator's output for these photos."""
        return np.empty((1, *(side // self.output_stride for side in rgb.shape[1:3]), 2))

    def content_loss(self) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
        error, weight = super().content_loss(), self.config.feature_weight
        own = self.config.features == _OWN
        distance = feature_distance(
            own_features(self.networks["features"])
            if own
            else pretrained_features(self.config.features)
        )
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
        for_features, for_generator, for_critics = config.shares

        def part(plan: TrainingPlan, share: float) -> TrainingPlan:
            return replace(plan, budget=_part(plan.budget, share, config.batch_size))

        if config.features == _OWN:
            yield feature_stage(self, train, validation, part(last, for_features))
        yield generator_stage(self, train, validation, part(plan, for_generator))
        with TemporaryDirectory() as temporary:
            folder = plan.run_dir or Path(temporary)
            files = [folder / f"made-{cycle}.npy" for cycle in range(1, config.cycles + 1)]
            for cycle, made in enumerate(files, start=1):
                for_critic = part(last, for_critics / config.cycles)
                yield critic_stage(self, train, validation, for_critic, cycle, made)
                left = _share_left(plan.budget, done.values()) / (config.cycles - cycle + 1)
                yield joint_stage(self, train, validation, part(last, left), cycle)
            # Only now: a training that resumes goes through all stages again.
            for made in files:
                made.unlink(missing_ok=True)


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

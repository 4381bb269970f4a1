"""NoGAN: most of an adversarial training without the adversary.

The recipe of DeOldify (Antic, Howard and Manor 2019, github.com/jantic/DeOldify): the generator
learns alone on a perceptual loss and the absolute error; what it makes is written out, and the
discriminator ("critic") learns alone to tell it from true photos; then both learn together, but
only for a short while, until the colors turn from better to worse. Critic and joint stage may be
repeated.

The recipe's author chose the moment to stop by eye. Here a rule does it, on validation photos. Each
round of the joint stage, about 1 % of the budget, is scored as `GAN.round_score` says, by AuC and
by how far the colorfulness is from the true photos'; the stage ends where these scores have turned
(`turning_point.py`). The best single round's model is kept; the other rounds' can be had instead
(`zoo checkpoints RUN`).

Departures: short trainings on thousands of photos, not a million; the U-Net of `gan`, not one on a
pretrained ResNet; the perceptual loss is that of a small network of our own unless `features` names
a pretrained one.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, ClassVar

import keras
import numpy as np
from keras import ops
from numpy.lib import format as npy_format

from zoo.budget import Budget
from zoo.color.spaces import Tensor
from zoo.colorizer import Preset
from zoo.files import atomic_path
from zoo.models.adversarial.gan import GAN, GANConfig
from zoo.models.adversarial.perceptual import (
    AlterationGraph,
    color_features,
    feature_distance,
    own_features,
    pretrained_features,
)
from zoo.models.adversarial.stages import ADVERSARIAL_LOSSES, AdversarialStage, GeneratorGraph
from zoo.models.adversarial.turning_point import PATIENCE, SMOOTHED, turning_point
from zoo.photos.loader import PhotoLoader
from zoo.photos.threads import numbers_with_bar
from zoo.training.config import check_fields
from zoo.training.optimizers import TwoRateAdam, schedule
from zoo.training.plan import History, TrainingPlan
from zoo.training.stage import Stage
from zoo.training.task import Task
from zoo.training.trainer import Trainer

if TYPE_CHECKING:
    from zoo.photos.photoset import PhotoSet

#: The critic's accuracy has settled where it rises by less than this in so many rounds.
_SETTLED, _SETTLED_ROUNDS = 0.005, 3
_BETTER_THAN_CHANCE = 0.55
#: At most so many photos are written out for the critic.
_MOST_MADE = 8192
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
        features: what the perceptual loss compares by: "own", a small network that learns on the
            same photos, or one of keras.applications, "keras:VGG16" or "keras:VGG16,weights=FILE".
        feature_width: channels of the own network's first level.
        feature_weight: of the perceptual loss, beside `l1_weight`.
        shares: of the budget that the own feature network, the generator and the critics get at
            most; the joint stages have what is left.
        cycles: how often critic and joint stage are repeated.

    Raises:
        ZooError: if a number makes no nets, no losses or no stages.
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
        """Refuse numbers that make no nets, no losses or no stages."""
        super().__post_init__()
        check_fields(self, lambda v: v >= 1, "at least 1", "feature_width", "cycles")
        check_fields(self, lambda v: v > 0, "positive", "joint_rate", "joint_discriminator_rate")
        check_fields(self, lambda v: v >= 0, "at least 0", "feature_weight")
        check_fields(self, _are_shares, "three positive numbers that leave some of 1", "shares")


def _are_shares(numbers: tuple[float, ...]) -> bool:
    return len(numbers) == 3 and min(numbers) > 0 and sum(numbers) < 1


class NoGAN(GAN):
    """The nets of `gan`, trained apart and then briefly together."""

    PRESETS: ClassVar = {
        "compact": Preset(
            NoGANConfig(),
            "ours: the recipe of Antic, Howard and Manor 2019 (DeOldify) on the nets of gan",
        ),
        "paper": Preset(
            NoGANConfig(
                architecture="pix2pix",
                width=64,
                depth=8,
                output_stride=1,
                patch_width=64,
                train_size=256,
                batch_size=4,
                learning_rate=2e-4,
                discriminator_rate=2e-4,
                joint_rate=2e-5,
                joint_discriminator_rate=1e-4,
                features="keras:VGG16",
                shares=(0.01, 0.85, 0.1),
            ),
            "Antic, Howard and Manor 2019 (DeOldify): VGG16 features; pix2pix' nets, rates ours",
        ),
        "tiny": Preset(
            NoGANConfig(
                width=4,
                depth=2,
                patch_layers=1,
                patch_width=4,
                feature_width=4,
                train_size=32,
                batch_size=4,
            ),
            "ours: for tests",
        ),
    }

    def build_networks(self) -> dict[str, keras.Model]:
        """Generator and discriminator, and our own feature network where that is wanted."""
        networks = super().build_networks()
        if self.config.features == _OWN:
            networks["features"] = color_features(self.config.feature_width, self.seed)
        return networks

    def empty_output(self, rgb: Tensor) -> np.ndarray:
        """An array of the size of the generator's output for photos of this one's."""
        return np.empty((1, *(side // self.output_stride for side in rgb.shape[1:3]), 2))

    def content_loss(self) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
        """The absolute error and the perceptual loss, weighted."""
        error, weight = super().content_loss(), self.config.feature_weight
        if self.config.features == _OWN:
            features = own_features(self.networks["features"])
        else:
            features = pretrained_features(self.config.features)
        distance = feature_distance(features)
        return lambda *seen: error(*seen) + weight * distance(*seen)

    def train_stages(
        self, train: "PhotoSet", validation: "PhotoSet | None", plan: TrainingPlan
    ) -> History:
        """Features, generator, then critic and both together, as often as configured."""
        config, last = self.config, replace(plan, sizes=plan.sizes[-1:])
        for_features, for_generator, for_critics = config.shares
        done: dict[str, History] = {}

        def run(kind: type[Stage], plan: TrainingPlan, share: float, **kwargs: Any) -> None:
            part = replace(plan, budget=_part(plan.budget, share, config.batch_size))
            stage = kind(self, train, validation, part, **kwargs)
            done[stage.name] = Trainer(stage).run()

        if config.features == _OWN:
            run(FeatureStage, last, for_features)
        run(GeneratorStage, plan, for_generator)
        with TemporaryDirectory() as temporary:
            folder = plan.run_dir or Path(temporary)
            files = [folder / f"made-{cycle}.npy" for cycle in range(1, config.cycles + 1)]
            for cycle, made in enumerate(files, start=1):
                run(CriticStage, last, for_critics / config.cycles, cycle=cycle, made=made)
                left = _share_left(plan.budget, list(done.values())) / (config.cycles - cycle + 1)
                run(JointStage, last, left, cycle=cycle)
            # Not before: a training that resumes goes through all stages again.
            for made in files:
                made.unlink(missing_ok=True)
        return _together(done)


# ---------------------------------------------------------------------- stages


class FeatureStage(Stage):
    """Our own feature network, by what was done to the colors of photos."""

    name = "features"

    def graph(self) -> AlterationGraph:
        """It alone learns."""
        self.colorizer.networks["features"].trainable = True
        return AlterationGraph(self.colorizer)

    def optimizer(self, steps: int) -> keras.optimizers.Optimizer:
        """Adam with Keras' own rate, whatever the generator's is."""
        return keras.optimizers.Adam()

    def score(self, logs: dict[str, float]) -> None:
        """The last weights are as good as any."""
        return


class GeneratorStage(Stage):
    """The generator alone."""

    name = "generator"

    def graph(self) -> GeneratorGraph:
        """By the absolute error and the perceptual loss."""
        if "features" in self.colorizer.networks:
            self.colorizer.networks["features"].trainable = False
        return GeneratorGraph(self.colorizer)

    def optimizer(self, steps: int) -> keras.optimizers.Optimizer:
        """Adam as for a regression."""
        config = self.colorizer.config
        return keras.optimizers.Adam(schedule(config, steps), beta_2=config.beta_2)

    def score(self, logs: dict[str, float]) -> float | None:
        """The validation loss."""
        return logs.get("val_loss")


class CriticStage(Stage):
    """The discriminator alone, on photos that the generator has colored beforehand.

    Args:
        *args: as for every stage.
        cycle: counted from 1.
        made: the file for the generator's colors; written where it is not there yet.
    """

    def __init__(self, *args: Any, cycle: int, made: Path) -> None:
        super().__init__(*args)
        self.name = f"critic{cycle}"
        if not made.exists():
            self._write(made)
        self._made = npy_format.open_memmap(made, mode="r")

    def graph(self) -> "CriticGraph":
        """The discriminator alone learns."""
        return CriticGraph(self.colorizer)

    def optimizer(self, steps: int) -> keras.optimizers.Optimizer:
        """Adam with the rate that the discriminator has alone."""
        config = self.colorizer.config
        return keras.optimizers.Adam(config.discriminator_rate, config.beta_1, config.beta_2)

    def training_loader(self, size: int, steps: int) -> "MadeLoader":
        """Photos of which the generator's colors are written, again and again."""
        return MadeLoader(
            self.train,
            size,
            self.batch_size,
            steps=steps,
            seed=self.colorizer.seed,
            made=self._made,
        )

    def validation_loader(self) -> PhotoLoader | None:
        """Validation photos, and what the generator makes of them."""
        if self.validation is None:
            return None
        photos = self.validation.spread(_MOST_MADE // 8)
        plain = PhotoLoader(photos, self.plan.size, self.batch_size, augment=False)
        made = np.concatenate([self._colors(plain.batch(step)) for step in range(len(plain))])
        return PhotoLoader(
            photos,
            self.plan.size,
            self.batch_size,
            augment=False,
            rows={"made": lambda samples: made[samples.positions]},
        )

    def score(self, logs: dict[str, float]) -> None:
        """The last weights are kept."""
        return

    def end(self, curves: dict[str, list[float]]) -> str | None:
        """The validation accuracy has settled."""
        accuracy = curves.get("val_accuracy", curves["accuracy"])
        before, recent = accuracy[:-_SETTLED_ROUNDS], accuracy[-_SETTLED_ROUNDS:]
        if before and max(accuracy) > _BETTER_THAN_CHANCE and max(recent) < max(before) + _SETTLED:
            return f"its accuracy settled at {max(accuracy):.3f}"
        return None

    def _colors(self, rgb: np.ndarray) -> np.ndarray:
        """What the generator makes of photos: (N, h, w, 2) float16 ab, scaled."""
        model = self.colorizer
        made = model.runner(model.networks["colorizer"], model.network_input({"rgb": rgb}))
        return ops.convert_to_numpy(made).astype("float16")

    def _write(self, path: Path) -> None:
        """Write the generator's colors for the first photos of the training's stream."""
        wanted = self.plan.budget.photos_seen or _MOST_MADE
        count = max(1, min(wanted, len(self.train), _MOST_MADE) // self.batch_size)
        loader = super().training_loader(self.plan.size, count)
        steps = numbers_with_bar(count, "Coloring photos for the critic", self.plan.progress)
        with atomic_path(path) as temporary, temporary.open("wb") as file:
            for step in steps:
                made = self._colors(loader.batch(step))
                if step == 0:
                    header = {"descr": made.dtype.str, "fortran_order": False}
                    shape = {"shape": (count, *made.shape)}
                    npy_format.write_array_header_1_0(file, header | shape)
                file.write(made.tobytes())


class MadeLoader(PhotoLoader):
    """The first photos of the stream again and again, each with the generator's colors for it.

    Args:
        *args: as for every loader.
        made: (batches, batch_size, h, w, 2), the colors.
        **kwargs: as for every loader.
    """

    def __init__(self, *args: Any, made: np.ndarray, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._made = made

    def __getitem__(self, index: int) -> tuple[dict[str, np.ndarray]]:
        if not 0 <= index < len(self):
            raise IndexError(f"batch {index} of {len(self)}")
        step = (self.offset + index) % len(self._made)
        return ({"rgb": self.batch(step), "made": np.array(self._made[step])},)


class CriticGraph(Task):
    """From uint8 photos and made colors to the discriminator's loss.

    Logged beside it: `d_real` and `d_fake` as in the joint training, and the share of the patches
    that it is right about.
    """

    LOGGED = ("d_real", "d_fake", "accuracy")

    def __init__(self, colorizer: NoGAN) -> None:
        super().__init__(colorizer, colorizer.networks["discriminator"])
        self._judged, self._config = colorizer.judged, colorizer.config
        self.means = [keras.metrics.Mean(name=name) for name in self.LOGGED]

    def call(self, batch: dict[str, Tensor], training: bool = False) -> Tensor:
        """Logits for true and made colors: (N, h, w, 2)."""
        made = batch["made"]
        lightness, truth = self._judged(batch["rgb"], made)
        pairs = ([lightness, truth], [lightness, ops.cast(made, "float32")])
        return ops.concatenate([self.network(pair, training=training) for pair in pairs], axis=-1)

    def step_loss(self, batch: dict[str, Tensor], output: Tensor, training: bool) -> Tensor:
        """The discriminator's loss of the joint training."""
        real, fake = output[..., :1], output[..., 1:]
        on_real, on_fake, _ = ADVERSARIAL_LOSSES[self._config.adversarial]
        right = ops.concatenate([real > 0, fake <= 0], axis=-1)
        shares = [ops.mean(ops.sigmoid(logits)) for logits in (real, fake)]
        values = (*shares, ops.mean(ops.cast(right, "float32")))
        for mean, value in zip(self.means, values, strict=True):
            mean.update_state(ops.stop_gradient(value))
        return 0.5 * (on_real(real, self._config.real_label) + on_fake(fake))


class JointStage(AdversarialStage):
    """Both nets together, until the colors turn from better to worse.

    Args:
        *args: as for every stage.
        cycle: counted from 1.
    """

    # Of 0.3 of the budget, each round is at most 1 % of it; of a little more, where the critic
    # settled early.
    rounds = range(30, 41)

    def __init__(self, *args: Any, cycle: int) -> None:
        super().__init__(*args)
        self.name = f"joint{cycle}"

    def optimizer(self, steps: int) -> keras.optimizers.Optimizer:
        """Adam with a rate for each net, both low: neither is to forget what it has learned."""
        config = self.colorizer.config
        return TwoRateAdam(
            config.joint_rate,
            others=self.colorizer.networks["discriminator"].trainable_variables,
            ratio=config.joint_discriminator_rate / config.joint_rate,
            beta_1=config.beta_1,
            beta_2=config.beta_2,
        )

    def end(self, curves: dict[str, list[float]]) -> str | None:
        """The turning point lies `PATIENCE` rounds behind."""
        turned = turning_point(curves.get("score", ()))
        if turned is None:
            return None
        return (
            f"the scores turned at round {turned + 1}: no mean of {SMOOTHED} rounds was lower in "
            f"the {PATIENCE} rounds after it"
        )


# ---------------------------------------------------------------------- budgets and histories


def _part(budget: Budget, share: float, batch_size: int) -> Budget:
    """A share of a budget: whole batches, one at least."""
    if budget.photos_seen is None:
        return Budget(minutes=max(budget.minutes * share, 1e-3))
    # A hair more: shares are fractions that binary numbers only come near to.
    batches = int(budget.photos_seen * share / batch_size + 1e-6)
    return Budget(photos_seen=max(1, batches) * batch_size)


def _share_left(budget: Budget, done: Sequence[History]) -> float:
    if budget.photos_seen is None:
        return max(0.0, 1.0 - sum(one.seconds for one in done) / (60 * budget.minutes))
    return max(0.0, 1.0 - sum(one.photos_seen for one in done) / budget.photos_seen)


def _together(done: dict[str, History]) -> History:
    """One history of all stages: the last one's curves, and each one's beside."""
    last = list(done.values())[-1]
    stages = [{"name": name, **asdict(history)} for name, history in done.items()]
    return History(
        curves=last.curves,
        photos_seen=sum(history.photos_seen for history in done.values()),
        seconds=round(sum(history.seconds for history in done.values()), 2),
        details=last.details | {"stages": stages},
    )

"""The stages of adversarial trainings: generator and discriminator alone, and both together."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops
from numpy.lib import format as npy_format

from zoo.errors import ZooError
from zoo.files import atomic_path
from zoo.models.adversarial import rounds
from zoo.models.adversarial.classifier_score import ClassifierScore
from zoo.models.adversarial.tasks import (
    COLOR_SCORES,
    AdversarialTask,
    AlterationTask,
    CriticTask,
    GeneratorTask,
    color_scores,
)
from zoo.models.adversarial.turning_point import ERRORS, PATIENCE, SMOOTHED, turning_point
from zoo.models.gradient import GradientColorizer
from zoo.photos.loader import PhotoLoader
from zoo.photos.photoset import PhotoSet
from zoo.photos.threads import numbers_with_bar
from zoo.training.optimizers import Adam
from zoo.training.plan import TrainingPlan
from zoo.training.stage import Curves, Logs, Stage

if TYPE_CHECKING:
    from zoo.models.adversarial.gan import GAN
    from zoo.models.adversarial.nogan import NoGAN

#: Probabilities of true and of made colors at which the discriminator wins.
_SURELY_REAL, _SURELY_FAKE = 0.98, 0.02
#: Less than this share of the true photos' colorfulness, for so many rounds, is monochrome.
_MONOCHROME, _MONOCHROME_ROUNDS = 0.2, 3
#: The critic's accuracy has settled once it rises by less than this in so many rounds.
_SETTLED, _SETTLED_ROUNDS = 0.005, 3
_BETTER_THAN_CHANCE = 0.55
#: At most so many photos are written out for the critic.
_MOST_MADE = 8192
#: Where a stage has parts, as in DeOldify: the generator's decoupled weight decay and second beta
#: (those of fastai's one-cycle training), and the share of the photos that a critic learns from.
_PART_DECAY, _PART_BETA_2 = 1e-3, 0.99
_CRITICS_SHARE = 0.085
#: At most so many validation photos judge a round of the joint stage.
_JUDGED = 200


def adversarial_stage(
    model: "GAN",
    train: PhotoSet,
    validation: PhotoSet | None,
    plan: TrainingPlan,
    task: AdversarialTask | None = None,
    batch_size: int | None = None,
) -> Stage:
    """Both nets together; each round's model is kept, because no loss says when to stop.

    `task` and `batch_size` are the model's own where None.
    """
    examine = _examiner(model, validation, plan.size)
    stage = model.stage(train, validation, plan, task or model.task(), batch_size)
    return replace(
        stage,
        best_by="score",
        examine=examine,
        keep=_keeper(model, "", validation or train, plan),
        warning=warning,
    )


def joint_stage(
    model: "NoGAN", train: PhotoSet, validation: PhotoSet | None, plan: TrainingPlan, cycle: int
) -> Stage:
    """Both nets together, with low rates, until the colors turn from better to worse.

    Low rates keep both nets from forgetting what they have learned. Of 0.3 of the budget, each
    round is at most 1 % of it; of a little more, if the critic settled early. Judged and kept is
    the average of the generator's weights over the last steps, on at most `_JUDGED` photos, always
    the same.
    """
    config, name = model.config, f"joint{cycle}"
    ratio = config.joint_discriminator_rate / config.joint_rate
    validation = validation and validation.spread(_JUDGED)
    until = config.critic_until
    task = AdversarialTask(model, content=config.joint_content, critic_until=until)
    batch_size = config.joint_batch_size or None
    return replace(
        adversarial_stage(model, train, validation, plan, task, batch_size),
        name=name,
        rounds=range(30, 41),
        optimizer=lambda steps: model.adam_of_both(config.joint_rate, ratio, skip_zeros=until > 0),
        keep=_keeper(model, name, validation or train, plan),
        averaged=model.colorizer_weights(),
        of_photos=None if validation is None else _photo_scorer(model, validation, plan.size),
        end=lambda progress: turned(progress.photo_scores),
    )


def _photo_scorer(
    model: "NoGAN", photos: PhotoSet, size: int
) -> Callable[[], dict[str, list[float]]]:
    """Give what scores the generator's colors of each photo."""
    loader = PhotoLoader(photos, size, model.config.batch_size, augment=False)

    def scores() -> dict[str, list[float]]:
        found: dict[str, list[float]] = {name: [] for name in COLOR_SCORES}
        for index in range(len(loader)):
            rgb = loader.batch(index)
            made = model.runner(model.networks["colorizer"], model.network_input({"rgb": rgb}))
            made = ops.cast(made, "float32")
            for name, values in color_scores(*model.judged(rgb, made), made).items():
                found[name] += ops.convert_to_numpy(values).tolist()
        return found

    return scores


def _examiner(model: "GAN", validation: PhotoSet | None, size: int) -> Callable[[Logs], Logs]:
    """The score of a round, and that of a classifier if one is given."""
    name, classifier = model.config.classifier, None
    if name and validation is not None:
        classifier = ClassifierScore(name, validation, size)

    def examine(logs: Logs) -> Logs:
        found = {} if classifier is None else {f"val_{classifier.name}": classifier(model)}
        score = model.round_score(logs)
        return found if score is None else found | {"score": score}

    return examine


def _keeper(
    model: "GAN", stage: str, photos: PhotoSet, plan: TrainingPlan
) -> Callable[[int, Logs], None] | None:
    """What keeps the model after a round, if there is a folder for it."""
    run_dir = plan.run_dir
    if run_dir is None:
        return None
    squares = rounds.sample_squares(photos, plan.size)
    return lambda number, logs: rounds.keep(
        run_dir, rounds.name_of(stage, number), model, logs, squares
    )


def warning(curves: Curves) -> str | None:
    """Tell of a discriminator that won for a whole round, and of colors that go gray."""
    real, fake = curves["d_real"][-1], curves["d_fake"][-1]
    if real > _SURELY_REAL and fake < _SURELY_FAKE:
        return (
            f"The discriminator wins: it takes {real:.3f} of true and {fake:.3f} of made "
            "colors for true, so the generator learns little from it; lower "
            "discriminator_rate, or set real_label=0.9 if it is higher."
        )
    shares = [
        made / max(true, 1e-6)
        for made, true in zip(curves["colorfulness"], curves["truth"], strict=True)
    ][-_MONOCHROME_ROUNDS:]
    if len(shares) == _MONOCHROME_ROUNDS and max(shares) < _MONOCHROME:
        return (
            f"The colors are nearly gray: {shares[-1]:.0%} of the true photos' colorfulness. "
            "The absolute error outweighs the discriminator; lower l1_weight, or train longer."
        )
    return None


def turned(photo_scores: Mapping[str, list[list[float]]]) -> str | None:
    """Stop once the colors of the last `PATIENCE` rounds are surely worse than earlier ones."""
    turn = turning_point(photo_scores)
    if turn is None:
        return None
    return (
        f"the scores turned at round {turn + 1}: the last {PATIENCE} rounds are worse than the "
        f"{SMOOTHED} around it, by more than {ERRORS:g} standard errors"
    )


def feature_stage(
    model: "NoGAN", train: PhotoSet, validation: PhotoSet | None, plan: TrainingPlan
) -> Stage:
    """Our own feature network alone, on altered colors; the last weights count."""
    network = model.networks["features"]
    network.trainable = True
    task = AlterationTask(network, model.judged, model.empty_output)
    return replace(
        model.stage(train, validation, plan, task),
        name="features",
        optimizer=lambda steps: Adam(),
        best_by=None,
    )


@dataclass(frozen=True)
class Part:
    """A part of a stage with a size, a batch and a rate of its own.

    Attributes:
        size: of the training squares in px.
        batch_size: photos a step.
        rate: at the start; it falls to zero by half a cosine.
        weight: how much of the stage's budget it gets, beside the other parts.
    """

    size: int
    batch_size: int
    rate: float
    weight: float

    @classmethod
    def parse(cls, text: str) -> "Part":
        """Read "64:88:3e-4:1", the attributes in their order.

        Examples:
            >>> Part.parse("64:88:3e-4:1")
            Part(size=64, batch_size=88, rate=0.0003, weight=1.0)
        """
        try:
            size, batch_size, rate, weight = text.split(":")
            part = cls(int(size), int(batch_size), float(rate), float(weight))
        except ValueError:
            part = cls(0, 0, 0.0, 0.0)
        if not min(vars(part).values()) > 0:
            raise ZooError(
                f"Cannot read the part {text!r} of a stage; write size, batch, rate and weight, "
                "as in 64:88:3e-4:1."
            )
        return part

    def rates(self, steps: int) -> keras.optimizers.schedules.LearningRateSchedule:
        return keras.optimizers.schedules.CosineDecay(self.rate, max(1, steps))


def generator_stage(
    model: "NoGAN",
    train: PhotoSet,
    validation: PhotoSet | None,
    plan: TrainingPlan,
    part: Part | None = None,
) -> Stage:
    """The generator alone, by the absolute error and the perceptual loss."""
    if "features" in model.networks:
        model.networks["features"].trainable = False
    batch_size = part.batch_size if part else None
    stage = model.stage(train, validation, plan, GeneratorTask(model), batch_size)
    if part is None:
        optimizer = partial(GradientColorizer.optimizer, model)
        return replace(stage, name="generator", optimizer=optimizer)
    return replace(
        stage,
        name=f"generator-{part.size}px",
        optimizer=lambda steps: keras.optimizers.AdamW(
            part.rates(steps), weight_decay=_PART_DECAY, beta_2=_PART_BETA_2
        ),
    )


def critic_stage(
    model: "NoGAN",
    train: PhotoSet,
    validation: PhotoSet | None,
    plan: TrainingPlan,
    cycle: int,
    made: Path,
    part: Part | None = None,
) -> Stage:
    """The discriminator alone, on photos that the generator has colored beforehand.

    The generator's colors are in the file `made`, which is written if it is missing. Of a stage in
    parts, as in `NoGANConfig.critic_parts`, this is one.
    """
    config = model.config
    batch_size = part.batch_size if part else config.batch_size
    stage = model.stage(train, validation, plan, CriticTask(model), batch_size)
    if not made.exists():
        wanted = plan.budget.photos_seen or _MOST_MADE
        if part:
            wanted = int(_CRITICS_SHARE * len(train))
        count = max(1, min(wanted, len(train), _MOST_MADE) // batch_size)
        _write_colors(made, model, stage.loader(plan.size, count), plan.progress)
    colors = npy_format.open_memmap(made, mode="r")

    def optimizer(steps: int) -> keras.optimizers.Optimizer:
        rate = part.rates(steps) if part else config.discriminator_rate
        return Adam(rate, config.beta_1, config.beta_2)

    return replace(
        stage,
        name=f"critic{cycle}" + (f"-{part.size}px" if part else ""),
        optimizer=optimizer,
        loader=lambda size, steps: MadeLoader(
            train, size, batch_size, steps=steps, seed=model.seed, made=colors
        ),
        validation=None if validation is None else _made_for(model, validation, plan),
        best_by=None,
        end=lambda progress: settled(progress.curves),
    )


def settled(curves: Curves) -> str | None:
    """Stop once the critic's accuracy has settled."""
    accuracy = curves.get("val_accuracy", curves["accuracy"])
    before, recent = accuracy[:-_SETTLED_ROUNDS], accuracy[-_SETTLED_ROUNDS:]
    if before and max(accuracy) > _BETTER_THAN_CHANCE and max(recent) < max(before) + _SETTLED:
        return f"its accuracy settled at {max(accuracy):.3f}"
    return None


class MadeLoader(PhotoLoader):
    """The first photos of the stream, repeated, with the generator's colors for them.

    `made` has the colors: (batches, batch_size, h, w, 2).
    """

    def __init__(self, *args: Any, made: np.ndarray, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._made = made

    def __getitem__(self, index: int) -> tuple[dict[str, np.ndarray]]:
        if not 0 <= index < len(self):
            raise IndexError(f"batch {index} of {len(self)}")
        step = (self.offset + index) % len(self._made)
        return ({"rgb": self.batch(step), "made": np.array(self._made[step])},)


def _made_for(model: "NoGAN", validation: PhotoSet, plan: TrainingPlan) -> PhotoLoader:
    """Load validation photos and the generator's colors for them."""
    load = partial(
        PhotoLoader,
        size=plan.size,
        batch_size=model.config.batch_size,
        augment=False,
        multiple=plan.devices,
    )
    plain = load(validation.spread(_MOST_MADE // 8))
    made = np.concatenate([_colors(model, plain.batch(step)) for step in range(len(plain))])
    return load(plain.photos, rows={"made": lambda samples: made[samples.positions]})


def _write_colors(path: Path, model: "NoGAN", loader: PhotoLoader, progress: bool) -> None:
    """Write the generator's colors for every batch of a loader."""
    steps = numbers_with_bar(len(loader), "Coloring photos for the critic", progress)
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        for step in steps:
            made = _colors(model, loader.batch(step))
            if step == 0:
                header = {"descr": made.dtype.str, "fortran_order": False}
                shape = {"shape": (len(loader), *made.shape)}
                npy_format.write_array_header_1_0(file, header | shape)
            file.write(made.tobytes())


def _colors(model: "NoGAN", rgb: np.ndarray) -> np.ndarray:
    """The generator's colors for photos: (N, h, w, 2) float16 ab, scaled."""
    made = model.runner(model.networks["colorizer"], model.network_input({"rgb": rgb}))
    return ops.convert_to_numpy(made).astype("float16")

"""The trainings of the weights that come with the package, as jobs that build on each other.

All approaches start on equal terms: from an encoder of ImageNet's classes that learned gray photos
by classification over bins of color, once and for all of them; from fresh weights in the decoder;
and they see equally many photos, at the same sizes. Short trials decide beforehand how they learn.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from zoo.errors import ZooError

#: The presets of models around an encoder of ImageNet, and of those without any.
ENCODED, SCRATCH = "compact", "scratch"


@dataclass(frozen=True)
class Job:
    """One training.

    Attributes:
        name: of its folder.
        model: which approach.
        budget: as the command line takes it.
        sizes: of the training squares in px; each has an equal share of the budget.
        preset: of the model.
        changes: fields of the preset's configuration that are others.
        start: the job, of this queue or of another one, whose encoder it begins with; "" for the
            weights that `create_model` puts in.
        continues: whether the decoder is that of `start`, too, which is of the same model.
        photos: shell patterns: it learns from those of the given folders that have a name, or are
            in a folder with a name, that fits one of them; from all folders where there are none.
    """

    name: str
    model: str
    budget: str
    sizes: tuple[int, ...]
    preset: str = ENCODED
    changes: Mapping[str, Any] = field(default_factory=dict)
    start: str = ""
    continues: bool = False
    photos: tuple[str, ...] = ()

    def folders(self, given: Sequence[Path]) -> list[Path]:
        """Those of the given folders that it learns from.

        Raises:
            ZooError: if one of its patterns fits none of them.
        """
        for pattern in self.photos:
            if not any(_fits(folder, pattern) for folder in given):
                raise ZooError(
                    f"The job {self.name} learns from photos in a folder like {pattern}, and none "
                    f"of the given ones is: {', '.join(map(str, given))}; add one with --photos."
                )
        fitting = [any(_fits(folder, one) for one in self.photos) for folder in given]
        return [one for one, fits in zip(given, fitting, strict=True) if fits or not self.photos]


def _fits(folder: Path, pattern: str) -> bool:
    return any(fnmatch(part, pattern) for part in folder.absolute().parts)


#: Weights are averaged, and photos far from those that were seen get careful colors.
_LEARNING = {"average_weights": True, "dropout": 0.2}
#: What all but the ablation has: three photos of ten are seen as old ones, too.
_EVERY = {**_LEARNING, "degraded_share": 0.3}

#: Stage (a): the encoder learns gray photos, small ones first, then those that are large enough.
#: The latter are few, 1,900 of 26,400 here: five passes.
ENCODER = (
    Job("encoder-128", "zhang", "60000", (128,), changes=_EVERY),
    Job(
        "encoder-224",
        "zhang",
        "10000",
        (192, 224),
        changes={**_EVERY, "learning_rate": 3e-4},
        start="encoder-128",
        continues=True,
    ),
)
#: The job that the others take their encoder from.
_SHARED = ENCODER[-1].name


#: Frozen, the encoder is shared by all approaches: a regression colors unseen photos better so
#: than if it trains the encoder further, and trains three times as fast.
_ON_TOP = {**_EVERY, "frozen_levels": 5}


def _trial(name: str, model: str, **changes: Any) -> Job:
    return Job(name, model, "20000", (128,), changes={**_ON_TOP, **changes}, start=_SHARED)


_SQUARED = _trial("frozen-encoder", "mse_regression")
#: Whether the encoder stays as it is or learns on, but for its first three levels.
FROZEN = (_trial("learning-encoder", "mse_regression", frozen_levels=3), _SQUARED)

#: By which loss a regression learns, and how far a classification weighs rare colors and spreads
#: true ones. Gray's error of the gradient is twice its squared error: 0.1 makes it a fifth of it.
LOSSES = (
    _SQUARED,
    _trial("loss-huber", "mse_regression", error="huber"),
    _trial("loss-gradient", "mse_regression", gradient_weight=0.1),
    _trial("loss-lambda-90", "zhang", uniform_share=0.9),
    _trial("loss-lambda-75", "zhang", uniform_share=0.75),
    _trial("loss-lambda-100", "zhang", uniform_share=1.0),
    _trial("loss-neighbors-10", "zhang", uniform_share=0.9, neighbors=10),
)

#: Photos of few kinds, and those of everyday life beside them.
_NARROW = ("scenes*", "objects*")
_BROAD = (*_NARROW, "everyday*")


def _step(name: str, preset: str, photos: tuple[str, ...], degraded_share: float = 0.0) -> Job:
    alike = {"batch_size": 32, "uniform_share": 0.9}
    changes = {**_LEARNING, **alike, "degraded_share": degraded_share}
    return Job(f"ablation-{name}", "zhang", "15000", (128,), preset, changes, photos=photos)


#: What each part of the recipe brings: a row has all that the row above it has, and one thing more.
ABLATION = (
    _step("scratch", SCRATCH, _NARROW),
    _step("imagenet", ENCODED, _NARROW),
    _step("broad", ENCODED, _BROAD),
    _step("degraded", ENCODED, _BROAD, 0.3),
)

#: Of the trials with one error a place Huber's is the better one on validation photos; those with
#: distributions change how vivid colors are, not how right, and stay as the preset has them.
_REGRESSION = {**_ON_TOP, "error": "huber"}
#: Under a discriminator dropout is grain that true colors lack.
_ADVERSARIAL = {**_ON_TOP, "dropout": 0.0}


#: Of every approach.
_BUDGET, _SIZES = "40000", (128, 192)


def _approach(model: str, changes: Mapping[str, Any]) -> Job:
    return Job(f"approach-{model}", model, _BUDGET, _SIZES, changes=changes, start=_SHARED)


#: Stage (b): the approaches, each with a fresh decoder; and those that have no network to learn.
APPROACHES = (
    *(_approach(name, _REGRESSION) for name in ("mse_regression", "fusion")),
    *(_approach(name, _ON_TOP) for name in ("zhang", "colorunet")),
    *(_approach(name, _ADVERSARIAL) for name in ("gan", "nogan")),
    *(Job(f"approach-{name}", name, _BUDGET, (128,)) for name in ("knn_patches", "som_patches")),
)

#: A network that listens to hints: its encoder has to learn what the map beside lightness says.
GUIDED = (_approach("hinted", _EVERY),)

#: The queues, each with its jobs in their order.
QUEUES: dict[str, tuple[Job, ...]] = {
    "encoder": ENCODER,
    "losses": LOSSES,
    "frozen": FROZEN,
    "ablation": ABLATION,
    "approaches": APPROACHES,
    "guided": GUIDED,
}

"""The card of a model: what is known about its training, its scores and its weights.

Everything that reads or writes a card.json does it here. A card is immutable: whoever learns
something makes a new one, `model.card = dataclasses.replace(model.card, temperature=...)`.
"""

import dataclasses
import types
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np

from zoo.errors import ZooError
from zoo.files import read_json, write_json

if TYPE_CHECKING:
    from zoo.photos.photoset import PhotoSet
    from zoo.training.plan import History, TrainingPlan

CARD = "card.json"
_FORMAT = 3

Record = TypeVar("Record")


@dataclass(frozen=True)
class Interval:
    """A mean over photos with the ends of its 95 % interval; None where there is none."""

    mean: float
    low: float | None
    high: float | None

    @property
    def excludes_zero(self) -> bool:
        """Whether a difference with this interval is more than chance."""
        return self.low is not None and self.high is not None and not self.low <= 0 <= self.high


@dataclass(frozen=True)
class Start:
    """The fitted weights that a training started from, and what those had learned from."""

    weights_sha256: str | None  # None where they had not been saved
    fingerprint: str | None = None
    photos_seen: int | None = None


@dataclass(frozen=True)
class Training:
    """How the weights were learned; `TrainingPlan` and `History` say what most fields mean."""

    photos: int = 0
    fingerprint: str | None = None
    gray_photos_left_out: int = 0
    toned_photos_left_out: int = 0
    validation_photos: int = 0
    validation_fingerprint: str | None = None
    budget: str = ""
    sizes: tuple[int, ...] = ()
    freeze: tuple[str, ...] = ()
    start: str = ""  # where nobody noted it
    started_from: Start | None = None  # for weights that had not been fitted
    seed: int = 0
    backend: str = ""
    keras_version: str = ""
    curves: dict[str, list[float]] = field(default_factory=dict)
    photos_seen: int = 0
    seconds: float = 0.0
    details: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        plan: "TrainingPlan",
        history: "History",
        given: "PhotoSet",
        colored: "PhotoSet",
        validation: "PhotoSet | None",
        seed: int,
        started_from: Start | None,
    ) -> "Training":
        """The record of a training: `colored` are the photos of `given` that were learned from."""
        import keras

        return cls(
            photos=len(colored),
            fingerprint=colored.fingerprint,
            gray_photos_left_out=sum(photo.is_gray for photo in given),
            toned_photos_left_out=sum(photo.is_toned for photo in given),
            validation_photos=len(validation or ()),
            validation_fingerprint=validation.fingerprint if validation else None,
            budget=str(plan.budget),
            sizes=plan.sizes,
            freeze=plan.freeze,
            start=plan.start,
            started_from=started_from,
            seed=seed,
            backend=keras.backend.backend(),
            keras_version=keras.__version__,
            **dataclasses.asdict(history),
        )


@dataclass(frozen=True)
class ImportedFile:
    """The published file that weights were imported from."""

    file: str
    sha256: str


@dataclass(frozen=True)
class Revision:
    """Of the code, and whether files differed from it."""

    revision: str
    dirty: bool


@dataclass(frozen=True)
class Environment:
    """The machine and the versions of a training; None where unknown."""

    processor: str | None = None
    cores: int | None = None
    memory_gib: float | None = None
    accelerator: str | None = None
    system: str = ""
    python: str = ""
    zoo: str = ""
    keras: str = ""
    backend: str = ""
    backend_version: str = ""
    numpy: str = ""
    scikit_image: str = ""
    pillow: str = ""
    git: Revision | None = None


@dataclass(frozen=True)
class Scores:
    """The figures of a model on one set of photos, by metric."""

    photos: int | None  # None where nobody noted it
    fingerprint: str
    size: int | None  # the short side that larger photos were shrunk to; None if they were not
    summary: dict[str, Interval]
    protocol: int | None = None  # of the benchmark that scored them


@dataclass(frozen=True)
class Study:
    """How a model scores on one set of photos at several values of an option, by metric."""

    model: str  # and its preset, as in "zhang:compact"
    photos: int
    fingerprint: str
    size: int | None  # as in `Scores`
    option: str  # "temperature" or "saturation"
    values: tuple[float, ...]  # of the option, ascending
    figures: dict[str, tuple[Interval, ...]]  # one for each value
    gray: dict[str, float]  # of gray photos, which need no network
    gains: dict[str, tuple[Interval, ...]]  # figures less gray's, paired over the photos
    true_colorfulness: float  # the mean of the photos as they were

    def means(self, metric: str) -> np.ndarray:
        """The metric's means at each value of the option: (V,) float64."""
        return np.array([figure.mean for figure in self.figures[metric]])

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "Study":
        return from_json(cls, content)

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


@dataclass(frozen=True)
class Chosen:
    """The default of an option, and what it was chosen by; None where nobody noted it."""

    chosen: float
    study: Study | None


@dataclass(frozen=True)
class About:
    """What people should know before they use the weights, in words."""

    photos: str
    license: str  # of the weights; the code's is another one
    rights: str  # in the photos
    good_at: str
    bad_at: str
    limits: str
    stored: str  # what of the photos is in the weights


@dataclass(frozen=True)
class Packing:
    """How the weights were made small, and how little that changed the colors of some photos."""

    from_sha256: str  # of the exact weights
    mantissa_bits: int
    megabytes: float
    photos: int
    ciede2000_mean: float
    ciede2000_largest: float  # of a photo
    score_shift_largest: float  # of any figure, as a share of its interval's width


@dataclass(frozen=True)
class Round:
    """After which round of a training a model was kept, and its scores on validation photos."""

    name: str  # of its folder
    photos_seen: int
    score: float | None  # what the rounds are ranked by, the lower the better; None without photos
    scores: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """How far an artifact is off."""

    max_difference: int  # in levels of 255
    ciede2000: float  # the mean over all photos
    photos: int
    signatures: dict[str, list[str]] = field(default_factory=dict)  # names of inputs, by name


@dataclass(frozen=True)
class Artifact:
    """A file or folder of an export."""

    path: str
    megabytes: float
    sha256: dict[str, str]
    check: Outcome


@dataclass(frozen=True)
class Export:
    """What an exported folder holds, by format, and what is fixed in it."""

    options: dict[str, float]
    weights: str
    litert_size: tuple[int, ...] | None
    calibration_photos: int
    tensorflow_version: str
    keras_version: str
    artifacts: dict[str, Artifact]


@dataclass(frozen=True)
class Card:
    """What is known about a model; a part that nobody knows is None or empty."""

    model: str = ""
    preset: str = ""
    zoo_version: str = ""
    weights_sha256: str | None = None
    shared_sha256: str | None = None  # of arrays that shipped models have in common
    training: Training | None = None
    origin: ImportedFile | None = None
    environment: Environment | None = None
    temperature: Chosen | None = None
    saturation: Chosen | None = None
    about: About | None = None
    packing: Packing | None = None
    checkpoint: Round | None = None
    validation_scores: dict[str, Scores] = field(default_factory=dict)
    test_scores: dict[str, Scores] = field(default_factory=dict)
    export: Export | None = None

    def start(self) -> Start:
        """The model as what a further training starts from."""
        before = self.training or Training()
        return Start(self.weights_sha256, before.fingerprint, before.photos_seen or None)


def read_card(folder: Path) -> Card:
    """The card of a model's or an export's folder."""
    content = read_json(folder / CARD)
    try:
        return from_json(Card, _upgraded(content))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ZooError(f"{folder} has a damaged {CARD} ({error!r}); restore it.") from error


def write_card(folder: Path, card: Card) -> None:
    """Write a card atomically, without the parts that nobody knows."""
    known = {name: part for name, part in dataclasses.asdict(card).items() if part or part == 0}
    write_json(folder / CARD, {"format": _FORMAT} | known)


def from_json(record: type[Record], content: dict[str, Any]) -> Record:
    """A dataclass from its fields as JSON gives them; fields that it does not have are ignored."""
    hints = get_type_hints(record)
    fields = {name: value for name, value in dict(content).items() if name in hints}
    return record(**{name: _typed(value, hints[name]) for name, value in fields.items()})


def _typed(value: Any, hint: Any) -> Any:
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (types.UnionType, Union):
        options = [part for part in inner if part is not type(None)]
        return None if value is None else _typed(value, options[0])
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return from_json(hint, value)
    if origin is dict:
        return {name: _typed(one, inner[1]) for name, one in value.items()}
    if origin in (tuple, list):
        return origin(_typed(one, inner[0]) for one in value)
    if hint is float:
        return float(value)
    if hint is not Any and not isinstance(value, hint):
        raise TypeError(f"{value!r} is not of the type {hint.__name__}")
    return value


# ---------------------------------------------------------------------- formats 1 and 2

_ABOUT = {"license of the weights": "license", "good at": "good_at", "bad at": "bad_at"}
_ABOUT |= {"what is stored": "stored"}


def _upgraded(content: dict[str, Any]) -> dict[str, Any]:
    """A card of any format in format 3."""
    if content.get("format", 1) == _FORMAT:
        return content
    card = _in_format_2(content) if content.get("format", 1) == 1 else dict(content)
    for option in ("temperature", "saturation"):
        if chosen := card.get(option):
            study = chosen.get("study")
            card[option] = {"chosen": chosen["chosen"], "study": study and _upgraded_study(study)}
    return card


def _upgraded_study(study: dict[str, Any]) -> dict[str, Any]:
    return study | {"option": "temperature", "values": study["temperatures"], "gains": {}}


def _in_format_2(content: dict[str, Any]) -> dict[str, Any]:
    card = dict(content)
    if "training" in card:
        card["training"] = _upgraded_training(card["training"])
    if about := card.pop("about", None):
        card["about"] = {_ABOUT.get(name, name): text for name, text in about.items()}
    if environment := card.get("environment"):
        card["environment"] = environment | {"scikit_image": environment["scikit-image"]}
    if study := card.get("temperature"):
        card["temperature"] = {"chosen": study["chosen"], "study": study}
    if kept := card.get("checkpoint"):
        scores = {name: value for name, value in kept.items() if name.startswith("val_")}
        card["checkpoint"] = kept | {"scores": scores}
    if scored := card.pop("scores", None):
        noted = {"fingerprint": scored["test_fingerprint"], "size": scored["test_size"]}
        card["test_scores"] = {"test photos": scored | noted | {"photos": None}}
    return card


def _upgraded_training(training: dict[str, Any]) -> dict[str, Any]:
    frozen, details = training.get("frozen_layers", 0), dict(training.get("details", {}))
    if "stints" in details:
        details["stages"] = details.pop("stints")
    freeze = frozen if isinstance(frozen, list) else [f"the first {frozen} layers"] * bool(frozen)
    return training | {"freeze": freeze, "details": details}

"""What is made of a network's answers: accuracy and agreement, diversity, the Fréchet distance.

A judge collects what a network says of a set of photos, in a `Side`; two sides, the true photos'
and a model's, make the scores. So the true photos' side is made once for all models.
"""

import hashlib
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol

import numpy as np

from zoo.errors import ZooError
from zoo.metrics import NetworkScores
from zoo.metrics.networks.class_names import ClassNames, read_class_names
from zoo.metrics.networks.frechet import Moments, frechet_distance
from zoo.models.adversarial.classifier_score import central_squares, diversity, is_inception
from zoo.networks.embeddings import Embedding, Spec

if TYPE_CHECKING:
    from zoo.photos.photoset import PhotoSet

#: FID grows as photos get fewer, and under so many it says more about their number than colors.
FEW_PHOTOS = 2000
#: Photos that a network sees at once.
_BATCH = 32
_LABELS_SHOWN = 8


class Network:
    """A network of `zoo.networks.embeddings` that looks at colored photos.

    Attributes:
        name: what columns call it.
        size: side of the squares that it sees, in px.
        width: how many classes it has.
        sha256: of all that decides its answers.

    Raises:
        ZooError: if it is missing or damaged.
    """

    def __init__(self, embedding: Embedding) -> None:
        self.name = network_name(embedding.spec)
        self._embedding = embedding
        self.size, self.width, self.sha256 = embedding.size, embedding.width, embedding.sha256

    @property
    def input(self) -> str:
        """What it sees of a photo, in words."""
        return (
            f"the photo's central square, resized to {self.size} x {self.size} px with Pillow's "
            "bicubic filter, 8 bits"
        )

    def __call__(self, rgb: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(N, H, W, 3) uint8 -> logits (N, classes) and features (N, m)."""
        parts = [rgb[first : first + _BATCH] for first in range(0, len(rgb), _BATCH)]
        found = [self._embedding.with_features(central_squares(p, self.size)) for p in parts]
        logits, features = (np.concatenate(kind) for kind in zip(*found, strict=True))
        if not (np.isfinite(logits).all() and np.isfinite(features).all()):
            raise ZooError(
                f"The network {self.name} answers with NaN or infinity; give trained weights, and "
                "for a module the range= of values that it was made for."
            )
        return logits, features


class Side(Protocol):
    """What a network said of a set of photos."""

    def add(self, logits: np.ndarray, features: np.ndarray) -> None:
        """Take in the answers about some more photos."""


class Judge(ABC):
    """One metric, or a few that belong together, of one network.

    Args:
        spec: the network's specification, with the judge's own settings.
        network: that network.

    Attributes:
        KIND: what specifications call it.
        SETTINGS: that it takes beside the network's.
    """

    KIND: ClassVar[str]
    SETTINGS: ClassVar[tuple[str, ...]] = ()

    def __init__(self, spec: Spec, network: Network) -> None:
        self.spec, self.network = spec, network

    @classmethod
    @abstractmethod
    def columns(cls, spec: Spec) -> tuple[str, ...]:
        """The names of the metrics."""

    @property
    def sha256(self) -> str:
        """Of all that decides the scores."""
        return self.network.sha256

    @abstractmethod
    def side(self) -> Side:
        """An empty side."""

    @abstractmethod
    def scores(self, photos: "PhotoSet", truth: Side, made: Side) -> NetworkScores:
        """The scores of a model, whose side is `made`; the sources hold notes alone."""


class _Answers:
    """The five likeliest classes of each photo, best first."""

    def __init__(self) -> None:
        self._parts: list[np.ndarray] = []

    def add(self, logits: np.ndarray, features: np.ndarray) -> None:
        # Stable, so that equal logits give the same answer everywhere.
        self._parts.append(np.argsort(-logits, axis=1, kind="stable")[:, :5])

    @property
    def best(self) -> np.ndarray:
        """(n, 5) class numbers."""
        return np.concatenate(self._parts)


class ClassifierTest(Judge):
    """Does a classifier recognize what is in the photos? Zhang et al. 2016, section 3.1.

    Where a label stands for several classes, any of them is right. Photos without a label that the
    classifier knows take no part in the accuracy.
    """

    KIND = "classifier"
    SETTINGS = ("labels", "groups")

    def __init__(self, spec: Spec, network: Network) -> None:
        super().__init__(spec, network)
        self._names: ClassNames | None = read_class_names(spec, network.width)

    @classmethod
    def columns(cls, spec: Spec) -> tuple[str, ...]:
        """Accuracy of the first and of the first five answers, and agreement."""
        return tuple(f"{name}@{network_name(spec)}" for name in ("top1", "top5", "agreement"))

    @property
    def sha256(self) -> str:
        """Of the network, its class names and the groups."""
        names = "no names" if self._names is None else self._names.sha256
        return hashlib.sha256(f"{self.network.sha256} {names}".encode()).hexdigest()

    def side(self) -> _Answers:
        """The answers are kept: 40 bytes a photo."""
        return _Answers()

    def scores(self, photos: "PhotoSet", truth: _Answers, made: _Answers) -> NetworkScores:
        """0 or 1 for each photo."""
        top1, top5, agreement = self.columns(self.spec)
        found = NetworkScores()
        right = [self._right_for(photo.label) for photo in photos]
        if any(right):
            hits = _hits(made.best, right)
            found.scores.update({top1: hits[:, 0], top5: hits.max(axis=1)})
            notes = {"notes": self._coverage(photos, right)}
            found.sources.update({top1: notes, top5: notes})
        else:
            found.missing.update(dict.fromkeys((top1, top5), self._no_accuracy(photos)))
        found.scores[agreement] = (made.best[:, 0] == truth.best[:, 0]).astype(np.float64)
        found.sources[agreement] = {"notes": []}
        return found

    def _right_for(self, label: str | None) -> frozenset[int]:
        return frozenset() if self._names is None else self._names.right_for(label)

    def _no_accuracy(self, photos: "PhotoSet") -> str:
        labels = sorted({photo.label for photo in photos if photo.label is not None})
        if not labels:
            return "the photos have no labels"
        if self._names is None:
            return f"no class names go with {self.network.name} (labels=FILE gives them)"
        return f"the classifier knows none of the labels ({_some(labels)})"

    @staticmethod
    def _coverage(photos: "PhotoSet", right: list[frozenset[int]]) -> list[str]:
        """How many photos count, and under how many classes, where that is not one."""
        known = Counter(p.label for p, classes in zip(photos, right, strict=True) if classes)
        several = {p.label: len(c) for p, c in zip(photos, right, strict=True) if len(c) > 1}
        notes = []
        if known.total() < len(right):
            share = f"{known.total():,} of the {len(right):,} photos"
            notes.append(f"Over the {share} whose label the classifier knows: {_some(known)}.")
        if several:
            words = [f"{label} ({count})" for label, count in several.items()]
            notes.append(f"Any class of a group is right: {_some(words)}.")
        return notes


def _hits(best: np.ndarray, right: Sequence[frozenset[int]]) -> np.ndarray:
    """Which of the answers, (n, 5) class numbers, are right: 0 or 1, NaN where none can be."""
    hits = np.full(best.shape, np.nan)
    for number, classes in enumerate(right):
        if classes:
            hits[number] = np.isin(best[number], list(classes))
    return hits


class _Logits:
    def __init__(self) -> None:
        self._parts: list[np.ndarray] = []

    def add(self, logits: np.ndarray, features: np.ndarray) -> None:
        self._parts.append(logits.astype(np.float32))

    @property
    def all(self) -> np.ndarray:
        return np.concatenate(self._parts)


class DiversityTest(Judge):
    """How sure and how varied the answers are: see `zoo.models.adversarial.classifier_score`."""

    KIND = "diversity"

    @classmethod
    def columns(cls, spec: Spec) -> tuple[str, ...]:
        """The Inception score, or the classifier score of another network."""
        base = "inception_score" if is_inception(spec) else "classifier_score"
        return (f"{base}@{network_name(spec)}",)

    def side(self) -> _Logits:
        """All answers are kept: 4 kB a photo with 1,000 classes."""
        return _Logits()

    def scores(self, photos: "PhotoSet", truth: _Logits, made: _Logits) -> NetworkScores:
        """One figure."""
        (column,) = self.columns(self.spec)
        return NetworkScores({}, {column: diversity(made.all)}, {column: {"notes": []}})


class _Features:
    def __init__(self) -> None:
        self.moments = Moments()

    def add(self, logits: np.ndarray, features: np.ndarray) -> None:
        self.moments.add(features)


class FrechetTest(Judge):
    """How far the features of the colored photos are from those of the true ones."""

    KIND = "frechet"

    @classmethod
    def columns(cls, spec: Spec) -> tuple[str, ...]:
        """FID, or the Fréchet distance of another network."""
        return (f"{'fid' if is_inception(spec) else 'frechet'}@{network_name(spec)}",)

    def side(self) -> _Features:
        """Mean and covariance: 32 MB for 2,048 features, however many photos."""
        return _Features()

    def scores(self, photos: "PhotoSet", truth: _Features, made: _Features) -> NetworkScores:
        """One figure, and a note where there are few photos."""
        (column,) = self.columns(self.spec)
        if made.moments.count < 2:
            return NetworkScores(missing={column: "it takes two photos at least"})
        notes = [caution] if (caution := few_photos(made.moments.count)) else []
        figure = frechet_distance(truth.moments, made.moments)
        return NetworkScores({}, {column: figure}, {column: {"notes": notes}})


def few_photos(count: int) -> str | None:
    """What to say of a Fréchet distance of so many photos; None where they are enough."""
    if count >= FEW_PHOTOS:
        return None
    return (
        f"With {count:,} photos, fewer than {FEW_PHOTOS:,}, a Fréchet distance is too large by an "
        "amount that depends on their number: compare it on the same photos alone."
    )


def network_name(spec: Spec) -> str:
    """What columns call a network.

    Examples:
        >>> network_name(Spec.parse("hub:modules/mobilenet"))
        'mobilenet'
        >>> network_name(Spec.parse("keras:InceptionV3,weights=none"))
        'InceptionV3-random'
    """
    if spec.kind == "hub":
        _, remote, place = spec.name.partition("://")
        return place.partition("/")[2] if remote else Path(spec.name).resolve().name
    return spec.name + ("-random" if spec.settings.get("weights") == "none" else "")


def _some(words: "Counter[str] | list[str]") -> str:
    words = sorted(words)
    more = len(words) - _LABELS_SHOWN
    return ", ".join(words[:_LABELS_SHOWN]) + (f" and {more:,} more" if more > 0 else "")

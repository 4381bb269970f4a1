"""A metric that takes a pretrained network, the network, and what is kept of its answers.

What a network says of a set of photos is a `Side`; two sides, the true photos' and a model's, make
the scores. So the true photos' side is made once for all models.
"""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar

import numpy as np

from zoo.errors import ZooError
from zoo.metrics import NetworkScores
from zoo.models.adversarial.classifier_score import central_squares
from zoo.networks.classifiers import Embedding, Spec

if TYPE_CHECKING:
    from zoo.photos.photoset import PhotoSet

#: Photos that a network sees at once.
_BATCH = 32


class Side(Protocol):
    """What is kept of a network's answers about a set of photos."""

    def add(self, part: np.ndarray, /) -> None: ...


AnySide = TypeVar("AnySide", bound=Side)


class Rows:
    """A side that keeps a row for each photo."""

    def __init__(self) -> None:
        self._parts: list[np.ndarray] = []

    def add(self, part: np.ndarray, /) -> None:
        self._parts.append(part)

    @property
    def all(self) -> np.ndarray:
        return np.concatenate(self._parts)


class Network:
    """A network of `zoo.networks.embeddings` that looks at colored photos.

    Attributes:
        size: side of the squares that it sees, in px.
        width: how many classes it has.
        sha256: of all that decides its answers.
        input: what it sees of a photo, in words.
    """

    def __init__(self, embedding: Embedding) -> None:
        self.name = network_name(embedding.spec)
        self._embedding = embedding
        self.size, self.width, self.sha256 = embedding.size, embedding.width, embedding.sha256
        self.input = (
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


class NetworkMetric(ABC, Generic[AnySide]):
    """One metric, or a few that belong together, of one network.

    Attributes:
        KIND: what specifications call it.
        SETTINGS: that it takes beside the network's.
        SIDE: makes an empty side.
    """

    KIND: ClassVar[str]
    SETTINGS: ClassVar[tuple[str, ...]] = ()
    SIDE: ClassVar[type[Any]] = Rows

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
    def keep(self, logits: np.ndarray, features: np.ndarray) -> np.ndarray:
        """What a side takes in of the answers about n photos: logits (n, c), features (n, m)."""

    @abstractmethod
    def scores(self, photos: "PhotoSet", truth: AnySide, made: AnySide) -> NetworkScores:
        """The scores of a model, whose side is `made`; the sources hold notes alone."""


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

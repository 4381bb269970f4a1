"""Does a classifier recognize what is in the colored photos? Accuracy and agreement."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from zoo.metrics import NetworkScores
from zoo.metrics.networks.base import Network, NetworkMetric, Rows, network_name
from zoo.metrics.networks.class_names import read_class_names
from zoo.networks.classifiers import Spec

if TYPE_CHECKING:
    from zoo.photos.photoset import PhotoSet

_LABELS_SHOWN = 8


class Recognition(NetworkMetric[Rows]):
    """Does a classifier recognize what is in the photos? Zhang et al. 2016, section 3.1.

    Where a label stands for several classes, any of them is right. Photos without a label that the
    classifier knows take no part in the accuracy.
    """

    KIND = "classifier"
    SETTINGS = ("labels", "groups")

    def __init__(self, spec: Spec, network: Network) -> None:
        super().__init__(spec, network)
        self._names = read_class_names(spec, network.width)

    @classmethod
    def columns(cls, spec: Spec) -> tuple[str, ...]:
        return tuple(f"{name}@{network_name(spec)}" for name in ("top1", "top5", "agreement"))

    @property
    def sha256(self) -> str:
        names = "no names" if self._names is None else self._names.sha256
        return hashlib.sha256(f"{self.network.sha256} {names}".encode()).hexdigest()

    def keep(self, logits: np.ndarray, features: np.ndarray) -> np.ndarray:
        """The five likeliest classes, best first: (n, 5) numbers."""
        # Stable, so that equal logits give the same answer everywhere.
        return np.argsort(-logits, axis=1, kind="stable")[:, :5]

    def scores(self, photos: "PhotoSet", truth: Rows, made: Rows) -> NetworkScores:
        top1, top5, agreement = self.columns(self.spec)
        scores = NetworkScores()
        right = [self._names.right_for(p.label) if self._names else frozenset() for p in photos]
        if any(right):
            hits = _hits(made.all, right)
            scores.scores.update({top1: hits[:, 0], top5: hits.max(axis=1)})
            notes = {"notes": self._coverage(photos, right)}
            scores.sources.update({top1: notes, top5: notes})
        else:
            scores.missing.update(dict.fromkeys((top1, top5), self._no_accuracy(photos)))
        scores.scores[agreement] = (made.all[:, 0] == truth.all[:, 0]).astype(np.float64)
        scores.sources[agreement] = {"notes": []}
        return scores

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
        classes_of = [(str(p.label), c) for p, c in zip(photos, right, strict=True) if c]
        known = Counter(label for label, _ in classes_of)
        several = {label: len(classes) for label, classes in classes_of if len(classes) > 1}
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


def _some(words: Iterable[str]) -> str:
    words = sorted(words)
    more = len(words) - _LABELS_SHOWN
    return ", ".join(words[:_LABELS_SHOWN]) + (f" and {more:,} more" if more > 0 else "")

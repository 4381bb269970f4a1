"""The Fréchet distance of two sets of feature vectors, the formula behind FID, and its metric.

Heusel et al. 2017, arXiv 1706.08500, section 3: both sets are taken for Gaussians, and
d^2 = |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)).
"""

from typing import TYPE_CHECKING

import numpy as np

from zoo.metrics import NetworkScores
from zoo.metrics.networks.base import NetworkMetric, network_name
from zoo.models.adversarial.classifier_score import is_inception
from zoo.networks.classifiers import Spec

if TYPE_CHECKING:
    from zoo.photos.photoset import PhotoSet

#: FID grows as photos get fewer, and under so many it says more about their number than colors.
FEW_PHOTOS = 2000


class Moments:
    """Mean and covariance of feature vectors, batch by batch: 32 MB for 2,048 features."""

    def __init__(self) -> None:
        self.count = 0
        self.mean = np.zeros(())
        self._scatter = np.zeros(())

    def add(self, features: np.ndarray, /) -> None:
        """Take in (n, m) more vectors.

        Means are updated by differences (Chan, Golub and LeVeque 1983): sums of squares would lose
        the digits of a covariance that is small beside its mean.
        """
        features = np.asarray(features, np.float64)
        mean = features.mean(axis=0)
        total = self.count + len(features)
        step = mean - self.mean
        centered = features - mean
        weight = self.count * len(features) / total
        self._scatter = self._scatter + centered.T @ centered + weight * np.outer(step, step)
        self.mean = self.mean + step * len(features) / total
        self.count = total

    @property
    def covariance(self) -> np.ndarray:
        """The unbiased covariance, (m, m) float64, of at least two vectors."""
        return self._scatter / (self.count - 1)


def frechet_distance(first: Moments, second: Moments) -> float:
    """The squared Fréchet distance of two Gaussians, of two vectors each at least; from 0.

    Examples:
        >>> first, second = Moments(), Moments()
        >>> first.add(np.array([[0.0], [2.0]]))
        >>> second.add(np.array([[3.0], [5.0]]))
        >>> frechet_distance(first, second)
        9.0

    The trace of (C1 C2)^(1/2) is that of the symmetric (C1^(1/2) C2 C1^(1/2))^(1/2). Its
    eigenvalues are real and not negative, so that covariances of fewer photos than features, which
    are singular, do no harm.
    """
    if first is second:
        return 0.0
    values, vectors = np.linalg.eigh(first.covariance)
    root = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    product = np.linalg.eigvalsh(root @ second.covariance @ root)
    traces = np.trace(first.covariance) + np.trace(second.covariance)
    spread = traces - 2.0 * np.sqrt(np.maximum(product, 0.0)).sum()
    return max(0.0, float(np.square(first.mean - second.mean).sum() + spread))


class Frechet(NetworkMetric[Moments]):
    """How far the features of the colored photos are from those of the true ones."""

    KIND = "frechet"
    SIDE = Moments

    @classmethod
    def columns(cls, spec: Spec) -> tuple[str, ...]:
        return (f"{'fid' if is_inception(spec) else 'frechet'}@{network_name(spec)}",)

    def keep(self, logits: np.ndarray, features: np.ndarray) -> np.ndarray:
        return features

    def scores(self, photos: "PhotoSet", truth: Moments, made: Moments) -> NetworkScores:
        (column,) = self.columns(self.spec)
        if made.count < 2:
            return NetworkScores(missing={column: "it takes two photos at least"})
        notes = [caution] if (caution := few_photos(made.count)) else []
        figure = frechet_distance(truth, made)
        return NetworkScores({}, {column: figure}, {column: {"notes": notes}})


def few_photos(count: int) -> str | None:
    """What to say of a Fréchet distance of so many photos; None where they are enough."""
    if count >= FEW_PHOTOS:
        return None
    return (
        f"With {count:,} photos, fewer than {FEW_PHOTOS:,}, a Fréchet distance is too large by an "
        "amount that depends on their number: compare it on the same photos alone."
    )

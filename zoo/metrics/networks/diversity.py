"""How sure and how varied answers are: see `zoo.models.adversarial.classifier_score`."""

from typing import TYPE_CHECKING

import numpy as np

from zoo.metrics import NetworkScores
from zoo.metrics.networks.base import NetworkMetric, Rows, network_name
from zoo.models.adversarial.classifier_score import diversity, is_inception
from zoo.networks.embeddings import Spec

if TYPE_CHECKING:
    from zoo.photos.photoset import PhotoSet


class Diversity(NetworkMetric[Rows]):
    """The Inception score, or the classifier score of another network."""

    KIND = "diversity"

    @classmethod
    def columns(cls, spec: Spec) -> tuple[str, ...]:
        """One, called after the network."""
        base = "inception_score" if is_inception(spec) else "classifier_score"
        return (f"{base}@{network_name(spec)}",)

    def side(self) -> Rows:
        """Of each photo 4 kB are kept with 1,000 classes."""
        return Rows()

    def keep(self, logits: np.ndarray, features: np.ndarray) -> np.ndarray:
        """All answers."""
        return logits.astype(np.float32)

    def scores(self, photos: "PhotoSet", truth: Rows, made: Rows) -> NetworkScores:
        """One figure."""
        (column,) = self.columns(self.spec)
        return NetworkScores({}, {column: diversity(made.all)}, {column: {"notes": []}})

"""How sure and how varied answers are: see `zoo.models.adversarial.classifier_score`."""

from typing import TYPE_CHECKING

import numpy as np

from zoo.metrics import NetworkScores
from zoo.metrics.networks.base import NetworkMetric, Rows, network_name
from zoo.models.adversarial.classifier_score import diversity, is_inception
from zoo.networks.classifiers import Spec

if TYPE_CHECKING:
    from zoo.photos.photoset import PhotoSet


class Diversity(NetworkMetric[Rows]):
    """The Inception score, or the classifier score of another network."""

    KIND = "diversity"

    @classmethod
    def columns(cls, spec: Spec) -> tuple[str, ...]:
        base = "inception_score" if is_inception(spec) else "classifier_score"
        return (f"{base}@{network_name(spec)}",)

    def keep(self, logits: np.ndarray, features: np.ndarray) -> np.ndarray:
        return logits.astype(np.float32)  # of each photo 4 kB with 1,000 classes

    def scores(self, photos: "PhotoSet", truth: Rows, made: Rows) -> NetworkScores:
        (column,) = self.columns(self.spec)
        return NetworkScores({}, {column: diversity(made.all)}, {column: {"notes": []}})

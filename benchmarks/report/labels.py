"""The report's tables by label: how well each model does on the photos of each label."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zoo.evaluation.report import MIN_PHOTOS_FOR_CLAIMS, Report
from zoo.metrics import Metric


@dataclass(frozen=True)
class LabelRow:
    """One label: its number of photos and each model's figure, None where it was not scored."""

    label: str
    photos: int
    figures: tuple[float | None, ...]

    @property
    def supports_claims(self) -> bool:
        return self.photos >= MIN_PHOTOS_FOR_CLAIMS


def label_rows(reports: Sequence[Report], metric: Metric) -> list[LabelRow]:
    """Aggregate a metric over the photos of each label, in the alphabet's order.

    Args:
        reports: of several models on the same photos.
        metric: weighs a label's photos as it weighs all of them.
    """
    labels = reports[0].labels if reports else ()
    counts = Counter(label for label in labels if label is not None)
    return [
        LabelRow(label, counts[label], tuple(_figure(report, metric, label) for report in reports))
        for label in sorted(counts)
    ]


def _figure(report: Report, metric: Metric, label: str) -> float | None:
    if metric.name not in report.scores or metric.aggregate is None:
        return None
    chosen = np.array([known == label for known in report.labels])
    weights = report.weights.get(metric.name)
    scores = report.scores[metric.name][chosen]
    return float(metric.aggregate(scores, None if weights is None else weights[chosen]))

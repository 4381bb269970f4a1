"""The report's tables by label: how well each model does on the photos of each label."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zoo.evaluation.report import MIN_PHOTOS_FOR_CLAIMS, Report
from zoo.metrics import Metric

#: Labels of fewer photos share a row: their own figures would be chance for the most part.
FEWEST = 50


@dataclass(frozen=True)
class LabelRow:
    """A label, or several: the number of photos and each model's figure, None where not scored."""

    label: str
    photos: int
    figures: tuple[float | None, ...]

    @property
    def supports_claims(self) -> bool:
        return self.photos >= MIN_PHOTOS_FOR_CLAIMS


def label_groups(labels: Sequence[str | None]) -> dict[str, np.ndarray]:
    """Say which photos have each label, as (n,) truth values by title, in the alphabet's order.

    Several labels of fewer than `FEWEST` photos are one group, "other (their names)", the last one.
    """
    counts = Counter(label for label in labels if label is not None)
    small = sorted(label for label, count in counts.items() if count < FEWEST)
    merged = small if len(small) > 1 else []
    groups = {label: [label] for label in sorted(counts) if label not in merged}
    if merged:
        groups[f"other ({', '.join(merged)})"] = merged
    return {
        title: np.array([label in members for label in labels]) for title, members in groups.items()
    }


def label_rows(reports: Sequence[Report], metric: Metric) -> list[LabelRow]:
    """Aggregate a metric over the photos of each group of `label_groups`.

    Args:
        reports: of several models on the same photos.
        metric: weighs a label's photos as it weighs all of them.
    """
    groups = label_groups(reports[0].labels) if reports else {}
    return [
        LabelRow(
            title, int(chosen.sum()), tuple(_figure(report, metric, chosen) for report in reports)
        )
        for title, chosen in groups.items()
    ]


def _figure(report: Report, metric: Metric, chosen: np.ndarray) -> float | None:
    if metric.name not in report.scores or metric.aggregate is None:
        return None
    weights = report.weights.get(metric.name)
    scores = report.scores[metric.name][chosen]
    return float(metric.aggregate(scores, None if weights is None else weights[chosen]))

"""What networks say of a model's photos, as `zoo.evaluate` takes it over into its report."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class NetworkScores:
    """Scores by metric, each name with its network's as in "top1@InceptionV3".

    Attributes:
        scores: of single photos, (n,) float64; NaN where a photo has none.
        sources: for each of these metrics "network", its specification; "sha256" of all that
            decides the scores; "input", what the network sees of a photo; "notes", how to read
            the figure, a list of sentences; and "truth", the true photos' figure.
        missing: the reason, for each metric without a figure.
    """

    scores: dict[str, np.ndarray] = field(default_factory=dict)
    set_scores: dict[str, float] = field(default_factory=dict)
    sources: dict[str, dict[str, Any]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

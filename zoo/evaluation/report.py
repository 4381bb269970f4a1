"""Reports: the scores of a model on photos, and `compare`, the differences between two of them.

A Report keeps the score of every photo. Its intervals are percentile bootstrap intervals over the
photos: they say how far a figure would move with other photos of the same kind, and nothing about
another training seed. Under 30 photos they make no claim (`Report.supports_claims`).

Pretrained networks may score the photos, too (`zoo.metrics.networks`). Their scores of single
photos take part in everything. A figure of all photos together, as FID is, stands without an
interval: FID grows as photos repeat, so that resampled photos would tell nothing about it.
"""

import hashlib
import itertools
import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, TypeVar

import numpy as np

from zoo.card import Interval, Scores
from zoo.errors import ZooError
from zoo.metrics import get_metric
from zoo.metrics.aggregates import effective_number

Key = TypeVar("Key")

MIN_PHOTOS_FOR_CLAIMS = 30
# Resamples are drawn in blocks of about this many photo numbers, which bounds the memory.
_BLOCK = 2**20
#: Parts that stored reports of former versions lack.
_LATER = {"set_scores", "sources", "missing", "prior"}


#: For pairs of reports by number, i < j: by metric, report i's figure minus report j's.
Differences = dict[tuple[int, int], dict[str, Interval]]


@dataclass(frozen=True, eq=False)
class Report:
    """The scores of one model on n photos.

    Attributes:
        model: its name and preset, as in "zhang:compact".
        photos: their names, n of them.
        labels: theirs; None where a photo has none.
        fingerprint: of the photo set.
        size: the short side that larger photos were shrunk to, in px; None if they were not.
        options: the prediction options that were given.
        scores: for each metric (n,) float64; NaN where a network gives a photo no score.
        weights: for each weighted metric (n,) float64.
        prior: the sha256 of the `ColorPrior` that the weights follow; None without weights.
        seconds: the time spent colorizing, all photos together.
        set_scores: figures that networks give for all photos together, by metric.
        sources: where the scores of networks come from, by metric, as in `NetworkScores`.
        missing: the reason, for each metric of a network without a figure.
    """

    model: str
    photos: tuple[str, ...]
    labels: tuple[str | None, ...]
    fingerprint: str
    size: int | None
    options: dict[str, Any]
    scores: dict[str, np.ndarray]
    weights: dict[str, np.ndarray] = field(default_factory=dict)
    prior: str | None = None
    seconds: float = 0.0
    set_scores: dict[str, float] = field(default_factory=dict)
    sources: dict[str, dict[str, Any]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.photos:
            raise ZooError("There are no photos to score; give at least one.")
        if len(self.labels) != len(self.photos):
            raise ZooError("A report needs one label for each photo; evaluate the model again.")
        self._check_weights()
        for name, numbers in [*self.scores.items(), *self.weights.items()]:
            metric = get_metric(name)
            known = numbers[~np.isnan(numbers)] if metric.score is None else numbers
            right_shape = metric.aggregate is not None and numbers.shape == (len(self.photos),)
            if not (right_shape and known.size and np.isfinite(known).all()):
                raise ZooError(
                    f"A report needs one finite number of metric {name!r} for each photo; "
                    "evaluate the model again."
                )
        for name, figure in self.set_scores.items():
            if get_metric(name).aggregate is not None or not math.isfinite(figure):
                raise ZooError(
                    f"A report needs one finite figure of metric {name!r}; evaluate again."
                )
        of_networks = [name for name in self.scores if get_metric(name).score is None]
        for name in [*of_networks, *self.set_scores]:
            if "sha256" not in self.sources.get(name, {}):
                raise ZooError(f"A report needs the source of metric {name!r}; evaluate again.")

    def _check_weights(self) -> None:
        weighted = {name for name in self.scores if get_metric(name).weight is not None}
        if weighted != set(self.weights):
            raise ZooError("A report needs the weights of its metrics; evaluate the model again.")
        if weighted and self.prior is None:
            raise ZooError(
                "This report does not say by which prior it weighs colors: it is of an earlier "
                "version, whose figures mean something else; evaluate the model again."
            )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Report) and self.to_json() == other.to_json()

    @property
    def supports_claims(self) -> bool:
        return len(self.photos) >= MIN_PHOTOS_FOR_CLAIMS

    @property
    def effective_photos(self) -> dict[str, float]:
        """How many photos each weighted metric rests on: see `aggregates.effective_number`."""
        return {name: effective_number(weights) for name, weights in self.weights.items()}

    @property
    def true_colorfulness(self) -> float:
        """Mean colorfulness of the true photos, where both metrics of it were asked for."""
        # The difference of a photo is signed: what is left without it is the truth's.
        return float(np.mean(self.scores["colorfulness"] - self.scores["delta_colorfulness"]))

    def summary(
        self, confidence: float = 0.95, resamples: int = 2000, seed: int = 0
    ) -> dict[str, Interval]:
        """Aggregate each metric over the photos, with a percentile bootstrap interval.

        The interval is about the choice of photos, not about the training seed, and under 30
        photos it makes no claim. That of delta colorfulness, an absolute value, can touch zero
        but not include it. Figures that a network gives for all photos together come last, without
        an interval.

        Args:
            confidence: the probability that intervals made in this way hold the true figure.
            resamples: how many times n photos are drawn with replacement.
            seed: of the draws; reports of n photos share them.
        """
        found = _bootstrap(self._figures, len(self.photos), confidence, resamples, seed)
        return found | {name: Interval(one, None, None) for name, one in self.set_scores.items()}

    def _figures(self, chosen: np.ndarray) -> dict[str, np.ndarray]:
        """Aggregate each metric over photos by number: (..., n) integers -> (...) figures."""
        figures = {}
        for name, scores in self.scores.items():
            weights = self.weights.get(name)
            figures[name] = get_metric(name).figure(
                scores[chosen], None if weights is None else weights[chosen]
            )
        return figures

    def only(self, chosen: np.ndarray) -> "Report":
        """The report of some of the photos: (n,) truth values say of which.

        A figure of all photos together, as FID is, is not known of some: it is missing. Parts of
        the same photos share a fingerprint.

        Raises:
            ZooError: if there are none.
        """
        places = np.flatnonzero(chosen)
        known = {name: part[places] for name, part in self.scores.items()}
        scores = {name: part for name, part in known.items() if not np.isnan(part).all()}
        gone = dict.fromkeys(known.keys() - scores.keys(), "it scored none of these photos")
        gone |= dict.fromkeys(self.set_scores, "it is known of all photos together alone")
        return replace(
            self,
            photos=tuple(self.photos[place] for place in places),
            labels=tuple(self.labels[place] for place in places),
            fingerprint=hashlib.sha256(
                f"{self.fingerprint} {places.tolist()}".encode()
            ).hexdigest(),
            scores=scores,
            weights={name: part[places] for name, part in self.weights.items() if name in scores},
            seconds=self.seconds * len(places) / len(self.photos),
            set_scores={},
            sources={name: one for name, one in self.sources.items() if name in scores},
            missing=self.missing | gone,
        )

    def apart(self, labels: Collection[str]) -> "tuple[Report, Report | None]":
        """Divide into the photos without any of these labels, and those with one.

        The second report is None where no photo has such a label; the first one is then this.
        """
        aside = np.array([label is not None and label in labels for label in self.labels])
        return (self.only(~aside), self.only(aside)) if aside.any() else (self, None)

    def for_card(self, protocol: int | None = None) -> Scores:
        """What a card keeps: which photos, and each figure with its interval."""
        return Scores(len(self.photos), self.fingerprint, self.size, self.summary(), protocol)

    def per_photo_rows(self) -> list[dict[str, Any]]:
        """Return one row per photo: "photo", "label" and each metric's score or None."""
        columns = {name: _without_nan(scores) for name, scores in self.scores.items()}
        return [
            {"photo": photo, "label": label}
            | {name: scores[number] for name, scores in columns.items()}
            for number, (photo, label) in enumerate(zip(self.photos, self.labels, strict=True))
        ]

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` takes, in types that the `json` module writes exactly."""
        content = asdict(self)
        for name in ("scores", "weights"):
            content[name] = {metric: _without_nan(part) for metric, part in content[name].items()}
        return content | {"photos": list(self.photos), "labels": list(self.labels)}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "Report":
        """Rebuild the report that `to_json` described, unchanged."""
        expected = {part.name for part in fields(cls)}
        if not isinstance(content, dict) or set(content) | _LATER != expected:
            raise ZooError(f"A stored report must have the parts {', '.join(sorted(expected))}.")
        try:
            lists = {name: tuple(content[name]) for name in ("photos", "labels")}
            arrays = {
                name: {metric: np.array(part, np.float64) for metric, part in content[name].items()}
                for name in ("scores", "weights")
            }
            later = {name: dict(content[name]) for name in _LATER & content.keys() - {"prior"}}
            figures = later.get("set_scores", {})
            figures |= {metric: float(figure) for metric, figure in figures.items()}
        except (AttributeError, TypeError, ValueError) as error:
            raise ZooError(f"A stored report is damaged ({error}); evaluate again.") from error
        return cls(**content | lists | arrays | later)


def compare(
    a: Report, b: Report, *, confidence: float = 0.95, resamples: int = 2000, seed: int = 0
) -> dict[str, Interval]:
    """Return a's figure minus b's for each metric that both have, paired over the photos.

    Figures that networks give for all photos together have no pairs, and are left out.

    Both are aggregated over the same resamples of the photos, so that what makes a photo hard for
    both cancels out: the interval is narrower than those of the two figures suggest. It is about
    the choice of photos, not about training seeds, and under 30 photos it makes no claim.

    Confidence, resamples and seed are those of `Report.summary`.
    """
    return compare_all([a, b], confidence=confidence, resamples=resamples, seed=seed)[0, 1]


def compare_all(
    reports: Sequence[Report], *, confidence: float = 0.95, resamples: int = 2000, seed: int = 0
) -> Differences:
    """Return what `compare` does for every pair of several reports, from the same resamples.

    No correction is made for the number of pairs: of twenty pairs without any difference, one is
    to be expected whose interval excludes zero.
    """
    shared = {
        (i, j): _shared_metrics(reports[i], reports[j])
        for i, j in itertools.combinations(range(len(reports)), 2)
    }

    def differences(chosen: np.ndarray) -> dict[tuple[int, int, str], np.ndarray]:
        figures = [report._figures(chosen) for report in reports]
        return {
            (i, j, name): figures[i][name] - figures[j][name]
            for (i, j), names in shared.items()
            for name in names
        }

    found = _bootstrap(differences, len(reports[0].photos), confidence, resamples, seed)
    return {(i, j): {name: found[i, j, name] for name in names} for (i, j), names in shared.items()}


def ranks(differences: Differences, models: int, metric: str) -> list[int]:
    """Rank models by one metric, with ties where the photos do not tell them apart.

    A model's rank is 1 plus the number of models that are better by an interval that excludes zero.
    So ranks may skip numbers, and two models may share one that a third beats.

    Args:
        differences: what `compare_all` gave for the models' reports.
        models: how many these are.
        metric: its name; all reports must have it.

    Examples:
        >>> better, unclear = Interval(0.02, 0.01, 0.03), Interval(0.01, -0.01, 0.03)
        >>> found = {(0, 1): {"auc": better}, (0, 2): {"auc": better}, (1, 2): {"auc": unclear}}
        >>> ranks(found, models=3, metric="auc")
        [1, 2, 2]
    """
    direction = get_metric(metric).direction
    if direction is None:
        raise ZooError(f"Neither more nor less {metric} is better: it gives no ranks.")
    sign = 1 if direction == "higher" else -1
    found = [1] * models
    for (i, j), of_pair in differences.items():
        if of_pair[metric].excludes_zero:
            found[j if sign * of_pair[metric].mean > 0 else i] += 1
    return found


def ranks_by_sum(differences: Differences, models: int, metrics: Sequence[str]) -> list[int]:
    """Rank models by the sum of their `ranks` in several metrics; equal sums share a rank.

    Examples:
        >>> better, worse = Interval(0.02, 0.01, 0.03), Interval(0.9, 0.5, 1.3)
        >>> unclear = Interval(0.0, -0.1, 0.1)
        >>> ranks_by_sum({(0, 1): {"auc": better, "ciede2000": worse}}, 2, ["auc", "ciede2000"])
        [1, 1]
        >>> ranks_by_sum({(0, 1): {"auc": better, "ciede2000": unclear}}, 2, ["auc", "ciede2000"])
        [1, 2]
    """
    by_metric = [ranks(differences, models, metric) for metric in metrics]
    sums = [sum(of_one) for of_one in zip(*by_metric, strict=True)]
    return [1 + sum(other < one for other in sums) for one in sums]


def _shared_metrics(a: Report, b: Report) -> list[str]:
    for part in ("fingerprint", "size", "photos"):
        if getattr(a, part) != getattr(b, part):
            raise ZooError(
                f"The reports of {a.model} and {b.model} differ in their {part}; "
                "evaluate both models on the same photos at the same size."
            )
    shared = [name for name in a.scores if name in b.scores]
    if not shared:
        raise ZooError(f"The reports of {a.model} and {b.model} share no metric; evaluate again.")
    if a.prior and b.prior and a.prior != b.prior:
        raise ZooError(
            f"The reports of {a.model} and {b.model} weigh colors by different priors; evaluate "
            "both models with one version of the zoo."
        )
    for name in a.sources.keys() & b.sources.keys():
        if a.sources[name].get("sha256") != b.sources[name].get("sha256"):
            raise ZooError(
                f"The reports of {a.model} and {b.model} have {get_metric(name).title} from "
                "different networks of one name; evaluate both with the same one."
            )
    return shared


def _without_nan(numbers: np.ndarray) -> list[float | None]:
    """As JSON can hold them: None for what is not there."""
    return [None if math.isnan(number) else number for number in numbers.tolist()]


def _bootstrap(
    figures: Callable[[np.ndarray], dict[Key, np.ndarray]],
    photos: int,
    confidence: float,
    resamples: int,
    seed: int,
) -> dict[Key, Interval]:
    """Percentile intervals of figures (...) computed from photo numbers (..., photos)."""
    if not 0 < confidence < 1:
        raise ZooError(f"confidence must lie between 0 and 1, got {confidence}.")
    if resamples < 1:
        raise ZooError(f"resamples must be at least 1, got {resamples}.")
    generator, rows = np.random.default_rng(seed), max(1, _BLOCK // photos)
    blocks = [
        figures(generator.integers(photos, size=(min(rows, resamples - start), photos)))
        for start in range(0, resamples, rows)
    ]
    tail = (1 - confidence) / 2
    intervals = {}
    for name, figure in figures(np.arange(photos)).items():
        drawn = np.concatenate([block[name] for block in blocks])
        # Where few photos have a score, a resample may hold none of them and has no figure.
        drawn = drawn[~np.isnan(drawn)] if np.isnan(drawn).any() else drawn
        low, high = np.quantile(drawn if drawn.size else figure, (tail, 1 - tail))
        intervals[name] = Interval(float(figure), float(low), float(high))
    return intervals

"""Scoring a model on photos: `evaluate` colorizes each photo as `colorize` does, and scores it.

`evaluate_variants` scores one model with several sets of options in one pass.
"""

import contextlib
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from zoo.errors import ZooError, valid_choice
from zoo.evaluation.report import Report
from zoo.metrics import NetworkScores, Pair, color_prior, get_metric, list_metrics

if TYPE_CHECKING:
    from zoo.colorizer import Colorizer
    from zoo.metrics.networks import NetworkMetrics
    from zoo.metrics.networks.scoring import NetworkRun
    from zoo.photos.photoset import Photo, PhotoSet


#: Photos are colorized in batches of at most so many pixels, all variants together.
_PIXELS = 2**26


class Colors(Protocol):
    """What can be scored: a `Colorizer`, or anything else that colors photos."""

    name: str
    preset: str

    def colorize_batch(self, rgb: np.ndarray, **options: Any) -> np.ndarray:
        """Color photos: (N, H, W, 3) uint8 -> (N, H, W, 3) uint8."""


def evaluate(
    model: Colors,
    photos: "PhotoSet",
    *,
    size: int | None = None,
    metrics: Sequence[str] | None = None,
    networks: "NetworkMetrics | None" = None,
    batch_size: int = 16,
    progress: bool = False,
    **options: Any,
) -> Report:
    """Colorize every photo by the path of `model.colorize` and score it against the truth.

    Each photo is read once, and memory does not grow with their number. Scoring with every metric
    takes about 10 ms for a 128 x 128 px photo on one processor core.

    Args:
        model: any object with `name`, `preset` and `colorize_batch(rgb, **options)`, which takes
            and returns (N, H, W, 3) uint8.
        photos: the photos, in color; really gray ones are scored like any other.
        size: photos with a longer short side are shrunk to it, in px; None keeps every size.
        metrics: names from `zoo.metrics.list_metrics()`; None takes all.
        networks: pretrained networks that score the photos, too. One object for several models
            looks at the true photos but once.
        batch_size: at most so many photos are colorized at once: those of one shape in a row.
        progress: whether to draw a progress bar with the time left, on standard error.
        **options: passed on to the model, and stored: numbers, texts, truth values.
    """
    scoring = _Scoring(photos, [options], size, metrics, batch_size, progress)
    run = None if networks is None else networks.start(photos, size)
    (report,) = scoring.run(model, lambda rgb: [model.colorize_batch(rgb, **options)], run)
    return report


def evaluate_variants(
    model: "Colorizer",
    photos: "PhotoSet",
    variants: Sequence[Mapping[str, Any]],
    *,
    size: int | None = None,
    metrics: Sequence[str] | None = None,
    batch_size: int = 16,
    progress: bool = False,
) -> list[Report]:
    """Evaluate a model with several sets of options, in one pass over the photos.

    The network runs once a photo for all sets that differ in how its answer becomes color, as
    temperatures do. The report of each is what `evaluate` gives with these options, but for the
    time, which is divided equally.
    """
    scoring = _Scoring(photos, variants, size, metrics, batch_size, progress)
    return scoring.run(model, lambda rgb: model.colorize_variants(rgb, variants), None)


class TruePhotos:
    """In the place of a model: the true photos, to see what networks say of them."""

    name, preset = "truth", "photos"

    def colorize_batch(self, rgb: np.ndarray) -> np.ndarray:
        return rgb


@dataclass
class _Scoring:
    """Scores photos in several variants of their colors, batch by batch."""

    photos: "PhotoSet"
    variants: Sequence[Mapping[str, Any]]
    size: int | None
    names: Sequence[str] | None
    batch_size: int
    progress: bool

    def __post_init__(self) -> None:
        names = list_metrics() if self.names is None else dict.fromkeys(self.names)
        self.metrics = [get_metric(valid_choice("metric", n, list_metrics())) for n in names]
        _check_settings(self.size, self.batch_size, self.variants)
        self.scores = [defaultdict[str, list[float]](list) for _ in self.variants]
        self.weights = defaultdict[str, list[float]](list)

    def run(
        self,
        model: Colors,
        colorize: Callable[[np.ndarray], Sequence[np.ndarray]],
        networks: "NetworkRun | None",
    ) -> list[Report]:
        """Score what `colorize` makes of each batch, one array for each variant."""
        seconds = 0.0
        for truths in self._batches():
            start = time.perf_counter()
            made = colorize(truths)
            seconds += time.perf_counter() - start
            for predictions in made:
                _check_predictions(model, predictions, truths)
                if networks is not None:
                    networks.add(truths, predictions)
            for truth, *colored in zip(truths, *made, strict=True):
                self._score(truth, colored)
        of_networks = NetworkScores() if networks is None else networks.finish()
        return [
            Report(
                model=f"{model.name}:{model.preset}",
                photos=tuple(photo.name for photo in self.photos),
                labels=tuple(photo.label for photo in self.photos),
                fingerprint=self.photos.fingerprint,
                size=self.size,
                options=dict(options),
                weights=_as_arrays(self.weights),
                prior=color_prior().sha256 if self.weights else None,
                seconds=seconds / len(self.variants),
                **vars(of_networks) | {"scores": _as_arrays(scores) | of_networks.scores},
            )
            for options, scores in zip(self.variants, self.scores, strict=True)
        ]

    def _score(self, truth: np.ndarray, colored: Sequence[np.ndarray]) -> None:
        pair = Pair(truth, colored[0])
        for prediction, scores in zip(colored, self.scores, strict=True):
            pair = pair.in_other_colors(prediction)
            for metric in self.metrics:
                scores[metric.name].append(metric.of(pair))
        for metric in self.metrics:
            if metric.weight is not None:
                self.weights[metric.name].append(metric.weight(pair))

    def _batches(self) -> Iterator[np.ndarray]:
        """Stack neighboring photos of one shape into (N, H, W, 3)."""
        batch: list[np.ndarray] = []
        for photo in self._tracked():
            rgb = photo.read(short_side=self.size)
            most = max(1, min(self.batch_size, _PIXELS // (rgb[..., 0].size * len(self.variants))))
            if batch and (rgb.shape != batch[0].shape or len(batch) == most):
                yield np.stack(batch)
                batch = []
            batch.append(rgb)
        if batch:
            yield np.stack(batch)

    def _tracked(self) -> "Iterable[Photo]":
        if not self.progress:
            return self.photos
        from rich.console import Console
        from rich.progress import track

        return track(self.photos, "Scoring", console=Console(stderr=True))


def _as_arrays(numbers: Mapping[str, list[float]]) -> dict[str, np.ndarray]:
    return {name: np.array(part) for name, part in numbers.items()}


def _check_settings(
    size: int | None, batch_size: int, variants: Sequence[Mapping[str, Any]]
) -> None:
    """Refuse what would fail after hours: a bad number, or an option that JSON cannot hold."""
    for name, number in [("size", 1 if size is None else size), ("batch_size", batch_size)]:
        if number < 1:
            raise ZooError(f"{name} must be at least 1, got {number}.")
    for name, value in (item for options in variants for item in options.items()):
        kept = False
        with contextlib.suppress(TypeError, ValueError):
            kept = json.loads(json.dumps(value, allow_nan=False)) == value
        if not kept:
            raise ZooError(
                f"Option {name!r} must be a finite number, a text, a truth value or a list of "
                f"these, got {value!r}."
            )


def _check_predictions(model: Colors, predictions: Any, truths: np.ndarray) -> None:
    kinds = [
        f"{getattr(photos, 'dtype', type(photos).__name__)} {getattr(photos, 'shape', '')}"
        for photos in (truths, predictions)
    ]
    if not isinstance(predictions, np.ndarray) or kinds[0] != kinds[1]:
        raise ZooError(
            f"The colorize_batch of {model.name} must return a NumPy array {kinds[0]}, "
            f"as it was given; it returned {kinds[1].strip()}."
        )

"""How well a metric agrees with people: rank correlation within a scene, mean over the scenes.

Within a scene all recolorings have one original, and people rated them against each other. Between
scenes neither scores nor ratings compare: one photo is harder than another.
"""

import hashlib
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from scipy import stats

from benchmarks.human.judgements import FEWEST, Scene
from zoo._version import __version__
from zoo.card import Interval
from zoo.errors import ZooError
from zoo.files import read_json, sha256_of_file, write_json
from zoo.metrics import Metric, Pair, color_prior, get_metric, list_metrics
from zoo.photos.decoding import read_rgb
from zoo.photos.threads import map_in_threads

_RESAMPLES = 2000

#: Scores by metric: of each scene (n,) float64, NaN where a picture has none.
Scores = dict[str, list[np.ndarray]]


@dataclass(frozen=True)
class Agreement:
    """How a metric ranks recolorings as people do: 1 for the same order, -1 for the reverse.

    Scores of metrics that are better when lower are turned, so that 1 is always agreement. Those of
    metrics with no better direction are not.

    Attributes:
        spearman, kendall: mean over the scenes, with a percentile bootstrap interval over them;
            None where the metric tells no recolorings of any scene apart.
        by_scene: Spearman's of each scene; NaN where the metric tells no recolorings apart.
        behind_best: `spearman` less that of the metric that agrees best, paired over the scenes.
        unscored: how many pictures have no score, of all scenes together.
    """

    metric: Metric
    spearman: Interval | None
    kendall: Interval | None
    by_scene: np.ndarray
    behind_best: Interval | None
    unscored: int


def score(
    scenes: Sequence[Scene],
    *,
    keep: Path | None = None,
    resume: bool = False,
    progress: bool = False,
) -> Scores:
    """Score every recoloring against its scene's original by every metric without a network.

    A score is the metric's figure of one picture. Cost: about 0.2 s a picture of 480 x 320 px on
    one processor core.

    Args:
        scenes: as `read_scenes` gives them.
        keep: a folder for the scores of each scene, written when it is done.
        resume: take what is in that folder for the same pictures and metrics.
        progress: whether to draw a progress bar on standard error.
    """
    metrics = [get_metric(name) for name in list_metrics()]
    files = _files(scenes, keep) if keep else {}
    tables = {
        number: np.array(read_json(path), np.float64)  # null is NaN
        for number, path in files.items()
        if resume and path.is_file()
    }
    left = [number for number in range(len(scenes)) if number not in tables]
    items = [(number, path) for number in left for path in scenes[number].recolorings]
    rows: list[list[float]] = []
    with closing(map_in_threads(_scorer(scenes, metrics), items, "Scoring", progress)) as found:
        for (number, _), row in zip(items, found, strict=True):
            rows.append(row)
            if len(rows) == len(scenes[number].recolorings):
                tables[number], rows = np.array(rows), []
                if number in files:
                    write_json(files[number], _without_nan(tables[number]))
    return {
        metric.name: [tables[number][:, column] for number in range(len(scenes))]
        for column, metric in enumerate(metrics)
    }


def _scorer(
    scenes: Sequence[Scene], metrics: Sequence[Metric]
) -> Callable[[tuple[int, Path]], list[float]]:
    """Make the function from a scene's number and a recoloring of it to its scores."""

    @lru_cache(maxsize=2)  # the recolorings of a scene follow each other
    def original(number: int) -> Pair:
        truth = read_rgb(scenes[number].original)
        return Pair(truth, truth)

    def scored(item: tuple[int, Path]) -> list[float]:
        number, path = item
        truth, picture = original(number), read_rgb(path)
        if picture.shape != truth.truth.shape:
            raise ZooError(f"{path} has another size than {scenes[number].original}.")
        pair = truth.in_other_colors(picture)
        return [_figure(metric, pair) for metric in metrics]

    return scored


def _without_nan(table: np.ndarray) -> list[list[float | None]]:
    return [[None if np.isnan(one) else one for one in row] for row in table.tolist()]


def _files(scenes: Sequence[Scene], keep: Path) -> dict[int, Path]:
    """Where each scene's scores go, under a name that follows from all that they depend on."""
    shared = [__version__, *list_metrics(), color_prior().sha256]
    files = {}
    for number, scene in enumerate(scenes):
        own = [scene.name, *map(sha256_of_file, (scene.original, *scene.recolorings))]
        digest = hashlib.sha256("\n".join([*shared, *own]).encode()).hexdigest()
        files[number] = keep / f"{scene.name}-{digest[:16]}.json"
    return files


def _figure(metric: Metric, pair: Pair) -> float:
    """What a set of this picture alone would get: absolute, where the metric's figure is."""
    weight = None if metric.weight is None else np.array([metric.weight(pair)])
    return float(metric.figure(np.array([metric.of(pair)]), weight))


def agreements(scenes: Sequence[Scene], scores: Scores) -> list[Agreement]:
    """Compare scores with ratings; the metric that agrees best comes first.

    Every metric is judged on the same resamples of the scenes.
    """
    found = [_agreement(get_metric(name), scenes, of_scenes) for name, of_scenes in scores.items()]
    found.sort(key=lambda one: -2.0 if one.spearman is None else one.spearman.mean, reverse=True)
    best = found[0].by_scene
    return [one if place == 0 else _compared(one, best) for place, one in enumerate(found)]


def _compared(one: Agreement, best: np.ndarray) -> Agreement:
    behind = mean_over_scenes(one.by_scene - best)
    return Agreement(one.metric, one.spearman, one.kendall, one.by_scene, behind, one.unscored)


def _agreement(metric: Metric, scenes: Sequence[Scene], scores: Sequence[np.ndarray]) -> Agreement:
    sign = -1.0 if metric.direction == "lower" else 1.0
    pairs = [(scene.ratings, sign * column) for scene, column in zip(scenes, scores, strict=True)]
    spearman, kendall = (
        np.array([_correlation(by, ratings, column) for ratings, column in pairs])
        for by in (stats.spearmanr, stats.kendalltau)
    )
    unscored = sum(int(np.isnan(column).sum()) for column in scores)
    means = mean_over_scenes(spearman), mean_over_scenes(kendall)
    return Agreement(metric, *means, spearman, None, unscored)


def _correlation(by: Callable[..., object], ratings: np.ndarray, scores: np.ndarray) -> float:
    """A rank correlation over the pictures that have a score, ties as SciPy has them."""
    known = ~np.isnan(scores)
    ratings, scores = ratings[known], scores[known]
    if len(scores) < FEWEST or np.ptp(scores) == 0 or np.ptp(ratings) == 0:
        return np.nan
    return float(by(ratings, scores).statistic)  # type: ignore[attr-defined]


def mean_over_scenes(numbers: np.ndarray, seed: int = 0) -> Interval | None:
    """The mean of one number a scene, (n,), with its 95 % percentile bootstrap interval.

    Scenes are drawn with replacement; NaN is left out. None where there is nothing but NaN.
    """
    if np.isnan(numbers).all():
        return None
    chosen = np.random.default_rng(seed).integers(len(numbers), size=(_RESAMPLES, len(numbers)))
    drawn = numbers[chosen]
    drawn = drawn[~np.isnan(drawn).all(axis=1)]
    low, high = np.quantile(np.nanmean(drawn, axis=1), (0.025, 0.975))
    return Interval(float(np.nanmean(numbers)), float(low), float(high))

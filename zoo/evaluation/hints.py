"""Scoring models that are told some of the true colors: what hints bring, by their number.

The protocol is that of Zhang et al. 2017 (arXiv 1705.02999, section 4.1): points in random places
say the mean color of 6 x 6 px of the truth, and photos are scored with more and more of them.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.color.spaces import rgb_to_lab
from zoo.errors import ZooError
from zoo.fullsize import FullSize
from zoo.hints.following import Follower
from zoo.hints.marks import Hints, Point
from zoo.hints.simulated import HintInput
from zoo.inputs import LIGHTNESS, inputs_of_photos
from zoo.metrics import Pair, get_metric
from zoo.options import OWN_STRENGTH, RENDER_FACTOR
from zoo.photos.degrade import numbers_of_photos

if TYPE_CHECKING:
    from zoo.colorizer import Colorizer

#: The side of the patch whose mean color a point says, in px.
PATCH = 6
#: Points keep this distance beyond a patch's side, as a share of the photo's short side: down to a
#: working size of 64 px no two of them share a pixel.
_APART = 1 / 64
#: So often another place is tried for a point that has none yet.
_TRIES = 10_000
#: Parts the stream of random numbers from others that have the same seed.
_POINTS = 23


def true_points(rgb: np.ndarray, count: int) -> tuple[Point, ...]:
    """Points that say the true colors of a photo, the same ones whenever they are asked for.

    As in the trainings of networks that listen to hints, places are normal around the photo's
    middle, with a quarter of its side as their deviation. Fewer points are the first of more.

    Args:
        rgb: (H, W, 3) uint8, the true photo.
        count: how many.

    Raises:
        ZooError: if the photo has no room for so many.
    """
    generator = np.random.default_rng([_POINTS, *numbers_of_photos(rgb[None])])
    ab = np.asarray(rgb_to_lab(rgb))[..., 1:]
    free = np.array(rgb.shape[:2]) - PATCH + 1
    least = PATCH + min(rgb.shape[:2]) * _APART
    taken = np.empty((0, 2))
    tries = 0
    while len(taken) < count and tries < _TRIES and free.min() > 0:
        tries += 1
        place = np.clip(generator.normal(free / 2, free / 4), 0, free - 1).astype(int)
        if (np.hypot(*(taken - place).T) > least).all():
            taken = np.concatenate([taken, place[None]])
    if len(taken) < count:
        height, width = rgb.shape[:2]
        raise ZooError(
            f"A photo of {width} x {height} px has no room for {count} points of {PATCH} px; score "
            "larger photos, or with fewer points."
        )
    return tuple(_point(ab, *place) for place in taken.astype(int))


def _point(ab: np.ndarray, row: int, column: int) -> Point:
    a, b = ab[row : row + PATCH, column : column + PATCH].mean(axis=(0, 1)).tolist()
    middle = (PATCH - 1) / 2
    return Point(column + middle, row + middle, (a, b), PATCH / 2)


def told_scores(
    models: Sequence["Colorizer"], rgb: np.ndarray, counts: Sequence[int], metrics: Sequence[str]
) -> list[dict[int, dict[str, float]]]:
    """Score models on a photo with each number of `true_points`, as `colorize` would color it.

    Models of one working size share the equations by which they follow the points, which are solved
    once for each number.

    Args:
        models: any.
        rgb: (H, W, 3) uint8, the true photo.
        counts: numbers of points.
        metrics: names of metrics of single photos.

    Returns:
        For each model, by number of points, each metric's score.

    Raises:
        ZooError: as `true_points`.
    """
    points = true_points(rgb, max(counts))
    views = [_View(model, rgb) for model in models]
    found: list[dict[int, dict[str, float]]] = [{} for _ in models]
    pair = Pair(rgb, rgb)
    for count in counts:
        hints, shared = Hints(points=points[:count]), dict[tuple[Any, ...], Follower]()
        for view, scores in zip(views, found, strict=True):
            pair = pair.in_other_colors(view.colored(hints, shared))
            scores[count] = {name: float(get_metric(name).of(pair)) for name in metrics}
    return found


class _View:
    """What a model sees of a photo: read once, whatever it is told."""

    def __init__(self, model: "Colorizer", rgb: np.ndarray) -> None:
        self._model = model
        self._values: dict[str, Any] = model.resolve_options({})
        self._photo = FullSize(rgb[None])
        factor = int(self._values[RENDER_FACTOR.name])
        self._inputs = inputs_of_photos(model.inputs, self._photo, factor)
        self._lightness = np.asarray(self._inputs[LIGHTNESS.name])[0, ..., 0]
        listens = any(isinstance(one, HintInput) for one in model.inputs)
        self._own = None if listens else self._answer(Hints())

    def colored(self, hints: Hints, shared: dict[tuple[Any, ...], Follower]) -> np.ndarray:
        """The photo in the model's colors, which follow the hints."""
        ab = self._own if self._own is not None else self._answer(hints)
        key = (self._lightness.shape, self._values[OWN_STRENGTH.name])
        if key not in shared:
            shared[key] = Follower(self._lightness, hints, self._photo.size, key[1])
        return self._photo.merge(shared[key](ab)[None])[0]

    def _answer(self, hints: Hints) -> np.ndarray:
        inputs = self._model.told(self._inputs, hints, self._photo.size)
        return self._model.decode(self._model.predict(inputs, **self._values), **self._values)[0]

"""Coloring on a Ray cluster: photos in chunks, films by their shots.

A worker is a process with one core. It loads the model at its first task and keeps it; files, and
which of them are made, are as in a local run. Every machine must reach the photos, the output
folder and the model's folder under the same paths.
"""

import math
import os
import pickle
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import track

from zoo.errors import ZooError
from zoo.executors import Answer, RayCluster
from zoo.inference.jobs import Job, Outcome

if TYPE_CHECKING:
    from zoo.colorizer import Colorizer
    from zoo.inference.films.coloring import FilmOutcome
    from zoo.inference.films.plan import FilmSettings, Plan
    from zoo.networks.runner import Runner

#: Photos of a chunk: of more a dying worker would lose much, and fewer cost more than they take.
_MOST_PHOTOS = 32
#: At least so many chunks per worker, so that all end at about the same time.
_CHUNKS_PER_WORKER = 4

#: What keeps a worker to its core. Ray itself sets OMP_NUM_THREADS, by which PyTorch goes.
_ONE_CORE = {
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "2",
    "VIPS_CONCURRENCY": "1",
}


@dataclass(frozen=True)
class Coloring:
    """What colors by a model, and perhaps by a reference.

    Attributes:
        photos: from jobs to what has become of them.
        film: from the paths of a film and of the one in color to what has become of it; None if it
            colors no films.
        shots: colors some of those of a film, as `zoo.inference.films.coloring.color_shots` does.
        model: None if that is an exported one.
    """

    photos: Callable[..., Outcome]
    film: "Callable[..., FilmOutcome] | None" = None
    shots: Callable[..., None] | None = None
    model: "Colorizer | None" = None


#: Makes the same coloring in each worker: it can be pickled, and its paths are absolute.
Recipe = Callable[[], Coloring]


def coloring_cluster(packages: Sequence[Path] = (), processors: int | None = None) -> RayCluster:
    """The cluster, with workers that keep to one core; arguments as those of `RayCluster`."""
    chosen = os.environ.get("KERAS_BACKEND")
    environment = _ONE_CORE | ({"KERAS_BACKEND": chosen} if chosen else {})
    return RayCluster(packages, environment, processors)


def on_cluster(cluster: RayCluster, recipe: Recipe, here: Coloring) -> Coloring:
    """What a recipe makes, by the workers of a cluster; `here` is what it makes on this machine."""
    pickled = pickle.dumps(recipe)

    def photos(jobs: Sequence[Job], **settings: Any) -> Outcome:
        return _color_photos(cluster, pickled, jobs, settings)

    def film(source: Path, target: Path, settings: "FilmSettings", **told: Any) -> "FilmOutcome":
        assert here.film is not None
        elsewhere = partial(_color_shots, cluster, pickled, (source, target), settings)
        return here.film(source, target, settings=settings, elsewhere=elsewhere, **told)

    return Coloring(photos, film)


@lru_cache(maxsize=1)
def _coloring(recipe: bytes) -> Coloring:
    """A worker's own."""
    coloring: Coloring = pickle.loads(recipe)()
    return coloring


@lru_cache(maxsize=1)
def _runner(recipe: bytes, predictions: int) -> "Runner | None":
    """What runs the networks as a local run with so many predictions does."""
    from zoo.networks.runner import FixedWeights

    model = _coloring(recipe).model
    return None if model is None else FixedWeights(model.networks.values(), predictions)


# ---------------------------------------------------------------------- photos


@dataclass(frozen=True)
class _Chunk:
    """Photos that a worker colors in a row, out of `total`."""

    recipe: bytes
    jobs: tuple[Job, ...]
    total: int
    settings: Mapping[str, Any]


def _color_photos(
    cluster: RayCluster, recipe: bytes, jobs: Sequence[Job], settings: Mapping[str, Any]
) -> Outcome:
    outcome, placed = Outcome(), [_placed(job) for job in jobs]
    size = math.ceil(len(jobs) / (_CHUNKS_PER_WORKER * cluster.workers))
    size = max(1, min(_MOST_PHOTOS, size))
    chunks = [
        _Chunk(recipe, tuple(placed[first : first + size]), len(jobs), settings)
        for first in range(0, len(jobs), size)
    ]
    shown = track(
        _colored(cluster, chunks, outcome),
        "Coloring",
        len(jobs),
        console=Console(stderr=True),
        disable=len(jobs) < 2,
    )
    for _ in shown:
        pass
    return outcome


def _placed(job: Job) -> Job:
    """A job for processes in other folders."""
    return replace(job, source=job.source.absolute(), target=job.target.absolute())


def _colored(cluster: RayCluster, chunks: Sequence[_Chunk], outcome: Outcome) -> Iterator[Job]:
    """Color chunks; yield each job when it is done, and take what has become of it into `outcome`.

    A photo that ends each worker must not take its neighbors along: they are tried one by one.
    """
    again = []
    with closing(cluster.run(_color_chunk, chunks)) as answers:
        for number, answer in answers:
            chunk = chunks[number]
            if answer.death is not None and len(chunk.jobs) > 1:
                again += [replace(chunk, jobs=(job,)) for job in chunk.jobs]
                continue
            _take(answer, chunk, outcome)
            yield from chunk.jobs
    if again:
        yield from _colored(cluster, again, outcome)


def _take(answer: Answer, chunk: _Chunk, outcome: Outcome) -> None:
    if answer.error is not None:
        raise answer.error
    if answer.death is not None:
        outcome.failures[chunk.jobs[0].name] = answer.death.removesuffix(".")
        return
    outcome.add(answer.value)


def _color_chunk(chunk: _Chunk) -> Outcome:
    coloring, runner = _coloring(chunk.recipe), _runner(chunk.recipe, chunk.total)
    given = {} if runner is None else {"runner": runner}
    return coloring.photos(chunk.jobs, **given, **chunk.settings)


# ---------------------------------------------------------------------- films


@dataclass(frozen=True)
class _Shots:
    """Parts of a film that a worker colors, out of so many frames."""

    recipe: bytes
    source: Path
    target: Path
    settings: "FilmSettings"
    parts: tuple[int, ...]
    frames: int


def _color_shots(
    cluster: RayCluster,
    recipe: bytes,
    film: tuple[Path, Path],
    settings: "FilmSettings",
    plan: "Plan",
    groups: Sequence[Sequence[int]],
) -> Generator[int, None, None]:
    """See `zoo.inference.films.coloring.Elsewhere`."""
    source, target = (path.absolute() for path in film)
    tasks = [
        _Shots(recipe, source, target, settings.absolute(), tuple(group), plan.frames)
        for group in groups
    ]
    with closing(cluster.run(_color_group, tasks)) as answers:
        for number, answer in answers:
            if answer.error is not None:
                raise answer.error
            if answer.death is not None:
                raise ZooError(
                    f"Some frames of {source} are not colored: {answer.death.removesuffix('.')}; "
                    "what is finished stays: repeat the command to go on."
                )
            yield plan.length(groups[number])


def _color_group(task: _Shots) -> None:
    shots = _coloring(task.recipe).shots
    assert shots is not None
    runner = _runner(task.recipe, task.frames)
    shots(task.source, task.target, task.parts, settings=task.settings, runner=runner)

"""Time how photos are colored on a Ray cluster.

    python -m benchmarks.speed.cluster zhang

- What scheduling costs: 1 to 8 workers that sleep instead of coloring, beside sleep alone; empty
  tasks beside those of Python's own pool of processes. Sleeping takes no cores, so that two show
  what eight would do.
- Real photos, file to file: one and two workers of one core beside one process on all cores, with
  the model loaded; and what a worker that is killed in the middle costs.

The photos are cut from those that come with scikit-image, scikit-learn and matplotlib, as JPEG.
Takes about two minutes and needs the extras `benchmark` and `ray`; let nothing else run.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated

import typer
from PIL import Image

from benchmarks.speed.cluster_workers import recipe, sleep
from benchmarks.speed.timing import Measurement, Row, measure_in_turn, told
from zoo.cli.inputs import counted
from zoo.cli.scripts import run_script
from zoo.cli.startup import start_keras
from zoo.executors import RayCluster
from zoo.inference.cluster import Coloring, coloring_cluster, on_cluster
from zoo.inference.jobs import Job

_PACKAGE = Path(__file__).resolve().parents[1]
_WORKERS = (1, 2, 4, 8)
#: A worker sleeps so many seconds for a photo, about what one core takes for one of 256 px.
_SLEEP = 0.03
_PHOTOS_A_CHUNK, _CHUNKS_A_WORKER = 32, 3
_EMPTY_TASKS = 1000
_REPETITIONS = 2


#: How many photos are colored if nothing else is said, and their side in px.
PHOTOS, SIZE = 128, 256


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status."""
    return run_script(cluster, argv=argv)


def cluster(
    model: Annotated[
        str, typer.Argument(metavar="RUN", help="Trained folder, or a name that comes trained.")
    ],
    photos: Annotated[int, typer.Option(min=64, help="How many photos are colored.")] = PHOTOS,
    size: Annotated[int, typer.Option(min=16, help="Side of a photo in px.")] = SIZE,
) -> None:
    """Time how photos are colored on a Ray cluster."""
    told(rows_of(model, photos, size))


def rows_of(model: str, photos: int, size: int) -> Iterator[Row]:
    """Measure all rows."""
    for workers in _WORKERS:
        with RayCluster([_PACKAGE], processors=workers) as sleeping:
            yield sleeping_row(sleeping, workers)
            if workers == 2:
                yield empty_row(sleeping)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        sources = save_photos(folder / "photos", photos, size)
        for workers in (1, 2):
            yield from coloring_rows(model, sources, folder, workers)


# ---------------------------------------------------------------------- scheduling


def sleeping_row(sleeping: RayCluster, workers: int) -> Row:
    """Photos a second that workers sleep for, beside the same sleep without a cluster."""
    list(sleeping.run(sleep, [0.1] * 2 * workers))  # all of them have started
    chunks = _CHUNKS_A_WORKER * workers
    started = time.perf_counter()
    for _, answer in sleeping.run(sleep, [_SLEEP * _PHOTOS_A_CHUNK] * chunks):
        assert answer.problem is None
    rate = chunks * _PHOTOS_A_CHUNK / (time.perf_counter() - started)
    return Row(
        f"photos scheduled to {counted(workers, 'worker')}, {_PHOTOS_A_CHUNK} a chunk",
        "photos/s",
        True,
        Measurement.once("Ray", rate),
        Measurement.once("sleep alone", workers / _SLEEP),
    )


def empty_row(sleeping: RayCluster) -> Row:
    """Seconds of an empty task, beside Python's own pool of processes."""
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        list(pool.map(sleep, [0.1] * 4))
        ours, alternative = measure_in_turn(
            {
                "Ray": lambda: list(sleeping.run(sleep, [0] * _EMPTY_TASKS)),
                "ProcessPoolExecutor": lambda: list(pool.map(sleep, [0] * _EMPTY_TASKS)),
            },
            _EMPTY_TASKS,
            repetitions=_REPETITIONS,
        )
    return Row("an empty task, two workers", "s", False, ours, alternative)


# ---------------------------------------------------------------------- real photos


def save_photos(folder: Path, count: int, size: int) -> list[Path]:
    """Write so many squares out of the photos that come with other packages."""
    from zoo.photos.samples import sample_photos

    folder.mkdir()
    whole = [Image.fromarray(photo.read()) for photo in sample_photos("all")]
    paths = [folder / f"{number:05d}.jpg" for number in range(count)]
    for number, path in enumerate(paths):
        photo = whole[number % len(whole)]
        side = min(photo.size) * (1 - 0.4 * number / count)
        box = (0, 0, side, side)
        photo.resize((size, size), Image.Resampling.BICUBIC, box=box).save(path, quality=95)
    return paths


def coloring_rows(model: str, sources: Sequence[Path], folder: Path, workers: int) -> Iterator[Row]:
    """Compare workers with one process on as many cores, and with workers of which one dies."""
    start_keras()
    local = recipe(model)
    with coloring_cluster([_PACKAGE], workers) as there:
        rays = on_cluster(there, partial(recipe, model, cores=1), local)

        def jobs(out: str) -> list[Job]:
            return [Job(path, path.name, folder / out / path.name) for path in sources]

        def color(coloring: Coloring, out: str) -> None:
            assert not coloring.photos(jobs(out)).failures

        ours, alternative = measure_in_turn(
            {
                counted(workers, "worker"): lambda: color(rays, "there"),
                "one process on all cores": lambda: color(local, "here"),
            },
            len(sources),
            repetitions=_REPETITIONS,
        )
        yield Row(f"a photo, {counted(workers, 'worker')}", "s", False, ours, alternative)
        require_equal(folder / "there", folder / "here")
        if workers == 1:
            return
        yield killed_row(model, there, local, color, folder)
        require_equal(folder / "survived", folder / "here")


def killed_row(
    model: str,
    there: RayCluster,
    local: Coloring,
    color: Callable[[Coloring, str], None],
    folder: Path,
) -> Row:
    """What a worker costs that is killed in the middle; both times with loading the model."""
    seconds = {}
    for name, mark in {"spared": folder / "photos", "survived": folder / "mark"}.items():
        rays = on_cluster(there, partial(recipe, model, 1, mark), local)
        started = time.perf_counter()
        color(rays, name)
        seconds[name] = time.perf_counter() - started
    return Row(
        "a folder, two workers that load the model",
        "s",
        False,
        Measurement.once("one is killed", seconds["survived"]),
        Measurement.once("none is killed", seconds["spared"]),
    )


def require_equal(one: Path, other: Path) -> None:
    """Refuse to compare what has not done the same."""
    names = sorted(path.name for path in one.iterdir())
    assert names == sorted(path.name for path in other.iterdir())
    assert all((one / name).read_bytes() == (other / name).read_bytes() for name in names)


if __name__ == "__main__":
    sys.exit(main())

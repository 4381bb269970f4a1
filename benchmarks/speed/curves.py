"""How time and memory grow with the size of a photo, and with the number of photos of a folder."""

import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from benchmarks.harness.memory import peak_memory
from benchmarks.speed.photos import folder_of, made_photo
from benchmarks.speed.timing import MEGAPIXELS, Measurement, in_new_process, measure_in_turn
from zoo.cli.startup import start_keras
from zoo.files import atomic_path

#: What the curves are over: height and width by megapixels, and numbers of photos.
_SIZES: Mapping[float, tuple[int, int]] = {
    0.01: (86, 115),
    0.1: (274, 365),
    1: (866, 1155),
    **{float(count): size for count, size in MEGAPIXELS.items()},
}
_NUMBERS = (10, 100, 1000, 10_000)
#: Of the photos that are many.
_MANY = (96, 128)


def over_sizes(name: str) -> list[dict[str, float]]:
    """Seconds and peak memory in MB of photos of different sizes, each in a process of its own."""
    found = []
    for megapixels, size in _SIZES.items():
        seconds, memory = in_new_process(_size_of, (name, size))
        print(f"{megapixels:g} megapixels: {seconds.median:.3f} s, {memory:.0f} MB", flush=True)
        found.append({"megapixels": megapixels, "seconds": seconds.median, "megabytes": memory})
    return found


def _size_of(given: tuple[str, tuple[int, int]]) -> tuple[Measurement, float]:
    start_keras()
    from zoo.registry import load_model

    name, size = given
    model, photo = load_model(name), made_photo(0, *size)
    (seconds,) = measure_in_turn({"colorize": lambda: model.colorize(photo)}, 1, repetitions=5)
    return seconds, peak_memory()


def over_numbers(name: str) -> list[dict[str, float]]:
    """The same of folders of different numbers of small photos, model and start included."""
    found = []
    for number in _NUMBERS:
        seconds, memory = in_new_process(_number_of, (name, number))
        print(f"{number:,} photos: {seconds:.1f} s, {memory:.0f} MB", flush=True)
        found.append({"photos": number, "seconds": seconds, "megabytes": memory})
    return found


def _number_of(given: tuple[str, int]) -> tuple[float, float]:
    start_keras()
    from zoo.inference.folders import run_jobs
    from zoo.inference.jobs import plan_jobs
    from zoo.registry import load_model

    name, number = given
    with tempfile.TemporaryDirectory() as temporary:
        source, out = folder_of(Path(temporary) / "photos", number, *_MANY), Path(temporary)
        model, jobs = load_model(name), plan_jobs([source], out)
        started = time.perf_counter()
        run_jobs(model, jobs, {})
        return time.perf_counter() - started, peak_memory()


def draw_curves(path: Path, sizes: list[dict[str, float]], numbers: list[dict[str, float]]) -> None:
    """Draw seconds and peak memory over both, on logarithmic axes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 6), layout="constrained")
    parts = (
        ("megapixels", sizes, "megapixels of a photo"),
        ("photos", numbers, "photos of a folder"),
    )
    axes = figure.subplots(2, 2)
    for column, (key, found, label) in enumerate(parts):
        over = [one[key] for one in found]
        for row, what in enumerate(("seconds", "megabytes")):
            plot = axes[row, column]
            plot.plot(over, [one[what] for one in found], "o-")
            plot.set(xscale="log", xlabel=label, ylabel=what if row == 0 else "peak memory in MB")
            plot.grid(alpha=0.3)
            if row == 0:
                plot.set_yscale("log")
            else:
                plot.set_ylim(bottom=0)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format=path.suffix.removeprefix(".") or "png", dpi=110)

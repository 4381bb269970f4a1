"""Time how photos are colored: large ones, small ones, folders, and the first one of a day.

    python -m benchmarks.speed.photos zhang
    python -m benchmarks.speed.photos zhang --curves curves.png --json photos.json

Each row has a named alternative that is measured in the same run, in turn. `--curves` also colors
photos of 0.01 to 48 megapixels, and folders of 10 to 10,000 photos, and draws time and peak memory.

Takes about six minutes, with the curves ten, and needs the extra `benchmark`; let nothing else run.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from PIL import Image

from benchmarks.harness.memory import peak_memory
from benchmarks.speed.timing import (
    MEGAPIXELS,
    Measurement,
    Row,
    in_new_process,
    measure_in_turn,
    told,
)
from zoo.cli.scripts import run_script
from zoo.cli.startup import start_keras
from zoo.files import atomic_path, require_writable, write_json

#: Height and width of the photos of a folder, and how many there are.
_LARGE, _IN_FOLDER = MEGAPIXELS[12], 24
#: Those of a usual photo of former days.
_SMALL = (480, 640)

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


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status."""
    return run_script(photos, argv=argv)


def photos(
    model: Annotated[
        str, typer.Argument(metavar="RUN", help="Trained folder, or a name that comes trained.")
    ],
    curves: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also measure and draw the curves.")
    ] = None,
    json: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write all figures there.")
    ] = None,
) -> None:
    """Time how photos are colored."""
    for path in (curves, json):
        if path is not None:
            require_writable(path.parent)
    rows = told(rows_of(model))
    found: dict[str, Any] = {"rows": [asdict(row) | {"ratio": row.ratio} for row in rows]}
    if curves is not None:
        found |= {"sizes": _over_sizes(model), "numbers": _over_numbers(model)}
        _draw(curves, found["sizes"], found["numbers"])
        print(f"The curves are in {curves}.")
    if json is not None:
        from benchmarks.harness.environment import describe_environment

        write_json(json, {"environment": describe_environment(), **found})


def rows_of(name: str) -> Iterator[Row]:
    """Measure all rows."""
    start_keras()
    from zoo.registry import load_model

    model = load_model(name)
    yield from large_rows(model)
    yield small_row(model)
    yield folder_row(model)
    yield cold_row(name)


def large_rows(model: Any) -> list[Row]:
    """Compare a large photo with scikit-image's way from RGB to Lab and back."""
    from skimage.color import lab2rgb, rgb2lab

    from zoo.fullsize import FullSize

    photo, ab = made_photo(0, *_LARGE), np.random.default_rng(0).normal(0, 20, (1, 128, 171, 2))
    chroma = ab.astype("float32")

    def around() -> np.ndarray:
        whole = FullSize(photo[None])
        whole.working_lightness((128, 171))
        return whole.merge(chroma)

    pixels, whole, plain = measure_in_turn(
        {
            "lightness and merging": around,
            "colorize": lambda: model.colorize(photo),
            "skimage rgb2lab and lab2rgb": lambda: lab2rgb(rgb2lab(photo)),
        },
        1,
        repetitions=3,
    )
    size = f"{np.prod(_LARGE) / 1e6:.0f} megapixels"
    return [
        Row(f"all but the network, {size}", "s", False, pixels, plain),
        Row(f"colorize, {size}", "s", False, whole, plain),
    ]


def small_row(model: Any) -> Row:
    """Compare a small photo with its network alone."""
    from zoo import preprocessing
    from zoo.fullsize import FullSize
    from zoo.inputs import inputs_of_photos

    photo = made_photo(0, *_SMALL)
    factor = int(model.resolve_options({})["render_factor"])
    inputs = inputs_of_photos(model.inputs, FullSize(photo[None]), factor)
    size = preprocessing.working_size(*_SMALL, factor)
    alone, ours = measure_in_turn(
        {
            f"network alone, {size[1]} x {size[0]}": lambda: model.predict(inputs),
            "colorize": lambda: model.colorize(photo),
        },
        1,
        repetitions=20,
    )
    return Row(f"colorize {_SMALL[1]} x {_SMALL[0]}", "s", False, ours, alone)


def folder_row(model: Any) -> Row:
    """Compare a folder of JPEG files with the slower of files alone, and of coloring alone.

    Each of them as a loop over the photos, one after the other.
    """
    from zoo.inference.folders import run_jobs
    from zoo.inference.jobs import plan_jobs
    from zoo.networks.runner import FixedWeights
    from zoo.photos.decoding import read_photo, write_photo

    with tempfile.TemporaryDirectory() as temporary:
        source, out = _folder(Path(temporary) / "photos", _IN_FOLDER, *_LARGE), Path(temporary)
        jobs = plan_jobs([source], out)
        decoded = [read_photo(job.source)[0] for job in jobs]

        def files() -> None:
            for job in jobs:
                write_photo(job.target, read_photo(job.source)[0])

        def color() -> None:
            with FixedWeights(model.networks.values(), len(jobs)) as runner:
                for rgb in decoded:
                    model.colorize_batch(rgb[None], runner=runner)

        ours, *parts = measure_in_turn(
            {
                "colored": lambda: run_jobs(model, jobs, {}),
                "decoding and encoding alone": files,
                "network and merging alone": color,
            },
            len(jobs),
            repetitions=3,
        )
    slower = max(parts, key=lambda part: part.median)
    size = f"{np.prod(_LARGE) / 1e6:.0f} megapixels"
    return Row(f"a photo of a folder, JPEG of {size}", "s", False, ours, slower)


def cold_row(name: str) -> Row:
    """Compare the command for one small photo, from its start, with importing TensorFlow."""
    with tempfile.TemporaryDirectory() as temporary:
        source = _folder(Path(temporary) / "photos", 1, *_SMALL)
        words = ["colorize", str(source), "--model", name, "--out", temporary, "--overwrite"]
        ours, alone = measure_in_turn(
            {
                "zoo colorize": partial(_python, "-m", "zoo", *words),
                "import tensorflow": partial(_python, "-c", "import tensorflow"),
            },
            1,
            repetitions=3,
        )
    return Row("one small photo from a cold start", "s", False, ours, alone)


def _python(*words: str) -> None:
    subprocess.run([sys.executable, *words], check=True, capture_output=True)


def _over_sizes(name: str) -> list[dict[str, float]]:
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


def _over_numbers(name: str) -> list[dict[str, float]]:
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
        source, out = _folder(Path(temporary) / "photos", number, *_MANY), Path(temporary)
        model, jobs = load_model(name), plan_jobs([source], out)
        started = time.perf_counter()
        run_jobs(model, jobs, {})
        return time.perf_counter() - started, peak_memory()


def _draw(path: Path, sizes: list[dict[str, float]], numbers: list[dict[str, float]]) -> None:
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


def made_photo(seed: int, height: int, width: int) -> np.ndarray:
    """Make a photo, uint8 (height, width, 3): smooth patches of color with a little grain."""
    generator = np.random.default_rng(seed)
    patches = generator.integers(0, 256, (24, 32, 3), dtype=np.uint8)
    smooth = np.asarray(Image.fromarray(patches).resize((width, height), Image.Resampling.BICUBIC))
    grain = generator.integers(-6, 7, (height, width, 1), dtype=np.int16)
    return np.clip(smooth + grain, 0, 255).astype(np.uint8)


def _folder(folder: Path, count: int, height: int, width: int) -> Path:
    """Write JPEG files of one photo."""
    folder.mkdir()
    first = folder / "0.jpg"
    Image.fromarray(made_photo(0, height, width)).save(first, quality=92)
    for number in range(1, count):
        shutil.copyfile(first, folder / f"{number}.jpg")
    return folder


if __name__ == "__main__":
    sys.exit(main())

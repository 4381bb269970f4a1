"""Time how photos are colored: large ones, small ones, folders, and the first one of a day.

    python -m benchmarks.speed.photos zhang
    python -m benchmarks.speed.photos zhang --json photos.json

Each row has a named alternative that is measured in the same run, in turn.

Takes about six minutes and needs the extra `benchmark`; let nothing else run.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from PIL import Image

from benchmarks.speed.timing import MEGAPIXELS, Row, measure_in_turn, told
from zoo.cli.scripts import run_script
from zoo.cli.startup import start_keras
from zoo.files import require_writable, write_json

#: Height and width of the photos of a folder, and how many there are.
_LARGE, _IN_FOLDER = MEGAPIXELS[12], 24
#: Those of a usual photo of former days.
_SMALL = (480, 640)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status."""
    return run_script(photos, argv=argv)


def photos(
    model: Annotated[
        str, typer.Argument(metavar="RUN", help="Trained folder, or a name that comes trained.")
    ],
    json: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write all figures there.")
    ] = None,
) -> None:
    """Time how photos are colored."""
    if json is not None:
        require_writable(json.parent)
    rows = told(rows_of(model))
    if json is not None:
        from benchmarks.harness.environment import describe_environment

        found = [asdict(row) | {"ratio": row.ratio} for row in rows]
        write_json(json, {"environment": describe_environment(), "rows": found})


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
        source, out = folder_of(Path(temporary) / "photos", _IN_FOLDER, *_LARGE), Path(temporary)
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
        source = folder_of(Path(temporary) / "photos", 1, *_SMALL)
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


def made_photo(seed: int, height: int, width: int) -> np.ndarray:
    """Make a photo, uint8 (height, width, 3): smooth patches of color with a little grain."""
    generator = np.random.default_rng(seed)
    patches = generator.integers(0, 256, (24, 32, 3), dtype=np.uint8)
    smooth = np.asarray(Image.fromarray(patches).resize((width, height), Image.Resampling.BICUBIC))
    grain = generator.integers(-6, 7, (height, width, 1), dtype=np.int16)
    return np.clip(smooth + grain, 0, 255).astype(np.uint8)


def folder_of(folder: Path, count: int, height: int, width: int) -> Path:
    """Write JPEG files of one photo."""
    folder.mkdir()
    first = folder / "0.jpg"
    Image.fromarray(made_photo(0, height, width)).save(first, quality=92)
    for number in range(1, count):
        shutil.copyfile(first, folder / f"{number}.jpg")
    return folder


if __name__ == "__main__":
    sys.exit(main())

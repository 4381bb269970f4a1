"""Compare exported models with the model itself in size, speed and colors, one row per format.

    python -m benchmarks.speed.exports RUN... --photos DIR --out exports.md
    python -m benchmarks.speed.exports RUN --large
    python -m benchmarks.speed.exports --against torch

Each run is exported in every format and kind of weights. Then all color the same photos in turn; a
time is the median per photo, from RGB to RGB. CIEDE2000 is that between the exported and the
original model. It takes about three minutes per model and needs the extras `benchmark`, `onnx` and
`litert`.

`--large` measures the SavedModel on photos of 12 and 48 megapixels instead, `--against torch` the
network of Zhang et al. 2016 in TensorFlow, ONNX Runtime and, where it is installed, OpenVINO, also
in int8, beside PyTorch.
"""

import itertools
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
from typer import Argument, Option

from benchmarks.harness.memory import peak_memory
from benchmarks.speed.against_torch import in_words, runtime_lines
from benchmarks.speed.timing import MEGAPIXELS, in_new_process, measure_in_turn, noise
from zoo.card import read_card
from zoo.cli.inputs import load_run
from zoo.cli.scripts import run_script
from zoo.errors import ZooError, valid_choice
from zoo.files import atomic_path
from zoo.photos.division import read_photos
from zoo.photos.photoset import PhotoSet
from zoo.photos.samples import sample_photos

if TYPE_CHECKING:
    from zoo.colorizer import Colorizer

#: Format and weights of each row.
VARIANTS = (
    *itertools.product(("saved_model", "onnx", "litert"), ("float32", "float16")),
    ("litert", "int8"),
)

_SIDE = 256
_COLUMNS = "| model | format | weights | MB | ms a photo | to the model's own time | CIEDE2000 |"

_Photos = list[Path] | None
Action = Callable[[np.ndarray], np.ndarray]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status."""
    return run_script(exports, argv=argv)


def exports(
    runs: Annotated[
        list[str] | None, Argument(metavar="RUN", help="Trained folders or names, `gray`.")
    ] = None,
    photos: Annotated[_Photos, Option(metavar="DIR", help="Test photos; else samples.")] = None,
    calibration: Annotated[
        _Photos, Option(metavar="DIR", help="Photos for int8; else samples.")
    ] = None,
    count: Annotated[int, Option(min=1, help="How many of the test photos.")] = 30,
    out: Annotated[Path | None, Option(metavar="FILE", help="Also write the table there.")] = None,
    large: Annotated[
        bool, Option("--large", help="Photos of 12 and 48 megapixels instead.")
    ] = False,
    against: Annotated[
        str | None, Option(help="torch: the network of Zhang et al. in other runtimes.")
    ] = None,
) -> None:
    """Compare exported models with their originals."""
    if against is not None:
        valid_choice("alternative", against, ("torch",))
        lines = runtime_lines()
    elif not runs:
        raise ZooError("Give the folder of a trained model, or --against torch.")
    elif large:
        lines = (line for run in runs for line in large_photos(run))
    else:
        test = read_photos(photos, "test") if photos else sample_photos("test")
        examples = read_photos(calibration, "train") if calibration else sample_photos("train")
        lines = table(runs, test, examples, count)
    told = ""
    for line in lines:
        print(line, flush=True)
        told += f"{line}\n"
    if out is not None:
        with atomic_path(out) as temporary:
            temporary.write_text(told, encoding="utf-8")


def table(
    runs: Sequence[str], photos: PhotoSet, calibration: PhotoSet, count: int
) -> Iterator[str]:
    """Write the lines of a Markdown table, one row per run, format and kind of weights."""
    yield _COLUMNS
    yield "|---|---|---|---|---|---|---|"
    chosen = photos.spread(min(count, len(photos)))
    for run in runs:
        model = load_run(run)
        squares = [_square(photo.read(_SIDE)) for photo in chosen]
        with tempfile.TemporaryDirectory() as folder:
            yield from _rows(model, Path(folder), squares, calibration)


def _square(rgb: np.ndarray) -> np.ndarray:
    """Cut out the middle of a photo: some runtimes start anew at each new size."""
    top, left = ((side - min(side, _SIDE)) // 2 for side in rgb.shape[:2])
    return rgb[top : top + _SIDE, left : left + _SIDE]


def _rows(
    model: "Colorizer", folder: Path, squares: list[np.ndarray], calibration: PhotoSet
) -> Iterator[str]:
    actions: dict[str, Action] = {"original": lambda rgb: model.colorize_batch(rgb[None])[0]}
    sizes = []
    for name, weights in VARIANTS:
        place = folder / f"{name}-{weights}"
        given = calibration if weights == "int8" else None
        model.export(place, name, weights=weights, calibration=given)
        exported = read_card(place).export
        assert exported is not None
        sizes.append(exported.artifacts[name].megabytes)
        actions[place.name] = open_artifact(model, place, name)
    original, *others = ([action(rgb) for rgb in squares] for action in actions.values())
    errors = [_difference(original, found) for found in others]
    timed = {name: partial(action, squares[0]) for name, action in actions.items()}
    own, *times = measure_in_turn(timed, 1, repetitions=21)
    title = f"{model.name}:{model.preset}"
    yield f"| {title} | the model itself | float32 | | {1000 * own.median:.0f} | 1 | 0 |"
    rows = zip(VARIANTS, sizes, errors, times, strict=True)
    for (name, weights), megabytes, error, time in rows:
        yield (
            f"| {title} | {name} | {weights} | {megabytes:.1f} | {1000 * time.median:.0f} "
            f"| {time.median / own.median:.2f} | {error:.3f} |"
        )


def _difference(original: list[np.ndarray], found: list[np.ndarray]) -> float:
    from zoo.metrics import Pair

    pairs = zip(original, found, strict=True)
    return float(np.mean([Pair(one, other).ciede2000.mean() for one, other in pairs]))


def open_artifact(model: "Colorizer", folder: Path, name: str) -> Action:
    """Open one of an export's artifacts to color photos, (H, W, 3) uint8 -> the same."""
    if name == "saved_model":
        import tensorflow as tf

        loaded = tf.saved_model.load(str(folder / "saved_model" / "1"))
        return lambda rgb: loaded.colorize(tf.constant(rgb[None]))["colorized"].numpy()[0]
    if name == "onnx":
        import onnxruntime

        session = onnxruntime.InferenceSession(folder / "model.onnx")
        return lambda rgb: session.run(None, {"photos": rgb[None]})[0][0]
    return _open_litert(model, folder)


def _open_litert(model: "Colorizer", folder: Path) -> Action:
    from ai_edge_litert.interpreter import Interpreter

    from zoo import preprocessing
    from zoo.fullsize import FullSize

    interpreter = Interpreter(str(folder / "model.tflite"), num_threads=os.cpu_count())
    predict_ab = interpreter.get_signature_runner("predict_ab")

    def colorize(rgb: np.ndarray) -> np.ndarray:
        factor = int(model.defaults["render_factor"])
        photo = FullSize(rgb[None])
        lightness = photo.working_lightness(preprocessing.working_size(*photo.size, factor))
        ab = predict_ab(lightness=lightness)["ab"]
        return photo.merge(ab)[0]

    return colorize


def large_photos(run: str) -> Iterator[str]:
    """Compare the SavedModel with the model itself in time and peak memory."""
    model = load_run(run)
    with tempfile.TemporaryDirectory() as temporary:
        folder = model.export(Path(temporary) / "export", "saved_model")
        exported = open_artifact(model, folder, "saved_model")
        sizes = ("256 px", (256, 256), 51), ("12 megapixels", MEGAPIXELS[12], 7)
        for title, shape, repetitions in sizes:
            rgb = noise(*shape, 3)
            both = {"original": model.colorize, "SavedModel": exported}
            actions = {name: partial(color, rgb) for name, color in both.items()}
            own, theirs = measure_in_turn(actions, 1, repetitions)
            yield f"{run}, {title}: {in_words(theirs, own)}"
        for megapixels in MEGAPIXELS:
            for kind in ("colorize", "SavedModel", "SavedModel, encoded"):
                place = str(folder if kind != "colorize" else run)
                peak = in_new_process(_peak_memory, (kind, place, megapixels))
                yield f"{run}, {megapixels} megapixels, {kind}: peak memory {peak:,.0f} MB"


def _peak_memory(task: tuple[str, str, int]) -> float:
    """Color a large photo in this new process; return its peak memory in MB."""
    kind, place, megapixels = task
    rgb = noise(*MEGAPIXELS[megapixels], 3)
    if kind == "colorize":
        load_run(place).colorize(rgb)
        return peak_memory()
    import tensorflow as tf

    loaded = tf.saved_model.load(str(Path(place) / "saved_model" / "1"))
    if kind == "SavedModel":
        loaded.colorize(rgb[None])["colorized"].numpy()
    else:
        file = tf.io.encode_jpeg(rgb)
        del rgb
        loaded.colorize_encoded([file])["colorized_bytes"].numpy()
    return peak_memory()


if __name__ == "__main__":
    sys.exit(main())

"""Exported models: their size, speed and colors beside the model's own, one row a format.

    python benchmarks/speed/exports.py RUN... --photos DIR --out exports.md
    python benchmarks/speed/exports.py RUN --large
    python benchmarks/speed/exports.py --against torch

Each run is exported in every format and kind of weights. Then all of them and the model itself
color the same photos in turn, so that what slows the machine slows all; a time is the median a
photo, from photo to photo (of LiteRT's network, with the zoo's own steps around it). CIEDE2000 is
that between the colors of the exported and of the original model. It takes about three minutes a
model and wants the extras `benchmark`, `onnx` and `litert`.

`--large` measures the SavedModel on photos of 12 and 48 megapixels instead, `--against torch` the
network of Zhang et al. 2016 in ONNX Runtime beside TensorFlow and PyTorch.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

# As in run_all.py: a script finds the packages `benchmarks` and `zoo` one folder up.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.speed.timing import Measurement, in_new_process, measure_in_turn, peak_memory
from zoo.cli.inputs import load_run
from zoo.errors import ZooError
from zoo.files import atomic_path, read_json
from zoo.photos.division import read_photos

if TYPE_CHECKING:
    from zoo.colorizer import Colorizer
    from zoo.photos.photoset import PhotoSet

#: Format and weights of each row.
VARIANTS = (
    ("saved_model", "float32"),
    ("saved_model", "float16"),
    ("onnx", "float32"),
    ("onnx", "float16"),
    ("litert", "float32"),
    ("litert", "float16"),
    ("litert", "int8"),
)

_SIDE = 256
_MEGAPIXELS = {12: (3000, 4000), 48: (6000, 8000)}
_COLUMNS = "| model | format | weights | MB | ms a photo | to the model's own time | CIEDE2000 |"

Action = Callable[[np.ndarray], np.ndarray]


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; return the exit status."""
    parser = argparse.ArgumentParser(description="Compare exported models with their originals.")
    parser.add_argument("runs", nargs="*", metavar="RUN", help="trained folders, or `gray`")
    for option, use in (("--photos", "test photos"), ("--calibration", "photos for int8")):
        told = f"{use}; may be repeated; else samples"
        parser.add_argument(option, type=Path, action="append", metavar="DIR", help=told)
    parser.add_argument("--count", type=int, default=30, help="how many of the test photos")
    parser.add_argument("--out", type=Path, metavar="FILE", help="also write the table here")
    parser.add_argument("--large", action="store_true", help="photos of 12 and 48 megapixels")
    parser.add_argument(
        "--against", choices=["torch"], help="the network of Zhang et al. in three runtimes"
    )
    options = parser.parse_args(argv)
    try:
        lines = list(_lines(options))
        if options.out is not None:
            with atomic_path(options.out) as temporary:
                temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
    except ZooError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _lines(options: argparse.Namespace) -> Iterator[str]:
    """The lines of what was asked for, each one printed as it is known."""
    if options.against == "torch":
        lines = against_torch()
    elif not options.runs:
        raise ZooError("Give the folder of a trained model, or --against torch.")
    elif options.large:
        lines = (line for run in options.runs for line in large_photos(run))
    else:
        lines = table(options.runs, *_photo_sets(options), options.count)
    for line in lines:
        print(line, flush=True)
        yield line


def _photo_sets(options: argparse.Namespace) -> "tuple[PhotoSet, PhotoSet]":
    from zoo import sample_photos

    test, calibration = options.photos, options.calibration
    return (
        sample_photos("test") if test is None else read_photos(test, "test"),
        sample_photos("train") if calibration is None else read_photos(calibration, "train"),
    )


# ---------------------------------------------------------------------- all formats


def table(
    runs: Sequence[str], photos: "PhotoSet", calibration: "PhotoSet", count: int
) -> Iterator[str]:
    """The lines of a Markdown table: a row for each run, format and kind of weights."""
    yield _COLUMNS
    yield "|---|---|---|---|---|---|---|"
    chosen = photos.spread(min(count, len(photos)))
    for run in runs:
        model = load_run(run)
        squares = [_square(photo.read(_SIDE)) for photo in chosen]
        with tempfile.TemporaryDirectory() as folder:
            yield from _rows(model, Path(folder), squares, calibration)


def _square(rgb: np.ndarray) -> np.ndarray:
    """The middle of a photo: photos of one size let no runtime start anew."""
    top, left = ((side - min(side, _SIDE)) // 2 for side in rgb.shape[:2])
    return rgb[top : top + _SIDE, left : left + _SIDE]


def _rows(
    model: "Colorizer", folder: Path, squares: list[np.ndarray], calibration: "PhotoSet"
) -> Iterator[str]:
    actions: dict[Any, Action] = {"original": lambda rgb: model.colorize_batch(rgb[None])[0]}
    sizes = {}
    for variant in VARIANTS:
        name, weights = variant
        place = folder / f"{name}-{weights}"
        given = {"calibration": calibration} if weights == "int8" else {}
        model.export(place, name, weights=weights, **given)
        sizes[variant] = read_json(place / "card.json")["export"]["artifacts"][name]["megabytes"]
        actions[variant] = open_artifact(model, place, name)
    original = [actions["original"](rgb) for rgb in squares]
    errors = {
        variant: _difference(original, [actions[variant](rgb) for rgb in squares])
        for variant in VARIANTS
    }
    timed = {name: partial(action, squares[0]) for name, action in actions.items()}
    own, *times = measure_in_turn(timed, 1, repetitions=21)
    title = f"{model.name}:{model.preset}"
    yield f"| {title} | the model itself | float32 | | {1000 * own.median:.0f} | 1 | 0 |"
    for (name, weights), time in zip(VARIANTS, times, strict=True):
        found = (sizes[name, weights], 1000 * time.median, time.median / own.median)
        megabytes, milliseconds, ratio = found
        yield (
            f"| {title} | {name} | {weights} | {megabytes:.1f} | {milliseconds:.0f} "
            f"| {ratio:.2f} | {errors[name, weights]:.3f} |"
        )


def _difference(original: list[np.ndarray], found: list[np.ndarray]) -> float:
    """The mean CIEDE2000 between two models' colors for the same photos."""
    from zoo.metrics import Pair

    pairs = zip(original, found, strict=True)
    return float(np.mean([Pair(one, other).ciede2000.mean() for one, other in pairs]))


def open_artifact(model: "Colorizer", folder: Path, name: str) -> Action:
    """What colors a photo, (H, W, 3) uint8 -> the same, by one of an export's artifacts."""
    return {"saved_model": _open_saved_model, "onnx": _open_onnx, "litert": _open_litert}[name](
        model, folder
    )


def _open_saved_model(model: "Colorizer", folder: Path) -> Action:
    import tensorflow as tf

    loaded = tf.saved_model.load(str(folder / "saved_model" / "1"))
    return lambda rgb: loaded.colorize(tf.constant(rgb[None]))["colorized"].numpy()[0]


def _open_onnx(model: "Colorizer", folder: Path) -> Action:
    import onnxruntime

    session = onnxruntime.InferenceSession(folder / "model.onnx")
    return lambda rgb: session.run(None, {"photos": rgb[None]})[0][0]


def _open_litert(model: "Colorizer", folder: Path) -> Action:
    import keras
    from ai_edge_litert.interpreter import Interpreter

    from zoo import preprocessing

    interpreter = Interpreter(str(folder / "model.tflite"), num_threads=os.cpu_count())
    predict_ab = interpreter.get_signature_runner("predict_ab")
    heat = {
        name: np.array(model.defaults[name], "float32")
        for name in model.defaults
        if name == "temperature"
    }

    def colorize(rgb: np.ndarray) -> np.ndarray:
        size = preprocessing.working_size(*rgb.shape[:2], int(model.defaults["render_factor"]))
        lightness = preprocessing.working_lightness(rgb[None], size)
        ab = predict_ab(lightness=keras.ops.convert_to_numpy(lightness), **heat)["ab"]
        return preprocessing.merge(rgb[None], ab)[0]

    return colorize


# ---------------------------------------------------------------------- large photos


def large_photos(run: str) -> Iterator[str]:
    """The SavedModel's time to the model's own, and both programs' peak memory."""
    model = load_run(run)
    with tempfile.TemporaryDirectory() as temporary:
        folder = model.export(Path(temporary) / "export", "saved_model")
        exported = open_artifact(model, folder, "saved_model")
        for title, (height, width), repetitions in (
            ("256 px", (256, 256), 51),
            ("12 megapixels", _MEGAPIXELS[12], 7),
        ):
            rgb = _noise(height, width)
            actions = {
                "original": partial(model.colorize, rgb),
                "SavedModel": partial(exported, rgb),
            }
            own, theirs = measure_in_turn(actions, 1, repetitions)
            yield f"{run}, {title}: {_ratio(theirs, own)}"
        for megapixels in _MEGAPIXELS:
            for kind in ("colorize", "SavedModel", "SavedModel, encoded"):
                place = str(folder if kind != "colorize" else run)
                peak = in_new_process(_peak_memory, (kind, place, megapixels))
                yield f"{run}, {megapixels} megapixels, {kind}: peak memory {peak:,.0f} MB"


def _ratio(ours: Measurement, alternative: Measurement) -> str:
    return (
        f"{ours.name} {ours.median:.4g} s [{ours.low:.4g}, {ours.high:.4g}], {alternative.name} "
        f"{alternative.median:.4g} s [{alternative.low:.4g}, {alternative.high:.4g}], ratio "
        f"{ours.median / alternative.median:.3f}"
    )


def _peak_memory(task: tuple[str, str, int]) -> float:
    """This new program's peak memory in MB after it colored a large photo."""
    kind, place, megapixels = task
    rgb = _noise(*_MEGAPIXELS[megapixels])
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


def _noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


# ---------------------------------------------------------------------- three runtimes


def against_torch() -> Iterator[str]:
    """The network of `zhang:paper` alone, at 256 px, in ONNX Runtime, TensorFlow and PyTorch."""
    from zoo.cli.startup import start_keras

    start_keras()
    import onnxruntime
    import tensorflow as tf
    import tf2onnx
    import torch

    from benchmarks.speed.zhang_torch import ZhangNetwork
    from zoo import create_model
    from zoo.networks.runner import FixedWeights

    network = create_model("zhang:paper").networks["colorizer"]
    spec = [tf.TensorSpec((None, None, None, 1), tf.float32, "lightness")]
    function = tf.function(lambda x: network(x, training=False), input_signature=spec)
    converted, _ = tf2onnx.convert.from_function(function, input_signature=spec, opset=18)
    session = onnxruntime.InferenceSession(converted.SerializeToString())
    theirs = ZhangNetwork().eval()
    batch = np.random.default_rng(0).uniform(-0.5, 0.5, (1, _SIDE, _SIDE, 1)).astype("float32")
    swapped = torch.from_numpy(batch.transpose(0, 3, 1, 2).copy())

    def run_torch() -> np.ndarray:
        with torch.inference_mode():
            return theirs(swapped).numpy()

    actions = {"ONNX Runtime": lambda: session.run(None, {"lightness": batch})[0]}
    actions["TensorFlow"] = partial(network.predict_on_batch, batch)
    actions["PyTorch"] = run_torch
    with FixedWeights([network], predictions=1000) as runner:
        actions["TensorFlow, constants"] = partial(runner, network, {"lightness": batch})
        onnx, *others = measure_in_turn(actions, 1, repetitions=21)
    for other in others:
        yield f"network of zhang:paper, {_SIDE} px: {_ratio(onnx, other)}"


if __name__ == "__main__":
    sys.exit(main())

"""Micro-benchmarks: the hot paths, each against a named alternative measured in the same run.

    python benchmarks/speed.py
    python benchmarks/speed.py --photos DIR --json speed.json
    python benchmarks/speed.py --against torch

Takes under two minutes. A time is the median of several repetitions after a warm-up, with the
fastest and the slowest in brackets; nothing else should be running meanwhile. Memory is measured
on Linux alone.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

# As in run_all.py: a script finds the packages `benchmarks` and `zoo` one folder up.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from zoo.cli.startup import start_keras
from zoo.errors import ZooError
from zoo.files import write_json
from zoo.photos.photoset import PhotoSet

_SIZE = 96
_BATCH = 32
_REPETITIONS = 7
_MEGAPIXELS = {12: (3000, 4000), 48: (6000, 8000)}


@dataclass(frozen=True)
class Measurement:
    """What was measured: a name, and the median, lowest and highest of the repetitions."""

    name: str
    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Row:
    """Two measurements in one unit and their ratio.

    `higher_is_better` says in which direction `ratio`, ours by the alternative's, is good.
    """

    title: str
    unit: str
    higher_is_better: bool
    ours: Measurement
    alternative: Measurement

    @property
    def ratio(self) -> float:
        """Ours divided by the alternative's."""
        return self.ours.median / self.alternative.median


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print the table, and write it as JSON where asked for; return the exit status."""
    parser = argparse.ArgumentParser(description="Time the hot paths against alternatives.")
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--photos", type=Path, metavar="DIR", help="photos for the loader; else synthetic ones"
    )
    what.add_argument(
        "--against",
        choices=["torch"],
        help="measure a network's forward pass against PyTorch's, and nothing else",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the rows here")
    options = parser.parse_args(argv)
    try:
        rows = torch_rows() if options.against == "torch" else measure(options.photos)
        _print_table(rows)
        if options.json is not None:
            _write(options.json, rows)
    except ZooError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def measure(folder: Path | None) -> list[Row]:
    """All rows; `folder` holds the photos for the loader, None makes some."""
    with tempfile.TemporaryDirectory() as temporary:
        if folder is None:
            folder = Path(temporary) / "photos"
            _make_photos(folder)
        photos = PhotoSet.from_folder(folder)
        rows = loader_rows(photos, Path(temporary) / "cache")
    rows += [lab_row(), colorize_row()]
    if sys.platform == "linux":
        rows += [memory_row(megapixels) for megapixels in _MEGAPIXELS]
    return rows


def loader_rows(photos: PhotoSet, cache: Path) -> list[Row]:
    """PhotoLoader with a warm cache against decoding each time, and against a training."""
    start_keras()
    from zoo.photos.loader import PhotoLoader

    loader = PhotoLoader(photos, _SIZE, _BATCH, steps=10_000, cache_dir=cache)
    batches = iter(range(10_000))
    ours = _rate("PhotoLoader, warm", _BATCH, lambda: loader[next(batches)])
    starts = iter(range(0, 10_000 * _BATCH, _BATCH))
    plain = _rate("Pillow and NumPy", _BATCH, lambda: _plain_batch(photos, next(starts)))
    training = _training_rate(loader)
    title = f"photos loaded at {_SIZE} px"
    return [
        Row(title, "photos/s", True, ours, plain),
        Row(title, "photos/s", True, ours, training),
    ]


def lab_row() -> Row:
    """RGB to Lab of a batch, compiled as in the models, against scikit-image."""
    import keras
    from skimage import color

    from zoo.color.spaces import rgb_to_lab

    batch = _noise((_BATCH, _SIZE, _SIZE, 3))
    rgb = keras.Input((_SIZE, _SIZE, 3), dtype="uint8")
    graph = keras.Model(rgb, rgb_to_lab(rgb))
    return Row(
        f"RGB to Lab at {_SIZE} px",
        "photos/s",
        True,
        _rate("rgb_to_lab, compiled", _BATCH, lambda: graph.predict_on_batch(batch)),
        _rate("skimage.color.rgb2lab", _BATCH, lambda: color.rgb2lab(batch)),
    )


def colorize_row() -> Row:
    """Colorizing a large photo against its network's own share of that."""
    from zoo.models import pipeline

    model = _model()
    photo = _large_photo(12)
    size = pipeline.working_size(*photo.shape[:2], int(model.defaults["render_factor"]))
    lightness = pipeline.working_lightness(photo[None], size)
    return Row(
        "colorize 12 megapixels",
        "s",
        False,
        _seconds("colorize", lambda: model.colorize(photo), repetitions=3),
        _seconds(f"network alone, {size[1]} x {size[0]}", lambda: model.predict_ab(lightness)),
    )


def torch_rows(side: int = 256, batches: Sequence[int] = (1, 8), width: int = 64) -> list[Row]:
    """The network of Zhang et al. as the zoo predicts with it, against the same in PyTorch.

    Raises:
        ZooError: if PyTorch is not installed.
    """
    if find_spec("torch") is None:
        raise ZooError("--against torch needs PyTorch; run `pip install torch`.")
    start_keras()
    from zoo.models.layers import zhang_network
    from zoo.models.precision import training_precision
    from zoo.models.prediction import fixed_weights

    network = zhang_network(channels=313, width=width, decay=0.0, seed=0)
    rows = []
    for precision, policy in {"float32": "float32", "bfloat16": "mixed_bfloat16"}.items():
        theirs = {
            f"PyTorch, {memory_format}": _torch_forward(width, precision, memory_format)
            for memory_format in ("contiguous_format", "channels_last")
        }
        with training_precision(network, policy), fixed_weights([network], predictions=1000):
            for count in batches:
                photos = np.random.default_rng(0).random((count, side, side, 1), "float32")
                rows.append(_torch_row(network, theirs, precision, photos))
    return rows


def _torch_row(
    network: Any, theirs: dict[str, Callable], precision: str, photos: np.ndarray
) -> Row:
    """A forward pass from array to array, against PyTorch in the faster of its memory formats."""
    import keras

    from zoo.models.prediction import predict

    actions = {f"zoo, {keras.backend.backend()}": partial(predict, network, photos)}
    actions |= {name: partial(forward, photos) for name, forward in theirs.items()}
    ours, *alternatives = _seconds_in_turn(actions, len(photos))
    return Row(
        f"network of Zhang et al. 2016, {photos.shape[1]} px, {len(photos)} at once, {precision}",
        "s/photo",
        False,
        ours,
        min(alternatives, key=lambda measurement: measurement.median),
    )


def _torch_forward(
    width: int, precision: str, memory_format: str
) -> Callable[[np.ndarray], np.ndarray]:
    """PyTorch's forward pass, from (N, H, W, 1) on."""
    import torch

    from benchmarks.zhang_torch import ZhangNetwork

    kind = {"dtype": getattr(torch, precision), "memory_format": getattr(torch, memory_format)}
    network = ZhangNetwork(width=width).eval().to(**kind)

    @torch.inference_mode()
    def forward(photos: np.ndarray) -> np.ndarray:
        channels_first = torch.from_numpy(photos).permute(0, 3, 1, 2)
        return network(channels_first.to(**kind)).float().numpy()

    return forward


def memory_row(megapixels: int) -> Row:
    """Peak memory of colorizing a large photo against the same process before it."""
    # A spawned process starts with no memory of this one's.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        before, after = pool.submit(_peaks, megapixels).result()
    return Row(
        f"peak memory of colorizing {megapixels} megapixels",
        "MB",
        False,
        Measurement("colorize", after, after, after),
        Measurement("before, model made", before, before, before),
    )


def _peaks(megapixels: int) -> tuple[float, float]:
    """Peak memory in MB before and after colorizing one photo."""
    model = _model()
    before = _peak_memory()
    model.colorize(_large_photo(megapixels))
    return before, _peak_memory()


def _peak_memory() -> float:
    """This program's peak memory in MB.

    Not `getrusage`: its ru_maxrss starts from that of the process which started this one.
    """
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1000


def _training_rate(loader: Any) -> Measurement:
    """Photos that mse_regression:compact trains on in a second, loading not counted."""
    from zoo.models.precision import fastest_precision, training_precision, use_jit
    from zoo.models.training import TrainingGraph

    model = _model()
    batch = loader[0][0]
    with training_precision(model.networks["colorizer"], fastest_precision()):
        graph = TrainingGraph(model)
        graph.compile(optimizer=model.optimizer(100), jit_compile=use_jit())
        return _rate("mse_regression:compact trains", _BATCH, lambda: graph.train_on_batch(batch))


def _plain_batch(photos: PhotoSet, start: int) -> np.ndarray:
    """What one would write without the loader: decode, crop, resize and flip, photo by photo."""
    from PIL import Image

    generator = np.random.default_rng(start)
    batch = []
    for number in range(start, start + _BATCH):
        with Image.open(photos[number % len(photos)].path) as file:
            image = file.convert("RGB")
        side = min(image.size)
        crop = side * generator.uniform(0.8, 1)
        left, top = (generator.uniform(0, length - crop) for length in image.size)
        box = (left, top, left + crop, top + crop)
        image = image.resize((_SIZE, _SIZE), Image.Resampling.BICUBIC, box=box)
        pixels = np.asarray(image)
        batch.append(pixels[:, ::-1] if generator.random() < 0.5 else pixels)
    return np.stack(batch)


def _rate(name: str, items: int, action: Callable[[], Any]) -> Measurement:
    """How many items a second an action handles that handles `items` at once."""
    seconds = _seconds(name, action)
    return Measurement(name, items / seconds.median, items / seconds.high, items / seconds.low)


def _seconds(name: str, action: Callable[[], Any], repetitions: int = _REPETITIONS) -> Measurement:
    """Time an action after two warm-up calls: the first compiles, the second fills caches."""
    action()
    action()
    seconds = []
    for _ in range(repetitions):
        started = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - started)
    return Measurement(name, statistics.median(seconds), min(seconds), max(seconds))


def _seconds_in_turn(
    actions: dict[str, Callable[[], Any]], photos: int, repetitions: int = _REPETITIONS
) -> list[Measurement]:
    """Time actions as `_seconds` does, a photo, but in turn: what slows the machine slows all."""
    seconds: dict[str, list[float]] = {name: [] for name in actions}
    for repetition in range(-2, repetitions):
        for name, action in actions.items():
            started = time.perf_counter()
            action()
            if repetition >= 0:
                seconds[name].append((time.perf_counter() - started) / photos)
    return [
        Measurement(name, statistics.median(times), min(times), max(times))
        for name, times in seconds.items()
    ]


def _model() -> Any:
    start_keras()
    from zoo.registry import create_model

    return create_model("mse_regression", "compact")


def _noise(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def _large_photo(megapixels: int) -> np.ndarray:
    """A smooth random photo of so many megapixels."""
    height, width = _MEGAPIXELS[megapixels]
    return _smooth(0, height, width)


def _smooth(seed: int, height: int, width: int) -> np.ndarray:
    """Random patches of color, enlarged smoothly: it compresses about as photos do."""
    from PIL import Image

    patches = np.random.default_rng(seed).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(patches).resize((width, height), Image.Resampling.BICUBIC))


def _make_photos(folder: Path) -> None:
    """Sixty-four JPEG photos of 500 x 375 px, the usual size in photo collections for research."""
    from zoo.photos.decoding import write_photo

    for number in range(64):
        write_photo(folder / f"{number:02}.jpg", _smooth(number, 375, 500))


def _print_table(rows: Sequence[Row]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title="Speed", show_lines=True)
    for name in ("What", "Ours", "Alternative", "Ratio", "Better"):
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(
            row.title,
            _text(row.ours, row.unit),
            _text(row.alternative, row.unit),
            f"{row.ratio:.2f}",
            "higher" if row.higher_is_better else "lower",
        )
    Console().print(table, highlight=False)


def _text(measurement: Measurement, unit: str) -> str:
    median, low, high = (
        f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
        for value in (measurement.median, measurement.low, measurement.high)
    )
    spread = "" if low == high else f" \\[{low}, {high}]"
    return f"{measurement.name}:\n{median} {unit}{spread}"


def _write(path: Path, rows: Sequence[Row]) -> None:
    from benchmarks.environment import describe_environment

    content = [asdict(row) | {"ratio": row.ratio} for row in rows]
    write_json(path, {"environment": describe_environment(), "rows": content})


if __name__ == "__main__":
    sys.exit(main())

"""Micro-benchmarks: time the hot paths, each against a named alternative in the same run.

    python -m benchmarks.speed.hot_paths
    python -m benchmarks.speed.hot_paths --photos DIR --json speed.json
    python -m benchmarks.speed.hot_paths --against torch

Takes about six minutes, against PyTorch three at most, and needs the extra `benchmark`, against
PyTorch `onnx`, too. A time is the median after a warm-up, with the fastest and the slowest in
brackets; let nothing else run.
Memory is measured on Linux alone.
"""

import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from PIL import Image

from benchmarks.harness.memory import peak_memory
from benchmarks.speed.against_torch import ROWS, require_torch, torch_rows
from benchmarks.speed.limited import rows_within
from benchmarks.speed.patches import codebook_rows, neighbor_rows
from benchmarks.speed.timing import (
    MEGAPIXELS,
    Row,
    in_new_process,
    measure_in_turn,
    measure_rate,
    measure_seconds,
    memory_row,
    noise,
    print_table,
    row_in_words,
    summarize,
)
from zoo.cli.scripts import run_script
from zoo.cli.startup import start_keras
from zoo.errors import valid_choice
from zoo.files import write_json
from zoo.photos.decoding import write_photo
from zoo.photos.photoset import PhotoSet
from zoo.registry import create_model, entry

_SIZE = 96
_BATCH = 32
_STEP_PROCESSES = 3


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status."""
    return run_script(hot_paths, argv=argv)


def hot_paths(
    photos: Annotated[
        Path | None, typer.Option(metavar="DIR", help="For the loader; else synthetic ones.")
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(
            help="torch: measure a network's forward pass and an adversarial training step "
            "against PyTorch's, and nothing else."
        ),
    ] = None,
    minutes: Annotated[
        float,
        typer.Option(min=0.1, help="When --against ends: in less time it repeats less often."),
    ] = 3.0,
    json: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write the rows there.")
    ] = None,
) -> None:
    """Time the hot paths against alternatives."""
    if against is not None:
        valid_choice("alternative", against, ("torch",))
        require_torch()
        rows = told(rows_within(60 * minutes, torch_rows), ROWS, minutes)
    else:
        rows = measure(photos)
    print_table(rows)
    if json is not None:
        from benchmarks.harness.environment import describe_environment

        content = [asdict(row) | {"ratio": row.ratio} for row in rows]
        write_json(json, {"environment": describe_environment(), "rows": content})


def told(measured: Iterable[Row], count: int, minutes: float) -> list[Row]:
    """Say each row as it comes, and which are missing where the time was over; return them."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    rows = []
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as bar:
        task = bar.add_task(f"Measuring for {minutes:g} min at most", total=count)
        for row in measured:
            rows.append(row)
            bar.console.print(row_in_words(row), markup=False, highlight=False, soft_wrap=True)
            bar.advance(task)
    if len(rows) < count:
        message = f"The time was over after {len(rows)} of {count} rows; --minutes gives it more."
        print(message, file=sys.stderr)
    return rows


def measure(folder: Path | None) -> list[Row]:
    """Measure all rows; `folder` holds the photos for the loader, None makes some."""
    with tempfile.TemporaryDirectory() as temporary:
        if folder is None:
            folder = Path(temporary) / "photos"
            _make_photos(folder)
        photos = PhotoSet.from_folder(folder)
        rows = loader_rows(photos, Path(temporary) / "cache")
        rows.append(fusion_row(photos, Path(temporary) / "cache"))
        rows += codebook_rows(photos)
    rows += neighbor_rows()
    rows += [lab_row(), soft_encoding_row(), colorize_row(), *training_step_rows()]
    if sys.platform == "linux":
        rows += [memory_row(f"colorizing {n} megapixels", _peaks, n) for n in MEGAPIXELS]
    return rows


def loader_rows(photos: PhotoSet, cache: Path) -> list[Row]:
    """Compare PhotoLoader with a warm cache with decoding each time, and with a training."""
    start_keras()
    from zoo.photos.loader import PhotoLoader

    loader = PhotoLoader(photos, _SIZE, _BATCH, steps=10_000, cache_dir=cache)
    batches = iter(range(10_000))
    ours = measure_rate("PhotoLoader, warm", _BATCH, lambda: loader[next(batches)])
    starts = iter(range(0, 10_000 * _BATCH, _BATCH))
    plain = measure_rate("Pillow and NumPy", _BATCH, lambda: _plain_batch(photos, next(starts)))
    graph, batch = _compiled(_model()), loader[0][0]
    name = "mse_regression:scratch trains"  # loading not counted
    training = measure_rate(name, _BATCH, lambda: graph.train_on_batch(batch))
    title = f"photos loaded at {_SIZE} px"
    return [Row(title, "photos/s", True, ours, plain), Row(title, "photos/s", True, ours, training)]


def fusion_row(photos: PhotoSet, cache: Path) -> Row:
    """Compare training with stored embeddings of 1,001 numbers with the encoder-decoder alone.

    Loading counts on both sides: an epoch consists of such steps.
    """
    start_keras()
    from zoo.networks.classifiers import Spec
    from zoo.networks.embedding_cache import EmbeddingCache
    from zoo.networks.embeddings import ZeroEmbedding
    from zoo.photos.loader import PhotoLoader

    text = "zeros,width=1001"
    stored = EmbeddingCache(ZeroEmbedding(Spec.parse(text)), cache)
    stored.fill(photos)
    rows = {"mse_regression": {}, "fusion": {"embedding": stored.rows(photos)}}
    actions = {}
    for name, beside in rows.items():
        config: dict[str, Any] = {"embedding": text} if beside else {}
        model = create_model(name, "scratch", **config)
        settings: dict[str, Any] = {"steps": 10_000, "rows": beside, "cache_dir": cache}
        loader = PhotoLoader(photos, _SIZE, model.config.batch_size, **settings)
        steps, graph = iter(range(10_000)), _compiled(model)
        actions[f"{name}:scratch"] = partial(_next_step, graph, loader, steps)
    alone, ours = measure_in_turn(actions, 1, repetitions=30)
    return Row(f"a training step at {_SIZE} px, embeddings stored", "s", False, ours, alone)


def _next_step(graph: Any, loader: Any, steps: Iterator[int]) -> None:
    (batch,) = loader[next(steps)]
    graph.train_on_batch(batch)


def lab_row() -> Row:
    """Compare RGB to Lab of a batch, compiled as in the models, with scikit-image."""
    import keras
    from skimage import color

    from zoo.color.spaces import rgb_to_lab

    batch = noise(_BATCH, _SIZE, _SIZE, 3)
    rgb = keras.Input((_SIZE, _SIZE, 3), dtype="uint8")
    graph = keras.Model(rgb, rgb_to_lab(rgb))
    ours = measure_rate("rgb_to_lab, compiled", _BATCH, lambda: graph.predict_on_batch(batch))
    plain = measure_rate("skimage.color.rgb2lab", _BATCH, lambda: color.rgb2lab(batch))
    return Row(f"RGB to Lab at {_SIZE} px", "photos/s", True, ours, plain)


def soft_encoding_row() -> Row:
    """Compare soft targets over the 313 bins, compiled as in the loss, with scikit-learn."""
    import keras
    from sklearn.neighbors import NearestNeighbors

    from zoo.color.bins import NearestBins, ab_bins, soft_encode

    bins, neighbors, sigma = ab_bins(), 5, 5.0
    # The colors of a batch at a quarter of its size; most are muted, as in photos.
    count = _BATCH * (_SIZE // 4) ** 2
    colors = np.random.default_rng(0).normal(0, 20, (count, 2)).astype("float32")
    chroma = keras.Input((2,))
    graph = keras.Model(chroma, soft_encode(chroma, NearestBins(bins, neighbors), sigma))
    search = NearestNeighbors(n_neighbors=neighbors).fit(bins.centers)

    def plain() -> tuple[np.ndarray, np.ndarray]:
        distances, indices = search.kneighbors(colors)
        shares = np.exp(-(distances**2) / (2 * sigma**2))
        return indices, shares / shares.sum(axis=1, keepdims=True)

    ours = measure_rate("soft_encode, compiled", count, lambda: graph.predict_on_batch(colors))
    theirs = measure_rate("sklearn NearestNeighbors", count, plain)
    title = f"soft-encoding over {neighbors} of {len(bins)} bins"
    return Row(title, "colors/s", True, ours, theirs)


def training_step_rows() -> list[Row]:
    """Compare a training step of a classification with the same network's with a squared error.

    Each is measured in a process of its own, so that neither has the other's memory.
    """
    measured: dict[str, list[tuple[float, float]]] = {"zhang": [], "mse_regression": []}
    for _ in range(_STEP_PROCESSES):
        for name, results in measured.items():
            results.append(in_new_process(_training_step, name))
    names = {"zhang": "zhang, 313 bins", "mse_regression": "mse_regression, 2 channels"}
    rows = []
    for index, (what, unit) in enumerate({"time": "s", "memory growth": "MB"}.items()):
        ours, alternative = (
            summarize(names[name], [result[index] for result in results])
            for name, results in measured.items()
        )
        title = f"{what} of a training step at {_SIZE} px, output at a quarter"
        rows.append(Row(title, unit, False, ours, alternative))
    return rows if sys.platform == "linux" else rows[:1]


def _training_step(name: str) -> tuple[float, float]:
    """Measure the median seconds of a step, and the MB that training adds to the model's."""
    start_keras()
    config = asdict(entry("zhang").load().PRESETS["scratch"].config)
    shared = ("architecture", "width", "depth", "output_stride")
    model = create_model(name, "scratch", **{field: config[field] for field in shared})
    batch = {"rgb": noise(config["batch_size"], _SIZE, _SIZE, 3)}
    before = peak_memory()
    graph = _compiled(model)
    step = measure_seconds(name, lambda: graph.train_on_batch(batch), repetitions=20)
    return step.median, peak_memory() - before


def colorize_row() -> Row:
    """Compare colorizing a large photo with its network's share of that."""
    from zoo import preprocessing
    from zoo.fullsize import FullSize

    model = _model()
    photo = _smooth(0, *MEGAPIXELS[12])
    size = preprocessing.working_size(*MEGAPIXELS[12], int(model.defaults["render_factor"]))
    lightness = FullSize(photo[None]).working_lightness(size)
    ours = measure_seconds("colorize", lambda: model.colorize(photo), repetitions=3)
    title = f"network alone, {size[1]} x {size[0]}"
    alone = measure_seconds(title, lambda: model.predict({"lightness": lightness}))
    return Row("colorize 12 megapixels", "s", False, ours, alone)


def _peaks(megapixels: int) -> tuple[float, float]:
    """Measure the peak memory in MB before and after colorizing one photo."""
    model = _model()
    before = peak_memory()
    model.colorize(_smooth(0, *MEGAPIXELS[megapixels]))
    return before, peak_memory()


def _compiled(model: Any) -> Any:
    """Compile a model's training graph in the faster precision, in which the model stays."""
    from zoo.backend import use_jit
    from zoo.training.precision import fastest_precision, set_precision

    set_precision(model.networks["colorizer"], fastest_precision())
    graph = model.task()
    graph.compile(optimizer=model.optimizer(100), jit_compile=use_jit())
    return graph


def _plain_batch(photos: PhotoSet, start: int) -> np.ndarray:
    """Decode, crop, resize and flip photo by photo, as one would write without the loader."""
    generator = np.random.default_rng(start)
    batch = []
    for number in range(start, start + _BATCH):
        with Image.open(photos[number % len(photos)].path) as file:
            image = file.convert("RGB")
        side = min(image.size)
        crop = side * generator.uniform(0.8, 1)
        left, top = (generator.uniform(0, length - crop) for length in image.size)
        box = (left, top, left + crop, top + crop)
        pixels = np.asarray(image.resize((_SIZE, _SIZE), Image.Resampling.BICUBIC, box=box))
        batch.append(pixels[:, ::-1] if generator.random() < 0.5 else pixels)
    return np.stack(batch)


def _model() -> Any:
    start_keras()
    return create_model("mse_regression", "scratch")


def _smooth(seed: int, height: int, width: int) -> np.ndarray:
    """Enlarge random patches of color smoothly: the result compresses about as photos do."""
    patches = np.random.default_rng(seed).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(patches).resize((width, height), Image.Resampling.BICUBIC))


def _make_photos(folder: Path) -> None:
    """Write 64 JPEG photos of 500 x 375 px, a usual size in research collections."""
    for number in range(64):
        write_photo(folder / f"{number:02}.jpg", _smooth(number, 375, 500))


if __name__ == "__main__":
    sys.exit(main())

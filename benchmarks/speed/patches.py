"""The rows of `hot_paths.py` about patch classifiers: their maps and their neighbors."""

import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np

from benchmarks.harness.memory import peak_memory
from benchmarks.speed.timing import (
    Measurement,
    Row,
    measure_in_turn,
    measure_seconds,
    memory_row,
    noise,
)
from zoo.cli.startup import start_keras
from zoo.errors import ZooError
from zoo.photos.photoset import PhotoSet
from zoo.registry import create_model

_PIXELS = 100_000
_PASSES = 10
_MAPS = (8, 16)
_PATCHES = 100_000
_SIDE = 256


def codebook_rows(photos: PhotoSet, pixels: int = _PIXELS, passes: int = _PASSES) -> list[Row]:
    """Compare the self-organizing map with MiniSom and MiniBatchKMeans: time and error, by size."""
    if find_spec("minisom") is None:
        raise ZooError("The map is timed against MiniSom; run `pip install minisom`.")
    chroma = _chroma(photos, pixels)
    return [row for side in _MAPS for row in _map_rows(chroma, side, passes)]


def _map_rows(chroma: np.ndarray, side: int, passes: int) -> list[Row]:
    from sklearn.cluster import MiniBatchKMeans

    from zoo.color.codebook import Codebook, learn_codebook

    means = MiniBatchKMeans(side**2, n_init=1, random_state=0)
    learners: dict[str, Callable[[], np.ndarray]] = {
        "learn_codebook": lambda: learn_codebook(chroma, side, side).colors,
        f"MiniSom, {passes} passes": lambda: _minisom(chroma, side, passes),
        "MiniBatchKMeans": lambda: means.fit(chroma).cluster_centers_,
    }
    measured = []
    for name, learn in learners.items():
        started = time.perf_counter()
        colors = learn()
        seconds = time.perf_counter() - started
        error = Codebook(colors, side, side).quantization_error(chroma)
        measured.append((Measurement.once(name, seconds), Measurement.once(name, error)))
    title = f"a map of {side} x {side} for {len(chroma):,} pixels"
    (our_time, our_error), *others = measured
    rows = []
    for their_time, their_error in others:
        rows.append(Row(f"{title}: time", "s", False, our_time, their_time))
        rows.append(Row(f"{title}: quantization error", "of ab", False, our_error, their_error))
    return rows


def _minisom(chroma: np.ndarray, side: int, passes: int) -> np.ndarray:
    from minisom import MiniSom

    learned = MiniSom(side, side, 2, sigma=side / 4, topology="hexagonal", random_seed=0)
    learned.random_weights_init(chroma)
    learned.train(chroma, passes * len(chroma), random_order=True)
    return learned.get_weights().reshape(-1, 2)


def _chroma(photos: PhotoSet, pixels: int) -> np.ndarray:
    """Collect the ab of random pixels, equally many of each photo: (pixels, 2) float64."""
    from skimage.color import rgb2lab

    generator = np.random.default_rng(0)
    each = -(-pixels // len(photos))
    rows = []
    for photo in photos:
        rgb = photo.read(96).reshape(-1, 3)
        rows.append(rgb[generator.integers(0, len(rgb), each)])
    lab = rgb2lab(np.concatenate(rows)[None])[0]
    return generator.permutation(lab[:, 1:])[:pixels].astype("float64")


def neighbor_rows(patches: int = _PATCHES, side: int = _SIDE) -> list[Row]:
    """Compare `knn_patches:compact` with a full table with scikit-learn's prediction on it."""
    from keras import ops
    from sklearn.neighbors import KNeighborsClassifier

    model = _full_model(patches)
    votes = model.networks["colorizer"].get_layer("votes")
    k = int(model.defaults["k"])
    table, labels = (ops.convert_to_numpy(part) for part in (votes.table, votes.labels))
    search = KNeighborsClassifier(k, algorithm="brute").fit(table, labels)
    lightness = np.random.default_rng(1).uniform(0, 100, (1, side, side, 1)).astype("float32")
    queries = np.random.default_rng(2).normal(size=(side**2, votes.table.shape[1]))
    queries = queries.astype("float32")
    fewer = queries[: (side // model.config.stride) ** 2]
    actions = {
        "knn_patches:compact": partial(model.predict, {"lightness": lightness}),
        "scikit-learn": partial(search.predict_proba, fewer),
    }
    ours, theirs = measure_in_turn(actions, 1, repetitions=5)
    # Ten seconds and more: once is enough.
    started = time.perf_counter()
    search.predict_proba(queries)
    everywhere = Measurement.once("scikit-learn, every pixel", time.perf_counter() - started)
    title = f"a photo of {side} px by {patches:,} stored patches"
    return [
        Row(f"{title}, equally many queries", "s", False, ours, theirs),
        Row(title, "s", False, ours, everywhere),
        memory_row(title, _peaks, (patches, side)),
    ]


def _full_model(patches: int) -> Any:
    start_keras()

    model: Any = create_model("knn_patches", "compact", table_rows=patches)
    votes = model.networks["colorizer"].get_layer("votes")
    generator = np.random.default_rng(0)
    labels = generator.integers(0, len(model.bins), patches).astype("int32")
    table = generator.normal(size=votes.table.shape).astype("float32")
    votes.fill(table, labels, np.ones(patches, "float32"))
    return model


def _peaks(sizes: tuple[int, int]) -> tuple[float, float]:
    patches, side = sizes
    model, before = _full_model(patches), peak_memory()
    rgb = noise(side, side, 3)
    measure_seconds("", lambda: model.colorize(rgb, render_factor=side // 16), repetitions=1)
    return before, peak_memory()

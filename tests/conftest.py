"""Fixtures that tests of several parts share."""

import gc
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if "PYTEST_XDIST_WORKER" in os.environ:
    # The processes have a core each: more threads would only wait for each other. Libraries look at
    # this when they are imported.
    for name in ("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")
# To whatever value it is set, tf2onnx no longer copies its graph before each step of simplifying
# it, which is close to half of its time; a step that fails then fails the test.
os.environ.setdefault("TF2ONNX_CATCH_ERRORS", "FALSE")

import numpy as np
import pytest
from PIL import Image

# Making a graph leaves millions of small objects that live on: to look through all of them every
# 700 new ones costs a seventh of the suite's time.
gc.set_threshold(100_000, 50, 100)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the longest test come first: at the end it would keep one process waiting for it."""
    items.sort(key=lambda item: "test_backends.py" not in item.nodeid)


@pytest.fixture(autouse=True, scope="session")
def zoo_cache(tmp_path_factory):
    """No test touches the user's own cache."""
    folder = tmp_path_factory.mktemp("zoo-cache")
    before = os.environ.get("ZOO_CACHE")
    os.environ["ZOO_CACHE"] = str(folder)
    if "keras" in sys.modules:
        from zoo.training import precision

        # The measurement has tests of its own; elsewhere it would take seconds in each process.
        (folder / precision.STORE).write_text(json.dumps({precision.machine_name(): "float32"}))
    yield folder
    if before is None:
        del os.environ["ZOO_CACHE"]
    else:
        os.environ["ZOO_CACHE"] = before


@pytest.fixture(autouse=True, scope="session")
def graphs_as_traced():
    """TensorFlow runs graphs as they are: rewriting one takes longer than a small photo gains.

    Graphs in processes that tests start are rewritten, and those of the golden outputs.
    """
    if "tensorflow" in sys.modules:
        rewrite_graphs(False)


def rewrite_graphs(wanted: bool) -> None:
    """Whether TensorFlow optimizes graphs before it runs them, as users have it."""
    import tensorflow as tf

    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": not wanted})


@contextmanager
def eagerly() -> Iterator[None]:
    """Inside the block training steps run operation by operation: up to some ten come sooner so.

    What compiled steps do is tested by `zoo.conformance.learns_the_same_again`, for every model.
    The two may differ in the last bits, so that no test compares the one with the other.
    """
    import keras

    if keras.backend.backend() != "tensorflow":
        yield
        return
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(False)


def core_alone(cases, *core):
    """Cases of a test, some of which every backend must pass: others compile each shape anew."""
    assert all(one in cases for one in core)
    return [pytest.param(*one, marks=[pytest.mark.core] * (one in core)) for one in cases]


@pytest.fixture
def eager() -> Iterator[None]:
    """A whole test `eagerly`."""
    with eagerly():
        yield


@pytest.fixture
def photo_folder(tmp_path) -> Path:
    """Six colored photos of 40 x 32 px in the class folders `sea` and `tree`."""
    return make_photo_folder(tmp_path)


def make_photo_folder(parent: Path, seed: int = 0, side: int = 32) -> Path:
    """See the fixture `photo_folder`; another seed makes other photos, of another short side."""
    root = parent / "photos"
    rng = np.random.default_rng(seed)
    for label in ("sea", "tree"):
        (root / label).mkdir(parents=True)
        for number in range(3):
            coarse = rng.integers(0, 256, (4, 5, 3), dtype=np.uint8)
            photo = Image.fromarray(coarse).resize((side * 5 // 4, side), Image.Resampling.BICUBIC)
            photo.save(root / label / f"{number}.png")
    return root


def pixels(path: Path) -> np.ndarray:
    """A picture's RGB as integers."""
    with Image.open(path) as image:
        return np.array(image.convert("RGB")).astype(int)


@pytest.fixture(scope="session")
def trained_by_recipe(tmp_path_factory) -> Path:
    """A folder of trained weights as the package has them: of mse_regression and knn_patches.

    The trainings' folders are in `runs` beside it.
    """
    from benchmarks.release import train
    from benchmarks.release.jobs import QUEUES, Job

    root = tmp_path_factory.mktemp("recipe")
    photos = make_photo_folder(root)
    more = make_photo_folder(root / "validation", seed=1)
    given = ["--photos", str(photos / "sea"), "--photos", str(photos / "tree")]
    given += ["--val-photos", str(more), "--out", str(root / "runs")]
    jobs = [Job(name, name, "16", (32,), "tiny") for name in ("mse_regression", "knn_patches")]
    with eagerly(), pytest.MonkeyPatch.context() as patch:
        patch.setitem(QUEUES, "approaches", tuple(jobs))
        assert train.main(["run", "approaches", *given]) == 0
        assert train.main(["ship", "approaches", *given, "--to", str(root / "shipped")]) == 0
    return root / "shipped"


@pytest.fixture
def shipped(trained_by_recipe, monkeypatch) -> Path:
    """The same folder, in the package's place."""
    monkeypatch.setattr("zoo.pretrained.FOLDER", trained_by_recipe)
    return trained_by_recipe


@pytest.fixture
def small_checks(monkeypatch):
    """Exports are checked with smaller photos; large ones have tests of their own."""
    from zoo.export import questions

    monkeypatch.setattr(questions, "_LARGE", 80)

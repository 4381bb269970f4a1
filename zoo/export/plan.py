"""From a model to a folder that anybody can use: what is to be written, checked and explained.

    README.md               how to call it, with the table of signatures
    card.json               what the model is, and how far each artifact is off
    sample.png              a gray photo
    sample_colorized.png    what becomes of it
    saved_model/1/          a version as TF Serving wants it, which `hub.load` takes, too
    model.onnx
    model.tflite

The folder appears under its name when all of it is written and checked. An export runs on the
TensorFlow backend; from another one it starts a process of its own.
"""

import dataclasses
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from zoo import preprocessing
from zoo.errors import ZooError, valid_choice
from zoo.files import atomic_folder, require_writable

if TYPE_CHECKING:
    from zoo.colorizer import Colorizer
    from zoo.photos.photoset import PhotoSet

FORMATS = ("saved_model", "onnx", "litert")
WEIGHTS = ("float32", "float16", "int8")

#: What each format needs beside TensorFlow, and the extra that installs it.
_NEEDS = {"onnx": ("onnx", "onnxruntime", "tf2onnx"), "litert": ("ai_edge_litert",)}

#: So many photos show the range of every layer's numbers.
_CALIBRATION_PHOTOS = 64


@dataclass(frozen=True)
class Plan:
    """What to export.

    Attributes:
        formats: of `FORMATS`.
        weights: of `WEIGHTS`.
        size: (height, width) of the photos that the LiteRT file takes; None: L of any size.
        options: the value of every option of the model.
        calibration: for int8, L of some photos at the working size, each (1, h, w, 1).
    """

    formats: tuple[str, ...]
    weights: str
    size: tuple[int, int] | None
    options: dict[str, float]
    calibration: tuple[np.ndarray, ...] = ()


def export(
    model: "Colorizer",
    path: str | os.PathLike,
    formats: Sequence[str],
    *,
    weights: str = "float32",
    size: tuple[int, int] | None = None,
    calibration: "PhotoSet | None" = None,
    options: dict[str, Any] | None = None,
) -> Path:
    """Write a model's folder for users without the zoo; see `Colorizer.export`.

    Args:
        model: trained or not.
        path: a folder that does not exist yet.
        formats: of `FORMATS`, one at least.
        weights: one of `WEIGHTS`.
        size: (height, width) in px of the photos that the LiteRT file takes; None: L of any size.
        calibration: for int8, photos that show the range of the network's numbers.
        options: prediction options that are fixed in what is exported.

    Returns:
        The path.

    Raises:
        ZooError: as `Colorizer.export`.
    """
    path = Path(path)
    plan = Plan(
        _chosen_formats(formats),
        valid_choice("kind of weights", weights, WEIGHTS),
        size,
        _exported_options(model, options or {}),
    )
    _check_plan(plan, calibration)
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise ZooError(f"{path} is there already; give another folder, or remove it first.")
    require_writable(path.parent)
    if calibration is not None:
        plan = dataclasses.replace(plan, calibration=_calibration(model, plan, calibration))
    if keras.backend.backend() != "tensorflow":
        _export_elsewhere(model, path, plan)
        return path
    with atomic_folder(path) as folder:
        write(model, folder, plan)
    return path


def write(model: "Colorizer", folder: Path, plan: Plan) -> None:
    """Write the artifacts of a plan, check them, and explain them.

    Args:
        model: on the TensorFlow backend.
        folder: there already, and empty.
        plan: what to write.

    Raises:
        ZooError: if an artifact gives colors more than 1 of 255 off the model's own.
    """
    from zoo.export import documents
    from zoo.export.artifacts import Artifacts
    from zoo.export.checking import check, check_photos

    sample = documents.sample_photo()
    photos = check_photos(sample, int(plan.options["render_factor"]))
    checks = Artifacts(model, folder, plan).write(photos)
    outcomes = dict(zip([one.format for one in checks], check(checks), strict=True))
    documents.write(model, folder, plan, outcomes, sample)


# ---------------------------------------------------------------------- what is asked for


def _chosen_formats(formats: Sequence[str]) -> tuple[str, ...]:
    chosen = tuple(dict.fromkeys(valid_choice("format", name, FORMATS) for name in formats))
    if not chosen:
        raise ZooError(f"No format was given; choose from: {', '.join(FORMATS)}.")
    for name in chosen:
        missing = [module for module in _NEEDS.get(name, ()) if find_spec(module) is None]
        if missing:
            raise ZooError(
                f"The format {name} needs {', '.join(missing)}: install the extra with "
                f'`pip install "colorization-zoo[{name}]"`.'
            )
    return chosen


def _exported_options(model: "Colorizer", given: dict[str, Any]) -> dict[str, float]:
    values = model.resolve_options(given)
    for option in model.options:
        if option.export == "refused" and values[option.name] != option.default:
            raise ZooError(
                f"An exported {model.name} has no {option.name}: it draws random numbers, which "
                "differ between formats; leave that option out."
            )
    return values


def _check_plan(plan: Plan, calibration: "PhotoSet | None") -> None:
    if plan.size is not None and ("litert" not in plan.formats or min(plan.size) < 1):
        raise ZooError(
            f"A size is for the format litert, and at least 1 x 1 px; got {plan.size} and "
            f"{', '.join(plan.formats)}; the other formats take photos of any size."
        )
    if plan.weights == "int8" and (plan.formats != ("litert",) or plan.size is not None):
        raise ZooError(
            "int8 is for the format litert alone, and for the network without a fixed size: the "
            "colors of a whole photo need more than 8 bits on their way; change one of these."
        )
    if (plan.weights == "int8") != (calibration is not None):
        raise ZooError(
            "Calibration photos are for int8, which needs them to see the range of each layer's "
            "numbers; give both or neither."
        )


def _calibration(model: "Colorizer", plan: Plan, photos: "PhotoSet") -> tuple[np.ndarray, ...]:
    """L of photos spread over a set, as the network sees it."""
    factor = int(plan.options["render_factor"])
    found = []
    for photo in photos.spread(min(_CALIBRATION_PHOTOS, len(photos))):
        rgb = photo.read()
        size = preprocessing.working_size(*rgb.shape[:2], factor)
        found.append(keras.ops.convert_to_numpy(preprocessing.working_lightness(rgb[None], size)))
    return tuple(found)


# ---------------------------------------------------------------------- whole folders


def _export_elsewhere(model: "Colorizer", path: Path, plan: Plan) -> None:
    """Export in a process of its own, whose backend is TensorFlow."""
    with tempfile.TemporaryDirectory() as folder:
        request = Path(folder)
        model.save(request / "model")
        np.savez(request / "calibration.npz", *plan.calibration)
        stated = dataclasses.asdict(dataclasses.replace(plan, calibration=()))
        (request / "plan.json").write_text(json.dumps(stated), "utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "zoo.export.plan", str(request), str(path.absolute())],
            env=os.environ | {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "2"},
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
            raise ZooError(last)


def _exported_here(request: Path, path: Path) -> None:
    """The other side of `_export_elsewhere`."""
    from zoo.registry import load_model

    stated = json.loads((request / "plan.json").read_text("utf-8"))
    with np.load(request / "calibration.npz", allow_pickle=False) as arrays:
        calibration = tuple(arrays.values())
    size = stated["size"] and tuple(stated["size"])
    plan = Plan(tuple(stated["formats"]), stated["weights"], size, stated["options"], calibration)
    with atomic_folder(path) as folder:
        write(load_model(request / "model"), folder, plan)


if __name__ == "__main__":
    try:
        _exported_here(*map(Path, sys.argv[1:]))
    except ZooError as trouble:
        sys.exit(str(trouble))

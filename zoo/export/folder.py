"""From a model to a folder that anybody can use: written, checked and explained.

    README.md               how to call it, with the table of signatures
    card.json               what the model is, and how far each artifact is off
    sample.png              a gray photo
    sample_colorized.png    what becomes of it
    saved_model/1/          a version as TF Serving wants it, which `hub.load` takes, too
    model.onnx
    model.tflite

The format `web` is a folder of another kind: see `zoo.export.web.site`.

The folder appears under its name when all of it is written and checked. An export runs on the
TensorFlow backend; from another one it starts this file as a program.
"""

import dataclasses
import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from zoo.errors import ZooError
from zoo.export.checking import check, run
from zoo.export.plan import Plan, make_plan
from zoo.files import atomic_folder, require_writable
from zoo.options import RENDER_FACTOR

if TYPE_CHECKING:
    from zoo.colorizer import Colorizer
    from zoo.photos.photoset import PhotoSet


def export(
    model: "Colorizer",
    path: str | os.PathLike,
    format: str | Sequence[str],
    *,
    weights: str | None,
    size: tuple[int, int] | None,
    calibration: "PhotoSet | None",
    options: Mapping[str, Any],
) -> Path:
    """Write a folder that colors photos without the zoo, and check it in a fresh process.

    Args:
        model: trained or not.
        path: a folder that does not exist yet. Its README.md says how to use what it holds.
        format: "saved_model", "onnx", "litert", or several of them; or "web", alone.
        weights: "float32"; "float16" for half the size; "int8" (litert, web) for a quarter. By
            default int8 for web, and float32 for the others.
        size: (height, width): the LiteRT file then goes from photo to photo of that size; without
            it, from L to ab at any size.
        calibration: for int8 of litert, photos that show the range of the network's numbers.
        options: see `model.options`. Those with `export="input"` (a temperature, a saturation) are
            the defaults of inputs of second signatures, `colorize_with_options` and so on; the
            others are fixed in what is exported.

    Raises:
        ZooError: among others, if what was written gives colors more than 1 of 255 off the model's
            own, or for "web" float16 or int8 that moves them by more than 0.5 CIEDE2000 on average;
            nothing is left behind then.
    """
    path, formats = Path(path), (format,) if isinstance(format, str) else tuple(format)
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise ZooError(f"{path} is there already; give another folder, or remove it first.")
    require_writable(path.parent)
    plan = make_plan(model, formats, weights, size, calibration, options)
    if keras.backend.backend() != "tensorflow":
        _start_process(model, path, plan)
        return path
    with atomic_folder(path) as folder:
        write(model, folder, plan)
    return path


def write(model: "Colorizer", folder: Path, plan: Plan) -> None:
    """Write the artifacts of a plan into an empty folder, check them, and explain them."""
    from zoo.export import artifacts, documents, webpage
    from zoo.export.questions import check_photos

    sample = documents.sample_photo()
    photos = check_photos(sample, int(plan.options[RENDER_FACTOR.name]))
    checks = artifacts.write(model, folder, plan, photos)
    outcomes = dict(zip(plan.formats, check(checks), strict=True))
    if plan.formats == ("web",):
        webpage.write(model, folder, plan, outcomes)
    else:
        documents.write(model, folder, plan, outcomes, sample)


def _start_process(model: "Colorizer", path: Path, plan: Plan) -> None:
    """Export in a process of its own, whose backend is TensorFlow."""
    with tempfile.TemporaryDirectory() as folder:
        request = Path(folder)
        model.save(request / "model")
        np.savez(request / "calibration.npz", *plan.calibration)
        stated = dataclasses.asdict(dataclasses.replace(plan, calibration=()))
        (request / "plan.json").write_text(json.dumps(stated), "utf-8")
        command = [sys.executable, "-m", "zoo.export.folder", folder, str(path.absolute())]
        if failure := run(command, KERAS_BACKEND="tensorflow"):
            raise ZooError(failure)


def _run_process(request: Path, path: Path) -> None:
    """What the process does that `_start_process` starts."""
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
        _run_process(*map(Path, sys.argv[1:]))
    except ZooError as trouble:
        sys.exit(str(trouble))

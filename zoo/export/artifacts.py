"""The files of an export, and the questions that each of them has to answer."""

import math
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zoo.export import litert, onnx, saved_model
from zoo.export.checking import Check
from zoo.export.graph import Graph
from zoo.export.questions import Questions
from zoo.export.web.site import NETWORK
from zoo.photos.samples import sample_photos

if TYPE_CHECKING:
    from zoo.colorizer import Colorizer
    from zoo.export.plan import Plan

#: Where each format is in an export's folder.
PLACES = {
    "saved_model": "saved_model/1",
    "onnx": "model.onnx",
    "litert": "model.tflite",
    "web": NETWORK,
}

#: How far int8 and float16 may move a page's colors on average: half of what is just seen.
_MOST_MOVED = 0.5
#: The short side of the photos that tell, in px.
_TELLING_SIDE = 256


def write(
    model: "Colorizer", folder: Path, plan: "Plan", photos: Sequence[np.ndarray]
) -> list[Check]:
    """Write what a plan makes of a model, and say what each has to make of photos.

    Args:
        model: on the TensorFlow backend.
        folder: where the artifacts go.
        plan: which, and how.
        photos: of several sizes, (H, W, 3) uint8 each.
    """
    questions, checks = Questions(model, photos, plan.options), []
    half, exact = plan.weights == "float16", plan.weights == "float32"

    @cache
    def graph(size: tuple[int, int] | None, half: bool) -> Graph:
        return Graph(model, plan.options, size, half=half)

    for name in plan.formats:
        path = folder / PLACES[name]
        path.parent.mkdir(parents=True, exist_ok=True)
        if name == "saved_model":
            saved_model.write(graph(None, half), path)
            calls = questions.saved_model()
        elif name == "onnx":
            onnx.write(graph(None, False), path, half=half)
            calls = questions.onnx()
        elif name == "web":
            onnx.write_network(graph(None, False), path, plan.weights)
            calls = questions.web(() if exact else _telling_photos())
        else:
            litert.write(graph(plan.size, False), path, plan.weights, plan.calibration)
            calls = questions.litert(plan.size)
        title = f"{name} of {model.name}:{model.preset}"
        most_moved = _MOST_MOVED if name == "web" else math.inf
        checks.append(Check(title, name, path, exact, calls, most_moved))
    return checks


def _telling_photos() -> list[np.ndarray]:
    """Photos of many kinds: how far the colors of one move says little."""
    return [photo.read(_TELLING_SIDE) for photo in sample_photos("all")]

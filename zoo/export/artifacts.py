"""The files of an export, and the questions that each of them has to answer."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zoo.export import litert, onnx, saved_model
from zoo.export.checking import Check
from zoo.export.graph import Graph
from zoo.export.questions import Questions

if TYPE_CHECKING:
    from zoo.colorizer import Colorizer
    from zoo.export.plan import Plan

#: Where each format is in an export's folder.
PLACES = {"saved_model": "saved_model/1", "onnx": "model.onnx", "litert": "model.tflite"}


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
        else:
            litert.write(graph(plan.size, False), path, plan.weights, plan.calibration)
            calls = questions.litert(plan.size)
        title = f"{name} of {model.name}:{model.preset}"
        checks.append(Check(title, name, path, exact, calls))
    return checks

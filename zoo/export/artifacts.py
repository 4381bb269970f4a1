"""The files of an export, and the questions that each of them has to answer."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zoo.export import litert, onnx, saved_model
from zoo.export.checking import Call, Check
from zoo.export.graph import Graph
from zoo.export.questions import Questions

if TYPE_CHECKING:
    from zoo.colorizer import Colorizer
    from zoo.export.plan import Plan

#: Where each format is in an export's folder.
PLACES = {"saved_model": "saved_model/1", "onnx": "model.onnx", "litert": "model.tflite"}


class Artifacts:
    """What a plan makes of a model on the TensorFlow backend, written into a folder."""

    def __init__(self, model: "Colorizer", folder: Path, plan: "Plan") -> None:
        self._model, self._folder, self._plan = model, folder, plan
        self._half = plan.weights == "float16"

    def write(self, photos: Sequence[np.ndarray]) -> list[Check]:
        """Write all artifacts, and say what each has to make of photos, (H, W, 3) uint8."""
        questions = Questions(self._model, photos, self._plan.options)
        writers = {"saved_model": self._saved_model, "onnx": self._onnx, "litert": self._litert}
        checks = []
        for name in self._plan.formats:
            path = self._folder / PLACES[name]
            path.parent.mkdir(parents=True, exist_ok=True)
            title = f"{name} of {self._model.name}:{self._model.preset}"
            exact = self._plan.weights == "float32"
            checks.append(Check(title, name, path, exact, writers[name](path, questions)))
        return checks

    def _saved_model(self, path: Path, questions: Questions) -> list[Call]:
        graph = Graph(self._model, self._plan.options, half=True) if self._half else self._graph
        saved_model.write(graph, path)
        return questions.saved_model()

    def _onnx(self, path: Path, questions: Questions) -> list[Call]:
        onnx.write(self._graph, path, half=self._half)
        return questions.onnx()

    def _litert(self, path: Path, questions: Questions) -> list[Call]:
        size = self._plan.size
        graph = self._graph if size is None else Graph(self._model, self._plan.options, size)
        litert.write(graph, path, self._plan.weights, self._plan.calibration)
        return questions.litert_network() if size is None else questions.litert_photo(size)

    @cached_property
    def _graph(self) -> Graph:
        """Of photos of any size, in float32."""
        return Graph(self._model, self._plan.options)

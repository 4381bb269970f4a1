"""LiteRT, once TensorFlow Lite: the network at any size, or from photo to photo at one size."""

import tempfile
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from zoo.export.graph import TEMPERATURE, Graph

#: The file's signature: photo to photo, or L to ab.
PHOTO, NETWORK = "colorize", "predict_ab"


def write(
    graph: Graph, file: Path, weights: str, calibration: Sequence[np.ndarray] | None = None
) -> None:
    """Write a graph: from photo to photo if it is for one size, else from L to ab.

    Args:
        graph: what to write.
        file: the .tflite file.
        weights: "float32", "float16", or "int8" for weights and convolutions.
        calibration: for "int8", L as the network sees it of some photos, each (1, h, w, 1).
    """
    name = NETWORK if graph.size is None else PHOTO
    with tempfile.TemporaryDirectory() as folder:
        _write_signature(graph, folder, name)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=[name])
        if weights != "float32":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if weights == "float16":
            converter.target_spec.supported_types = [tf.float16]
        if weights == "int8":
            converter.representative_dataset = lambda: _examples(graph, name, calibration)
            converter.target_spec.supported_ops = [
                tf.lite.OpsSet.TFLITE_BUILTINS_INT8,
                tf.lite.OpsSet.TFLITE_BUILTINS,
            ]
        with warnings.catch_warnings():
            # For int8 the converter runs TensorFlow's own interpreter, of whose end it warns.
            warnings.filterwarnings("ignore", r"\s*Warning: tf\.lite\.Interpreter is deprecated")
            file.write_bytes(converter.convert())


def _write_signature(graph: Graph, folder: str, name: str) -> None:
    specs = [tf.TensorSpec((None, None, None, 1), tf.float32, "lightness")]
    if name == PHOTO:
        specs = [tf.TensorSpec((1, *graph.size, 3), tf.uint8, "photos")]
    if graph.temperature is not None:
        specs.append(tf.TensorSpec((), tf.float32, TEMPERATURE))

    def act(*inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        if name == PHOTO:
            return {"colorized": graph.photo(*inputs, striped=False)}
        return {"ab": graph.chroma(*inputs)}

    module = tf.Module()
    module.act = tf.function(act, input_signature=specs, autograph=False)
    tf.saved_model.save(module, folder, signatures={name: module.act})


def _examples(
    graph: Graph, name: str, calibration: Sequence[np.ndarray]
) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    for lightness in calibration:
        inputs = {"lightness": lightness.astype("float32")}
        if graph.temperature is not None:
            inputs[TEMPERATURE] = np.array(graph.temperature, "float32")
        yield name, inputs

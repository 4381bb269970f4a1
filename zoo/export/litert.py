"""LiteRT, once TensorFlow Lite: the network at any size, or from photo to photo at one size."""

import tempfile
import warnings
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import tensorflow as tf

from zoo.export.graph import Graph
from zoo.export.signatures import COLORIZE, PREDICT_AB, as_inputs, functions


def write(graph: Graph, file: Path, weights: str, calibration: Sequence[np.ndarray] = ()) -> None:
    """Write a graph: from photo to photo if it is for one size, else from L to ab.

    Weights and calibration are those of a `Plan`.
    """
    if graph.size is None:
        spec = tf.TensorSpec((None, None, None, 1), tf.float32, PREDICT_AB.takes)
        made = functions(PREDICT_AB, spec, graph.ab, graph.options)
    else:
        spec = tf.TensorSpec((1, *graph.size, 3), tf.uint8, COLORIZE.takes)
        made = functions(COLORIZE, spec, partial(graph.photo, striped=False), graph.options)
    module = tf.Module()
    module.functions = made
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, folder, signatures=made)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=list(made))
        if weights != "float32":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if weights == "float16":
            converter.target_spec.supported_types = [tf.float16]
        if weights == "int8":
            converter.representative_dataset = lambda: _examples(graph, calibration)
            converter.target_spec.supported_ops = [
                tf.lite.OpsSet.TFLITE_BUILTINS_INT8,
                tf.lite.OpsSet.TFLITE_BUILTINS,
            ]
        with warnings.catch_warnings():
            # For int8 the converter runs TensorFlow's own interpreter, of whose end it warns.
            warnings.filterwarnings("ignore", r"\s*Warning: tf\.lite\.Interpreter is deprecated")
            file.write_bytes(converter.convert())


def _examples(
    graph: Graph, calibration: Sequence[np.ndarray]
) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    for lightness in calibration:
        inputs = {PREDICT_AB.takes: lightness.astype("float32")}
        yield PREDICT_AB.name, inputs
        if graph.options:
            yield PREDICT_AB.with_options, inputs | as_inputs(graph.options)

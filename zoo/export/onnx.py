"""ONNX: from photo to photo at any size, for ONNX Runtime."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from zoo.export.graph import Graph, halves_well
from zoo.export.signatures import COLORIZE, as_inputs, option_specs

if TYPE_CHECKING:
    import onnx

#: The newest that tf2onnx writes.
_OPSET = 18


def write(graph: Graph, file: Path, *, half: bool) -> None:
    """Write a graph's way from photo to photo.

    Photos are handled in one piece: stripes would be a loop, which ONNX Runtime runs slowly.
    Options are inputs with defaults. If `half`, weights are stored as float16.
    """
    import onnx
    import tf2onnx

    photos = tf.TensorSpec((None, None, None, None), tf.uint8, COLORIZE.takes)
    specs = [photos, *option_specs(graph.options)]
    function = tf.function(
        lambda *inputs: graph.photo(*inputs, striped=False), input_signature=specs, autograph=False
    )
    for name in ("tf2onnx", "tensorflow"):
        logging.getLogger(name).setLevel(logging.ERROR)
    model, _ = tf2onnx.convert.from_function(function, input_signature=specs, opset=_OPSET)
    _name_output(model, COLORIZE.gives)
    for name, default in as_inputs(graph.options).items():
        model.graph.initializer.append(onnx.numpy_helper.from_array(default, name))
    if half:
        _halve(model)
    onnx.checker.check_model(model)
    onnx.save(model, str(file))


def _name_output(model: "onnx.ModelProto", name: str) -> None:
    (output,) = model.graph.output
    for node in model.graph.node:
        node.output[:] = [name if one == output.name else one for one in node.output]
        node.input[:] = [name if one == output.name else one for one in node.input]
    output.name = name


def _halve(model: "onnx.ModelProto") -> None:
    """Store weights as float16, and turn them into float32 as the model is loaded."""
    import onnx

    casts = []
    for weights in model.graph.initializer:
        values = onnx.numpy_helper.to_array(weights)
        if values.dtype != np.float32 or not halves_well(values):
            continue
        name, stored = weights.name, f"{weights.name}_half"
        weights.CopyFrom(onnx.numpy_helper.from_array(values.astype("float16"), stored))
        casts.append(onnx.helper.make_node("Cast", [stored], [name], to=onnx.TensorProto.FLOAT))
    for position, node in enumerate(casts):
        model.graph.node.insert(position, node)

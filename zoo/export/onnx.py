"""ONNX, for ONNX Runtime: from photo to photo at any size, from L to ab, or a network alone."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from zoo.export.graph import Graph, halves_well
from zoo.export.signatures import COLORIZE, PREDICT_AB, Signature, as_inputs, option_specs
from zoo.networks.runner import TracingRunner

if TYPE_CHECKING:
    import keras
    import onnx

#: The newest that tf2onnx writes.
_OPSET = 18

#: Where the channels of the output are in the kernels of layers.
_OUTPUT_AXIS = {"Conv": 0, "ConvTranspose": 1, "MatMul": -1}


def write(graph: Graph, file: Path, *, half: bool) -> None:
    """Write a graph's way from photo to photo.

    Photos are handled in one piece: stripes would be a loop, which ONNX Runtime runs slowly.
    Options are inputs with defaults. If `half`, weights are stored as float16.
    """
    import onnx

    photos = tf.TensorSpec((None, None, None, None), tf.uint8, COLORIZE.takes)
    model = _converted(graph, COLORIZE, photos, lambda *inputs: graph.photo(*inputs, striped=False))
    for name, default in as_inputs(graph.options).items():
        model.graph.initializer.append(onnx.numpy_helper.from_array(default, name))
    _save(model, file, "float16" if half else "float32")


def write_network(graph: Graph, file: Path, weights: str) -> None:
    """Write a graph's way from L to ab, of any size, with `weights` as in a `Plan`.

    Options are inputs without defaults: ONNX Runtime Web takes nothing in the place of a default.
    """
    lightness = tf.TensorSpec((None, None, None, 1), tf.float32, PREDICT_AB.takes)
    _save(_converted(graph, PREDICT_AB, lightness, graph.ab), file, weights)


def network_model(network: "keras.Model") -> "onnx.ModelProto":
    """A network's way from its inputs, by their names, to its outputs, in their order."""
    names = [tensor.name for tensor in network.inputs]
    specs = [tf.TensorSpec(one.shape, one.dtype, one.name) for one in network.inputs]
    run = TracingRunner()
    return _model_of(lambda *given: run(network, dict(zip(names, given, strict=True))), specs)


def _converted(
    graph: Graph, signature: Signature, spec: tf.TensorSpec, action: Callable[..., tf.Tensor]
) -> "onnx.ModelProto":
    """A function of `spec` and the graph's options."""
    model = _model_of(action, [spec, *option_specs(graph.options)])
    _name_output(model, signature.gives)
    return model


def _model_of(action: Callable[..., Any], specs: Sequence[tf.TensorSpec]) -> "onnx.ModelProto":
    import tf2onnx

    function = tf.function(lambda *inputs: action(*inputs), input_signature=specs, autograph=False)
    for name in ("tf2onnx", "tensorflow"):
        logging.getLogger(name).setLevel(logging.ERROR)
    model, _ = tf2onnx.convert.from_function(function, input_signature=specs, opset=_OPSET)
    _state_padding(model)
    return model


def _state_padding(model: "onnx.ModelProto") -> None:
    """Write the padding of dilated convolutions as numbers: ONNX Runtime refuses "same" there.

    They have a stride of 1, with which it does not depend on the size.
    """
    import onnx

    shapes = {weights.name: weights.dims for weights in model.graph.initializer}
    for node in model.graph.node:
        said = {one.name: one for one in node.attribute}
        dilations = list(said["dilations"].ints) if "dilations" in said else [1]
        if node.op_type != "Conv" or max(dilations) == 1 or "auto_pad" not in said:
            continue
        if not said["auto_pad"].s.startswith(b"SAME"):
            continue
        extents = zip(dilations, shapes[node.input[1]][2:], strict=True)
        totals = [dilation * (side - 1) for dilation, side in extents]
        before = [total // 2 for total in totals]
        after = [total - start for total, start in zip(totals, before, strict=True)]
        node.attribute.remove(said["auto_pad"])
        node.attribute.append(onnx.helper.make_attribute("pads", [*before, *after]))


def _save(model: "onnx.ModelProto", file: Path, weights: str) -> None:
    import onnx

    if weights == "float16":
        _halve(model)
    elif weights == "int8":
        _quantize(model)
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


def _quantize(model: "onnx.ModelProto") -> None:
    """Store kernels as int8, a scale for each channel of the output, and compute in float32.

    Numbers between the layers keep their precision, so that no photos are needed to see their
    range, and colors move less than if all were int8.
    """
    import onnx

    axes = {
        node.input[1]: _OUTPUT_AXIS[node.op_type]
        for node in model.graph.node
        if node.op_type in _OUTPUT_AXIS
    }
    restored = []
    for kernel in list(model.graph.initializer):
        values = onnx.numpy_helper.to_array(kernel)
        if kernel.name not in axes or not halves_well(values):
            continue
        name, axis = kernel.name, axes[kernel.name] % values.ndim
        codes, scale = _quantized(values, axis)
        kernel.CopyFrom(onnx.numpy_helper.from_array(codes, f"{name}_int8"))
        model.graph.initializer.append(onnx.numpy_helper.from_array(scale, f"{name}_scale"))
        restored.append(
            onnx.helper.make_node(
                "DequantizeLinear", [f"{name}_int8", f"{name}_scale"], [name], axis=axis
            )
        )
    for position, node in enumerate(restored):
        model.graph.node.insert(position, node)


def _quantized(values: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Whole numbers of at most 127, and what one of them is worth at each place of an axis."""
    others = tuple(other for other in range(values.ndim) if other != axis)
    most = np.abs(values).max(axis=others, keepdims=True)
    scale = np.where(most > 0, most / 127, 1).astype("float32")
    return np.rint(values / scale).astype("int8"), scale.reshape(-1)

"""A model's way from photo to photo as functions of TensorFlow, its weights constants in them.

The formulas are those of the model and of `zoo.preprocessing`, traced on tensors. Constants make
predictions fast (see `zoo.networks.runner`), and so an exported model has no variables. Batch
normalization that follows a convolution becomes a part of its weights.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.eager.wrap_function import function_from_graph_def
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from zoo import preprocessing
from zoo.export.signatures import option_specs
from zoo.inputs import LIGHTNESS, DerivedInput, complete_inputs
from zoo.networks.runner import TracingRunner
from zoo.options import RENDER_FACTOR

if TYPE_CHECKING:
    from zoo.colorizer import Colorizer

#: Photos are handled in stripes of about so many pixels.
_STRIPE_PIXELS = 2**20

#: Constants of at least so many numbers are weights; to store smaller ones in half saves nothing.
_LARGE = 1024


class Graph:
    """Functions that color photos as a model does, with its weights of now.

    Args:
        model: on the TensorFlow backend.
        values: the value of every option.
        size: (height, width) of photos, or None where it may be any.
        half: whether weights are stored as float16; computed is in float32.

    Attributes:
        options: those that are inputs, with their defaults from `values`.
    """

    def __init__(
        self,
        model: "Colorizer",
        values: Mapping[str, float],
        size: tuple[int, int] | None = None,
        *,
        half: bool = False,
    ) -> None:
        self.size = size
        self.options = {o.name: values[o.name] for o in model.options if o.export == "input"}
        self._freeze = partial(_frozen, half=half)
        self._render_factor = int(values[RENDER_FACTOR.name])
        self._derived = {
            declared.name: (declared.side, self._trace_input(declared))
            for declared in model.inputs
            if isinstance(declared, DerivedInput)
        }
        self._ab = self._trace_ab(model, values)

    def ab(self, lightness: tf.Tensor, *options: tf.Tensor) -> tf.Tensor:
        """(N, h, w, 1) L in [0, 100] and `options` -> (N, h, w, 2) ab, as the model gives it."""
        return self._colored(
            lightness, partial(preprocessing.resample_lightness, lightness), options
        )

    def photo(self, photos: tf.Tensor, *options: tf.Tensor, striped: bool) -> tf.Tensor:
        """Color photos: (N, H, W, 3) or (N, H, W, 1) uint8 -> (N, H, W, 3) uint8.

        If `striped`, large photos are handled piece by piece, to bound the memory.
        """
        shape = tf.shape(photos) if self.size is None else (tf.shape(photos)[0], *self.size)
        rgb = tf.broadcast_to(photos[..., :3], tf.stack([*tf.unstack(shape[:3]), 3]))
        rgb.set_shape((None, *(self.size or (None, None)), 3))
        height, width = keras.ops.shape(rgb)[1:3]
        shrink = _striped_lightness if striped else preprocessing.working_lightness
        working = preprocessing.working_size(height, width, self._render_factor)
        ab = self._colored(shrink(rgb, working), partial(shrink, rgb), options)
        return _striped_merge(rgb, ab) if striped else preprocessing.merged_rows(rgb, ab, height)

    def _colored(
        self,
        lightness: tf.Tensor,
        shrink: Callable[[tuple[int, int]], tf.Tensor],
        options: Sequence[tf.Tensor],
    ) -> tf.Tensor:
        derived = [derive(shrink((side, side)))[0] for side, derive in self._derived.values()]
        (ab,) = self._ab(lightness, *derived, *options)
        return ab

    def _trace_input(self, declared: DerivedInput) -> Any:
        spec = tf.TensorSpec((None, declared.side, declared.side, 1))
        return self._freeze(lambda squares: [declared.derive(squares, traced=True)], [spec])

    def _trace_ab(self, model: "Colorizer", values: Mapping[str, float]) -> Any:
        """Both steps of a prediction, of L, the derived inputs and the options."""
        size = self.size and preprocessing.working_size(*self.size, self._render_factor)
        specs = [tf.TensorSpec((None, *(size or (None, None)), 1), name=LIGHTNESS.name)]
        for _, derive in self._derived.values():
            specs += [tf.TensorSpec(out.shape, out.dtype) for out in derive.outputs]
        specs += option_specs(self.options)
        names = (LIGHTNESS.name, *self._derived)

        def ab(*given: tf.Tensor) -> list[tf.Tensor]:
            inputs = complete_inputs(model.inputs, dict(zip(names, given, strict=False)))
            options = {**values, **dict(zip(self.options, given[len(names) :], strict=True))}
            network, decode = (
                {one.name: options[one.name] for one in model.options if one.step == step}
                for step in ("network", "decode")
            )
            prediction = model.predicted(inputs, TracingRunner(), **network)
            return [model.decoded(prediction, **decode)]

        return self._freeze(ab, specs)


def _frozen(
    function: Callable[..., list[tf.Tensor]], specs: list[tf.TensorSpec], *, half: bool
) -> Any:
    """A function whose variables have become constants."""
    concrete = tf.function(function, input_signature=specs, autograph=False)
    frozen = convert_variables_to_constants_v2(
        concrete.get_concrete_function(), lower_control_flow=False
    )
    return _halved(frozen) if half else frozen


def halves_well(values: np.ndarray) -> bool:
    """Whether storing these numbers as float16 saves space and keeps each of them finite."""
    return values.size >= _LARGE and bool(np.abs(values).max() <= np.finfo("float16").max)


def _halved(function: Any) -> Any:
    """The same function with its weights stored as float16 and read as float32."""
    definition = function.graph.as_graph_def()
    for node in list(definition.node):
        if node.op != "Const" or node.attr["dtype"].type != tf.float32.as_datatype_enum:
            continue
        values = tf.make_ndarray(node.attr["value"].tensor)
        if not halves_well(values):
            continue
        stored = definition.node.add()
        stored.CopyFrom(node)
        stored.name = f"{node.name}/half"
        stored.attr["dtype"].type = tf.float16.as_datatype_enum
        stored.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(values.astype("float16")))
        node.Clear()
        node.name, node.op = stored.name.removesuffix("/half"), "Cast"
        node.input.append(stored.name)
        node.attr["SrcT"].type = tf.float16.as_datatype_enum
        node.attr["DstT"].type = tf.float32.as_datatype_enum
    inputs, outputs = (
        [tensor.name for tensor in part] for part in (function.inputs, function.outputs)
    )
    wrapped = function_from_graph_def(definition, inputs, outputs)
    for tensor, known in zip(wrapped.outputs, function.outputs, strict=True):
        tensor.set_shape(known.shape)
    return wrapped


# ---------------------------------------------------------------------- large photos


def _striped_lightness(rgb: tf.Tensor, size: tuple[Any, Any]) -> tf.Tensor:
    """`preprocessing.working_lightness` in a graph."""
    across = preprocessing.resampling_matrix(keras.ops.shape(rgb)[2], size[1])
    like = tf.TensorSpec((None, None, None), tf.float32)
    narrow = _by_stripes(rgb, lambda rows, start: preprocessing.narrow_rows(rows, across), like)
    return preprocessing.shortened(narrow, size[0])


def _striped_merge(rgb: tf.Tensor, ab: tf.Tensor) -> tf.Tensor:
    """`preprocessing.merged_rows` of all rows, in a graph."""
    height = keras.ops.shape(rgb)[1]
    like = tf.TensorSpec((None, None, None, 3), tf.uint8)
    return _by_stripes(
        rgb, lambda rows, start: preprocessing.merged_rows(rows, ab, height, start), like
    )


def _by_stripes(
    rgb: tf.Tensor, action: Callable[[tf.Tensor, tf.Tensor], tf.Tensor], like: tf.TensorSpec
) -> tf.Tensor:
    """Apply an action to stripes of rows one after the other, and join what it gives.

    Args:
        rgb: (N, H, W, 3).
        action: (N, r, W, 3) rows and the first one's number -> (N, r, ...).
        like: shape and type of the result, (N, H, ...).
    """
    count, height, width = tf.unstack(tf.shape(rgb)[:3])
    rows = tf.maximum(1, _STRIPE_PIXELS // tf.maximum(1, count * width))
    stripes = (height + rows - 1) // rows

    def handle(index: tf.Tensor, done: tf.TensorArray) -> tuple[tf.Tensor, tf.TensorArray]:
        start = index * rows
        result = action(rgb[:, start : start + rows], start)
        # Pieces are joined along their first axis.
        return index + 1, done.write(index, tf.transpose(result, swapped))

    swapped = [1, 0, *range(2, len(like.shape))]
    pieces = tf.TensorArray(like.dtype, stripes, infer_shape=False, element_shape=like.shape)
    _, pieces = tf.while_loop(
        lambda index, _: index < stripes, handle, (0, pieces), parallel_iterations=1
    )
    return tf.ensure_shape(tf.transpose(pieces.concat(), swapped), like.shape)

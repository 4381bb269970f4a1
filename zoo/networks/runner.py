"""Running networks on values, or tracing them into a graph: by objects, so that nothing is a mode.

A model runs its networks by the runner that it is given:

- `PlainRunner`: as Keras predicts. Weights may change from call to call.
- `FixedWeights`: for many predictions in a row by weights that do not change meanwhile.
  TensorFlow's oneDNN rearranges a convolution's weights before it computes. For weights that are
  constants of the graph it does so once; for variables it does so at every call, and for a single
  photo it computes on the unsuited arrangement instead.
- `TracingRunner`: the network becomes a part of an exported graph. Batch normalization after a
  convolution becomes a part of its weights.

Graphs hold kernels with spectral norm as they are used, divided already. In those of
`FixedWeights` `==` says of two tensors whether they are one: networks take `ops.equal`.

Two threads may share a runner.
"""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Self

import keras
import numpy as np
from keras import ops

from zoo.color.spaces import Tensor
from zoo.networks.blocks import SpectralConv2D

if TYPE_CHECKING:
    import tensorflow as tf

#: Making the graph takes the time that it saves in about this many predictions.
_WORTHWHILE = 8

#: From an operation of a network to what replaces it; None to run the operation itself.
Replacement = Callable[[Any], Callable[..., Tensor] | None]


class Runner(ABC):
    """Runs functional networks.

    Attributes:
        traced: whether values are tensors of a graph that is being made.
        precision: of what flows between the layers.
    """

    traced: ClassVar[bool] = False
    precision: ClassVar[str] = "float32"

    @abstractmethod
    def __call__(self, network: keras.Model, inputs: Mapping[str, Tensor]) -> Any:
        """Give what `network` makes of its named inputs, outside of training."""


class PlainRunner(Runner):
    """Runs networks by Keras' `predict_on_batch`: NumPy arrays from NumPy arrays or tensors."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def __call__(self, network: keras.Model, inputs: Mapping[str, Tensor]) -> Any:
        if keras.backend.backend() == "tensorflow":
            # Two threads must not compile one network at the same time.
            with self._lock:
                network.make_predict_function()
            return network.predict_on_batch(_tensors(inputs))
        # On other backends Keras keeps a call's state on the network.
        with self._lock:
            return network.predict_on_batch(_tensors(inputs))


class OneDevice(Runner):
    """Runs networks on one device while several train them: Keras would use them all.

    It makes no graph first, which pays for few photos alone.
    """

    def __call__(self, network: keras.Model, inputs: Mapping[str, Tensor]) -> Any:
        return network(_tensors(inputs), training=False)


class FixedWeights(Runner):
    """Runs networks as graphs with constant weights; a context manager, which frees them.

    Later changes of the weights have no effect. A graph takes about nine times the memory of the
    weights, and is made at a network's first prediction. If that does not pay for so many
    predictions, Keras predicts, which makes a simpler graph; a single one needs none.
    """

    def __init__(self, networks: Iterable[keras.Model], predictions: int) -> None:
        on_processor = _on_processor()
        self._graphs: dict[keras.Model, _ConstantGraph | None]
        pays = predictions >= _WORTHWHILE and on_processor
        self._graphs = dict.fromkeys(networks) if pays else {}
        self._at_once = predictions == 1 and on_processor
        self._plain, self._lock = PlainRunner(), threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        for graph in filter(None, self._graphs.values()):
            graph.close()
        self._graphs = {}

    def __call__(self, network: keras.Model, inputs: Mapping[str, Tensor]) -> Any:
        if self._at_once:
            return network(_tensors(inputs), training=False)
        if network not in self._graphs:
            return self._plain(network, inputs)
        with self._lock:
            graph = self._graphs[network]
            if graph is None:
                graph = self._graphs[network] = _ConstantGraph(network)
        return graph(inputs)


class TracingRunner(Runner):
    """Makes networks a part of TensorFlow's graph at hand, with folded normalization."""

    traced = True

    def __call__(self, network: keras.Model, inputs: Mapping[str, Tensor]) -> Any:
        folded = dict(_divided(network)) | dict(_folded(network))
        return walk(network, inputs, lambda operation: folded.get(operation) or _dense(operation))


def walk(network: keras.Model, inputs: Mapping[str, Tensor], replacement: Replacement) -> Any:
    """Run a functional network outside of training, with some of its operations replaced.

    The layers themselves stay as they are, so that others may use them at the same time.
    """

    def called(operation: Any) -> Callable[..., Tensor]:
        found = replacement(operation)
        # Settings that the graph recorded, as `training`, are for the operation itself.
        return operation if found is None else lambda given, **settings: found(given)

    given = [inputs[tensor.name] for tensor in network.inputs]
    outputs = network._run_through_graph(given, operation_fn=called)
    return outputs[0] if isinstance(outputs, list | tuple) and len(outputs) == 1 else outputs


def _tensors(inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Keras takes no arrays beside tensors."""
    return {name: ops.convert_to_tensor(value) for name, value in inputs.items()}


class _ConstantGraph:
    """A network as a graph of TensorFlow in which its weights are constants."""

    def __init__(self, network: keras.Model) -> None:
        import tensorflow as tf

        weights = [(variable, ops.convert_to_numpy(variable)) for variable in network.variables]
        self._names = [tensor.name for tensor in network.inputs]
        divided = dict(_divided(network))
        with tf.Graph().as_default() as graph:
            inputs = {
                tensor.name: tf.compat.v1.placeholder(tensor.dtype, tensor.shape)
                for tensor in network.inputs
            }
            constants = [(variable, tf.constant(values)) for variable, values in weights]
            with keras.StatelessScope(state_mapping=constants):
                outputs = walk(network, inputs, lambda one: divided.get(one) or _dense(one))
        config = tf.compat.v1.ConfigProto(
            intra_op_parallelism_threads=tf.config.threading.get_intra_op_parallelism_threads(),
            inter_op_parallelism_threads=tf.config.threading.get_inter_op_parallelism_threads(),
        )
        rewriting = config.graph_options.rewrite_options
        rewriting.optimizers.append("constfold")
        rewriting.meta_optimizer_iterations = rewriting.ONE
        self._session = tf.compat.v1.Session(graph=graph, config=config)
        feeds = [inputs[name] for name in self._names]
        self._run = self._session.make_callable(outputs, feeds)

    def __call__(self, inputs: Mapping[str, Tensor]) -> Any:
        return self._run(*[ops.convert_to_numpy(inputs[name]) for name in self._names])

    def close(self) -> None:
        self._session.close()


def _dense(operation: Any) -> Callable[..., Tensor] | None:
    """A dilated convolution in one step.

    Keras' way has a gradient on every processor, but it cuts its input into pieces first and joins
    the results, for each convolution anew.
    """
    if not isinstance(operation, keras.layers.Conv2D) or max(operation.dilation_rate) == 1:
        return None
    return partial(_convolve, operation)


def _convolve(
    layer: keras.layers.Conv2D, inputs: Tensor, kernel: np.ndarray | None = None
) -> Tensor:
    import tensorflow as tf

    result = tf.nn.conv2d(
        inputs,
        ops.convert_to_tensor(layer.kernel if kernel is None else kernel),
        layer.strides,
        layer.padding.upper(),
        dilations=layer.dilation_rate,
    )
    if layer.use_bias:
        result = tf.nn.bias_add(result, ops.convert_to_tensor(layer.bias))
    return layer.activation(result)


def _divided(network: keras.Model) -> Iterator[tuple[Any, Callable[..., Tensor]]]:
    """What computes each convolution with spectral norm, by its kernel of now as a constant."""
    for layer in network.layers:
        if isinstance(layer, SpectralConv2D):
            yield layer, partial(_convolve, layer, kernel=_kernel(layer).astype("float32"))


def _folded(network: keras.Model) -> Iterator[tuple[Any, Callable[..., Tensor]]]:
    """What computes each convolution together with the batch normalization that follows it.

    Not if the convolution has an activation or its result goes elsewhere too.
    """
    kinds = (keras.layers.Conv2D, keras.layers.Conv2DTranspose, SpectralConv2D)
    for layer in network.layers:
        if type(layer) not in kinds:
            continue
        if layer.activation is not keras.activations.linear:
            continue
        followers = [node.operation for node in layer._outbound_nodes]
        if len(followers) == 1 and isinstance(followers[0], keras.layers.BatchNormalization):
            yield layer, partial(_convolve_normalized, layer, followers[0])
            yield followers[0], lambda inputs: inputs


def _convolve_normalized(
    layer: keras.layers.Layer, normalization: keras.layers.BatchNormalization, inputs: "tf.Tensor"
) -> "tf.Tensor":
    import tensorflow as tf

    spread = np.sqrt(_value(normalization.moving_variance) + normalization.epsilon)
    scale = _value(normalization.gamma) / spread
    shift = _value(normalization.beta) - _value(normalization.moving_mean) * scale
    if layer.use_bias:
        shift = shift + _value(layer.bias) * scale
    transposed = isinstance(layer, keras.layers.Conv2DTranspose)
    kernel = _kernel(layer) * (scale[:, None] if transposed else scale)
    kernel = tf.constant(kernel, tf.float32)
    if transposed:
        result = ops.conv_transpose(inputs, kernel, layer.strides, layer.padding)
    else:
        result = tf.nn.conv2d(
            inputs, kernel, layer.strides, layer.padding.upper(), dilations=layer.dilation_rate
        )
    return tf.nn.bias_add(result, tf.constant(shift, tf.float32))


def _kernel(layer: keras.layers.Layer) -> np.ndarray:
    """The kernel that a convolution uses, as float64, also while a graph is made."""
    import tensorflow as tf

    if not isinstance(layer, SpectralConv2D):
        return _value(layer.kernel)
    with tf.init_scope():
        return np.asarray(layer.normalized_kernel(), "float64")


def _value(variable: keras.Variable) -> np.ndarray:
    """A variable's value as float64, also while a graph is made."""
    import tensorflow as tf

    with tf.init_scope():
        return np.asarray(variable, "float64")


def _on_processor() -> bool:
    """Whether TensorFlow runs on a processor: constants make predictions faster there."""
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    return not tf.config.list_physical_devices("GPU")

"""Predictions by weights that are known not to change: faster where photos come one by one.

TensorFlow's oneDNN rearranges a convolution's weights before it computes. For weights that are
constants of the graph it does so once; for variables it does so at every call, and for a single
photo it computes on the unsuited arrangement instead. So `fixed_weights` makes, for the length of a
block, a graph with constants. The constants cannot follow the variables: that is why the graph
belongs to a block, in which nothing trains, and ends with it.

While a model is exported, `predict` is a part of the graph that is made: see `exported`.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import keras
from keras import ops, tree

if TYPE_CHECKING:
    import tensorflow as tf

#: Making the graph takes the time that it saves in about so many predictions.
_WORTHWHILE = 8

#: The networks of the open blocks; a graph is made at a network's first prediction.
_fixed: "dict[keras.Model, _ConstantGraph | None]" = {}

#: While a model is exported: what takes each network's place in the graph.
_exported: dict[keras.Model, Callable[[Any], Any]] = {}


@contextmanager
def fixed_weights(networks: Iterable[keras.Model], predictions: int) -> Iterator[None]:
    """Let `predict` rely on it that the networks' weights do not change inside the block.

    Weights that do change inside have no effect before the block ends. A graph takes about nine
    times the memory of the weights, until then.

    Args:
        networks: functional models.
        predictions: about how many will be made; too few, and nothing is prepared for them.
    """
    added = [] if predictions < _WORTHWHILE or not _helps() else list(networks)
    added = [network for network in added if network not in _fixed]
    _fixed.update(dict.fromkeys(added))
    try:
        yield
    finally:
        for network in added:
            graph = _fixed.pop(network)
            if graph is not None:
                graph.close()


def predict(network: keras.Model, batch: Any) -> Any:
    """What `network.predict_on_batch(batch)` gives, up to rounding, as NumPy arrays."""
    if network in _exported:
        return _exported[network](batch)
    if network not in _fixed:
        return network.predict_on_batch(batch)
    graph = _fixed[network]
    if graph is None:
        graph = _fixed[network] = _ConstantGraph(network)
    return graph(batch)


@contextmanager
def exported(networks: dict[keras.Model, Callable[[Any], Any]]) -> Iterator[None]:
    """Let `predict` call these in the networks' places, on tensors of a graph, inside the block."""
    _exported.update(networks)
    try:
        yield
    finally:
        _exported.clear()


def is_exporting() -> bool:
    """Whether predictions are being made into a graph: there are no values, only tensors."""
    return bool(_exported)


class _ConstantGraph:
    """A network's prediction as a TensorFlow graph that holds the weights of now.

    A `tf.function` with constants computes just as fast, but takes twice the memory: it keeps more
    copies of its graph. Rewriting makes more copies still, and only its folding of constants saves
    time, that of bfloat16.
    """

    def __init__(self, network: keras.Model) -> None:
        import tensorflow as tf

        variables = (network.trainable_variables, network.non_trainable_variables)
        weights = [[ops.convert_to_numpy(variable) for variable in part] for part in variables]
        with tf.Graph().as_default() as graph, single_step_dilation(network):
            inputs = tree.map_structure(
                lambda tensor: tf.compat.v1.placeholder(tensor.dtype, tensor.shape), network.input
            )
            constants = [[tf.constant(values) for values in part] for part in weights]
            outputs, _ = network.stateless_call(*constants, inputs, training=False)
        config = tf.compat.v1.ConfigProto(
            intra_op_parallelism_threads=tf.config.threading.get_intra_op_parallelism_threads(),
            inter_op_parallelism_threads=tf.config.threading.get_inter_op_parallelism_threads(),
        )
        rewriting = config.graph_options.rewrite_options
        rewriting.optimizers.append("constfold")
        rewriting.meta_optimizer_iterations = rewriting.ONE
        self._session = tf.compat.v1.Session(graph=graph, config=config)
        self._run = self._session.make_callable(outputs, tree.flatten(inputs))

    def __call__(self, batch: Any) -> Any:
        return self._run(*[ops.convert_to_numpy(part) for part in tree.flatten(batch)])

    def close(self) -> None:
        """Give the memory back."""
        self._session.close()


@contextmanager
def single_step_dilation(network: keras.Model) -> Iterator[None]:
    """Compute dilated convolutions in one step inside the block.

    Keras' way has a gradient on every processor, but it cuts its input into pieces first and joins
    the results, for each convolution anew.
    """
    layers = list(_dilated(network))
    for layer in layers:
        layer.convolution_op = partial(_convolve, layer)
    try:
        yield
    finally:
        for layer in layers:
            del layer.convolution_op


def _convolve(layer: keras.layers.Conv2D, inputs: "tf.Tensor", kernel: "tf.Tensor") -> "tf.Tensor":
    import tensorflow as tf

    return tf.nn.conv2d(
        inputs, kernel, layer.strides, layer.padding.upper(), dilations=layer.dilation_rate
    )


def _dilated(network: keras.Model) -> Iterator[keras.layers.Conv2D]:
    for layer in network.layers:
        if isinstance(layer, keras.Model):
            yield from _dilated(layer)
        elif isinstance(layer, keras.layers.Conv2D) and max(layer.dilation_rate) > 1:
            yield layer


def _helps() -> bool:
    """Whether constants make predictions faster: with TensorFlow on processors."""
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    return not tf.config.list_physical_devices("GPU")

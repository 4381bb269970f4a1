from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import layers

from zoo.networks import runner as runners
from zoo.networks.blocks import NetworkSpec, batch_norm, conv, self_attention
from zoo.networks.runner import FixedWeights, PlainRunner, TracingRunner, walk
from zoo.networks.zhang import zhang

ON_TENSORFLOW = keras.backend.backend() == "tensorflow"
only_tensorflow = pytest.mark.skipif(not ON_TENSORFLOW, reason="other backends have no such graph")
MANY = 1000


def noise(*shape, seed=0):
    return np.random.default_rng(seed).random(shape, "float32")


def photos(*shape, seed=0):
    return {"lightness": noise(*shape, 1, seed=seed)}


def randomize(network, seed=1):
    """Give every weight, running statistics too, another value."""
    generator = np.random.default_rng(seed)
    for variable in network.weights:
        values = generator.uniform(0.5, 1.5, tuple(variable.shape))
        if variable.path.endswith("kernel"):
            values = (values - 1) / np.sqrt(np.prod(values.shape[:-1]))
        variable.assign(values)


@pytest.fixture
def network():
    """Strides, dilation, batch normalization, a transposed convolution: all that is in the zoo."""
    network = zhang(NetworkSpec(channels=5, width=4, decay=1e-3, seed=0))
    randomize(network)
    return network


@pytest.fixture
def no_keras_predictions(monkeypatch):
    def refuse(*arguments):
        raise AssertionError("predicted by Keras")

    monkeypatch.setattr(keras.Model, "predict_on_batch", refuse)


def close(a, b):
    return np.allclose(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shape", [(1, 32, 32), (3, 24, 40)])
def test_predictions_are_those_of_keras(network, shape):
    batch = photos(*shape)
    expected = network.predict_on_batch(batch)
    assert expected.std() > 0.01
    assert close(PlainRunner()(network, batch), expected)
    with FixedWeights([network], MANY) as run:
        assert close(run(network, batch), expected)
        tensors = {"lightness": keras.ops.convert_to_tensor(batch["lightness"])}
        assert close(run(network, tensors), expected)


def test_no_prediction_comes_from_weights_of_the_past(network):
    batch = photos(1, 16, 16)
    with FixedWeights([network], MANY) as run:
        before = run(network, batch)
    for seed in (2, 3):
        randomize(network, seed)
        expected = network.predict_on_batch(batch)
        assert not close(expected, before)
        with FixedWeights([network], MANY) as run:
            assert close(run(network, batch), expected)


def test_training_goes_on_as_usual_afterwards(network):
    batch = photos(2, 16, 16)
    network.compile("sgd", "mse")
    with FixedWeights([network], MANY) as run:
        before = run(network, batch)
    network.train_on_batch(batch, np.ones_like(before))
    after = PlainRunner()(network, batch)
    assert not close(after, before)
    assert close(after, network.predict_on_batch(batch))


@only_tensorflow
def test_fixed_weights_predict_without_keras(network, no_keras_predictions):
    batch = photos(1, 16, 16)
    with FixedWeights([network], MANY) as run:
        first = run(network, batch)
        assert (run(network, batch) == first).all()
    with pytest.raises(AssertionError, match="predicted by Keras"):
        run(network, batch)  # it has ended


@pytest.mark.parametrize("reason", ["few predictions", "another backend", "a GPU"])
def test_keras_predicts_where_a_graph_does_not_pay(
    network, no_keras_predictions, monkeypatch, reason
):
    if reason == "another backend":
        monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    if reason == "a GPU":
        tensorflow = pytest.importorskip("tensorflow")
        device = SimpleNamespace(device_type=reason)
        monkeypatch.setattr(tensorflow.config, "list_physical_devices", lambda kind=None: [device])
    few = reason == "few predictions"
    with (
        FixedWeights([network], 2 if few else MANY) as run,
        pytest.raises(AssertionError, match="predicted by Keras"),
    ):
        run(network, photos(1, 16, 16))


@only_tensorflow
def test_a_single_prediction_makes_no_graph(network, monkeypatch):
    batch = photos(1, 16, 16)
    expected = PlainRunner()(network, batch)
    graphs = []
    monkeypatch.setattr(keras.Model, "make_predict_function", lambda *_: graphs.append("Keras"))
    monkeypatch.setattr(runners, "_ConstantGraph", lambda *_: graphs.append("ours"))
    with FixedWeights([network], 1) as run:
        assert close(run(network, batch), expected)
    assert not graphs


@only_tensorflow
def test_dilated_convolutions_are_single_operations_in_the_graph_alone(network):
    graph = runners._ConstantGraph(network)
    kinds = [operation.type for operation in graph._session.graph.get_operations()]
    graph.close()
    assert "SpaceToBatchND" not in kinds
    assert kinds.count("Conv2D") == sum(isinstance(x, layers.Conv2D) for x in network.layers)


def spectral_network(spectral=True):
    """Spectral norm with stride, dilation, batch normalization, an activation and attention."""
    layer = {"spectral": spectral, "seed": 0}
    lightness = keras.Input((None, None, 1), name="lightness")
    x = conv(lightness, 8, "strided", strides=2, **layer)
    x = conv(x, 16, "dilated", dilation=2, **layer)
    x = batch_norm(conv(x, 16, "normalized", activation=None, bias=False, **layer), "norm")
    x = self_attention(x, "attention", seed=0) if spectral else x
    return keras.Model({"lightness": lightness}, conv(x, 3, "head", activation=None, **layer))


def traced(network):
    """The network as a function of TensorFlow, as exports have it."""
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    spec = tf.TensorSpec((None, None, None, 1), name="lightness")
    function = tf.function(
        lambda lightness: TracingRunner()(network, {"lightness": lightness}),
        input_signature=[spec],
        autograph=False,
    )
    return convert_variables_to_constants_v2(function.get_concrete_function())


@only_tensorflow
@pytest.mark.parametrize("seed", [1, 2])
def test_graphs_predict_as_networks_with_spectral_norm_do(seed):
    network = spectral_network()
    randomize(network, seed)
    batch = photos(2, 16, 24, seed=seed)
    before = network.get_weights()
    expected = network.predict_on_batch(batch)
    assert expected.std() > 0.01
    with FixedWeights([network], MANY) as run:
        assert close(run(network, batch), expected)
    (found,) = traced(network)(keras.ops.convert_to_tensor(batch["lightness"]))
    assert close(found, expected)
    assert all((a == b).all() for a, b in zip(before, network.get_weights(), strict=True))


@only_tensorflow
def test_nothing_of_spectral_norm_is_computed_in_graphs():
    """They have no operation that the same network without it does not have."""

    def kinds(network, fixed):
        graph = runners._ConstantGraph(network)._session.graph if fixed else traced(network).graph
        found = Counter(operation.type for operation in graph.get_operations())
        return found - Counter(dict.fromkeys(("Const", "Placeholder", "Identity", "NoOp"), MANY))

    # Up to the attention, which no plain network has.
    network, plain = (
        keras.Model(whole.input, whole.get_layer("norm").output)
        for whole in (spectral_network(), spectral_network(spectral=False))
    )
    for fixed in (False, True):
        assert not kinds(network, fixed) - kinds(plain, fixed)
        assert kinds(network, fixed)["Conv2D"] == 3


@only_tensorflow
def test_graphs_hold_the_divided_kernels():
    network = spectral_network()
    randomize(network)
    held = [
        tensorflow_array(operation)
        for operation in traced(network).graph.get_operations()
        if operation.type == "Const"
    ]
    for name in ("strided", "dilated", "attention_query", "head"):
        layer = network.get_layer(name)
        vector = np.asarray(layer.vector_u) / np.linalg.norm(layer.vector_u)
        kernel = np.asarray(layer.kernel)
        sigma = np.linalg.norm(kernel.reshape(-1, kernel.shape[-1]) @ vector)
        same = [one for one in held if one.shape == kernel.shape]
        assert any(np.allclose(one, kernel / sigma, rtol=1e-5) for one in same)
        assert not any(np.allclose(one, kernel, rtol=1e-5) for one in same)


def tensorflow_array(operation):
    import tensorflow as tf

    return tf.make_ndarray(operation.get_attr("value"))


def test_several_inputs_nested_networks_and_dropout():
    inner = keras.Sequential([keras.Input((None, None, 2)), layers.Conv2D(3, 3, dilation_rate=2)])
    photo, words = keras.Input((None, None, 2), name="photo"), keras.Input((3,), name="words")
    x = layers.Dropout(0.5, seed=0)(inner(photo)) + layers.Reshape((1, 1, 3))(words)
    network = keras.Model({"photo": photo, "words": words}, {"sum": x, "twice": 2 * x})
    batch = {"photo": noise(2, 9, 8, 2), "words": noise(2, 3)}
    expected = network.predict_on_batch(batch)
    mixed = batch | {"words": keras.ops.convert_to_tensor(batch["words"])}
    # One prediction, few and many have each a way of their own.
    for predictions in (1, 2, MANY):
        with FixedWeights([network], predictions) as run:
            given = run(network, mixed)
        assert given.keys() == expected.keys()
        assert all(close(given[key], expected[key]) for key in expected)


def test_a_walk_replaces_operations_and_leaves_the_network_alone(network):
    batch = photos(1, 16, 16)
    expected = network.predict_on_batch(batch)
    head = network.get_layer("head")
    inside = {name: keras.ops.convert_to_tensor(value) for name, value in batch.items()}
    found = walk(network, inside, lambda one: (lambda x: 2 * one(x)) if one is head else None)
    assert close(keras.ops.convert_to_numpy(found), 2 * expected)
    assert close(network.predict_on_batch(batch), expected)


@pytest.mark.parametrize("fixed", [False, True])
def test_threads_share_a_runner(fixed):
    """What several threads get at once is what each of them would get alone."""
    networks = [zhang(NetworkSpec(channels=5, width=4, seed=seed)) for seed in (0, 1)]
    for seed, network in enumerate(networks):
        randomize(network, seed)
    asked = [(networks[i % 2], photos(1, 16 + 8 * (i % 3), 24, seed=i)) for i in range(24)]
    alone = [PlainRunner()(network, batch) for network, batch in asked]
    run = FixedWeights(networks, MANY) if fixed else PlainRunner()
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda pair: run(*pair), asked))
    assert all(close(a, b) for a, b in zip(found, alone, strict=True))
    if fixed:
        run.__exit__(None, None, None)

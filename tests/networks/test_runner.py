import keras
import numpy as np
import pytest
from keras import layers

from zoo.networks import runner
from zoo.networks.blocks import zhang_network
from zoo.networks.runner import fixed_weights, predict

ON_TENSORFLOW = keras.backend.backend() == "tensorflow"
only_tensorflow = pytest.mark.skipif(not ON_TENSORFLOW, reason="other backends have no such graph")
MANY = 1000


def noise(*shape, seed=0):
    return np.random.default_rng(seed).random(shape, "float32")


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
    network = zhang_network(channels=5, width=4, decay=1e-3, seed=0)
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
    batch = noise(*shape, 1)
    expected = network.predict_on_batch(batch)
    assert expected.std() > 0.01
    assert close(predict(network, batch), expected)
    with fixed_weights([network], MANY):
        assert close(predict(network, batch), expected)
        assert close(predict(network, keras.ops.convert_to_tensor(batch)), expected)


def test_no_prediction_comes_from_weights_of_the_past(network):
    batch = noise(1, 16, 16, 1)
    with fixed_weights([network], MANY):
        before = predict(network, batch)
    for seed in (2, 3):
        randomize(network, seed)
        expected = network.predict_on_batch(batch)
        assert not close(expected, before)
        assert close(predict(network, batch), expected)
        with fixed_weights([network], MANY):
            assert close(predict(network, batch), expected)


def test_training_goes_on_as_usual_after_a_block(network):
    batch = noise(2, 16, 16, 1)
    network.compile("sgd", "mse")
    with fixed_weights([network], MANY):
        before = predict(network, batch)
    network.train_on_batch(batch, np.ones_like(before))
    assert not close(predict(network, batch), before)
    assert close(predict(network, batch), network.predict_on_batch(batch))


@only_tensorflow
def test_a_block_predicts_without_keras(network, no_keras_predictions):
    batch = noise(1, 16, 16, 1)
    with fixed_weights([network], MANY):
        first = predict(network, batch)
        with fixed_weights([network], MANY):
            predict(network, batch)
        assert (predict(network, batch) == first).all()
    with pytest.raises(AssertionError, match="predicted by Keras"):
        predict(network, batch)


@pytest.mark.parametrize("reason", ["few predictions", "another backend", "a GPU"])
def test_keras_predicts_where_a_graph_does_not_pay(
    network, no_keras_predictions, monkeypatch, reason
):
    if reason == "another backend":
        monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    if reason == "a GPU":
        tensorflow = pytest.importorskip("tensorflow")
        monkeypatch.setattr(tensorflow.config, "list_physical_devices", lambda kind: [kind])
    few = reason == "few predictions"
    with (
        fixed_weights([network], 1 if few else MANY),
        pytest.raises(AssertionError, match="predicted by Keras"),
    ):
        predict(network, noise(1, 16, 16, 1))


@only_tensorflow
def test_an_error_ends_the_block(network):
    def fail_inside():
        with fixed_weights([network], MANY):
            predict(network, noise(1, 16, 16, 1))
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        fail_inside()
    assert not runner._fixed


@only_tensorflow
def test_dilated_convolutions_are_single_operations_in_the_graph_alone(network):
    graph = runner._ConstantGraph(network)
    kinds = [operation.type for operation in graph._session.graph.get_operations()]
    graph.close()
    assert "SpaceToBatchND" not in kinds
    assert kinds.count("Conv2D") == sum(isinstance(x, layers.Conv2D) for x in network.layers)
    assert not any("convolution_op" in vars(layer) for layer in network.layers)


def test_several_inputs_nested_networks_and_dropout():
    inner = keras.Sequential([keras.Input((None, None, 2)), layers.Conv2D(3, 3, dilation_rate=2)])
    photo, words = keras.Input((None, None, 2), name="photo"), keras.Input((3,), name="words")
    x = layers.Dropout(0.5, seed=0)(inner(photo)) + layers.Reshape((1, 1, 3))(words)
    network = keras.Model({"photo": photo, "words": words}, {"sum": x, "twice": 2 * x})
    batch = {"photo": noise(2, 9, 8, 2), "words": noise(2, 3)}
    expected = network.predict_on_batch(batch)
    with fixed_weights([network], MANY):
        given = predict(network, batch)
    assert given.keys() == expected.keys()
    assert all(close(given[key], expected[key]) for key in expected)

"""Spectral norm and self-attention against NumPy, batch normalization against Keras'."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from zoo.networks.blocks import (
    BatchNorm,
    RepeatPixels,
    SpectralConv2D,
    conv,
    dropout,
    self_attention,
)

SEED = 3
core = pytest.mark.core


def noise(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


def spectral(channels=2, filters=5, **settings):
    """A network of one convolution with spectral norm, and its layer."""
    x = keras.Input((None, None, channels))
    settings = {"activation": None} | settings
    network = keras.Model(x, conv(x, filters, "one", SEED, spectral=True, **settings))
    return network, network.get_layer("one")


def array(tensor):
    return ops.convert_to_numpy(tensor)


def largest_singular_value(kernel):
    return np.linalg.svd(kernel.reshape(-1, kernel.shape[-1]), compute_uv=False)[0]


@core
def test_sigma_is_the_largest_singular_value():
    network, layer = spectral(bias=False)
    x = noise(1, 6, 7, 2)
    for _ in range(100):
        network(x, training=True)
    kernel = array(layer.kernel)
    expected = kernel / largest_singular_value(kernel)
    np.testing.assert_allclose(array(layer.normalized_kernel()), expected, rtol=1e-4)
    plain = layers.Conv2D(5, 3, padding="same", use_bias=False)
    plain.build(x.shape)
    plain.kernel.assign(expected)
    np.testing.assert_allclose(array(network(x)), array(plain(x)), rtol=1e-3, atol=1e-6)


def test_a_step_of_power_iteration_by_hand():
    """W = [[3, 0], [4, 5]] and u = (1, 0): v = W u / 5 = (.6, .8), W^T v = (5, 4)."""
    network, layer = spectral(filters=2, kernel=1, bias=False)
    matrix = np.array([[3.0, 0.0], [4.0, 5.0]], "float32")
    layer.kernel.assign(matrix[None, None])
    layer.vector_u.assign([2.0, 0.0])  # its length does not count
    x = noise(1, 1, 1, 2)
    # Without a step sigma is |W u| = 5, in training v^T W u' = sqrt(41).
    np.testing.assert_allclose(array(network(x))[0, 0], x[0, 0] @ matrix / 5, rtol=1e-5)
    np.testing.assert_array_equal(array(layer.vector_u), [2.0, 0.0])
    found = array(network(x, training=True))[0, 0]
    np.testing.assert_allclose(found, x[0, 0] @ matrix / np.sqrt(41), rtol=1e-5)
    np.testing.assert_allclose(array(layer.vector_u), np.array([5, 4]) / np.sqrt(41), rtol=1e-5)


def test_the_gradient_goes_through_sigma():
    """Spectral norm makes the length of a kernel irrelevant: no gradient along the kernel."""
    tf = pytest.importorskip("tensorflow")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("gradients are TensorFlow's here")
    network, layer = spectral()
    x, weights = noise(2, 5, 5, 2), noise(2, 5, 5, 5, seed=1)
    for _ in range(100):
        network(x, training=True)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(network(x, training=True) * weights)
    gradient = array(tape.gradient(loss, layer.kernel.value))
    kernel = array(layer.kernel)
    along = (gradient * kernel).sum() / np.linalg.norm(gradient) / np.linalg.norm(kernel)
    assert np.linalg.norm(gradient) > 1
    assert abs(along) < 1e-3


def test_bias_and_activation_come_after_the_norm():
    network, layer = spectral(activation="relu", kernel=1)
    layer.bias.assign([-1.0, 0.0, 1.0, 2.0, 3.0])
    x = noise(1, 3, 3, 2)
    kernel = array(layer.normalized_kernel())[0, 0]
    expected = np.maximum(0, x @ kernel + array(layer.bias))
    np.testing.assert_allclose(array(network(x)), expected, rtol=1e-4, atol=1e-6)


def test_a_kernel_of_zeros_stays():
    network, layer = spectral()
    layer.kernel.assign(np.zeros(layer.kernel.shape))
    assert not array(network(noise(1, 4, 4, 2), training=True)).any()


def test_vectors_follow_from_seed_and_name_alone():
    def vectors(seed):
        x = keras.Input((None, None, 2))
        found = [conv(x, 6, name, seed, spectral=True) for name in ("one", "two")]
        network = keras.Model(x, found)
        return [array(network.get_layer(name).vector_u) for name in ("one", "two")]

    keras.utils.set_random_seed(0)
    one, two = vectors(7)
    keras.utils.set_random_seed(1)
    again = vectors(7)
    np.testing.assert_array_equal(one, again[0])
    assert np.abs(one - two).min() > 0
    assert np.abs(one - vectors(8)[0]).min() > 0


def test_the_vector_is_stored_with_the_weights(tmp_path):
    network, layer = spectral()
    assert [v.path for v in layer.non_trainable_variables] == ["one/vector_u"]
    network(noise(1, 4, 4, 2), training=True)
    network.save_weights(tmp_path / "it.weights.h5")
    other, _ = spectral()
    other.load_weights(tmp_path / "it.weights.h5")
    np.testing.assert_array_equal(array(other.get_layer("one").vector_u), array(layer.vector_u))


def test_bfloat16_keeps_the_vector_and_sigma_in_float32():
    network, layer = spectral(bias=False)
    layer.dtype_policy = "mixed_bfloat16"
    x = noise(1, 4, 4, 2)
    for _ in range(100):
        found = network(x, training=True)
    assert keras.backend.standardize_dtype(found.dtype) == "bfloat16"
    assert keras.backend.standardize_dtype(layer.vector_u.dtype) == "float32"
    matrix = array(layer.kernel).reshape(-1, 5)
    expected = np.linalg.svd(matrix)[2][0]
    assert abs(array(layer.vector_u) @ expected) > 0.999


def attended(x, query, key, value, gamma):
    """Self-attention of one photo (H, W, C), by loops."""
    places = [x[i, j] for i in range(x.shape[0]) for j in range(x.shape[1])]
    result = []
    for place in places:
        weights = np.array([np.exp((place @ query) @ (other @ key)) for other in places])
        total = sum(w * (other @ value) for w, other in zip(weights, places, strict=True))
        result.append(place + gamma * total / weights.sum())
    return np.reshape(result, x.shape)


def attention(channels=16):
    x = keras.Input((None, None, channels))
    return keras.Model(x, self_attention(x, "attention", SEED))


@pytest.mark.parametrize("size", [(4, 4), pytest.param((3, 5), marks=pytest.mark.core), (1, 2)])
def test_attention_is_that_of_loops(size):
    network = attention()
    kernels = []
    for index, part in enumerate(("query", "key", "value")):
        layer = network.get_layer(f"attention_{part}")
        layer.kernel.assign(noise(*layer.kernel.shape, seed=index))
        kernel = array(layer.normalized_kernel())[0, 0]
        assert kernel.shape == (16, 16 if part == "value" else 2)
        kernels.append(kernel)
    network.get_layer("attention").gamma.assign(0.7)
    x = noise(2, *size, 16, seed=9)
    expected = np.stack([attended(one, *kernels, 0.7) for one in x])
    assert np.abs(expected - x).max() > 0.1
    np.testing.assert_allclose(array(network(x)), expected, rtol=1e-4, atol=1e-5)


def test_attention_begins_as_the_identity():
    network = attention()
    x = noise(1, 4, 6, 16)
    np.testing.assert_array_equal(array(network(x)), x)
    kinds = [isinstance(layer, SpectralConv2D) for layer in network.layers]
    assert sum(kinds) == 3
    # No bias; gamma.
    assert sum(np.prod(v.shape) for v in network.trainable_variables) == 16 * (2 + 2 + 16) + 1


def test_few_channels_have_a_query_of_one():
    assert attention(4).get_layer("attention_query").filters == 1


def test_dropout_of_channels_drops_whole_maps():
    x = keras.Input((None, None, 64))
    network = keras.Model(x, dropout(x, 0.5, "it", SEED, channels=True))
    found = array(network(np.ones((2, 3, 3, 64)), training=True))
    assert set(np.unique(found)) == {0.0, 2.0}
    assert (found == found[:, :1, :1]).all()


def test_repeated_pixels_are_those_of_numpy():
    x = np.random.default_rng(0).normal(size=(2, 3, 5, 4)).astype("float32")
    inputs = keras.Input((None, None, 4))
    network = keras.Model(inputs, RepeatPixels()(inputs))
    assert network.output_shape == (None, None, None, 4)
    expected = x.repeat(2, axis=1).repeat(2, axis=2)
    np.testing.assert_array_equal(network.predict(x, verbose=0), expected)


def normalized(learns, policy="float32"):
    """Ours and Keras' own layer with the same weights: outputs, averages, and all gradients."""
    found = []
    for kind in (BatchNorm, layers.BatchNormalization):
        layer = kind(momentum=0.7, epsilon=1e-2, dtype=policy, trainable=learns)
        layer.build((None, None, None, 3))
        for seed, weight in enumerate(layer.weights):
            weight.assign(noise(3, seed=seed) ** 2 + 0.1)
        x = keras.Variable(2.0 * noise(2, 4, 5, 3, seed=9) + 1.0)
        outputs = layer(ops.convert_to_tensor(x), training=True)
        found.append([outputs, layer.moving_mean, layer.moving_variance])
        if keras.backend.backend() == "tensorflow":
            import tensorflow as tf

            watched = [x.value, layer.gamma.value, layer.beta.value]
            with tf.GradientTape() as tape:
                tape.watch(watched)
                outputs = layer(ops.convert_to_tensor(x), training=True)
                squares = tf.reduce_sum(tf.cast(outputs, "float32") ** 3)
            found[-1] += tape.gradient(squares, watched)
    return [[array(ops.cast(value, "float32")) for value in values] for values in found]


@core
@pytest.mark.parametrize("learns", [True, False])
def test_batch_normalization_in_training_is_that_of_keras(learns):
    ours, theirs = normalized(learns)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=2e-4)


def test_batch_normalization_averages_the_variance_over_all_values():
    layer = BatchNorm(momentum=0.0)
    x = noise(1, 2, 2, 3)
    layer(x, training=True)
    np.testing.assert_allclose(array(layer.moving_variance), x.var(axis=(0, 1, 2)), rtol=1e-5)


def test_batch_normalization_in_half_precision():
    ours, theirs = normalized(True, "mixed_bfloat16")
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=0.05, atol=0.05)

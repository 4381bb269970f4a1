"""A network that listens: what it sees, what it says, and that hints reach it."""

import numpy as np
import pytest
from keras import ops

import zoo
from zoo.color.spaces import rgb_to_lab
from zoo.hints.marks import Hints, Point
from zoo.inputs import LIGHTNESS
from zoo.models.regression import HUBER_WIDTH
from zoo.networks.runner import PlainRunner
from zoo.photos.samples import sample_photos


class Watching(PlainRunner):
    """Keeps what the network is given."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def __call__(self, network, inputs):
        self.seen.append({name: np.array(ops.convert_to_numpy(x)) for name, x in inputs.items()})
        return super().__call__(network, inputs)


def photo(height=48, width=64, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def tiny():
    return zoo.create_model("hinted:tiny")


def test_the_published_network_has_the_published_size():
    # 34.2 million parameters of the released network, counted by hand from its layers: 3x3
    # kernels with biases, four numbers a channel of each normalization, 529 bins.
    def conv(before, after, side=3):
        return before * after * side**2 + after

    blocks = [(4, 64, 2), (64, 128, 2), (128, 256, 3), (256, 512, 3)] + [(512, 512, 3)] * 3
    count = 0
    for before, after, layers in blocks:
        count += conv(before, after) + (layers - 1) * conv(after, after) + 4 * after
    count += conv(512, 256, 4) + conv(256, 256) * 3 + 4 * 256
    count += conv(256, 128, 4) + conv(128, 128) * 2 + 4 * 128
    count += conv(128, 128, 4) + conv(64, 128) + conv(128, 128)
    count += conv(256, 529, 1) + conv(128, 2, 1)
    model = zoo.create_model("hinted:paper")
    assert model.networks["colorizer"].count_params() == count


def test_hints_reach_the_network_centered_and_scaled(tiny):
    runner = Watching()
    hints = Hints(points=(Point(20, 10, (55.0, -22.0)),))
    tiny.colorize(photo(), hints=hints, runner=runner, render_factor=3)
    tiny.colorize(photo(), runner=runner, render_factor=3)
    told, silent = (one["hints"][0] for one in runner.seen)
    assert told.shape == silent.shape == (48, 64, 3)
    np.testing.assert_allclose(told[10, 20], [0.5, -0.2, 0.5], atol=1e-6)
    told[10, 20] = 0, 0, -0.5
    np.testing.assert_array_equal(told, silent)
    np.testing.assert_array_equal(silent, np.broadcast_to([0, 0, -0.5], silent.shape))


def test_a_network_that_listens_changes_more_than_the_marks_surroundings(tiny):
    """Where its weights say so: random ones answer to any input within their reach."""
    lightness = np.full((1, 32, 32, 1), 50, "float32")
    said = np.zeros((1, 32, 32, 3), "float32")
    said[0, 16, 16] = 0.5, -0.2, 1.0
    plain, told = (
        tiny.decode(tiny.predict({"lightness": lightness, "hints": one}))
        for one in (0 * said, said)
    )
    assert np.abs(told - plain)[0, 16, 16].max() > 0
    np.testing.assert_array_equal(tiny.decode(tiny.predict({"lightness": lightness})), plain)


@pytest.mark.usefixtures("eager")
def test_the_stem_adds_nothing_at_first_and_learns(tmp_path):
    model = zoo.create_model("hinted:compact", width=4, train_size=32, batch_size=2)
    network = model.networks["colorizer"]
    frozen = [layer.name for layer in network.layers if not layer.trainable]
    assert frozen
    assert not any(name.startswith("beside") for name in frozen)
    lightness = np.random.default_rng(0).uniform(0, 100, (1, 64, 64, 1)).astype("float32")
    said = np.random.default_rng(1).uniform(0, 1, (1, 64, 64, 3)).astype("float32")
    before = [model.predict({"lightness": lightness, "hints": x}).ab for x in (said, 0 * said)]
    np.testing.assert_array_equal(*before)
    model.fit(sample_photos("train"), budget=zoo.Budget(photos_seen=6))
    after = [model.predict({"lightness": lightness, "hints": x}).ab for x in (said, 0 * said)]
    assert np.abs(np.array(after[0]) - np.array(after[1])).max() > 0
    # The stem adds at the strides 2 and 4 of the encoder.
    sums = {one.name: one.output.shape[-1] for one in network.layers if "_sum" in one.name}
    assert {"beside2_sum", "beside4_sum"} <= set(sums)


def test_the_loss_is_cross_entropy_and_ten_times_hubers_error(tiny):
    rgb = photo(32, 32)[None]
    network_output = np.random.default_rng(0).normal(0, 0.3, (1, 16, 16, 315)).astype("float32")
    with_colors = float(tiny.loss({"rgb": rgb}, network_output))
    other = network_output.copy()
    truth = np.array(rgb_to_lab(rgb))[..., 1:].reshape(1, 16, 2, 16, 2, 2).mean(axis=(2, 4))
    other[..., -2:] = truth / 110
    size = np.abs(network_output[..., -2:] - truth / 110)
    width = HUBER_WIDTH / 110
    huber = np.where(size < width, size**2 / (2 * width), size - width / 2).mean()
    assert with_colors - float(tiny.loss({"rgb": rgb}, other)) == pytest.approx(
        10 * huber, rel=1e-4
    )


def test_photos_with_hardly_any_color_do_not_count(tiny):
    gray = np.full((1, 32, 32, 3), 128, np.uint8)
    faint, colored = gray.copy(), gray.copy()
    faint[0, :16] = 128, 127, 129
    colored[0, :16] = 128, 100, 128
    output = np.random.default_rng(0).normal(0, 1, (1, 16, 16, 315)).astype("float32")
    losses = [float(tiny.loss({"rgb": rgb}, output)) for rgb in (gray, faint, colored)]
    assert losses[:2] == [0, 0]
    assert losses[2] > 0


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_the_answer_is_mixed_of_both(tiny, share):
    lightness = np.random.default_rng(0).uniform(0, 100, (1, 32, 48, 1)).astype("float32")
    prediction = tiny.predict({"lightness": lightness})
    shares = prediction.probabilities()
    np.testing.assert_allclose(shares.sum(axis=-1), 1, rtol=1e-5)
    mean = shares @ tiny.bins.centers
    expected = share * np.array(prediction.ab) + (1 - share) * mean
    got = np.array(tiny.to_ab(prediction, temperature=1.0, outright=share))
    np.testing.assert_allclose(got, expected, atol=1e-3)


def test_the_published_network_says_colors_at_full_size():
    model = zoo.create_model("hinted:paper", width=4)
    lightness = np.random.default_rng(0).uniform(0, 100, (1, 32, 48, 1)).astype("float32")
    prediction = model.predict({"lightness": lightness})
    assert (prediction.logits.shape, prediction.ab.shape) == ((1, 8, 12, 529), (1, 32, 48, 2))
    for options in ({"consensus": 3}, {"edge_radius": 8}, {"outright": 0}):
        ab = model.decode(model.predict({"lightness": lightness}, **options), **options)
        assert ab.shape == (1, 32, 48, 2)


def test_the_distribution_teaches_the_published_network_nothing():
    keras = pytest.importorskip("keras")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("gradients are asked of TensorFlow")
    import tensorflow as tf

    model = zoo.create_model("hinted:paper", width=4)
    network = model.networks["colorizer"]
    lightness = np.random.default_rng(0).uniform(-1, 1, (1, 16, 16, 1)).astype("float32")
    inputs = {"lightness": lightness, "hints": np.zeros((1, 16, 16, 3), "float32")}
    with tf.GradientTape() as tape:
        logits, _ = network(inputs)
        loss = tf.reduce_sum(logits**2)
    weights = network.trainable_weights
    gradients = tape.gradient(loss, [one.value for one in weights])
    learned = {w.path for w, g in zip(weights, gradients, strict=True) if g is not None}
    assert learned == {"head_bins/kernel", "head_bins/bias"}


def test_declared_inputs(tiny):
    assert [one.name for one in tiny.inputs] == [LIGHTNESS.name, "hints"]

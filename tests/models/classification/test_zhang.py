"""Zhang's network against figure 2 and sections 2.2 and 3.1 of the paper."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops
from scipy.special import softmax
from skimage.color import rgb2lab

import zoo
from predictions import ab_of, shares_of
from zoo import Budget, PhotoSet, conformance
from zoo.color.bins import rebalancing_weights
from zoo.color.prior import smooth_prior
from zoo.errors import ZooError
from zoo.models.classification import base, zhang
from zoo.networks.blocks import HEAD
from zoo.photos.loader import PhotoLoader
from zoo.training.plan import History
from zoo.training.trainer import Trainer

FIT = {"size": 32, "precision": "float32", "budget": Budget(photos_seen=4)}
UNIFORM = (1 / 313,) * 313


@pytest.fixture
def photos(photo_folder):
    return PhotoSet.from_folder(photo_folder)


@pytest.fixture
def counting_only(monkeypatch):
    """`fit` counts the photos' colors and leaves the network as it is."""
    monkeypatch.setattr(Trainer, "run", lambda trainer: History())


@pytest.fixture(scope="module")
def paper():
    return zoo.create_model("zhang:paper")


def tiny(**config):
    return zoo.create_model("zhang:tiny", **config)


def size_of(variables):
    return sum(int(np.prod(variable.shape)) for variable in variables)


# --- the paper's network ----------------------------------------------------------------------


def test_golden_parameter_counts(paper):
    """32,236,011 is the published network with its last layer, the 626 numbers of the bins."""
    variables = paper.variables()
    assert size_of(variables.values()) == 32_241_003
    assert size_of(v for name, v in variables.items() if "moving" not in name) == 32_236_011
    assert size_of(paper.networks["decoder"].weights) == 626
    assert not paper.networks["decoder"].trainable_variables
    assert size_of(paper.networks["colorizer"].trainable_variables) == 32_236_011 - 626


def test_the_paper_s_output_is_a_quarter_of_the_photo(paper):
    assert (paper.stride, paper.output_stride) == (8, 4)
    shares = shares_of(paper, np.full((1, 30, 41, 1), 50, "float32"))
    assert shares.shape == (1, 8, 12, 313)
    assert ab_of(paper, np.full((1, 30, 41, 1), 50, "float32")).shape == (1, 30, 41, 2)


def test_the_paper_s_layers(paper):
    """Figure 2: widths, strides and dilations of the eight blocks."""
    layers = {layer.name: layer for layer in paper.networks["colorizer"].layers}
    for block, (filters, count, stride, dilation) in enumerate(
        [
            (64, 2, 2, 1),
            (128, 2, 2, 1),
            (256, 3, 2, 1),
            (512, 3, 1, 1),
            (512, 3, 1, 2),
            (512, 3, 1, 2),
            (512, 3, 1, 1),
        ],
        start=1,
    ):
        convolutions = [layers[f"conv{block}_{i}"] for i in range(1, count + 1)]
        assert [c.filters for c in convolutions] == [filters] * count
        assert [c.strides[0] for c in convolutions] == [1] * (count - 1) + [stride]
        assert {c.dilation_rate for c in convolutions} == {(dilation, dilation)}
        assert f"norm{block}" in layers
        assert f"conv{block}_{count + 1}" not in layers
    grow = layers["conv8_1"]
    assert (grow.filters, grow.kernel_size, grow.strides) == (256, (4, 4), (2, 2))


def test_the_paper_s_training(paper):
    config = paper.config
    assert (config.train_size, config.batch_size) == (176, 40)
    assert (config.loss, config.uniform_share, config.prior) == ("rebalanced", 0.5, ())
    assert (config.grid, config.neighbors, config.sigma) == (10, 5, 5)
    assert paper.defaults["temperature"] == 0.38
    adam = paper.optimizer(450_000)
    assert (adam.beta_1, adam.beta_2) == (0.9, 0.99)
    for step, rate in ((0, 3e-5), (199_999, 3e-5), (200_001, 1e-5), (375_001, 3e-6)):
        assert float(adam._learning_rate(step)) == pytest.approx(rate, rel=1e-5)
    network = paper.networks["colorizer"]
    kernel = ops.convert_to_numpy(network.get_layer("conv1_1").kernel)
    decay = 1e-3 / 2 * np.square(kernel).sum()
    assert float(network.losses[0]) == pytest.approx(decay, rel=1e-4)
    # Every convolution has its decay: 23 with the transposed one and the head.
    assert len(network.losses) == 23


def test_a_step_is_that_of_the_authors_loss_layer():
    """Their loss sums over the places and divides by the number of photos alone.

    The head is a 1 x 1 convolution, so its gradient follows by hand from what it sees.
    """
    model = zoo.create_model("zhang:paper", width=4, weight_decay=0.3)
    rgb = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3)).astype("uint8")
    model.weights = np.random.default_rng(1).uniform(0.5, 2, 313).astype("float32")
    network = model.networks["colorizer"]
    head = network.get_layer(HEAD)
    below = keras.Model(network.input, head.input)
    seen = ops.convert_to_numpy(below(model.network_input({"rgb": rgb}), training=True))
    kernel, bias = (ops.convert_to_numpy(weight) for weight in head.weights)

    ab = rgb2lab(rgb)[..., 1:].reshape(3, 8, 4, 8, 4, 2).mean(axis=(2, 4))
    distances = np.linalg.norm(ab[..., None, :] - model.bins.centers, axis=-1)
    nearest = np.argsort(distances, axis=-1)[..., :5]
    shares = np.exp(-(np.take_along_axis(distances, nearest, -1) ** 2) / (2 * 5**2))
    target = np.zeros((3, 8, 8, 313))
    np.put_along_axis(target, nearest, shares / shares.sum(axis=-1, keepdims=True), -1)
    by_logits = softmax(seen @ kernel[0, 0] + bias, axis=-1) - target
    by_logits *= model.weights[nearest[..., :1]]
    by_kernel = np.einsum("nhwc,nhwq->cq", seen, by_logits) / 3 + 0.3 * kernel[0, 0]

    task = model.task()
    task.compile(optimizer=keras.optimizers.SGD(64.0), jit_compile=False)  # 8 x 8 places
    task.train_on_batch({"rgb": rgb})
    step = kernel[0, 0] - ops.convert_to_numpy(head.kernel)[0, 0]
    np.testing.assert_allclose(step, by_kernel, rtol=2e-3, atol=2e-4 * np.abs(by_kernel).max())


def test_the_network_sees_lightness_around_zero(paper):
    seen = paper.scale_lightness(np.array([0.0, 50.0, 100.0], "float32"))
    np.testing.assert_allclose(np.array(seen), [-0.5, 0, 0.5])
    gray = np.full((1, 8, 8, 3), 119, np.uint8)
    assert float(np.mean(paper.network_input({"rgb": gray})["lightness"])) == pytest.approx(
        (rgb2lab(gray)[..., 0].mean() - 50) / 100, abs=1e-5
    )


def test_another_grid_has_other_bins():
    assert len(tiny().bins) == 313
    model = tiny(grid=20.0)
    assert len(model.bins) == 77
    assert shares_of(model, np.zeros((1, 8, 8, 1))).shape == (1, 4, 4, 77)


# --- nearly gray photos -----------------------------------------------------------------------

NEARLY_GRAY = np.full((32, 32, 3), (104, 100, 93), np.uint8)


def gradient(model, rgb, output):
    output = tf.constant(output)
    with tf.GradientTape() as tape:
        tape.watch(output)
        loss = model.loss({"rgb": rgb}, output)
    return float(loss), tape.gradient(loss, output).numpy()


def logits_for(model, count):
    shape = (count, 16, 16, len(model.bins))
    return np.random.default_rng(0).normal(0, 2, shape).astype("float32")


def test_nearly_gray_photos_have_neither_loss_nor_gradient():
    assert 4.5 < abs(rgb2lab(NEARLY_GRAY)[..., 1:]).max() < 5
    model = tiny()
    loss, slope = gradient(model, np.stack([NEARLY_GRAY] * 3), logits_for(model, 3))
    assert loss == 0
    np.testing.assert_array_equal(slope, 0)


@pytest.mark.parametrize("color", [(0, 255, 255), (255, 0, 255), (0, 0, 255), (255, 255, 0)])
def test_one_colored_place_makes_a_photo_count(color):
    """Whichever of a and b is far from 0, and in whichever direction."""
    model, photo = tiny(), NEARLY_GRAY.copy()
    photo[4:6, 30:32] = color
    assert gradient(model, photo[None], logits_for(model, 1))[0] > 0.1


@pytest.mark.parametrize("tint", [(8, -4, 0), (-8, 3, -1), (2, 0, -9), (-3, 0, 9)])
def test_a_slight_tint_in_any_direction_counts(tint):
    """A or b is a little above 5 or below -5, the other one nearly 0."""
    photo = np.full((1, 32, 32, 3), 100 + np.array(tint), np.uint8)
    smaller, larger = np.sort(abs(rgb2lab(photo)[0, 0, 0, 1:]))
    assert smaller < 1
    assert 5 < larger < 5.6
    model = tiny()
    assert gradient(model, photo, logits_for(model, 1))[0] > 0.1


def test_a_nearly_gray_photo_only_scales_the_others_gradient():
    model = tiny()
    model.weights = np.random.default_rng(1).uniform(0.5, 2, 313).astype("float32")
    rgb = conformance.random_photo(32, 32)[None]
    logits = logits_for(model, 2)
    alone, slope = gradient(model, rgb, logits[:1])
    both, slopes = gradient(model, np.concatenate([rgb, NEARLY_GRAY[None]]), logits)
    assert both == pytest.approx(alone / 2, rel=1e-6)
    np.testing.assert_allclose(slopes[:1], slope / 2, rtol=1e-5, atol=1e-12)
    np.testing.assert_array_equal(slopes[1], 0)
    assert abs(slope).max() > 1e-4


def test_a_batch_of_nearly_gray_photos_teaches_nothing():
    model = tiny()
    before = conformance.weights_of(model)
    graph = conformance.compiled(model, keras.optimizers.SGD(1.0))
    assert float(graph.train_on_batch({"rgb": np.stack([NEARLY_GRAY] * 4)})) == 0
    for name, value in conformance.weights_of(model).items():
        if "moving" not in name:
            np.testing.assert_array_equal(value, before[name], err_msg=name)


# --- rebalancing ------------------------------------------------------------------------------


def test_the_weights_follow_the_training_photos(photos, monkeypatch, counting_only):
    """Counted with scikit-image and NumPy; in two batches, the second one short."""
    monkeypatch.setattr(base, "_COUNTED_AT_ONCE", 4)
    model = tiny()
    model.fit(photos, **FIT)
    rgb = PhotoLoader(photos, 32, len(photos), augment=False).batch(0)
    ab = rgb2lab(rgb)[..., 1:].reshape(6, 16, 2, 16, 2, 2).mean(axis=(2, 4)).reshape(-1, 2)
    centers = model.bins.centers.astype("float64")
    nearest = np.square(ab[:, None] - centers).sum(axis=-1).argmin(axis=-1)
    prior = np.bincount(nearest, minlength=313) / len(nearest)
    kernel = np.exp(-np.square(centers[:, None] - centers).sum(axis=-1) / (2 * 5.0**2))
    smoothed = (prior[:, None] * kernel / kernel.sum(axis=1, keepdims=True)).sum(axis=0)
    weights = 1 / (smoothed / 2 + 1 / 626)
    weights /= np.sum(smoothed * weights)
    assert weights.max() > 5 * weights.min()
    np.testing.assert_allclose(model.weights, weights, rtol=1e-4)


def test_a_given_prior_takes_the_photos_place(photos, monkeypatch, counting_only):
    def never(*_):
        raise AssertionError("the photos were counted")

    monkeypatch.setattr(zhang, "measure_prior", never)
    prior = np.random.default_rng(0).dirichlet(np.full(313, 0.3))
    # A sum that is a little off, as of rounded numbers, is mended.
    model = tiny(prior=tuple(prior * 1.005), uniform_share=0.3, sigma=7.0)
    model.fit(photos, **FIT)
    expected = rebalancing_weights(smooth_prior(prior, model.bins.centers, 7.0), 0.3)
    assert expected.max() > 3 * expected.min()
    np.testing.assert_allclose(model.weights, expected, rtol=1e-5)


def test_a_uniform_prior_leaves_nearly_the_plain_loss(photos, counting_only):
    """Smoothing moves a little from the border's bins inward."""
    model = tiny(prior=UNIFORM)
    model.fit(photos, **FIT)
    np.testing.assert_allclose(model.weights, 1, atol=0.2)


def test_a_prior_survives_saving(tmp_path):
    model = tiny(prior=UNIFORM)
    model.save(tmp_path)
    assert zoo.load_model(tmp_path).config == model.config


@pytest.mark.parametrize(
    ("prior", "words"),
    [
        ((0.5, 0.5), "got 2 with the sum 1"),
        ((*UNIFORM, 0.0), "got 314"),
        (tuple(2 / 313 for _ in range(313)), "with the sum 2"),
        ((-0.5, 1.5, *[0.0] * 311), "at least 0"),
        ((float("nan"), *UNIFORM[1:]), "sum nan"),
        ((0.0,) * 313, "with the sum 0"),
    ],
)
def test_wrong_priors_are_refused(prior, words):
    with pytest.raises(ZooError, match=f"prior must be 313 numbers.*{words}"):
        tiny(prior=prior)


def test_a_prior_belongs_to_its_grid():
    with pytest.raises(ZooError, match="prior must be 77 numbers"):
        tiny(grid=20.0, prior=UNIFORM)
    tiny(grid=20.0, prior=(1 / 77,) * 77)


@pytest.mark.parametrize(
    ("field", "value"),
    [("grid", 1.0), ("grid", 51.0), ("architecture", "vgg"), ("output_stride", 3), ("width", 0)],
)
def test_configurations_that_cannot_work_are_refused(field, value):
    with pytest.raises(ZooError, match=field):
        tiny(**{field: value})

"""What the classifiers share: the loss, temperatures, distributions and confidence."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import ops
from PIL import Image
from scipy import stats
from skimage import color as reference

import zoo
from predictions import ab_of, shares_of
from zoo import Budget, PhotoSet, conformance
from zoo.color import spaces
from zoo.color.bins import annealed_mean, rebalancing_weights
from zoo.errors import ZooError
from zoo.fullsize import FullSize
from zoo.metrics import scores
from zoo.photos.loader import PhotoLoader
from zoo.training.plan import History
from zoo.training.trainer import Trainer

FIT = {"size": 32, "precision": "float32", "budget": Budget(photos_seen=4)}
NAMES = ["zhang", "colorunet"]

every_classifier = pytest.mark.parametrize("name", NAMES)
rng = np.random.default_rng


@pytest.fixture
def photos(photo_folder):
    return PhotoSet.from_folder(photo_folder)


def tiny(name, **config):
    return zoo.create_model(name, "tiny", **config)


def decided(name, **config):
    """A model whose logits differ clearly from bin to bin and from place to place."""
    model = tiny(name, **config)
    head = model.networks["colorizer"].get_layer("head")
    head.kernel.assign(head.kernel * 300)
    # Where the features are all 0, too.
    head.bias.assign(rng(0).normal(0, 1, len(model.bins)))
    return model


def lightness_of(*shape):
    return rng(0).uniform(5, 95, (*shape, 1)).astype("float32")


def averaged(x, stride):
    count, height, width, channels = x.shape
    grouped = x.reshape(count, height // stride, stride, width // stride, stride, channels)
    return grouped.mean(axis=(2, 4))


def true_chroma(name, rgb, stride):
    """By scikit-image, at the output's size."""
    convert = {"zhang": reference.rgb2lab, "colorunet": reference.rgb2yuv}[name]
    return averaged(convert(rgb)[..., 1:], stride)


def reference_ab(name, chroma, lightness):
    """By scikit-image."""
    if name == "zhang":
        return chroma
    gray = reference.lab2rgb(lightness * np.array([1.0, 0.0, 0.0]))[..., :1]
    rgb = reference.yuv2rgb(np.concatenate([gray, chroma], axis=-1))
    return reference.rgb2lab(rgb.clip(0, 1))[..., 1:]


def dense_targets(model, chroma):
    """(..., Q) float64, and the index of the nearest bin of each color."""
    squares = np.square(chroma[..., None, :] - model.bins.centers.astype("float64")).sum(axis=-1)
    shares = np.exp(-squares / (2 * model.config.sigma**2))
    last = np.sort(squares, axis=-1)[..., model.config.neighbors - 1, None]
    shares[squares > last] = 0
    return shares / shares.sum(axis=-1, keepdims=True), squares.argmin(axis=-1)


def softmax(logits):
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def enlarged(x, size):
    """Bilinear, by Pillow, photo by photo and channel by channel."""
    planes = np.moveaxis(x.astype("float32"), -1, 1)
    resized = [
        [
            np.asarray(Image.fromarray(plane).resize(size[::-1], Image.Resampling.BILINEAR))
            for plane in photo
        ]
        for photo in planes
    ]
    return np.moveaxis(np.array(resized), 1, -1)


# --- the loss ---------------------------------------------------------------------------------


@every_classifier
@pytest.mark.parametrize("neighbors", [1, 5])
def test_the_loss_is_the_weighted_divergence(name, neighbors):
    model = tiny(name, neighbors=neighbors)
    model.weights = rng(1).uniform(0.2, 5, len(model.bins)).astype("float32")
    rgb = conformance.random_photo(64, 32).reshape(2, 32, 32, 3)
    logits = rng(2).normal(0, 2, (2, 16, 16, len(model.bins))).astype("float32")
    target, nearest = dense_targets(model, true_chroma(name, rgb, 2))
    divergences = stats.entropy(target, softmax(logits.astype("float64")), axis=-1)
    expected = np.mean(divergences * model.weights[nearest])
    assert float(model.loss({"rgb": rgb}, logits)) == pytest.approx(expected, rel=1e-4)


@every_classifier
@pytest.mark.parametrize("color", [(200, 40, 40), (40, 80, 160), (120, 150, 60)])
def test_a_flat_photo_counts_as_much_as_its_bin(name, color):
    model = tiny(name)
    rgb = np.full((2, 32, 32, 3), color, np.uint8)
    logits = rng(0).normal(0, 2, (2, 16, 16, len(model.bins))).astype("float32")
    plain = float(model.loss({"rgb": rgb}, logits))
    assert plain > 0.1
    target, nearest = dense_targets(model, true_chroma(name, rgb[:1, :2, :2], 2))
    (bin_of_color,) = np.unique(nearest)
    model.weights = rng(1).uniform(0.2, 5, len(model.bins)).astype("float32")
    expected = plain * model.weights[bin_of_color]
    assert float(model.loss({"rgb": rgb}, logits)) == pytest.approx(expected, rel=1e-5)
    # The weight is the true color's, whatever is predicted; and a perfect answer costs nothing.
    perfect = np.log(np.maximum(target, 1e-30)).astype("float32")
    perfect = np.broadcast_to(perfect, logits.shape)
    assert float(model.loss({"rgb": rgb}, perfect)) == pytest.approx(0, abs=1e-4)


@every_classifier
def test_a_plain_loss_weighs_nothing(name, photos, monkeypatch):
    monkeypatch.setattr(Trainer, "run", lambda trainer: History())
    model = tiny(name, loss="plain")
    model.weights[:] = 7
    model.fit(photos, **FIT)
    np.testing.assert_allclose(model.weights, 1, rtol=1e-6)


@every_classifier
def test_training_follows_the_weights(name, photos, monkeypatch):
    """A prior that is all in one corner makes every other color count many times as much."""
    model = tiny(name)
    prior = np.full(len(model.bins), 1e-4)
    prior[0] = 1 - prior[1:].sum()
    monkeypatch.setattr(model, "prior", lambda batches: prior)
    history = model.fit(photos, **FIT)
    expected = rebalancing_weights(prior, model.config.uniform_share)
    assert model.weights.dtype == np.float32
    np.testing.assert_allclose(model.weights, expected, rtol=1e-6)
    # One step was taken, from logits that are nearly uniform.
    rgb = PhotoLoader(photos, 32, 4, steps=1, seed=0).batch(0)
    logits = np.zeros((4, 16, 16, len(model.bins)), "float32")
    (loss,) = history.curves["loss"]
    assert loss == pytest.approx(float(model.loss({"rgb": rgb}, logits)), rel=0.05)
    model.weights = np.ones(len(model.bins), "float32")
    assert loss > 5 * float(model.loss({"rgb": rgb}, logits))


@every_classifier
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("loss", "focal"),
        ("uniform_share", 0.0),
        ("uniform_share", 1.5),
        ("neighbors", 0),
        ("sigma", 0.0),
        ("sigma", float("nan")),
    ],
)
def test_configurations_that_make_no_loss_are_refused(name, field, value):
    with pytest.raises(ZooError, match=field):
        tiny(name, **{field: value})


# --- distributions and temperatures -----------------------------------------------------------


@every_classifier
@pytest.mark.parametrize(
    ("size", "output"), [((16, 24), (8, 12)), ((37, 50), (20, 26)), ((1, 1), (2, 2))]
)
def test_distributions_sum_to_one_at_any_size(name, size, output):
    model = decided(name)
    shares = shares_of(model, lightness_of(2, *size))
    assert shares.shape == (2, *output, len(model.bins))
    assert shares.dtype == np.float32
    assert (shares >= 0).all()
    assert shares.max() > 5 / len(model.bins)
    np.testing.assert_allclose(shares.sum(axis=-1), 1, atol=1e-5)


@every_classifier
def test_temperature_one_is_the_mean(name):
    model, lightness = decided(name), lightness_of(2, 13, 18)
    mean = shares_of(model, lightness) @ model.bins.centers
    padded = np.pad(lightness, [(0, 0), (0, 3), (0, 2), (0, 0)], mode="reflect")
    ab = reference_ab(name, mean, averaged(padded, 2))
    expected = enlarged(ab, (16, 20))[:, :13, :18]
    assert expected.std() > 0.5
    found = ab_of(model, lightness, temperature=1)
    np.testing.assert_allclose(found, expected, atol=0.02)


@every_classifier
def test_temperature_zero_is_the_most_likely_bin(name):
    model, lightness = decided(name, output_stride=1), lightness_of(2, 12, 20)
    mode = shares_of(model, lightness).argmax(axis=-1)
    assert len(np.unique(mode)) > 3
    found = ab_of(model, lightness, temperature=0)
    if name == "zhang":
        np.testing.assert_array_equal(found, model.bins.centers[mode])
    expected = reference_ab(name, model.bins.centers[mode], lightness)
    np.testing.assert_allclose(found, expected, atol=0.02)


@every_classifier
def test_temperatures_between_sharpen_the_distribution(name):
    model, lightness = decided(name, output_stride=1), lightness_of(1, 12, 20)
    shares = shares_of(model, lightness).astype("float64")
    for temperature in (0.38, 3.0):
        sharpened = shares ** (1 / temperature)
        mean = sharpened / sharpened.sum(axis=-1, keepdims=True) @ model.bins.centers
        expected = reference_ab(name, mean, lightness)
        found = ab_of(model, lightness, temperature=temperature)
        np.testing.assert_allclose(found, expected, atol=0.02)
    np.testing.assert_array_equal(
        ab_of(model, lightness), ab_of(model, lightness, temperature=0.38)
    )


@every_classifier
def test_each_photo_may_have_its_temperature(name):
    model = tiny(name)
    logits = rng(0).normal(0, 2, (3, 4, 5, len(model.bins))).astype("float32")
    temperatures = np.array([0.2, 1.0, 5.0], "float32")
    layer = model.networks["decoder"].get_layer("bins")
    found = ops.convert_to_numpy(layer(logits, temperatures[:, None, None, None]))
    for photo, temperature, chroma in zip(logits, temperatures, found, strict=True):
        expected = softmax(photo.astype("float64") / temperature) @ model.bins.centers
        np.testing.assert_allclose(chroma, expected, atol=1e-3)


@every_classifier
def test_colorize_passes_the_temperature_on(name):
    model, photo = decided(name), conformance.random_photo(32, 32)
    vivid = model.colorize(photo, temperature=0, render_factor=2)
    muted = model.colorize(photo, temperature=10, render_factor=2)
    assert np.ptp(vivid.astype(int), axis=-1).mean() > np.ptp(muted.astype(int), axis=-1).mean() + 5


@every_classifier
@pytest.mark.parametrize("wrong", [-0.01, 10.1, float("nan"), float("inf"), "hot"])
def test_temperatures_out_of_range_are_refused(name, wrong):
    model = tiny(name)
    with pytest.raises(ZooError, match=r"temperature .* from 0 to 10"):
        model.colorize(conformance.random_photo(8, 8), temperature=wrong)
    with pytest.raises(ZooError, match="temperature"):
        ab_of(model, lightness_of(1, 8, 8), temperature=wrong)


def test_a_regression_has_no_temperature():
    model = zoo.create_model("mse_regression:tiny")
    with pytest.raises(ZooError, match=r"no option of mse_regression 'temperature'.*render_factor"):
        model.colorize(conformance.random_photo(8, 8), temperature=1.0)


# --- confidence -------------------------------------------------------------------------------


@every_classifier
@pytest.mark.parametrize("size", [(32, 32), (41, 67), (90, 20), (1, 1)])
def test_confidence_has_the_photo_s_size_and_is_a_share(name, size):
    model = decided(name)
    sure = model.confidence(conformance.random_photo(*size), render_factor=2)
    assert sure.shape == size
    assert sure.dtype == np.float32
    assert (sure >= 0).all()
    assert (sure <= 1).all()
    assert sure.mean() > 0.01


@every_classifier
def test_confidence_is_what_is_left_of_the_greatest_entropy(name):
    model, photo = decided(name, output_stride=1), conformance.random_photo(32, 48)
    lightness = FullSize(photo[None]).working_lightness((32, 48))
    entropies = stats.entropy(shares_of(model, lightness)[0], axis=-1)
    expected = 1 - entropies / np.log(len(model.bins))
    sure = model.confidence(photo, render_factor=2)
    np.testing.assert_allclose(sure, expected, atol=1e-5)
    assert sure.std() > 0.01
    # The temperature is of colors alone.
    np.testing.assert_array_equal(model.confidence(photo, render_factor=2, temperature=5), sure)


@every_classifier
def test_confidence_lies_where_the_photo_does(name):
    """A photo of 45 x 34 px, seen at 42 x 32, padded to 44 x 32: the padding is cut off again."""
    model, photo = decided(name), conformance.random_photo(45, 34)
    lightness = FullSize(photo[None]).working_lightness((42, 32))
    entropies = stats.entropy(shares_of(model, lightness), axis=-1)[..., None]
    sure = enlarged(1 - entropies / np.log(len(model.bins)), (44, 32))[:, :42]
    expected = enlarged(sure, (45, 34))[0, ..., 0]
    np.testing.assert_allclose(model.confidence(photo, render_factor=2), expected, atol=1e-5)


@every_classifier
def test_confidence_of_no_idea_and_of_certainty(name):
    model, photo = tiny(name), conformance.random_photo(20, 24)
    head = model.networks["colorizer"].get_layer("head")
    head.kernel.assign(ops.zeros_like(head.kernel))
    np.testing.assert_allclose(model.confidence(photo, render_factor=2), 0, atol=1e-6)
    head.bias.assign(np.eye(len(model.bins))[3] * 100)
    np.testing.assert_allclose(model.confidence(photo, render_factor=2), 1, atol=1e-6)


def test_confidence_takes_photos_as_colorize_does(tmp_path):
    model, photo = decided("zhang"), conformance.random_photo(20, 24)
    path = tmp_path / "photo.png"
    Image.fromarray(np.dstack([photo, np.full((20, 24), 9, np.uint8)])).save(path)
    expected = model.confidence(photo, render_factor=2)
    for same in (path, path.read_bytes(), Image.fromarray(photo)):
        np.testing.assert_array_equal(model.confidence(same, render_factor=2), expected)
    # Without options, at the model's own render factor.
    model.defaults["render_factor"] = 2
    np.testing.assert_array_equal(model.confidence(photo), expected)
    with pytest.raises(ZooError, match="no option of zhang 'certainty'"):
        model.confidence(photo, certainty=1.0)


# --- learning ---------------------------------------------------------------------------------


def test_one_photo_is_learned_as_well_as_its_bins_allow():
    """Zhang's loss, targets and decoding: the score of the true targets, read at T = 0.38."""
    model = tiny("zhang", width=8, depth=3)
    photo = zoo.sample_photos("test")[1:2]
    assert photo[0].name == "coffee.png"
    rgb = PhotoLoader(photo, 32, 1, augment=False).batch(0)
    truth = true_chroma("zhang", rgb, 2)

    def auc(ab):
        errors = np.square(ab - truth).sum(axis=-1)[0]
        return scores.auc(
            SimpleNamespace(truth=np.empty((*errors.shape, 3)), squared_ab_error=errors)
        )

    target, _ = dense_targets(model, truth)
    logs = np.log(np.maximum(target, 1e-30)).astype("float32")
    best = auc(ops.convert_to_numpy(annealed_mean(logs, model.bins.centers, 0.38)))
    assert best > 0.98
    rate = keras.optimizers.schedules.CosineDecay(1e-2, 300)
    graph = conformance.compiled(model, keras.optimizers.Adam(rate))
    for _ in range(300):
        graph.train_on_batch({"rgb": rgb})
    lightness = spaces.rgb_to_lightness(rgb)
    prediction = model.predict({"lightness": lightness})
    found = ops.convert_to_numpy(model.colors(prediction, 0.38))
    assert auc(found) == pytest.approx(best, abs=0.005)

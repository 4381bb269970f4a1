"""ColorUNet: the paper's network, and bins of UV that follow the training photos."""

import numpy as np
import pytest
from keras import layers, ops
from skimage.color import deltaE_ciede2000, rgb2lab, rgb2yuv

import zoo
from predictions import ab_of, shares_of
from zoo import Budget, PhotoSet
from zoo.color import spaces
from zoo.color.bins import uv_bins
from zoo.errors import ZooError
from zoo.models.classification import base
from zoo.photos.loader import PhotoLoader
from zoo.training.plan import History
from zoo.training.trainer import Trainer

FIT = {"size": 32, "precision": "float32", "budget": Budget(photos_seen=4)}


@pytest.fixture
def photos(photo_folder):
    return PhotoSet.from_folder(photo_folder)


@pytest.fixture
def counting_only(monkeypatch):
    """`fit` counts the photos' colors and leaves the network as it is."""
    monkeypatch.setattr(Trainer, "run", lambda trainer: History())


def tiny(**config):
    return zoo.create_model("colorunet:tiny", **config)


def size_of(variables):
    return sum(int(np.prod(variable.shape)) for variable in variables)


def uv_counts(photos):
    """(10, 10): pixels in each cell, by scikit-image and NumPy."""
    rgb = PhotoLoader(photos, 32, len(photos), augment=False).batch(0)
    uv = rgb2yuv(rgb)[..., 1:].reshape(-1, 16, 2, 16, 2, 2).mean(axis=(2, 4)).reshape(-1, 2)
    ends = np.linspace(-0.45, 0.45, 11), np.linspace(-0.65, 0.65, 11)
    return np.histogram2d(*uv.T, bins=ends)[0]


def most_frequent_of(counts):
    """The 32 largest, the lower index first among equals."""
    return sorted(sorted(range(100), key=lambda index: (-counts.flat[index], index))[:32])


# --- the paper's network ----------------------------------------------------------------------


def test_golden_parameter_counts():
    model = zoo.create_model("colorunet:paper")
    assert len(model.bins) == 32
    network = model.networks["colorizer"]
    kinds = layers.Conv2D, layers.Conv2DTranspose
    convolutions = [layer for layer in network.layers if isinstance(layer, kinds)]
    assert size_of(w for layer in convolutions for w in layer.weights) == 141_664
    assert [c.filters for c in convolutions] == [
        *(16, 16, 32, 32, 64, 64),
        *(32, 32, 32, 16, 32, 32),
        *(16, 16, 32),
    ]
    # Five normalizations, over 16, 32, 64, 32 and 32 channels.
    assert size_of(network.weights) == 141_664 + 4 * 176


def test_the_paper_s_output_has_the_photo_s_size():
    model = zoo.create_model("colorunet:paper")
    assert (model.stride, model.output_stride) == (8, 1)
    assert shares_of(model, np.zeros((2, 16, 24, 1))).shape == (2, 16, 24, 32)
    assert ab_of(model, np.zeros((1, 13, 9, 1))).shape == (1, 13, 9, 2)


def test_the_paper_s_settings():
    config = zoo.create_model("colorunet:paper").config
    assert (config.cells, config.kept, config.uniform_share) == (10, 32, 0.2)
    assert (config.loss, config.neighbors) == ("rebalanced", 1)


def test_the_network_sees_luma_around_zero():
    model = tiny()
    gray = np.arange(256, dtype=np.uint8)[None, :, None, None].repeat(3, axis=-1)
    seen = ops.convert_to_numpy(model.network_input({"rgb": gray})["lightness"])
    assert seen.shape == (1, 256, 1, 1)
    np.testing.assert_allclose(seen.ravel(), np.linspace(-1, 1, 256), atol=1e-4)


# --- bins -------------------------------------------------------------------------------------


def test_an_untrained_model_has_the_bins_around_gray():
    bins, grid = tiny().bins, uv_bins()
    assert len(bins) == 32
    kept = set(map(tuple, bins.centers.tolist()))
    farness = np.linalg.norm(grid.centers, axis=1)
    is_kept = np.array([tuple(center) in kept for center in grid.centers.tolist()])
    assert is_kept.sum() == 32
    assert farness[is_kept].max() <= farness[~is_kept].min() + 1e-6


def test_training_keeps_the_most_frequent_bins(photos, monkeypatch, counting_only):
    """Counted with scikit-image and NumPy; in two batches, the second one short."""
    monkeypatch.setattr(base, "_COUNTED_AT_ONCE", 4)
    model, centers = tiny(), uv_bins().centers
    model.fit(photos, **FIT)
    counts = uv_counts(photos).ravel()
    assert counts.sum() == 6 * 16 * 16
    kept = most_frequent_of(counts)
    assert counts[np.setdiff1d(np.arange(100), kept)].sum() > 0
    np.testing.assert_array_equal(model.bins.centers, centers[kept])
    stored = model.networks["decoder"].get_layer("bins").centers
    np.testing.assert_array_equal(ops.convert_to_numpy(stored), centers[kept])

    # What was not kept counts where its cell's center goes.
    goes_to = np.linalg.norm(centers[:, None] - centers[kept], axis=-1).argmin(axis=1)
    assert goes_to[kept].tolist() == list(range(32))
    prior = np.bincount(goes_to, counts, minlength=32) / counts.sum()
    weights = 1 / (0.8 * prior + 0.2 / 32)
    weights /= np.sum(prior * weights)
    assert weights.max() > 2 * weights.min()
    np.testing.assert_allclose(model.weights, weights, rtol=1e-4)


def test_the_bins_survive_saving(photos, tmp_path):
    model = tiny()
    untrained = model.bins.centers
    model.fit(photos, **FIT)
    chosen = model.bins.centers
    assert not np.array_equal(chosen, untrained)
    loaded = zoo.load_model(model.save(tmp_path))
    np.testing.assert_array_equal(loaded.bins.centers, chosen)
    assert loaded.bins.centers.dtype == np.float32
    assert loaded.bins.step == model.bins.step
    assert (loaded.bins.low, loaded.bins.high) == (model.bins.low, model.bins.high)
    lightness = np.linspace(0, 100, 32 * 32, dtype="float32").reshape(1, 32, 32, 1)
    for of in (ab_of, shares_of):
        np.testing.assert_array_equal(of(loaded, lightness), of(model, lightness))


def test_the_bins_survive_more_training(photos, tmp_path, counting_only):
    model = tiny()
    model.fit(photos, **FIT)
    chosen, weights = model.bins.centers.copy(), model.weights
    other_photos = zoo.sample_photos("test")
    # Which alone would have chosen otherwise.
    assert most_frequent_of(uv_counts(other_photos)) != most_frequent_of(uv_counts(photos))
    for trained in (zoo.load_model(model.save(tmp_path)), model):
        trained.fit(other_photos, **FIT)
        np.testing.assert_array_equal(trained.bins.centers, chosen)
        stored = trained.networks["decoder"].get_layer("bins").centers
        np.testing.assert_array_equal(ops.convert_to_numpy(stored), chosen)
        # How frequent they are is counted anew.
        assert abs(trained.weights / weights - 1).max() > 0.1


def test_a_plain_loss_chooses_the_bins_all_the_same(photos, counting_only):
    model = tiny(loss="plain")
    model.fit(photos, **FIT)
    kept = most_frequent_of(uv_counts(photos))
    np.testing.assert_array_equal(model.bins.centers, uv_bins().centers[kept])
    np.testing.assert_allclose(model.weights, 1, rtol=1e-6)


@pytest.mark.parametrize("color", [(255, 0, 0), (0, 0, 255), (0, 255, 0), (255, 255, 0)])
def test_colors_outside_the_kept_bins_go_to_the_nearest(color):
    model = tiny()
    rgb = np.full((1, 32, 32, 3), color, np.uint8)
    away = abs(model.bins.centers - rgb2yuv(rgb)[0, 0, 0, 1:])
    assert (away > np.array(model.bins.step) / 2).any(axis=1).all()
    nearest = np.linalg.norm(away, axis=1).argmin()
    logits = np.random.default_rng(0).normal(0, 3, (1, 16, 16, 32)).astype("float32")
    largest = logits.max(axis=-1, keepdims=True)
    logs = logits - largest - np.log(np.exp(logits - largest).sum(axis=-1, keepdims=True))
    expected = -logs[..., nearest].mean()
    assert float(model.loss({"rgb": rgb}, logits)) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    ("field", "value"),
    [("cells", 1), ("cells", 51), ("kept", 1), ("kept", 101)],
)
def test_configurations_that_cannot_work_are_refused(field, value):
    with pytest.raises(ZooError, match=field):
        tiny(**{field: value})


def test_other_cells_and_bins():
    model = tiny(cells=6, kept=36)
    np.testing.assert_array_equal(model.bins.centers, uv_bins(6).centers)
    assert shares_of(model, np.zeros((1, 8, 8, 1))).shape == (1, 4, 4, 36)


# --- colors -----------------------------------------------------------------------------------


def test_true_uv_on_the_gray_photo_is_nearly_the_true_color():
    model = tiny()
    for photo in zoo.sample_photos("all"):
        rgb = photo.read(160)
        lab = rgb2lab(rgb)
        uv = rgb2yuv(rgb)[..., 1:].astype("float32")
        ab = model.plane.to_ab(uv[None], spaces.rgb_to_lightness(rgb[None]))
        colored = np.concatenate([lab[..., :1], ops.convert_to_numpy(ab)[0]], axis=-1)
        assert deltaE_ciede2000(lab, colored).mean() < 0.5, photo.name


def test_no_uv_is_gray_and_uv_outside_the_gamut_is_clipped():
    model = tiny()
    lightness = np.linspace(0, 100, 101, dtype="float32").reshape(1, 101, 1, 1)
    gray = ops.convert_to_numpy(model.plane.to_ab(np.zeros((1, 101, 1, 2), "float32"), lightness))
    np.testing.assert_allclose(gray, 0, atol=0.02)
    wild = np.full((1, 101, 1, 2), (0.436, -0.615), "float32")
    ab = ops.convert_to_numpy(model.plane.to_ab(wild, lightness))
    assert np.isfinite(ab).all()
    assert ab[..., 0].min() > -87
    assert ab[..., 1].min() > -108.5

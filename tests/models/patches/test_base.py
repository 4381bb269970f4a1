"""What both patch classifiers have: the codebook, features, smoothing against brute force."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops
from scipy import ndimage

import zoo
from predictions import shares_of
from zoo import Budget, PhotoSet, preprocessing
from zoo.errors import ZooError
from zoo.models.patches.nearest import KNNConfig
from zoo.models.patches.som import SOMConfig

NAMES = ["knn_patches", "som_patches"]

every_patch_model = pytest.mark.parametrize("name", NAMES)
rng = np.random.default_rng


@pytest.fixture
def photos(photo_folder):
    return PhotoSet.from_folder(photo_folder)


def tiny(name, **config):
    return zoo.create_model(name, "tiny", **config)


def fitted(name, photos, **config):
    model = tiny(name, **config)
    model.fit(photos, budget=Budget(photos_seen=48), size=32, precision="float32")
    return model


def as_numpy(tensor):
    return ops.convert_to_numpy(tensor)


@every_patch_model
def test_the_codebook_is_learned_stored_and_loaded(name, photos, tmp_path):
    model = fitted(name, photos)
    assert (model.codebook.colors != tiny(name).codebook.colors).any()
    loaded = zoo.load_model(model.save(tmp_path / "model"))
    np.testing.assert_array_equal(loaded.codebook.colors, model.codebook.colors)
    assert len(loaded.codebook) == 9


def test_the_picture_shows_each_unit_in_its_place():
    from skimage.color import lab2rgb

    model = tiny("som_patches")
    picture = model.codebook_picture(unit_side=20)
    assert picture.dtype == np.uint8
    places = model.codebook.places()
    pixels = np.round((places - places.min(axis=0) + 0.5) * 20).astype(int)
    lab = np.concatenate([np.full((9, 1), 65.0), model.codebook.colors], axis=1)
    expected = np.round(255 * lab2rgb(lab[None])[0])
    shown = picture[pixels[:, 0], pixels[:, 1]].astype(float)
    assert np.abs(shown - expected).max() <= 1


@every_patch_model
def test_distributions_sum_to_one_and_give_a_confidence(name, photos):
    model = fitted(name, photos)
    lightness = rng(0).uniform(0, 100, (2, 20, 30, 1)).astype("float32")
    distribution = shares_of(model, lightness)
    assert distribution.shape == (2, 10, 15, 9)
    np.testing.assert_allclose(distribution.sum(axis=-1), 1.0, atol=1e-5)
    sure = model.confidence(photos[0].read())
    assert sure.shape == photos[0].read().shape[:2]
    assert ((sure >= 0) & (sure <= 1)).all()


@every_patch_model
def test_the_presets_are_what_the_text_says(name):
    for preset in ("paper", "compact"):
        config = zoo.create_model(name, preset, **({"table_rows": 100} if "knn" in name else {}))
        assert 2500 <= config.config.samples <= 3000
    paper = zoo.create_model(name, "paper", **({"table_rows": 100} if "knn" in name else {}))
    assert (paper.config.plane, paper.config.smoothing, paper.config.stride) == ("uv", 0, 1)
    assert paper.features.described == paper.features.width == 81


@every_patch_model
def test_the_paper_s_patches_are_the_photo_s_lightness(name, photos):
    """Nothing is subtracted and nothing divided, once it has learned, either."""
    small = {"table_rows": 100} if "knn" in name else {}
    model = zoo.create_model(name, "paper", samples=200, map_rows=3, map_columns=3, **small)
    model.fit(photos, budget=Budget(photos_seen=16), size=32, precision="float32")
    lightness = rng(0).uniform(0, 1, (1, 12, 15, 1)).astype("float32")
    found = as_numpy(model.features(lightness))
    padded = np.pad(lightness[0, ..., 0], 4, mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (9, 9))
    np.testing.assert_allclose(found[0], windows.reshape(12, 15, 81), atol=1e-6)


@every_patch_model
@pytest.mark.parametrize(("standardized", "share"), [(True, 0.4), (False, 0.7)])
def test_learns_colors_that_follow_from_the_patch(name, standardized, share, tmp_path):
    """Stripes are red, smooth parts are blue: only the patch can tell.

    Raw patches, which are alike but for their level, teach more slowly.
    """
    from PIL import Image

    for number in range(4):
        rgb = np.zeros((64, 64, 3), np.uint8)
        rgb[...] = (60, 94, 255)  # as light as the light stripes
        stripes = np.arange(64) % 4 < 2
        half = slice(0, 32) if number % 2 else slice(32, 64)
        rgb[half] = np.where(stripes[None, :, None], (201, 60, 60), (110, 20, 20))
        Image.fromarray(rgb).save(tmp_path / f"{number}.png")
    photos = PhotoSet.from_folder(tmp_path)
    model = tiny(name, stride=1, standardized=standardized)
    model.fit(photos, budget=Budget(photos_seen=600), size=64, precision="float32")
    report = zoo.evaluate(model, photos)
    gray = zoo.evaluate(zoo.create_model("gray"), photos)
    assert report.summary()["ab_rmse"].mean < share * gray.summary()["ab_rmse"].mean


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"patch_side": 4}, "patch_side must be odd"),
        ({"scales": (1, 2)}, "scales must be odd"),
        ({"scales": ()}, "scales must be odd"),
        ({"stride": 0}, "stride"),
        ({"plane": "rgb"}, "plane"),
        ({"map_rows": 1}, "map_rows"),
        ({"whitening": 2.0}, "whitening"),
        ({"smoothing": -1}, "smoothing"),
    ],
)
def test_refuses_configurations_that_make_no_sense(change, message):
    for config in (KNNConfig, SOMConfig):
        with pytest.raises(ZooError, match=message):
            config(**change)


@pytest.mark.parametrize(
    ("config", "change", "message"),
    [
        (KNNConfig, {"table_rows": 10}, "table_rows must be at least 72"),
        (KNNConfig, {"group": 0}, "group"),
        (SOMConfig, {"hidden": (0,)}, "hidden"),
        (SOMConfig, {"learning_rate": 0.0}, "learning_rate"),
        (SOMConfig, {"uniform_share": 0.0}, "uniform_share"),
    ],
)
def test_refuses_settings_of_one_that_make_no_sense(config, change, message):
    with pytest.raises(ZooError, match=message):
        config(**change)


# ---------------------------------------------------------------------- smoothing


def box(image, radius):
    return ndimage.uniform_filter(image, 2 * radius + 1, mode="mirror")


@pytest.mark.core
@given(seed=st.integers(0, 2**32 - 1), radius=st.integers(1, 3))
@settings(max_examples=20, deadline=None)
def test_the_guided_filter_is_its_definition(seed, radius):
    """At one size, channel by channel, in float64 (He et al. 2013, equations 5 to 8)."""
    generator = rng(seed)
    image, guide = generator.normal(0, 10, (9, 11)), generator.random((9, 11))
    covariance = box(image * guide, radius) - box(image, radius) * box(guide, radius)
    variance = box(guide * guide, radius) - box(guide, radius) ** 2
    slope = covariance / (variance + 1e-3)
    offset = box(image, radius) - slope * box(guide, radius)
    expected = box(slope, radius) * guide + box(offset, radius)
    x, g = (part[None, ..., None].astype("float32") for part in (image, guide))
    found = as_numpy(preprocessing.guided_resize(x, g, g, radius, 1e-3))[0, ..., 0]
    np.testing.assert_allclose(found, expected, atol=5e-2)


def test_enlarging_follows_the_guides_edges():
    fine = np.zeros((1, 32, 32, 1), "float32")
    fine[:, :, 13:] = 1.0
    coarse = as_numpy(ops.average_pool(fine, 4, 4))
    ab = np.where(fine[..., :1] > 0, 40.0, -40.0).astype("float32")
    small = as_numpy(ops.average_pool(ab, 4, 4))
    guided = as_numpy(preprocessing.guided_resize(small, coarse, fine, 1, 1e-3))
    plain = as_numpy(preprocessing.resize(small, (32, 32)))
    assert np.abs(guided - ab).mean() < 0.2 * np.abs(plain - ab).mean()


def test_isolated_wrong_pixels_vanish():
    ab = np.zeros((1, 20, 20, 1), "float32")
    ab[:, 10, 10] = 50
    guide = np.full((1, 20, 20, 1), 0.5, "float32")
    assert as_numpy(preprocessing.guided_resize(ab, guide, guide, 2, 1e-3)).max() < 5


def test_reflection_is_numpys():
    image = rng(0).random((2, 5, 7, 3)).astype("float32")
    expected = np.pad(image, ((0, 0), (4, 4), (4, 4), (0, 0)), mode="reflect")
    np.testing.assert_array_equal(as_numpy(preprocessing.reflect_around(image, 4)), expected)


def test_smoothing_changes_the_colors_and_only_where_asked(photos):
    model = fitted("knn_patches", photos)
    plain = tiny("knn_patches", smoothing=0)
    for key, variable in plain.variables().items():
        variable.assign(model.variables()[key])
    photo = photos[0].read()
    assert (model.colorize(photo) != plain.colorize(photo)).any()

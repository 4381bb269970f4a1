"""The patch classifiers: votes against scikit-learn, smoothing against brute force, privacy."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops
from scipy import ndimage
from sklearn.neighbors import KNeighborsClassifier

import zoo
from zoo import Budget, PhotoSet, preprocessing
from zoo.errors import ZooError
from zoo.models.patches.patches import KNNConfig, NearestVotes, SOMConfig

rng = np.random.default_rng
NAMES = ["knn_patches", "som_patches"]

every_patch_model = pytest.mark.parametrize("name", NAMES)


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


# ---------------------------------------------------------------------- nearest neighbors


def voting(table, labels, clusters, counts=None, rows=None):
    votes = NearestVotes(rows or len(table), clusters)
    votes.build((None, None, None, table.shape[1]), (None,), (None,))
    votes.fill(
        table.astype("float32"),
        labels.astype("int32"),
        np.ones(len(table), "float32") if counts is None else counts,
    )
    return votes


def shares(votes, queries, k, power=0.0):
    numbers = (np.full(1, number, "float32") for number in (k, power))
    return np.exp(as_numpy(votes(queries[None, None].astype("float32"), *numbers)))[0, 0]


def reference(table, labels, k, weights="uniform"):
    classifier = KNeighborsClassifier(k, weights=weights, algorithm="brute")
    return classifier.fit(table.astype("float64"), labels)


@pytest.mark.core
@given(
    seed=st.integers(0, 2**32 - 1),
    k=st.integers(1, 64),
    scale=st.sampled_from([0.01, 1.0, 100.0]),
    weights=st.sampled_from(["uniform", "distance"]),
)
@settings(max_examples=25, deadline=None)
def test_votes_are_scikit_learns_in_float64(seed, k, scale, weights):
    generator = rng(seed)
    # Features are float32 in both; near the origin of a far cloud fast distances lose digits.
    table = (generator.normal(3, scale, (300, 5))).astype("float32")
    queries = (generator.normal(3, scale, (20, 5))).astype("float32")
    labels = np.append(np.arange(7), generator.integers(0, 7, 293))
    classifier = reference(table, labels, k, weights)
    found = shares(voting(table, labels, 7), queries, k, power=float(weights == "distance"))
    np.testing.assert_allclose(found, classifier.predict_proba(queries), atol=2e-4)


@pytest.mark.core
def test_ties_go_to_the_lowest_row():
    """Of eight patches at one distance, the first three vote: scikit-learn's order in float64."""
    table = np.array([[1, 0], [0, 1], [-1, 0], [0, -1]] * 2 + [[5, 5]] * 92, "float32")
    labels = np.array([4, 1, 2, 3, 0, 0, 0, 0] + [5] * 92)
    found = shares(voting(table, labels, 6), np.zeros((1, 2)), 3)
    np.testing.assert_allclose(found, [[0, 1 / 3, 1 / 3, 0, 1 / 3, 0]], atol=1e-6)


def test_votes_in_a_grid_of_whole_numbers_are_scikit_learns():
    """Distances tie all the time; one scikit-learn would need the same order to agree."""
    generator = rng(0)
    table = generator.integers(0, 4, (200, 3)).astype("float64")
    labels = np.append(np.arange(5), generator.integers(0, 5, 195))
    queries = generator.integers(0, 4, (50, 3)).astype("float64")
    squares = ((queries[:, None] - table[None]) ** 2).sum(axis=-1)
    order = np.argsort(squares, axis=1, kind="stable")[:, :10]
    expected = np.array([np.bincount(labels[rows], minlength=5) / 10 for rows in order])
    found = shares(voting(table, labels, 5), queries, 10)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_patch_at_no_distance_outvotes_all_others():
    table = np.concatenate([np.full((1, 2), 3.0), rng(0).normal(3, 1e-3, (99, 2))])
    labels = np.append(1, np.zeros(99, int))
    votes = voting(table, labels, 2)
    np.testing.assert_allclose(shares(votes, table[:1], 20, power=1), [[0, 1]], atol=1e-6)
    np.testing.assert_allclose(shares(votes, table[:1], 20, power=0), [[0.95, 0.05]], atol=1e-6)


def test_rows_count_as_often_as_they_stand_for_patches():
    table = np.array([[0.0], [1.0], *([[9.0]] * 98)])
    votes = voting(table, np.append([0, 1], np.full(98, 2)), 3, np.append([3, 1], np.ones(98)))
    np.testing.assert_allclose(shares(votes, np.array([[0.4]]), 2), [[0.75, 0.25, 0]], atol=1e-6)


def test_unused_rows_never_vote_and_an_empty_table_knows_nothing():
    table, labels = rng(0).normal(0, 1, (30, 4)), rng(1).integers(0, 3, 30)
    found = shares(voting(table, labels, 3, rows=500), rng(2).normal(0, 9, (10, 4)), 64)
    np.testing.assert_allclose(found, np.tile(np.bincount(labels) / 30, (10, 1)), atol=1e-6)
    nothing = voting(np.zeros((0, 4)), np.zeros(0), 3, rows=80)
    logits = as_numpy(nothing(np.zeros((1, 1, 2, 4), "float32"), np.ones(1), np.zeros(1)))
    assert np.ptp(logits) == 0


def test_more_queries_than_one_chunk_give_the_same():
    table, labels = rng(0).normal(0, 1, (400, 6)), rng(1).integers(0, 5, 400)
    queries = rng(2).normal(0, 1, (700, 6))
    votes = voting(table, labels, 5)
    alone = np.concatenate([shares(votes, queries[i : i + 70], 9) for i in range(0, 700, 70)])
    np.testing.assert_allclose(shares(votes, queries, 9), alone, atol=1e-6)
    expected = reference(table.astype("float32"), labels, 9).predict_proba(
        queries.astype("float32")
    )
    np.testing.assert_allclose(alone, expected, atol=1e-6)


def test_the_most_likely_cluster_is_what_scikit_learn_predicts(photos):
    """At temperature 0, in which equal votes go to the lowest cluster."""
    model = fitted("knn_patches", photos, smoothing=0)
    votes = model.networks["colorizer"].get_layer("votes")
    used = as_numpy(votes.counts) > 0
    table, labels = as_numpy(votes.table)[used], as_numpy(votes.labels)[used]
    votes.fill(table, labels, np.ones(len(table), "float32"))
    lightness = rng(0).uniform(0, 100, (1, 24, 32, 1)).astype("float32")
    features = as_numpy(model.features(lightness / 100)).reshape(-1, table.shape[1])
    predicted = reference(table, labels, 4).predict(features)
    ab = model.predict_ab(lightness, k=4, temperature=0.0)
    whole = preprocessing.resize(model.bins.centers[predicted].reshape(1, 12, 16, 2), (24, 32))
    np.testing.assert_allclose(ab, as_numpy(whole), atol=1e-4)


def test_options_change_the_votes(photos):
    model = fitted("knn_patches", photos)
    lightness = rng(0).uniform(0, 100, (1, 16, 16, 1)).astype("float32")
    few, many = (model.predict_distribution(lightness, k=k) for k in (1, 40))
    assert few.shape == (1, 8, 8, 9)
    np.testing.assert_allclose(few.max(axis=-1), 1.0, atol=1e-6)
    assert many.max(axis=-1).mean() < 0.9
    nearer = model.predict_distribution(lightness, k=40, weights=3)
    assert (nearer != many).any()
    with pytest.raises(ZooError, match=r"Option k .*neighbors"):
        model.predict_ab(lightness, k=65)


def test_a_smaller_budget_takes_a_random_part_of_the_photos(photos):
    model = tiny("knn_patches")
    history = model.fit(photos, budget=Budget(photos_seen=2), size=32)
    assert history.photos_seen == 2
    assert history.details["patches"] == 400


def test_balance_stores_rare_colors_more_often(tmp_path):
    from PIL import Image

    rgb = np.full((40, 40, 3), (110, 120, 110), np.uint8)
    rgb[:4, :4] = (250, 20, 20)
    rgb = rgb + rng(0).integers(0, 6, rgb.shape, dtype=np.uint8)
    Image.fromarray(rgb).save(tmp_path / "photo.png")
    photos, reds = PhotoSet.from_folder(tmp_path), []
    for balance in (0.0, 0.95):
        model = fitted("knn_patches", photos, balance=balance, samples=1024, table_rows=72, group=1)
        votes = model.networks["colorizer"].get_layer("votes")
        red = model.bins.centers[as_numpy(votes.labels)][:, 0] > 40
        reds.append(np.sum(as_numpy(votes.counts) * red))
    assert reds[1] > 3 * max(reds[0], 1)


# ---------------------------------------------------------------------- what a table tells


def test_no_patch_of_a_training_photo_can_be_read_off_the_table(tmp_path):
    """Stored rows keep a distance from the patches they were made of, as from strangers' patches.

    At least a quarter of that; were patches stored as they are, it would be 0.
    """
    from PIL import Image
    from skimage import data

    # The left half of a photo is trained on, the right half is the strangers'.
    whole = data.coffee()[:384, :512]
    for name, part in (("train", whole[:, :256]), ("other", whole[:, 256:])):
        (tmp_path / name).mkdir()
        Image.fromarray(part).save(tmp_path / name / "photo.png")
    photos = PhotoSet.from_folder(tmp_path / "train")
    model = zoo.create_model(
        "knn_patches", "paper", samples=3000, table_rows=3000, map_rows=4, map_columns=4
    )
    model.fit(photos, budget=Budget(photos_seen=1), size=64)
    votes = model.networks["colorizer"].get_layer("votes")
    counts = as_numpy(votes.counts)
    assert counts[counts > 0].min() >= 4
    rows = as_numpy(votes.table)[counts > 0]

    def nearest(folder):
        rgb = PhotoSet.from_folder(tmp_path / folder)[0].read(64)[:64, :64]
        lightness = as_numpy(zoo_lightness(rgb))
        patches = as_numpy(model.features(lightness)).reshape(-1, rows.shape[1])
        squares = (rows**2).sum(axis=1)[:, None] - 2 * rows @ patches.T + (patches**2).sum(axis=1)
        return np.sqrt(np.maximum(squares.min(axis=1), 0))

    own, strangers = np.median(nearest("train")), np.median(nearest("other"))
    assert own > 0.25 * strangers
    assert own > 0.5


def zoo_lightness(rgb):
    from zoo.color.spaces import rgb_to_lightness

    return rgb_to_lightness(rgb[None]) / 100.0


# ---------------------------------------------------------------------- both


@every_patch_model
def test_the_codebook_is_learned_stored_and_loaded(name, photos, tmp_path):
    model = fitted(name, photos)
    assert (model.codebook.colors != tiny(name).codebook.colors).any()
    loaded = zoo.load_model(model.save(tmp_path / "model"))
    np.testing.assert_array_equal(loaded.codebook.colors, model.codebook.colors)
    assert (len(loaded.codebook), loaded.codebook.topology) == (9, "hexagonal")


@pytest.mark.parametrize("topology", ["rectangular", "hexagonal"])
def test_the_picture_shows_each_unit_in_its_place(topology):
    from skimage.color import lab2rgb

    model = tiny("som_patches", topology=topology)
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
    distribution = model.predict_distribution(lightness)
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
    assert (paper.config.plane, paper.config.smoothing) == ("uv", 0)
    assert paper.features.described == paper.features.width == 81


@every_patch_model
def test_learns_colors_that_follow_from_the_patch(name, tmp_path):
    """Stripes are red, smooth parts are blue: only the patch can tell."""
    from PIL import Image

    for number in range(4):
        rgb = np.zeros((64, 64, 3), np.uint8)
        rgb[...] = (60, 60, 190)
        stripes = np.arange(64) % 4 < 2
        half = slice(0, 32) if number % 2 else slice(32, 64)
        rgb[half] = np.where(stripes[None, :, None], (200, 60, 60), (110, 20, 20))
        Image.fromarray(rgb).save(tmp_path / f"{number}.png")
    photos = PhotoSet.from_folder(tmp_path)
    model = tiny(name, stride=1)
    model.fit(photos, budget=Budget(photos_seen=600), size=64, precision="float32")
    report = zoo.evaluate(model, photos)
    gray = zoo.evaluate(zoo.create_model("gray"), photos)
    assert report.summary()["ab_rmse"].mean < 0.4 * gray.summary()["ab_rmse"].mean


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
        (KNNConfig, {"balance": 1.0}, "balance"),
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


def test_networks_hold_everything_that_is_learned(photos, tmp_path):
    """A model without its Python state predicts the same: all of it is in the weights."""
    model = fitted("knn_patches", photos)
    again = tiny("knn_patches", seed=9)
    keras_values = {key: as_numpy(value) for key, value in model.variables().items()}
    for key, variable in again.variables().items():
        variable.assign(keras_values[key])
    assert isinstance(again.networks["colorizer"], keras.Model)
    lightness = rng(0).uniform(0, 100, (1, 16, 16, 1)).astype("float32")
    np.testing.assert_array_equal(again.predict_ab(lightness), model.predict_ab(lightness))

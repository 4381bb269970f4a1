"""The table of patches: votes against scikit-learn, privacy."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops
from sklearn.neighbors import KNeighborsClassifier

import zoo
from predictions import ab_of, shares_of
from zoo import Budget, PhotoSet, preprocessing
from zoo.errors import ZooError
from zoo.models.patches.nearest import NearestVotes

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


def voting(table, labels, clusters, counts=None, rows=None):
    votes = NearestVotes(rows or len(table), clusters)
    votes.build((None, None, None, table.shape[1]))
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
    ab = ab_of(model, lightness, k=4, temperature=0.0)
    whole = preprocessing.resize(model.bins.centers[predicted].reshape(1, 12, 16, 2), (24, 32))
    np.testing.assert_allclose(ab, as_numpy(whole), atol=1e-4)


def test_options_change_the_votes(photos):
    model = fitted("knn_patches", photos)
    lightness = rng(0).uniform(0, 100, (1, 16, 16, 1)).astype("float32")
    few, many = (shares_of(model, lightness, k=k) for k in (1, 40))
    assert few.shape == (1, 8, 8, 9)
    np.testing.assert_allclose(few.max(axis=-1), 1.0, atol=1e-6)
    assert many.max(axis=-1).mean() < 0.9
    nearer = shares_of(model, lightness, k=40, weights=3)
    assert (nearer != many).any()
    with pytest.raises(ZooError, match=r"Option k .*neighbors"):
        ab_of(model, lightness, k=65)


def test_a_smaller_budget_takes_a_random_part_of_the_photos(photos):
    model = tiny("knn_patches")
    history = model.fit(photos, budget=Budget(photos_seen=2), size=32)
    assert history.photos_seen == 2
    assert history.details["patches"] == 400


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
    assert own > 0.5 * rows.std()


def zoo_lightness(rgb):
    from zoo.color.spaces import rgb_to_lightness

    return rgb_to_lightness(rgb[None]) / 100.0


def test_networks_hold_everything_that_is_learned(photos, tmp_path):
    """A model without its Python state predicts the same: all of it is in the weights."""
    model = fitted("knn_patches", photos)
    again = tiny("knn_patches", seed=9)
    keras_values = {key: as_numpy(value) for key, value in model.variables().items()}
    for key, variable in again.variables().items():
        variable.assign(keras_values[key])
    assert isinstance(again.networks["colorizer"], keras.Model)
    lightness = rng(0).uniform(0, 100, (1, 16, 16, 1)).astype("float32")
    np.testing.assert_array_equal(ab_of(again, lightness), ab_of(model, lightness))


def test_trained_further_it_is_as_if_it_had_seen_only_the_new_photos(photos):
    """The table is of the last photos alone, and so are codebook and projection."""
    model = fitted("knn_patches", photos[:3])
    model.fit(photos[3:], budget=Budget(photos_seen=48), size=32)
    new = fitted("knn_patches", photos[3:])
    for name, value in new.weight_values().items():
        np.testing.assert_array_equal(model.weight_values()[name], value, err_msg=name)
    assert not np.array_equal(new.bins.centers, fitted("knn_patches", photos[:3]).bins.centers)

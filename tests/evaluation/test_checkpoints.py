"""The models that a training keeps on its way."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import make_photo_folder

import zoo
from zoo import Budget, PhotoSet
from zoo.errors import ZooError
from zoo.evaluation import checkpoints
from zoo.files import sha256_of_file
from zoo.models.adversarial.rounds import sample_squares
from zoo.photos.decoding import read_rgb

FIT = {"size": 32, "precision": "float32", "budget": Budget(photos_seen=48)}


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    return PhotoSet.from_folder(make_photo_folder(tmp_path_factory.mktemp("data")))


@pytest.fixture(scope="module")
def finished(photos, tmp_path_factory):
    """A finished run; its model is saved as `zoo train` does. Nobody writes into it."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    model = zoo.create_model("gan:tiny")
    model.fit(photos, photos, run_dir=folder, **FIT)
    model.save(folder)
    return folder


@pytest.fixture
def run_dir(finished, tmp_path):
    return Path(shutil.copytree(finished, tmp_path / "run"))


def test_every_round_is_kept_with_its_scores_the_best_first(run_dir):
    found = checkpoints.stored(run_dir)
    curves = zoo.load_model(run_dir).card.training.curves
    assert len(found) == len(curves["loss"]) == 12
    assert [one.score for one in found] == sorted(one.score for one in found)
    for one in found:
        index = int(one.name) - 1
        assert one.photos_seen == curves["photos_seen"][index]
        for name, value in one.scores.items():
            assert value == curves[name][index]
    assert [one.chosen for one in found] == [True] + [False] * 11


def test_a_kept_model_is_a_model_like_any_other(run_dir, photos):
    best = checkpoints.stored(run_dir)[0]
    photo = photos[0].read()
    kept, final = zoo.load_model(best.path), zoo.load_model(run_dir)
    np.testing.assert_array_equal(kept.colorize(photo), final.colorize(photo))
    assert kept.defaults == final.defaults


def test_another_one_can_be_picked(run_dir):
    other = checkpoints.stored(run_dir)[-1]
    before = zoo.load_model(run_dir).card.training
    checkpoints.pick(run_dir, other.name)
    assert sha256_of_file(run_dir / "weights.npz") == sha256_of_file(other.path / "weights.npz")
    model = zoo.load_model(run_dir)
    assert model.card.training == before
    assert model.card.checkpoint.name == other.name
    assert [one.name for one in checkpoints.stored(run_dir) if one.chosen] == [other.name]


def test_samples_are_the_same_photos_in_the_colors_of_each(run_dir, photos):
    squares = sample_squares(photos, 32)
    truth = read_rgb(run_dir / "checkpoints/truth.png")
    np.testing.assert_array_equal(truth, np.concatenate(list(squares), axis=1))
    for one in checkpoints.stored(run_dir)[:2]:
        made = zoo.load_model(one.path).colorize_batch(squares)
        samples = read_rgb(one.path / "samples.png")
        np.testing.assert_array_equal(samples, np.concatenate(list(made), axis=1))


def test_of_an_unfinished_training_none_is_picked(run_dir):
    (run_dir / "card.json").unlink()
    name = checkpoints.stored(run_dir)[0].name
    with pytest.raises(ZooError, match="has not ended"):
        checkpoints.pick(run_dir, name)


def test_a_damaged_card_says_so(run_dir):
    (run_dir / "checkpoints/003/card.json").write_text("{}")
    with pytest.raises(ZooError, match="not the card of a checkpoint"):
        checkpoints.stored(run_dir)

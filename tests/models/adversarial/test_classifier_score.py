"""The entropy-based score of a classifier's answers."""

import numpy as np
import pytest
from hub_modules import save_module
from scipy.stats import entropy

import zoo
from zoo import Budget, PhotoSet
from zoo.errors import ZooError
from zoo.models.adversarial.classifier_score import ClassifierScore, diversity


def test_it_is_the_exponential_of_the_mean_divergence():
    logits = np.random.default_rng(0).normal(0, 3, (50, 7))
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    mean = shares.mean(axis=0)
    expected = np.exp(np.mean([entropy(row, mean) for row in shares]))
    assert diversity(logits) == pytest.approx(expected, rel=1e-9)
    assert diversity(logits + 1e4) == pytest.approx(expected, rel=1e-6)


def test_equal_answers_score_one_and_sure_different_ones_their_number():
    assert diversity(np.tile([3.0, 1.0, 0.0], (9, 1))) == pytest.approx(1)
    assert diversity(1e3 * np.eye(5)) == pytest.approx(5)


@pytest.mark.usefixtures("eager")
def test_each_round_of_a_training_is_scored(photo_folder, tmp_path):
    photos = PhotoSet.from_folder(photo_folder)
    module = save_module(tmp_path / "module")
    model = zoo.create_model("gan:tiny", classifier=f"hub:{module}")
    settings = {"budget": Budget(photos_seen=32), "size": 32, "precision": "float32"}
    history = model.fit(photos, photos, run_dir=tmp_path / "run", **settings)
    scores = history.curves["val_classifier_score"]
    assert len(scores) == 8
    assert all(1 <= score <= 9 for score in scores)
    # The kept weights give the best round's score again.
    score = ClassifierScore(f"hub:{module}", photos, 32)(model)
    assert score == pytest.approx(scores[history.details["best_round"]], rel=1e-4)


def test_only_inception_v3_gives_an_inception_score(photo_folder, tmp_path):
    photos = PhotoSet.from_folder(photo_folder)
    assert ClassifierScore("keras:InceptionV3", photos, 32).name == "inception_score"
    assert ClassifierScore("keras:VGG16", photos, 32).name == "classifier_score"
    with pytest.raises(ZooError, match="no trained classifier"):
        ClassifierScore("scratch", photos, 32)

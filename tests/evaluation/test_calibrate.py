"""Choosing a temperature: measured as `evaluate` does, and decided by one rule."""

import json

import numpy as np
import pytest
from studies import decided_model, study_of

import zoo
from predictions import CountingRunner
from zoo.errors import ZooError
from zoo.evaluation import calibrate
from zoo.evaluation.calibrate import choose, choose_saturation, choose_vivid, study
from zoo.evaluation.evaluate import evaluate
from zoo.metrics import Pair
from zoo.metrics.scores import colorfulness


@pytest.fixture
def model():
    return decided_model()


def test_a_study_holds_what_evaluate_says(model, photo_folder):
    photos = zoo.PhotoSet.from_folder(photo_folder)
    found = study(model, photos, (1.0, 0.0, 1), size=24)
    assert found.temperatures == (0.0, 1.0)
    assert (found.model, found.photos, found.size) == ("zhang:tiny", 6, 24)
    assert found.fingerprint == photos.fingerprint
    for row, chosen in enumerate(found.temperatures):
        summary = evaluate(model, photos, size=24, temperature=chosen).summary()
        assert {name: figures[row] for name, figures in found.figures.items()} == {
            name: summary[name] for name in calibrate.METRICS
        }
    # The higher temperature mixes more bins, and mixtures are duller.
    vivid, muted = found.means("colorfulness")
    assert vivid > muted + 1
    gray = evaluate(zoo.create_model("gray"), photos, size=24).summary()
    assert found.gray == {name: gray[name].mean for name in calibrate.METRICS}
    assert found.gray["colorfulness"] == 0.0
    # Of gray photos the difference to the true colorfulness is all of it.
    assert found.true_colorfulness == pytest.approx(gray["delta_colorfulness"].mean)
    assert json.loads(json.dumps(found.to_json()))["temperatures"] == [0.0, 1.0]


def test_other_options_keep_the_models_defaults(model, photo_folder):
    photos = zoo.PhotoSet.from_folder(photo_folder)
    expected = evaluate(model, photos, temperature=0.5, render_factor=2).summary()["auc"]
    model.defaults["render_factor"] = 2
    assert study(model, photos, [0.5]).figures["auc"] == (expected,)
    model.defaults["render_factor"] = 8
    assert study(model, photos, [0.5]).figures["auc"] != (expected,)


def test_a_study_refuses(model, photo_folder):
    photos = zoo.PhotoSet.from_folder(photo_folder)
    able = "zhang, colorunet, knn_patches, som_patches"
    for name in ("mse_regression:tiny", "gray"):
        with pytest.raises(ZooError, match=rf"no temperature.*: {able}\.$"):
            study(zoo.create_model(name), photos)
    with pytest.raises(ZooError, match="0 to 10"):
        study(model, photos, (0.5, -1))
    with pytest.raises(ZooError, match="at least one"):
        study(model, photos, ())


# ------------------------------------------------------------------ chosen


@pytest.mark.parametrize(
    ("auc", "delta", "chosen"),
    [
        ((0.85, 0.86, 0.87), (1.0, 4.0, 9.0), 1.0),  # the others cost accuracy
        ((0.8692, 0.8695, 0.87), (1.0, 4.0, 9.0), 0.0),  # near enough: the truest colorfulness
        ((0.8692, 0.8695, 0.87), (9.0, 2.0, 4.0), 0.5),
        ((0.8689, 0.8695, 0.87), (1.0, 4.0, 9.0), 0.5),  # the truest one costs too much
        ((0.87, 0.8695, 0.8692), (3.0, 3.0, 9.0), 0.5),  # of equals the highest
        ((0.5,), (9.0,), 0.0),
    ],
)
def test_the_chosen_temperature(auc, delta, chosen):
    assert choose(study_of(auc, delta)) == chosen


@pytest.mark.parametrize(
    ("auc", "made", "chosen"),
    [
        # The best AuC is at 1, and 0.5 is within 0.001 of it: that is vivid enough.
        ((0.85, 0.8995, 0.9), (30, 25, 20), 0.5),
        # It is too muted: the highest that is vivid and not below gray.
        ((0.85, 0.8995, 0.9), (30, 23, 20), 0.0),
        # All that is vivid is below gray, and all is muted.
        ((0.79, 0.8995, 0.9), (30, 23, 20), 0.5),
        ((0.85, 0.8995, 0.9), (20, 19, 18), 0.5),
        # What is vivid again above the choice is no reason to go there.
        ((0.85, 0.9, 0.85), (20, 19, 25), 0.5),
    ],
)
def test_the_vivid_temperature_costs_nothing_against_gray(auc, made, chosen):
    delta = [30 - value for value in made]
    found = study_of(auc, delta, (0.0, 0.5, 1.0), colorfulness=made)
    assert choose_vivid(found) == chosen


@pytest.fixture
def dull(photo_folder):
    """A generator whose colors have about two thirds of the photos' colorfulness, and these."""
    photos = zoo.PhotoSet.from_folder(photo_folder)
    model = zoo.create_model("gan:tiny", train_size=16)
    model.defaults["render_factor"] = 1
    last = model.networks["colorizer"].trainable_variables[-1]
    last.assign([0.2, 0.2])
    last.assign(np.array([0.2, 0.2]) * 0.65 / share(model, photos, 1.0))
    return model, photos


def share(model, photos, saturation):
    """The colorfulness of colored photos, as a share of that of the true ones."""
    true = [photo.read() for photo in photos]
    made = [model.colorize(rgb, saturation=saturation) for rgb in true]
    made, true = (np.mean([colorfulness(Pair(one, one)) for one in some]) for some in (made, true))
    return made / true


def test_the_saturation_is_the_lowest_that_is_colorful_enough(dull):
    model, photos = dull
    found, colorful = choose_saturation(model, photos)
    assert 1 < found < 2
    assert share(model, photos, found) >= 0.8 > share(model, photos, found - 0.05)
    assert colorful == pytest.approx(share(model, photos, found))
    assert model.defaults["saturation"] == 1.0
    # Where none is enough, the highest one comes nearest.
    found, colorful = choose_saturation(model, photos, (0.5, 0.6))
    assert (found, colorful) == (0.6, pytest.approx(share(model, photos, 0.6)))


def test_studies_run_the_network_once_a_batch(model, dull):
    """Six photos of one shape are a batch, whatever is tried."""
    generator, photos = dull
    for one, choice in ((model, study), (generator, choose_saturation)):
        one.runner = CountingRunner()
        choice(one, photos)
        assert one.runner.calls == 1

"""Choosing a temperature: measured as `evaluate` does, and decided by one rule."""

import json

import pytest
from studies import decided_model, study_of

import zoo
from zoo.errors import ZooError
from zoo.evaluation import calibrate
from zoo.evaluation.calibrate import choose, study
from zoo.evaluation.evaluate import evaluate


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

"""Choosing a temperature: measured as `evaluate` does, and decided by one rule."""

import json

import numpy as np
import pytest
from studies import decided_model, study_of

import zoo
from predictions import CountingRunner
from zoo.errors import ZooError
from zoo.evaluation import calibrate
from zoo.evaluation.calibrate import choose, choose_vivid, store, study, vividness_option
from zoo.evaluation.evaluate import evaluate
from zoo.evaluation.report import compare
from zoo.metrics import Pair
from zoo.metrics.scores import colorfulness


@pytest.fixture
def model():
    return decided_model()


def test_a_study_holds_what_evaluate_says(model, photo_folder):
    photos = zoo.PhotoSet.from_folder(photo_folder)
    found = study(model, photos, (1.0, 0.0, 1), size=24)
    assert found.values == (0.0, 1.0)
    assert (found.model, found.photos, found.size) == ("zhang:tiny", 6, 24)
    assert found.fingerprint == photos.fingerprint
    for row, chosen in enumerate(found.values):
        summary = evaluate(model, photos, size=24, temperature=chosen).summary()
        assert {name: figures[row] for name, figures in found.figures.items()} == {
            name: summary[name] for name in calibrate.METRICS
        }
    # The higher temperature mixes more bins, and mixtures are duller.
    vivid, muted = found.means("colorfulness")
    assert vivid > muted + 1
    of_gray = evaluate(zoo.create_model("gray"), photos, size=24)
    gains = [
        compare(evaluate(model, photos, size=24, temperature=one), of_gray) for one in found.values
    ]
    assert found.gains == {
        name: tuple(gain[name] for gain in gains) for name in ("auc", "ciede2000")
    }
    gray = of_gray.summary()
    assert found.gray == {name: gray[name].mean for name in calibrate.METRICS}
    assert found.gray["colorfulness"] == 0.0
    # Of gray photos the difference to the true colorfulness is all of it.
    assert found.true_colorfulness == pytest.approx(gray["delta_colorfulness"].mean)
    assert json.loads(json.dumps(found.to_json()))["values"] == [0.0, 1.0]


def test_other_options_keep_the_models_defaults(model, photo_folder):
    photos = zoo.PhotoSet.from_folder(photo_folder)
    expected = evaluate(model, photos, temperature=0.5, render_factor=2).summary()["auc"]
    model.defaults["render_factor"] = 2
    assert study(model, photos, [0.5]).figures["auc"] == (expected,)
    model.defaults["render_factor"] = 8
    assert study(model, photos, [0.5]).figures["auc"] != (expected,)


def test_a_study_refuses(model, photo_folder):
    photos = zoo.PhotoSet.from_folder(photo_folder)
    able = "zhang, colorunet, knn_patches, som_patches, hinted"
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
        # All surely beat gray (0.8): the most vivid one.
        ((0.85, 0.86, 0.87), (29, 25, 20), 0.0),
        # ... up to the truth's colorfulness of 30.
        ((0.85, 0.86, 0.87), (31, 25, 20), 0.5),
        # Vivid enough for three quarters of the truth, and above gray by its mean: not surely so.
        ((0.802, 0.804, 0.807), (29, 25, 20), 1.0),
        ((0.802, 0.808, 0.807), (29, 25, 20), 0.5),
        # None surely beats gray, or all are more vivid than the truth: the likeliest to beat gray.
        ((0.80, 0.79, 0.78), (29, 25, 20), 0.0),
        ((0.802, 0.804, 0.803), (29, 25, 20), 0.5),
        ((0.85, 0.87, 0.86), (45, 40, 35), 0.5),
    ],
)
def test_the_vivid_value_surely_beats_gray(auc, made, chosen):
    delta = [abs(30 - value) for value in made]
    found = study_of(auc, delta, (0.0, 0.5, 1.0), colorfulness=made, width=0.004)
    assert calibrate.AUC_ABOVE_GRAY == 0.002
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


def test_a_study_of_saturations_is_what_colorize_gives(dull):
    model, photos = dull
    found = study(model, photos, (1.2, 0.5), option="saturation")
    assert (found.option, found.values) == ("saturation", (0.5, 1.2))
    shares = found.means("colorfulness") / found.true_colorfulness
    assert shares == pytest.approx([share(model, photos, one) for one in found.values])
    assert shares[0] < shares[1]
    # One color all over is worse than gray: it is made as faint as was tried.
    assert found.gains["auc"][1].low < calibrate.AUC_ABOVE_GRAY
    assert choose_vivid(study(model, photos, option="saturation")) == min(calibrate.SATURATIONS)
    assert model.defaults["saturation"] == 1.0
    store(model, found, 0.5)
    assert model.defaults["saturation"] == model.card.saturation.chosen == 0.5
    assert model.card.saturation.study is found


def test_the_option_that_decides_how_vivid_a_model_is(model, dull):
    assert vividness_option(model) == "temperature"
    assert vividness_option(dull[0]) == "saturation"
    assert vividness_option(zoo.create_model("gray")) is None
    with pytest.raises(ZooError, match=r"zhang has no saturation; .*: gan, nogan\.$"):
        study(model, dull[1], option="saturation")


def test_studies_run_the_network_once_a_batch(model, dull):
    """Six photos of one shape are a batch, whatever is tried."""
    generator, photos = dull
    for one, option in ((model, "temperature"), (generator, "saturation")):
        one.runner = CountingRunner()
        study(one, photos, option=option)
        assert one.runner.calls == 1

"""Trained models predict, and trainings end at, what they did when the outputs were stored.

On the machine and versions of made_on.json to the bit, elsewhere about. Every day some SavedModels
and trainings are compared, with ZOO_GOLDEN=all all of them.
"""

import os

import pytest
from conftest import rewrite_graphs
from golden import items, outputs

EVERYDAY_SAVED_MODELS = ("mse_regression", "zhang")
EVERYDAY_TRAININGS = ("gray", "mean_color", "zhang", "knn_patches", "som_patches", "gan")
ALL = os.environ.get("ZOO_GOLDEN") == "all"


@pytest.fixture(autouse=True, scope="module")
def graphs_as_users_have_them():
    rewrite_graphs(True)
    yield
    rewrite_graphs(False)


def chosen(names, everyday):
    missing = pytest.mark.skipif(not ALL, reason="set ZOO_GOLDEN=all for it")
    return [pytest.param(name, marks=() if name in everyday else missing) for name in names]


def test_all_models_are_stored():
    assert list(items.OTHER) == list(items.read_json(items.VARIABLES)) == outputs.shipped()
    assert list(items.read_json(items.TRAININGS)) == outputs.models()


@pytest.mark.parametrize("name", outputs.shipped())
def test_predictions(name):
    assert not items.differences(items.predictions(name))


@pytest.mark.parametrize("name", outputs.shipped())
def test_names_and_shapes_of_weights(name):
    assert items.shapes(name) == items.read_json(items.VARIABLES)[name]


@pytest.mark.parametrize("name", chosen(outputs.shipped(), EVERYDAY_SAVED_MODELS))
def test_saved_model(name):
    assert not items.differences(items.saved_model(name))


@pytest.mark.parametrize("name", chosen(outputs.models(), EVERYDAY_TRAININGS))
def test_training(name):
    outcome, weights = items.training(name)
    stored = items.read_json(items.TRAININGS)[name]
    if items.is_exact() and f"{name}/training" not in items.read_json(items.MADE_ON)["varying"]:
        assert outcome == stored
    assert outcome["photos_seen"] == stored["photos_seen"]
    if stored["best_score"] is not None:
        assert outcome["best_score"] == pytest.approx(stored["best_score"], rel=1e-2)
    assert not items.differences(weights)


@pytest.mark.parametrize(("exact", "factor"), [(True, 1.001), (False, 1.1)])
def test_other_weights_are_noticed(exact, factor, monkeypatch):
    """A single weight that is a little off where bits count; elsewhere some that are more."""
    load = outputs.load

    def changed(name):
        model = load(name)
        values = outputs.variables(model)
        weight = values[max(values)]
        weight.flat[: 1 if exact else None] *= factor
        outputs.set_variables(model, values)
        return model

    before = items.is_exact()
    monkeypatch.setattr(items, "is_exact", lambda: exact)
    if before or not exact:
        assert not items.differences(items.predictions("mse_regression"))
    monkeypatch.setattr(outputs, "load", changed)
    assert items.differences(items.predictions("mse_regression"))

"""Every registered model against `conformance.py`."""

import pytest
from conftest import make_photo_folder

import conformance
from zoo import PhotoSet, list_models, registry

GRADIENT = [n for n in list_models() if registry.entry(n).load().trains_by_gradient]

# Of module scope, so that pytest runs a model's tests one after another: they share a trained one.
every_model = pytest.mark.parametrize("name", list_models(), scope="module")
gradient_models = pytest.mark.parametrize("name", GRADIENT)
# Whole trainings on every backend, of one model of each kind: compiling takes other backends long.
WHOLE = ("gan", "som_patches")
every_model_some_in_core = pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=[pytest.mark.core] * (n in WHOLE)) for n in list_models()],
    scope="module",
)


@pytest.fixture(scope="session")
def photos(tmp_path_factory):
    return PhotoSet.from_folder(make_photo_folder(tmp_path_factory.mktemp("conformance")))


@pytest.mark.core
@every_model
def test_declares_itself(name):
    conformance.declares_itself(name)


@every_model
def test_predicts_finite_chroma_of_any_size(name):
    conformance.predicts_finite_chroma_of_any_size(name)


@every_model
def test_colorizes_any_size(name):
    conformance.colorizes_any_size(name)


@every_model
def test_colorizes_every_mode(name):
    conformance.colorizes_every_mode(name)


@every_model
def test_colors_many_photos_like_one(name):
    conformance.colors_many_photos_like_one(name)


@every_model
def test_keeps_the_lightness(name):
    conformance.keeps_the_lightness(name)


@every_model
def test_is_trained_further(name, photos, tmp_path):
    conformance.is_trained_further(name, photos, tmp_path)


@every_model
def test_starts_from_its_seed(name):
    conformance.starts_from_its_seed(name)


@every_model
def test_refuses_what_it_lacks(name):
    conformance.refuses_what_it_lacks(name)


@every_model_some_in_core
def test_saves_and_loads_exactly(name, photos, tmp_path):
    conformance.saves_and_loads_exactly(name, photos, tmp_path)


@every_model
def test_refuses_broken_folders(name, tmp_path):
    conformance.refuses_broken_folders(name, tmp_path)


@every_model_some_in_core
def test_learns_the_same_again(name, photos, tmp_path):
    conformance.learns_the_same_again(name, photos, tmp_path)


@gradient_models
def test_every_parameter_gets_a_gradient(name, photos):
    conformance.every_parameter_gets_a_gradient(name, photos)


@pytest.mark.core
@gradient_models
def test_overfits_one_photo(name):
    conformance.overfits_one_photo(name)


@pytest.mark.usefixtures("eager")
@gradient_models
def test_stops_on_a_loss_that_is_not_finite(name, photos, tmp_path):
    conformance.stops_on_a_loss_that_is_not_finite(name, photos, tmp_path)


@pytest.mark.usefixtures("eager")
@gradient_models
def test_trains_in_mixed_precision(name, photos):
    conformance.trains_in_mixed_precision(name, photos)


def test_every_model_is_exported(photos, tmp_path):
    """One test for all: the process that tries what was written takes seconds to start."""
    from zoo.export.checking import check

    checks = [conformance.is_exported(name, photos, tmp_path / name) for name in list_models()]
    outcomes = check(checks)
    assert max(outcome.max_difference for outcome in outcomes) <= 1
    assert min(outcome.photos for outcome in outcomes) >= 10

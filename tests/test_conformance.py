"""Every registered model against every check of `zoo.conformance`."""

import pytest
from conftest import eagerly

from zoo import conformance, list_models

#: Part of what every backend must pass. Of whole trainings, which compile long on other backends,
#: those of one model of each kind. Of losses on one photo, those that are of no such training, of
#: one model where several have the same.
CORE = {"declares_itself"}
WHOLE, TRAINED = {"saves_and_loads_exactly", "learns_the_same_again"}, {"gan", "som_patches"}
LEARNS, LEARNING = "overfits_one_photo", {"fusion", "zhang", "nogan", "hinted"}
#: Trainings of a few steps come sooner operation by operation; what compiled steps do is tested by
#: `learns_the_same_again`, for every model.
EAGER = {
    "is_trained_further",
    "every_parameter_gets_a_gradient",
    "stops_on_a_loss_that_is_not_finite",
    "trains_in_mixed_precision",
}


def cases():
    for name in list_models():
        for check in conformance.checks_of(name):
            if check is conformance.is_exported:
                continue
            of_kind = check.__name__ in WHOLE and name in TRAINED
            learning = check.__name__ == LEARNS and name in LEARNING
            core = check.__name__ in CORE or of_kind or learning
            marks = [pytest.mark.core] if core else []
            yield pytest.param(name, check, id=f"{name}-{check.__name__}", marks=marks)


@pytest.fixture(scope="session")
def subject_of(tmp_path_factory):
    """A model's subject, made once: its checks share a trained model."""
    subjects = {}

    def find(name):
        if name not in subjects:
            subjects[name] = conformance.Subject(name, tmp_path_factory.mktemp(name))
        return subjects[name]

    return find


@pytest.mark.parametrize(("name", "check"), cases())
def test_conforms(name, check, subject_of):
    subject = subject_of(name)
    if check.__name__ not in EAGER:
        check(subject)
        return
    if check is conformance.is_trained_further:
        assert subject.trained  # by compiled steps, which other checks rely on
    with eagerly():
        check(subject)


def test_every_model_is_exported(subject_of):
    """One test for all: the process that tries what was written takes seconds to start."""
    checks = [conformance.exported(subject_of(name)) for name in list_models()]
    conformance.colors_alike_exported(checks)

"""Several answers of one photo: distinct, from one run of the network, the ordinary one first."""

import itertools
import warnings

import numpy as np
import pytest

import zoo
from predictions import CountingRunner
from zoo import conformance
from zoo.errors import AnswersWarning, ZooError
from zoo.fullsize import FullSize
from zoo.hints.marks import Hints, Point
from zoo.inputs import inputs_of_photos

NAMES = ["zhang", "colorunet", "hinted"]


def bold(name):
    """A model that holds several colors for likely at each place."""
    model = zoo.create_model(f"{name}:tiny")
    head = model.networks["colorizer"].get_layer("head")
    head.kernel.assign(head.kernel * 100)
    head.bias.assign(np.random.default_rng(0).normal(0, 1, head.bias.shape))
    model.defaults["render_factor"] = 2
    return model


@pytest.fixture(scope="module")
def models():
    return {name: bold(name) for name in NAMES}


def answers_of(model, photo, count, hints=None, **options):
    photos = FullSize(photo[None])
    inputs = model.told(inputs_of_photos(model.inputs, photos, 2), hints, photos.size)
    return model.colored(
        model.predict(inputs, **options),
        hints,
        inputs["lightness"],
        photos.size,
        answers=count,
        **options,
    )


def apart(answers):
    return [
        np.sqrt(np.square(one - other).sum(axis=-1)).mean()
        for one, other in itertools.combinations(answers, 2)
    ]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("options", [{}, {"consensus": 2, "temperature": 1.0}])
def test_answers_are_distinct_and_the_first_is_the_ordinary_one(models, name, options):
    model, photo, runner = models[name], conformance.random_photo(33, 48), CountingRunner()
    found = model.colorize(photo, answers=4, runner=runner, **options)
    once = CountingRunner()
    ordinary = model.colorize(photo, runner=once, **options)
    assert runner.calls == once.calls
    assert found.shape == (4, *photo.shape)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found[0], ordinary)
    assert min(apart(answers_of(model, photo, 4, **options))) >= 5


@pytest.mark.parametrize("outright", [0.0, 0.5, 1.0])
def test_what_is_said_outright_leans_too(models, outright):
    photo = conformance.random_photo(33, 48)
    assert min(apart(answers_of(models["hinted"], photo, 3, outright=outright))) >= 5


def test_a_trained_model_s_answers_differ(tmp_path):
    model = zoo.load_model("zhang")
    photo = zoo.sample_photos("test")[1].path
    found = model.colorize(photo, answers=5)
    assert len(found) == 5
    np.testing.assert_array_equal(found[0], model.colorize(photo))
    pairs = itertools.combinations(found.astype(int), 2)
    assert min(np.abs(one - other).mean() for one, other in pairs) > 2
    # All keep the photo's lightness, as far as 8 bits go.
    from skimage.color import rgb2lab

    lightness = rgb2lab(found)[..., 0]
    assert np.abs(lightness - lightness[0]).mean() < 0.5


def test_alpha_is_kept(models):
    photo = conformance.random_photo(20, 24)
    alpha = np.random.default_rng(1).integers(0, 256, (20, 24), dtype=np.uint8)
    found = models["zhang"].colorize(np.dstack([photo, alpha]), answers=3)
    assert found.shape == (3, 20, 24, 4)
    np.testing.assert_array_equal(found[..., 3], np.broadcast_to(alpha, (3, 20, 24)))
    np.testing.assert_array_equal(found[..., :3], models["zhang"].colorize(photo, answers=3))


def test_every_answer_follows_hints(models):
    photo = conformance.random_photo(33, 48)
    hints = Hints(points=(Point(20, 10, (30.0, -40.0)),), saturation=15)
    found = answers_of(models["zhang"], photo, 3, hints)
    assert min(apart(found)) >= 5
    for one in found:
        np.testing.assert_allclose(one[0, 10, 20], (30, -40), atol=1e-3)


def test_answers_that_hints_make_alike_are_one(models):
    """No two colorings of so little color are 5 units apart."""
    hints = Hints(saturation=2)
    assert len(answers_of(models["zhang"], conformance.random_photo(33, 48), 3, hints)) == 1


def test_a_network_that_is_sure_has_one_answer():
    model, photo = bold("zhang"), conformance.random_photo(20, 24)
    head = model.networks["colorizer"].get_layer("head")
    head.kernel.assign(head.kernel * 0)
    head.bias.assign(np.eye(len(model.bins))[150] * 60)
    with pytest.warns(AnswersWarning, match="zhang has 1 answers? for this photo .* not 4"):
        found = model.colorize(photo, answers=4)
    assert found.shape == (1, 20, 24, 3)
    np.testing.assert_array_equal(found[0], model.colorize(photo))


@pytest.mark.parametrize("wrong", [0, 1, 9, 2.5, "many", float("nan")])
def test_counts_out_of_range(models, wrong):
    with pytest.raises(ZooError, match=r"answers .* whole number from 2 to 8; got"):
        models["zhang"].colorize(conformance.random_photo(8, 8), answers=wrong)


def test_models_without_distributions_have_one():
    model = zoo.create_model("mse_regression:tiny")
    with pytest.raises(ZooError, match=r"mse_regression predicts one color .* no distribution"):
        model.colorize(conformance.random_photo(8, 8), answers=2)


def test_enough_answers_come_without_a_warning(models):
    with warnings.catch_warnings():
        warnings.simplefilter("error", AnswersWarning)
        models["zhang"].colorize(conformance.random_photo(20, 24), answers=2)

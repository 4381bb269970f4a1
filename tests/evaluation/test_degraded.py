import numpy as np
import pytest
from scipy import ndimage
from skimage.color import rgb2lab

import zoo
from zoo.evaluation.degraded import Degraded
from zoo.networks.runner import PlainRunner
from zoo.photos.degrade import DEGRADATIONS


@pytest.fixture
def photos():
    """Two photos of the working size of a render factor of 2, (2, 32, 32, 3)."""
    patches = np.random.default_rng(0).integers(60, 190, (2, 8, 8, 3), dtype=np.uint8)
    return patches.repeat(4, axis=1).repeat(4, axis=2)


class Watching(PlainRunner):
    """Notes what networks are given."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def __call__(self, network, inputs):
        self.seen.append({name: np.array(value) for name, value in inputs.items()})
        return super().__call__(network, inputs)


@pytest.mark.parametrize("name", ["mse_regression:tiny", "zhang:tiny", "fusion:tiny"])
def test_photos_that_are_not_degraded_are_colored_as_the_model_does(photos, name):
    model = zoo.create_model(name)
    same = Degraded(model, lambda lightness, numbers: lightness)
    assert (same.name, same.preset) == (model.name, model.preset)
    found = same.colorize_batch(photos, render_factor=2)
    np.testing.assert_array_equal(found, model.colorize_batch(photos, render_factor=2))


def test_networks_see_the_blurred_lightness_at_their_working_size(photos):
    model = zoo.create_model("mse_regression:tiny")
    model.runner = Watching()
    Degraded(model, DEGRADATIONS["blur-1.2"]).colorize_batch(photos, render_factor=2)
    (inputs,) = model.runner.seen
    model.colorize_batch(photos, render_factor=2)
    plain = model.runner.seen[1]["lightness"]
    wanted = ndimage.gaussian_filter(plain, (0, 1.2, 1.2, 0), mode="mirror")
    np.testing.assert_allclose(inputs["lightness"], wanted, atol=1e-3 * np.abs(plain).max())
    assert np.abs(wanted - plain).max() > 0.05 * np.ptp(plain)


@pytest.mark.parametrize("name", DEGRADATIONS)
def test_colors_go_onto_the_lightness_that_was_not_degraded(photos, name):
    model = zoo.create_model("mse_regression:tiny")
    colored = Degraded(model, DEGRADATIONS[name]).colorize_batch(photos, render_factor=2)
    error = rgb2lab(colored)[..., 0] - rgb2lab(photos)[..., 0]
    assert np.abs(error).max() < 0.5
    assert (colored != model.colorize_batch(photos, render_factor=2)).any()


def test_a_photo_is_degraded_alike_whatever_is_scored_beside_it(photos):
    model = zoo.create_model("mse_regression:tiny")
    grainy = Degraded(model, DEGRADATIONS["grain"])
    together = grainy.colorize_batch(photos, render_factor=2)
    swapped = grainy.colorize_batch(photos[::-1], render_factor=2)[::-1]
    np.testing.assert_array_equal(together, swapped)


def test_derived_inputs_are_degraded_too(photos):
    """An embedding sees the photo by itself, at a size of its own."""
    given = []

    def halve(lightness, numbers):
        assert len(numbers) == 2
        given.append(tuple(lightness.shape))
        return lightness / 2

    model = zoo.create_model("fusion:tiny")
    sides = [one.side for one in model.inputs if hasattr(one, "side")]
    Degraded(model, halve).colorize_batch(photos, render_factor=2)
    assert given == [(2, 32, 32, 1), *((2, side, side, 1) for side in sides)]

"""The errors that regressions learn by, against NumPy written by hand."""

import numpy as np
import pytest
from skimage.color import rgb2lab

import zoo
from zoo.errors import ZooError

RGB = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def output():
    """Colors at half the photos' size, a few of them within a Lab unit of the truth."""
    rng = np.random.default_rng(1)
    near = truth() + rng.uniform(-0.5, 0.5, truth().shape) / 110
    far = rng.uniform(-1, 1, truth().shape)
    return np.where(rng.uniform(size=truth().shape) < 0.3, near, far).astype("float32")


def truth():
    ab = rgb2lab(RGB)[..., 1:].reshape(2, 16, 2, 16, 2, 2).mean(axis=(2, 4))
    return ab / 110


def loss(output, model="mse_regression", **config):
    made = zoo.create_model(f"{model}:tiny", **config)
    return float(made.loss({"rgb": RGB}, output))


def gradient(output):
    """Mean absolute error of the differences between neighbors, one place after the other."""
    down, across = [], []
    for made, true in zip(output.astype(float), truth(), strict=True):
        for y in range(16):
            for x in range(16):
                if y < 15:
                    down.append(
                        np.abs((made[y + 1, x] - made[y, x]) - (true[y + 1, x] - true[y, x]))
                    )
                if x < 15:
                    across.append(
                        np.abs((made[y, x + 1] - made[y, x]) - (true[y, x + 1] - true[y, x]))
                    )
    return np.mean(down) + np.mean(across)


@pytest.mark.parametrize("model", ["mse_regression", "fusion"])
def test_the_squared_error_is_the_default(model, output):
    expected = np.mean((output - truth()) ** 2)
    assert loss(output, model) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("model", ["mse_regression", "fusion"])
def test_the_huber_error_is_absolute_beyond_one_lab_unit(model, output):
    errors = 110 * (output - truth())  # in Lab units, in which the paper's delta is 1
    paper = [e**2 / 2 if abs(e) < 1 else abs(e) - 1 / 2 for e in errors.ravel()]
    assert 0.2 < np.mean(np.abs(errors) < 1) < 0.4
    assert loss(output, model, error="huber") == pytest.approx(np.mean(paper) / 110, rel=1e-4)


@pytest.mark.parametrize("error", ["squared", "huber"])
def test_the_gradient_s_error_adds_with_its_weight(error, output):
    expected = loss(output, error=error) + 0.5 * gradient(output)
    found = loss(output, error=error, gradient_weight=0.5)
    assert found == pytest.approx(expected, rel=1e-4)


def test_a_wrong_color_of_everything_has_no_error_of_the_gradient():
    shifted = (truth() + 0.2).astype("float32")
    assert loss(shifted, gradient_weight=100.0) == pytest.approx(0.04, rel=1e-3)


@pytest.mark.parametrize(
    ("config", "told"),
    [({"error": "hubert"}, "did you mean 'huber'"), ({"gradient_weight": -1.0}, "at least 0")],
)
def test_other_errors_and_weights_are_refused(config, told):
    with pytest.raises(ZooError, match=told):
        zoo.create_model("mse_regression:tiny", **config)

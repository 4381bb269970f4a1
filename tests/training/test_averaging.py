"""Averages of weights: against the formula, and in and out of place."""

import keras
import numpy as np
import pytest

import zoo
from zoo.photos.photoset import PhotoSet
from zoo.training.averaging import WeightAverage


def variable(value):
    return keras.Variable(np.array(value, "float32"))


def value(one):
    return np.array(keras.ops.convert_to_numpy(one))


@pytest.mark.core
def test_a_step_counts_half_after_the_half_life():
    weight, values = variable([0.0, 1.0]), {}
    average = WeightAverage({"w": weight}, half_life=3, values=values)
    seen = np.random.default_rng(0).normal(size=(20, 2)).astype("float32")
    for each in seen:
        weight.assign(each)
        average.follow()
    kept = 0.5 ** (1 / 3)
    shares = np.array([(1 - kept) * kept ** (19 - step) for step in range(20)])
    shares[0] = kept**19  # the first step's weights stand for all before
    assert shares.sum() == pytest.approx(1)
    np.testing.assert_allclose(values["w"], shares @ seen, rtol=1e-5)


@pytest.mark.core
def test_averages_are_shown_and_hidden_again():
    weight = variable([1.0])
    average = WeightAverage({"w": weight}, half_life=1, values={})
    average.show()
    assert value(weight) == [1.0]  # there is no average yet
    average.follow()
    weight.assign([3.0])
    average.follow()
    for _ in range(2):
        average.show()
        assert value(weight) == [2.0]
    for _ in range(2):
        average.hide()
        assert value(weight) == [3.0]


def test_a_model_keeps_the_average_of_its_weights(photo_folder, eager):
    """Against the average by hand of the weights after each step."""
    model = zoo.create_model("mse_regression:tiny", average_weights=True)
    after_steps = []

    class Watch(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            after_steps.append(model.weight_values())

    budget = zoo.Budget(photos_seen=36)  # 9 steps of 4 photos are 9 rounds of 1
    model.fit(PhotoSet.from_folder(photo_folder), budget=budget, callbacks=[Watch()])
    expected, *others = after_steps
    for weights in others:
        expected = {k: 0.25 * old + 0.75 * weights[k] for k, old in expected.items()}
    assert len(others) == 8
    for name, kept in model.weight_values().items():
        np.testing.assert_allclose(kept, expected[name], atol=1e-6)
    assert any((kept != others[-1][name]).any() for name, kept in model.weight_values().items())

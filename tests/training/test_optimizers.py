"""Groups of weights with a rate each, stepped in phases: against Adam by hand."""

import keras
import numpy as np
import pytest
from keras import ops

from zoo.errors import ZooError
from zoo.training.config import TrainingConfig
from zoo.training.optimizers import GroupedAdam, Multiple, schedule

rng = np.random.default_rng
BETA_1, BETA_2, EPSILON = 0.5, 0.999, 1e-7


def as_numpy(tensor):
    return np.array(ops.convert_to_numpy(tensor))


def two_weights():
    return {
        name: keras.Variable(rng(seed).normal(size=5).astype("float32"))
        for seed, name in enumerate(("generator", "discriminator"))
    }


def gradients(step):
    return [rng([step, seed]).normal(size=5).astype("float32") for seed in (0, 1)]


class HandAdam:
    """Kingma and Ba 2015, arXiv 1412.6980, algorithm 1 (epsilon as Keras has it)."""

    def __init__(self, weight):
        self.weight, self.mean, self.square, self.count = weight.astype("float64"), 0.0, 0.0, 0

    def step(self, gradient, rate):
        self.count += 1
        self.mean = BETA_1 * self.mean + (1 - BETA_1) * gradient
        self.square = BETA_2 * self.square + (1 - BETA_2) * gradient.astype("float64") ** 2
        rate *= np.sqrt(1 - BETA_2**self.count) / (1 - BETA_1**self.count)
        self.weight = self.weight - rate * self.mean / (np.sqrt(self.square) + EPSILON)


@pytest.mark.parametrize(
    "phases",
    [
        pytest.param((), marks=pytest.mark.core),
        (("generator", "discriminator"),),
        pytest.param(
            (("discriminator",), ("discriminator",), ("generator",)), marks=pytest.mark.core
        ),
        (("discriminator",), ("generator", "discriminator")),
        (("generator",),),
    ],
)
def test_groups_are_adams_that_wait_for_their_phase(phases):
    weights = two_weights()
    hands = {name: HandAdam(as_numpy(weight)) for name, weight in weights.items()}
    rates = {"generator": schedule(TrainingConfig(schedule="cosine"), 7), "discriminator": 3e-3}
    optimizer = GroupedAdam(
        {name: [weight] for name, weight in weights.items()},
        rates,
        phases,
        beta_1=BETA_1,
        beta_2=BETA_2,
    )
    optimizer.build(list(weights.values()))
    for step in range(7):
        phase = phases[step % len(phases)] if phases else tuple(weights)
        for (name, hand), gradient in zip(hands.items(), gradients(step), strict=True):
            if name in phase:
                rate = rates[name]
                hand.step(gradient, float(rate(step)) if callable(rate) else rate)
        moments = [as_numpy(v) for v in (*optimizer._momentums, *optimizer._velocities)]
        before = {name: as_numpy(weight) for name, weight in weights.items()}
        optimizer.apply([ops.convert_to_tensor(one) for one in gradients(step)])
        for name, weight in weights.items():
            np.testing.assert_allclose(as_numpy(weight), hands[name].weight, atol=2e-6)
        for place, name in enumerate(weights):
            if name in phase:
                continue
            np.testing.assert_array_equal(as_numpy(weights[name]), before[name])
            for at, found in (
                (place, optimizer._momentums[place]),
                (place + 2, optimizer._velocities[place]),
            ):
                np.testing.assert_array_equal(as_numpy(found), moments[at])


@pytest.mark.core
def test_a_group_rests_where_all_its_gradients_are_zero():
    weights = two_weights()
    hands = {name: HandAdam(as_numpy(weight)) for name, weight in weights.items()}
    optimizer = GroupedAdam(
        {name: [weight] for name, weight in weights.items()},
        {"generator": 1e-3, "discriminator": 3e-3},
        skip_zeros=True,
        beta_1=BETA_1,
        beta_2=BETA_2,
    )
    optimizer.build(list(weights.values()))
    for step in range(9):
        given = gradients(step)
        given[step % 3 == 0] = np.zeros(5, "float32")  # of the second in every third step
        for hand, gradient, rate in zip(hands.values(), given, (1e-3, 3e-3), strict=True):
            if gradient.any():
                hand.step(gradient, rate)
        optimizer.apply([ops.convert_to_tensor(one) for one in given])
        for name, weight in weights.items():
            np.testing.assert_allclose(as_numpy(weight), hands[name].weight, atol=2e-6)


def test_a_multiple_follows_another_rate():
    config = TrainingConfig(learning_rate=1e-2, schedule="cosine")
    weights = two_weights()
    alone = [keras.Variable(as_numpy(weight)) for weight in weights.values()]
    rate = schedule(config, 5)
    both = GroupedAdam(
        {name: [weight] for name, weight in weights.items()},
        {"generator": rate, "discriminator": Multiple(rate, 0.3)},
        beta_1=BETA_1,
    )
    both.build(list(weights.values()))
    scaled = TrainingConfig(learning_rate=3e-3, schedule="cosine")
    apart = [keras.optimizers.Adam(schedule(one, 5), beta_1=BETA_1) for one in (config, scaled)]
    for step in range(5):
        parts = [ops.convert_to_tensor(gradient) for gradient in gradients(step)]
        both.apply(parts)
        for optimizer, gradient, weight in zip(apart, parts, alone, strict=True):
            optimizer.apply([gradient], [weight])
    for weight, expected in zip(weights.values(), alone, strict=True):
        np.testing.assert_allclose(as_numpy(weight), as_numpy(expected), atol=1e-6)


@pytest.mark.core
def test_phases_work_inside_fit():
    """Two layers of one compiled model: the first is stepped in every third step alone."""
    network = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(2, name="a"), keras.layers.Dense(1, name="b")]
    )
    groups = {name: network.get_layer(name).trainable_variables for name in ("a", "b")}
    phases = (("b",), ("b",), ("a",))
    network.compile(GroupedAdam(groups, {"a": 0.1, "b": 0.1}, phases), "mse")
    moved = []

    class Watch(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            now = {name: as_numpy(self.model.get_layer(name).kernel) for name in groups}
            moved.append({name: (now[name] != self.before[name]).any() for name in groups})
            self.before = now

        def on_train_begin(self, logs=None):
            self.before = {name: as_numpy(self.model.get_layer(name).kernel) for name in groups}

    data = rng(0).normal(size=(6, 3)).astype("float32"), rng(1).normal(size=(6, 1))
    network.fit(*data, batch_size=1, shuffle=False, verbose=0, callbacks=[Watch()])
    second_alone, first_alone = {"a": False, "b": True}, {"a": True, "b": False}
    assert moved == 2 * [second_alone, second_alone, first_alone]


def test_a_phase_names_groups_that_there_are():
    weight = keras.Variable(np.zeros(2, "float32"))
    with pytest.raises(ZooError, match="critic"):
        GroupedAdam({"generator": [weight]}, {"generator": 0.1}, (("critic",),))

"""Both steps of a prediction at once, a runner that counts, and a distance, for tests."""

import numpy as np

from zoo.networks.runner import PlainRunner


class CountingRunner(PlainRunner):
    def __init__(self):
        super().__init__()
        self.calls = 0

    def __call__(self, network, inputs):
        self.calls += 1
        return super().__call__(network, inputs)


def ab_of(model, lightness, **options):
    return model.decode(model.predict({"lightness": lightness}, **options), **options)


def shares_of(model, lightness, **options):
    return model.predict({"lightness": lightness}, **options).probabilities()


def off(photo, expected):
    """The largest difference of two photos, in levels of 255."""
    return np.abs(np.asarray(photo).astype(int) - expected).max()

"""Photos and a model for tests of evaluation, made without files and networks."""

import numpy as np


class FakePhoto:
    """A photo made on the spot, which remembers how it was read."""

    def __init__(self, number, shape=(8, 9), gray=False):
        self.name, self.label, self.shape, self.gray = f"{number:03}.png", "fake", shape, gray
        self.number, self.reads = number, []

    def read(self, short_side=None):
        self.reads.append(short_side)
        channels = 1 if self.gray else 3
        generator = np.random.default_rng(self.number)
        noise = generator.integers(0, 256, (*self.shape, channels), dtype=np.uint8)
        return np.repeat(noise, 3 // channels, axis=-1)


class FakeSet(list):
    fingerprint = "f1"


class Dimmer:
    """Colorizes with half of the truth's color, and notes what it was given."""

    name, preset = "dimmer", "half"

    def __init__(self):
        self.calls = []

    def colorize_batch(self, rgb, **options):
        self.calls.append((rgb, options))
        gray = rgb.mean(-1, keepdims=True)
        return ((rgb + gray) / 2).astype(np.uint8)


def photos_of(*shapes):
    return FakeSet(FakePhoto(number, shape) for number, shape in enumerate(shapes))

"""Which precision trains faster here: measured once on each machine, then remembered."""

import math
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

import keras
import numpy as np
from keras import layers

from zoo.backend import processor_name, use_jit
from zoo.files import cache_folder, read_json, write_json
from zoo.networks.blocks import HEAD

#: The file in the cache folder that remembers the answers of machines.
STORE = "precision.json"
#: bfloat16 must be at least this much faster: it is less exact, and timings have noise.
_WORTHWHILE = 1.15


@contextmanager
def training_precision(network: keras.Model, precision: str) -> Iterator[None]:
    """Let a network's layers compute in `precision` inside the block, in float32 afterwards.

    Variables are float32 all the time; the head computes in float32 all the time.
    """
    set_precision(network, precision)
    try:
        yield
    finally:
        set_precision(network, "float32")
        # A prediction compiled meanwhile would keep the other precision.
        network.predict_function = None


def fastest_precision() -> str:
    """Give "mixed_bfloat16" where that trains a convolutional network clearly faster, or "float32".

    Times a few training steps of a small network in both, which takes some seconds, and stores the
    answer in the cache folder under the processor, backend and versions.
    """
    store, machine = cache_folder() / STORE, machine_name()
    known = read_json(store) if store.is_file() else {}
    if machine not in known:
        plain = _step_seconds("float32")
        # A processor without bfloat16 of its own needs many times as long.
        gain = plain / _step_seconds("mixed_bfloat16", hopeless=2 * plain)
        known[machine] = "mixed_bfloat16" if gain >= _WORTHWHILE else "float32"
        write_json(store, known)
    return known[machine]


def machine_name() -> str:
    """What the answer depends on, in words: processor, backend and versions."""
    versions = f"{keras.backend.backend()}, keras {keras.__version__}"
    return f"{processor_name()}, {os.cpu_count()} cores, {versions}"


def set_precision(network: keras.Model, precision: str) -> None:
    """Let a network's layers compute in `precision` from now on; its head stays float32."""
    for layer in network.layers:
        if isinstance(layer, keras.Model):
            set_precision(layer, precision)
        elif layer.name != HEAD:
            layer.dtype_policy = precision


def _step_seconds(precision: str, hopeless: float = math.inf) -> float:
    """The fastest of several training steps of three convolutions over 8 squares of 96 px.

    A warm step of more than `hopeless` seconds is the last one.
    """
    inputs = keras.Input((96, 96, 8))
    x = inputs
    for width in (32, 64, 32):
        x = layers.Conv2D(width, 3, padding="same", activation="relu")(x)
        x = layers.BatchNormalization()(x)
    network = keras.Model(inputs, layers.Conv2D(2, 1, name=HEAD)(x))
    network.compile("adam", "mse", jit_compile=use_jit())
    generator = np.random.default_rng(0)
    batch = [generator.random((8, 96, 96, channels), "float32") for channels in (8, 2)]
    seconds = []
    with training_precision(network, precision):
        for _ in range(6):
            started = time.perf_counter()
            network.train_on_batch(*batch)
            seconds.append(time.perf_counter() - started)
            if len(seconds) > 1 and seconds[-1] > hopeless:
                break
    return min(seconds[1:])

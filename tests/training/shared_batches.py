"""Trains on one device and on two virtual ones, and writes what came of it as JSON.

A process has its devices once and for all, so that `test_devices.py` calls this as a program:
its arguments are a folder of photos and one to write into.
"""

import json
import os
import signal
import sys
from pathlib import Path

import keras
import numpy as np

import zoo
from zoo.errors import TrainingInterrupted


class Interrupt(keras.callbacks.Callback):
    """Presses Ctrl-C in the first step."""

    def on_train_batch_end(self, batch, logs=None):
        os.kill(os.getpid(), signal.SIGINT)


def fit(model, photos, devices, **settings):
    """Train for three steps."""
    return model.fit(
        photos,
        photos.spread(4),
        budget=zoo.Budget(photos_seen=12),
        size=32,
        precision="float32",
        devices=devices,
        **settings,
    )


def fitted(photos, devices, **settings):
    """A trained model and its losses."""
    model = zoo.create_model("zhang:tiny", batch_size=4, depth=1)
    return model, fit(model, photos, devices, **settings).curves


def resumed(photos, out):
    """The same by two devices, interrupted in between."""
    try:
        fitted(photos, 2, run_dir=out / "run", callbacks=[Interrupt()])
    except TrainingInterrupted:
        return fitted(photos, 2, run_dir=out / "run", resume=True)
    raise AssertionError("was not interrupted")


def difference(one, other):
    """The largest difference of two models' weights."""
    first, second = one.weight_values(), other.weight_values()
    return float(max(np.abs(first[name] - second[name]).max() for name in first))


def divide_processor():
    """Make two devices of the processor, before any is used."""
    if keras.backend.backend() == "jax":
        os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=2"
        return
    import tensorflow as tf

    (processor,) = tf.config.list_physical_devices("CPU")
    halves = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(processor, halves)


def main():
    divide_processor()
    photos, out = zoo.PhotoSet.from_folder(sys.argv[1]), Path(sys.argv[2])
    one, curves = fitted(photos, 1)
    found = {"one device": {"curves": curves}}
    for name, (model, curves) in {
        "two devices": fitted(photos, 2),
        "resumed": resumed(photos, out),
    }.items():
        found[name] = {"curves": curves, "weights": difference(one, model)}
    # Afterwards it is an ordinary model.
    gray = np.full((40, 48, 3), 90, np.uint8)
    colors = [each.colorize(gray).astype(int) for each in (one, model)]
    found["color"] = int(np.abs(colors[0] - colors[1]).max())
    (out / "found.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main()

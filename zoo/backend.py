"""What the backend and the processor at hand are, and what is fastest there."""

import platform
from pathlib import Path

import keras


def use_jit() -> bool | str:
    """Keras' own choice where there is a GPU, and on JAX, which does not run without.

    On processors XLA halves TensorFlow's speed, and PyTorch's compiler takes a minute a network and
    fails on batches of one photo (PyTorch 2.13).
    """
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        return "auto" if tf.config.list_physical_devices("GPU") else False
    if backend == "torch":
        import torch

        return "auto" if torch.cuda.is_available() else False
    return "auto"


def processor_name() -> str:
    """The processor's model name, which `platform.processor` leaves empty on Linux."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()

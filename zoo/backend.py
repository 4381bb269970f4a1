"""What the backend and the processor at hand are, and what is fastest there."""

import ctypes
import platform
from pathlib import Path

import keras

# Of glibc's malloc.h.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4
#: Memory is asked of the system in pieces of so many bytes.
_PIECE = 2**28


def keep_freed_memory() -> None:
    """Let the C library keep freed blocks for the next ones, until the process ends.

    Each operation of a training step frees what the next one asks for. Otherwise glibc gives blocks
    of more than 32 MB back to the system at once, which clears their pages at the next use: on two
    cores half the time of a step. Other C libraries are left as they are.
    """
    if platform.libc_ver()[0] != "glibc":
        return
    libc = ctypes.CDLL(None)
    for parameter, value in ((_MMAP_MAX, 0), (_TRIM_THRESHOLD, -1), (_TOP_PAD, _PIECE)):
        libc.mallopt(parameter, value)


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

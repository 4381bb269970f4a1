"""What the backend and the processor at hand are, and what is fastest there."""

import ctypes
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import keras

from zoo.errors import ZooError

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


def fused_batch_norm(
    x: Any, gamma: Any, beta: Any, statistics: tuple[Any, Any] | None, epsilon: float
) -> tuple[Any, Any, Any] | None:
    """Batch normalization as one operation, forward and backward, where the backend has one.

    Keras computes it from about ten, each of which goes through memory anew.

    Args:
        x: (N, H, W, C).
        gamma: (C,) float32.
        beta: (C,) float32.
        statistics: the mean and the variance to normalize by, (C,) each; None for the batch's own.
        epsilon: is added to the variance.

    Returns:
        The result, and the mean and the variance, divided by the count, that it was normalized by;
        None where only Keras' way is at hand.
    """
    if keras.backend.backend() != "tensorflow" or len(x.shape) != 4:
        return None
    import tensorflow as tf

    mean, variance = statistics or ([], [])
    y, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=x,
        scale=gamma,
        offset=beta,
        mean=mean,
        variance=variance,
        epsilon=epsilon,
        is_training=statistics is None,
    )
    if statistics is None:
        # The operation gives the unbiased variance, for the averages over steps.
        count = tf.cast(tf.reduce_prod(tf.shape(x)[:3]), "float32")
        variance *= tf.maximum(count - 1.0, 1.0) / count
    return y, mean, variance


def fused_adam(
    variable: Any,
    moments: tuple[keras.Variable, keras.Variable],
    gradient: Any,
    rate: Any,
    step: Any,
    betas: tuple[float, float],
    epsilon: float,
) -> bool:
    """Do a step of Adam as one operation, in place, where the backend has one; say whether it did.

    Keras computes it from about twenty, half of which go through all weights anew.

    Args:
        variable: float32, what is stepped.
        moments: of the gradient and of its square.
        gradient: of the variable's shape.
        rate: the learning rate.
        step: number of the step, from 1 on.
        betas: how far each of the moments is kept.
        epsilon: is added to the root of the second one.
    """
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    if tf.distribute.has_strategy() or isinstance(gradient, tf.IndexedSlices):
        return False
    first, second = betas
    count = tf.cast(step, "float32")
    handles = [
        (one.value if isinstance(one, keras.Variable) else one).handle
        for one in (variable, *moments)
    ]
    tf.raw_ops.ResourceApplyAdam(
        **dict(zip(("var", "m", "v"), handles, strict=True)),
        beta1_power=tf.pow(first, count),
        beta2_power=tf.pow(second, count),
        lr=tf.cast(rate, "float32"),
        beta1=first,
        beta2=second,
        epsilon=epsilon,
        grad=tf.cast(gradient, "float32"),
    )
    return True


def require_devices(count: int) -> None:
    """Refuse a number of devices that cannot share the batches of a training.

    Raises:
        ZooError: if there are fewer, or the backend does not do it.
    """
    if count == 1:
        return
    if count < 1:
        raise ZooError(f"The number of devices must be at least 1; got {count}.")
    if keras.backend.backend() not in ("tensorflow", "jax"):
        raise ZooError(
            f"Keras trains on several devices by TensorFlow and by JAX, not by "
            f"{keras.backend.backend()}; set KERAS_BACKEND, or leave --devices away."
        )
    present = len(_devices())
    if count > present:
        raise ZooError(
            f"{count} devices are asked for, and {keras.backend.backend()} sees {present}; choose "
            f"at most {present}."
        )


def _devices() -> list[str]:
    """The devices that train: accelerators where there are any, else processors."""
    found: list[str] = keras.distribution.list_devices()
    return found


@contextmanager
def on_devices(count: int) -> Iterator[None]:
    """Let networks that are built and trained in the block share each batch among devices.

    All devices keep the same weights. A single one is left as it is.
    """
    if count == 1:
        yield
        return
    chosen = _devices()[:count]
    if keras.backend.backend() == "tensorflow":
        with _strategy(tuple(chosen)).scope():
            yield
        return
    with keras.distribution.DataParallel(devices=chosen).scope():
        yield


@cache
def _strategy(names: tuple[str, ...]) -> Any:
    """TensorFlow's strategy for some devices: a process with two of them confuses their sums."""
    import tensorflow as tf

    return tf.distribute.MirroredStrategy([name.upper() for name in names])


def sharing_devices() -> int:
    """How many devices of TensorFlow share the batch at hand, each with a loss of its own.

    On JAX a loss is always that of the whole batch.
    """
    if keras.backend.backend() != "tensorflow":
        return 1
    import tensorflow as tf

    count: int = tf.distribute.get_strategy().num_replicas_in_sync
    return count


def mean_over_devices(value: Any) -> Any:
    """The mean of a scalar over the devices that share the batch at hand."""
    if sharing_devices() == 1:
        return value
    import tensorflow as tf

    replica = tf.distribute.get_replica_context()
    return replica.all_reduce(tf.distribute.ReduceOp.MEAN, value)


def processor_name() -> str:
    """The processor's model name, which `platform.processor` leaves empty on Linux."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()

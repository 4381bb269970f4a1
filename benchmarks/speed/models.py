"""Measure how fast, large and hungry one trained model is: the benchmark's columns of speed.

It is measured in a process that does nothing else, warmed up, without deterministic operations.
`speed/<row key>.json` in the benchmark's folder holds medians, fastest and slowest repetition.
"""

import logging
import time
from functools import partial

import keras
import numpy as np

from benchmarks.harness.environment import store_environment
from benchmarks.harness.memory import peak_memory
from benchmarks.harness.run_cell import Task, bytes_of_model
from benchmarks.harness.stored import speed_path
from benchmarks.speed.timing import Measurement, measure_rate, measure_seconds, noise, summarize
from zoo import registry
from zoo.budget import Budget
from zoo.files import write_json
from zoo.networks.runner import FixedWeights

#: Side of the photos that are colorized, in px.
SIDE = 256

#: Throughput is that of the best of these.
BATCHES = (1, 2, 4, 8, 16)

#: Training steps that are timed, after others that are not.
_WARM_UP, _STEPS = 10, 20
#: How many photos a model without steps learns from to be timed.
_PHOTOS = 64

#: Operations that multiply and add, by TensorFlow's names; they are nearly all of a network's work.
_MULTIPLYING = ("Conv2D", "Conv2DBackpropInput", "DepthwiseConv2dNative", "MatMul", "BatchMatMulV2")


def measure_speed(task: Task) -> None:
    """Measure the trained model of a finished cell and store the figures."""
    task.announce()
    cell, folder = task.cell, task.out / "models" / task.cell.key
    model = registry.load_model(folder)
    with FixedWeights(model.networks.values(), predictions=1000) as runner:
        color = partial(model.colorize_batch, runner=runner)
        rates = {n: measure_rate("throughput", n, partial(color, _noise(n))) for n in BATCHES}
        latency = measure_seconds("latency", partial(color, _noise(1)))
    batch = max(rates, key=lambda count: rates[count].median)
    peak = peak_memory()  # before anything is trained in this process
    training = _training_rate(task)
    found = {
        "row_key": cell.row_key,
        "deterministic": False,
        "environment": store_environment(task.out),
        "side": SIDE,
        "latency_seconds": _plain(latency),
        "photos_per_second": {**_plain(rates[batch]), "batch": batch},
        "peak_memory_mb": round(peak),
        "multiply_adds": multiply_adds(model.networks.get("colorizer")),
        "bytes_on_disk": bytes_of_model(task),
        "training_photos_per_second": training and _plain(training),
    }
    write_json(speed_path(task.out, cell.row_key), found)


def multiply_adds(network: keras.Model | None) -> int | None:
    """Count the multiply-adds of convolutions and matrix products for a photo of `SIDE` px.

    0 without a network; None where TensorFlow's profiler cannot count: with other backends, and for
    a graph with loops, whose rounds it does not know.
    """
    if network is None:
        return 0
    if keras.backend.backend() != "tensorflow":
        return None
    import tensorflow as tf

    # The profiler calls what TensorFlow itself says is deprecated.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    inputs = {}  # of one photo
    for name, tensor in network.input.items():
        shape = [SIDE, SIDE, tensor.shape[-1]] if len(tensor.shape) == 4 else tensor.shape[1:]
        inputs[name] = tf.TensorSpec([1, *shape], tensor.dtype)
    graph = tf.function(network.call).get_concrete_function(inputs).graph
    if any(operation.type in ("While", "StatelessWhile") for operation in graph.get_operations()):
        return None
    options = tf.compat.v1.profiler.ProfileOptionBuilder.float_operation() | {"output": "none"}
    profile = tf.compat.v1.profiler.profile(graph, cmd="op", options=options)
    nodes = [profile]
    for node in nodes:
        nodes.extend(node.children)  # each kind of operation hangs under the one before it
    return sum(node.float_ops for node in nodes if node.name in _MULTIPLYING) // 2


class _StepTimes(keras.callbacks.Callback):
    def __init__(self) -> None:
        super().__init__()
        self.ends: list[float] = []

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        self.ends.append(time.perf_counter())


def _training_rate(task: Task) -> Measurement | None:
    """Photos per second in training, loading included; None for a model that is not trained."""
    cell, conditions = task.cell, task.conditions
    if not cell.train_size:
        return None
    model = registry.create_model(cell.model, cell.preset, seed=cell.training_seed, **cell.config)
    times, count = _StepTimes(), _PHOTOS
    if model.trains_by_gradient:
        count = model.config.batch_size * (_WARM_UP + _STEPS)
    history = model.fit(
        conditions.train,
        budget=Budget(photos_seen=count),
        size=cell.train_size,
        precision=cell.precision,
        callbacks=[times],
    )
    if model.trains_by_gradient:
        return summarize("training", model.config.batch_size / np.diff(times.ends)[_WARM_UP:])
    seen = history.photos_seen
    return Measurement.once("training", seen / history.seconds) if seen else None


def _plain(measurement: Measurement) -> dict[str, float]:
    return {name: getattr(measurement, name) for name in ("median", "low", "high")}


def _noise(count: int) -> np.ndarray:
    return noise(count, SIDE, SIDE, 3)

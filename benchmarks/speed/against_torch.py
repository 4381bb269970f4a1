"""The zoo's networks and training steps against PyTorch's and ONNX Runtime's.

`hot_paths.py` and `exports.py` show what is measured here, with `--against torch`.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np

from benchmarks.speed.timing import Measurement, Row, measure_in_turn, noise
from zoo.cli.startup import start_keras
from zoo.errors import ZooError

_SIDE = 256


def forward_rows(
    side: int = 256, batches: Sequence[int] = (1, 8), width: int = 64, repetitions: int = 80
) -> list[Row]:
    """The network of Zhang et al. as the zoo predicts with it, against the same in PyTorch.

    Single photos are timed `repetitions` times; batches take longer and need a quarter of that.

    Raises:
        ZooError: if PyTorch is not installed.
    """
    _require_torch()
    start_keras()
    from zoo.networks.blocks import NetworkSpec
    from zoo.networks.runner import FixedWeights
    from zoo.networks.zhang import zhang
    from zoo.training.precision import training_precision

    network = zhang(NetworkSpec(channels=313, width=width, seed=0))
    rows = []
    for precision, policy in {"float32": "float32", "bfloat16": "mixed_bfloat16"}.items():
        theirs = {
            f"PyTorch, {memory_format}": _torch_forward(width, precision, memory_format)
            for memory_format in ("contiguous_format", "channels_last")
        }
        with (
            training_precision(network, policy),
            FixedWeights([network], predictions=1000) as runner,
        ):
            for count in batches:
                photos = np.random.default_rng(0).random((count, side, side, 1), "float32")
                enough = repetitions if count == 1 else repetitions // 4
                ours = partial(runner, network, {"lightness": photos})
                rows.append(_forward_row(ours, theirs, precision, photos, enough))
    return rows


def _forward_row(
    ours: Callable,
    theirs: dict[str, Callable],
    precision: str,
    photos: np.ndarray,
    repetitions: int,
) -> Row:
    """A forward pass from array to array, against PyTorch in the faster of its memory formats."""
    import keras

    actions = {f"zoo, {keras.backend.backend()}": ours}
    actions |= {name: partial(forward, photos) for name, forward in theirs.items()}
    measured, *alternatives = measure_in_turn(actions, len(photos), repetitions)
    return Row(
        f"network of Zhang et al. 2016, {photos.shape[1]} px, {len(photos)} at once, {precision}",
        "s/photo",
        False,
        measured,
        min(alternatives, key=lambda measurement: measurement.median),
    )


def _torch_forward(
    width: int, precision: str, memory_format: str
) -> Callable[[np.ndarray], np.ndarray]:
    """PyTorch's forward pass, from (N, H, W, 1) on."""
    import torch

    from benchmarks.speed.peers.zhang import ZhangNetwork

    kind = {"dtype": getattr(torch, precision), "memory_format": getattr(torch, memory_format)}
    network = ZhangNetwork(width=width).eval().to(**kind)

    @torch.inference_mode()
    def forward(photos: np.ndarray) -> np.ndarray:
        channels_first = torch.from_numpy(photos).permute(0, 3, 1, 2)
        return network(channels_first.to(**kind)).float().numpy()

    return forward


def step_rows(
    side: int = 256, batches: Sequence[int] = (1, 4), width: int = 64, depth: int = 8
) -> list[Row]:
    """A training step of `gan:paper` against the same nets and losses in PyTorch.

    Ours starts from 8-bit RGB and logs color scores, as trainings do; PyTorch's is given Lab.

    Raises:
        ZooError: if PyTorch is not installed.
    """
    _require_torch()
    start_keras()
    import keras

    from zoo.backend import use_jit
    from zoo.registry import create_model

    rows = []
    for count in batches:
        photos = noise(count, side, side, 3)
        model: Any = create_model("gan:paper", width=width, depth=depth, patch_width=width)
        graph = model.task()
        graph.compile(optimizer=model.optimizer(100), jit_compile=use_jit())
        actions: dict[str, Callable[[], Any]] = {
            f"zoo, {keras.backend.backend()}": partial(graph.train_on_batch, {"rgb": photos})
        }
        for memory_format in ("contiguous_format", "channels_last"):
            step = _torch_step(photos, memory_format, width, depth)
            actions[f"PyTorch, {memory_format}"] = step
        ours, *alternatives = measure_in_turn(actions, count, max(10, 30 // count))
        rows.append(
            Row(
                f"training step of gan:paper, {side} px, {count} at once, float32",
                "s/photo",
                False,
                ours,
                min(alternatives, key=lambda measurement: measurement.median),
            )
        )
    return rows


def _torch_step(
    photos: np.ndarray, memory_format: str, width: int, depth: int
) -> Callable[[], float]:
    """PyTorch's step on the photos' Lab."""
    import torch
    from skimage import color

    from benchmarks.speed.peers.pix2pix import TrainingStep

    lab = torch.from_numpy(color.rgb2lab(photos).astype("float32")).permute(0, 3, 1, 2)
    lightness, ab = lab[:, :1] / 50.0 - 1.0, lab[:, 1:] / 110.0
    return partial(TrainingStep(memory_format, width, depth), lightness, ab)


def _require_torch() -> None:
    if find_spec("torch") is None:
        raise ZooError("--against torch needs PyTorch; run `pip install torch`.")


def runtime_lines() -> Iterator[str]:
    """The network of `zhang:paper` alone, at 256 px, in ONNX Runtime, TensorFlow and PyTorch."""
    _require_torch()
    start_keras()
    import onnxruntime
    import tensorflow as tf
    import tf2onnx
    import torch

    from benchmarks.speed.peers.zhang import ZhangNetwork
    from zoo import create_model
    from zoo.networks.runner import FixedWeights

    network = create_model("zhang:paper").networks["colorizer"]
    spec = [tf.TensorSpec((None, None, None, 1), tf.float32, "lightness")]
    function = tf.function(
        lambda x: network({"lightness": x}, training=False), input_signature=spec
    )
    converted, _ = tf2onnx.convert.from_function(function, input_signature=spec, opset=18)
    session = onnxruntime.InferenceSession(converted.SerializeToString())
    theirs = ZhangNetwork().eval()
    batch = np.random.default_rng(0).uniform(-0.5, 0.5, (1, _SIDE, _SIDE, 1)).astype("float32")
    swapped = torch.from_numpy(batch.transpose(0, 3, 1, 2).copy())

    def run_torch() -> np.ndarray:
        with torch.inference_mode():
            return theirs(swapped).numpy()

    actions = {"ONNX Runtime": lambda: session.run(None, {"lightness": batch})[0]}
    actions["TensorFlow"] = partial(network.predict_on_batch, {"lightness": batch})
    actions["PyTorch"] = run_torch
    with FixedWeights([network], predictions=1000) as runner:
        actions["TensorFlow, constants"] = partial(runner, network, {"lightness": batch})
        onnx, *others = measure_in_turn(actions, 1, repetitions=21)
    for other in others:
        yield f"network of zhang:paper, {_SIDE} px: {in_words(onnx, other)}"


def in_words(ours: Measurement, alternative: Measurement) -> str:
    """Both measurements in seconds, and their ratio."""
    return (
        f"{ours.name} {ours.median:.4g} s [{ours.low:.4g}, {ours.high:.4g}], {alternative.name} "
        f"{alternative.median:.4g} s [{alternative.low:.4g}, {alternative.high:.4g}], ratio "
        f"{ours.median / alternative.median:.3f}"
    )

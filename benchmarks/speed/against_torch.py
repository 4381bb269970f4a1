"""Time the zoo's networks and training steps against PyTorch's and ONNX Runtime's.

`hot_paths.py` and `exports.py` show the figures with `--against torch`.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.speed.limited import TimeShares
from benchmarks.speed.timing import Measurement, Row, measure_in_turn, noise
from zoo.cli.startup import start_keras
from zoo.errors import ZooError
from zoo.registry import create_model

_SIDE = 256
#: PyTorch's memory formats of images.
FORMATS = ("contiguous_format", "channels_last")


#: How many rows `torch_rows` measures.
ROWS = 8


def torch_rows(end: float) -> Iterator[Row]:
    """Measure all `ROWS` until `end`, by `time.monotonic`: the less time, the fewer repetitions.

    Single photos come first, which take least, so that a slow machine ends with most of the rows.
    """
    shares = TimeShares(end, ROWS)
    for forward, step in ((1, 1), (8, 4)):
        yield from forward_rows(shares, "float32", (forward,))
        yield from int8_rows(shares, (forward,))
        yield from step_rows(shares, (step,))
        yield from forward_rows(shares, "bfloat16", (forward,))


def forward_rows(
    shares: TimeShares,
    precision: str,
    batches: Sequence[int],
    side: int = 256,
    width: int = 64,
    repetitions: int = 80,
) -> Iterator[Row]:
    """Compare the network of Zhang et al. as the zoo predicts with it and in PyTorch.

    `precision` is "float32" or "bfloat16". Single photos are timed `repetitions` times at most;
    batches take longer and need a quarter of that.
    """
    start_keras()
    from zoo.networks.blocks import NetworkSpec
    from zoo.networks.runner import FixedWeights
    from zoo.networks.zhang import zhang
    from zoo.training.precision import training_precision

    network = zhang(NetworkSpec(channels=313, width=width, seed=0))
    policy = "mixed_bfloat16" if precision == "bfloat16" else precision
    # Constants are float32: in another precision, which only trainings use, Keras predicts.
    fixed = FixedWeights([network] if precision == "float32" else [], predictions=1000)
    with training_precision(network, policy), fixed as runner:
        for count in batches:
            until = shares.next_end()
            photos = np.random.default_rng(0).random((count, side, side, 1), "float32")
            enough = repetitions if count == 1 else repetitions // 4
            ours = partial(runner, network, {"lightness": photos})
            peers = (_torch_forward(width, precision, name) for name in FORMATS)
            theirs = [partial(peer, photos) for peer in peers]
            title = f"network of Zhang et al. 2016, {side} px, {count} at once, {precision}"
            yield _row(title, ours, theirs, count, enough, until)


def int8_rows(
    shares: TimeShares,
    batches: Sequence[int],
    side: int = 256,
    width: int = 64,
    repetitions: int = 80,
) -> Iterator[Row]:
    """Compare the network of Zhang et al. in int8, as `--precision auto` may choose, with PyTorch.

    PyTorch computes in float32, its faster precision on processors without bfloat16 of their own.
    """
    start_keras()
    from zoo.export.int8 import Int8Runner, quantize
    from zoo.networks.blocks import NetworkSpec
    from zoo.networks.zhang import zhang

    network = zhang(NetworkSpec(channels=313, width=width, seed=0))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "int8.onnx"
        for count in batches:
            until = shares.next_end()
            photos = np.random.default_rng(0).random((count, side, side, 1), "float32")
            quantize(network, [{"lightness": photos[:1]}], file)
            ours = partial(Int8Runner({network: file}), network, {"lightness": photos})
            theirs = [partial(_torch_forward(width, "float32", name), photos) for name in FORMATS]
            enough = repetitions if count == 1 else repetitions // 4
            title = f"network of Zhang et al. 2016, {side} px, {count} at once, int8"
            yield _row(title, ours, theirs, count, enough, until, "ONNX Runtime")


def _row(
    title: str,
    ours: Callable,
    theirs: Sequence[Callable],
    photos: int,
    repetitions: int,
    until: float,
    runtime: str = "",
) -> Row:
    """Compare ours with PyTorch's in the faster of its memory formats.

    `runtime` is what computes ours, where it is not Keras' backend.
    """
    import keras

    names = [
        f"zoo, {runtime or keras.backend.backend()}",
        *(f"PyTorch, {name}" for name in FORMATS),
    ]
    actions = dict(zip(names, (ours, *theirs), strict=True))
    measured, *others = measure_in_turn(actions, photos, repetitions, until)
    best = min(others, key=lambda measurement: measurement.median)
    return Row(title, "s/photo", False, measured, best)


def _torch_forward(
    width: int, precision: str, memory_format: str
) -> Callable[[np.ndarray], np.ndarray]:
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
    shares: TimeShares,
    batches: Sequence[int],
    side: int = 256,
    width: int = 64,
    depth: int = 8,
) -> Iterator[Row]:
    """Compare a training step of `gan:paper` with that of the same nets and losses in PyTorch.

    Ours starts from 8-bit RGB and logs color scores, as trainings do; PyTorch's is given Lab.
    """
    start_keras()
    from zoo.backend import use_jit

    for count in batches:
        until = shares.next_end()
        photos = noise(count, side, side, 3)
        model: Any = create_model("gan:paper", width=width, depth=depth, patch_width=width)
        graph = model.task()
        graph.compile(optimizer=model.optimizer(100), jit_compile=use_jit())
        ours = partial(graph.train_on_batch, {"rgb": photos})
        theirs = [_torch_step(photos, memory_format, width, depth) for memory_format in FORMATS]
        title = f"training step of gan:paper, {side} px, {count} at once, float32"
        yield _row(title, ours, theirs, count, max(10, 30 // count), until)


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


def require_torch() -> None:
    """Say what to install where PyTorch or ONNX Runtime is missing."""
    if find_spec("torch") is None:
        raise ZooError("--against torch needs PyTorch; run `pip install torch`.")
    if find_spec("onnxruntime") is None or find_spec("tf2onnx") is None:
        raise ZooError(
            "--against torch needs ONNX Runtime; run `pip install 'colorization-zoo[onnx]'`."
        )


def runtime_lines() -> Iterator[str]:
    """Time the network of `zhang:paper` alone in other runtimes, each against PyTorch.

    In TensorFlow and ONNX Runtime, in OpenVINO where it is installed; in the latter two by the same
    file in int8, too.
    """
    require_torch()
    start_keras()
    import torch

    from benchmarks.speed.peers.zhang import ZhangNetwork
    from zoo.networks.runner import FixedWeights

    network = create_model("zhang:paper").networks["colorizer"]
    theirs = ZhangNetwork().eval()
    batch = np.random.default_rng(0).uniform(-0.5, 0.5, (1, _SIDE, _SIDE, 1)).astype("float32")
    swapped = torch.from_numpy(batch.transpose(0, 3, 1, 2).copy())

    actions: dict[str, Callable] = {
        "PyTorch": torch.inference_mode()(lambda: theirs(swapped).numpy()),
        "TensorFlow": partial(network.predict_on_batch, {"lightness": batch}),
    }
    with (
        tempfile.TemporaryDirectory() as folder,
        FixedWeights([network], predictions=1000) as runner,
    ):
        actions["TensorFlow, constants"] = partial(runner, network, {"lightness": batch})
        actions |= _by_files(network, {"lightness": batch}, Path(folder))
        pytorch, *others = measure_in_turn(actions, 1, repetitions=21)
    for other in others:
        yield f"network of zhang:paper, {_SIDE} px: {in_words(other, pytorch)}"


def _by_files(network: Any, inputs: dict[str, np.ndarray], folder: Path) -> dict[str, Callable]:
    """What predicts by ONNX files of a network, in float32 and in int8."""
    import onnx

    from zoo.export.int8 import opened, quantize
    from zoo.export.onnx import network_model

    files = {"float32": folder / "float32.onnx", "int8": folder / "int8.onnx"}
    onnx.save(network_model(network), str(files["float32"]))
    quantize(network, [inputs], files["int8"])
    actions: dict[str, Callable] = {}
    for precision, file in files.items():
        actions[f"ONNX Runtime, {precision}"] = partial(opened(file), inputs)
        if find_spec("openvino") is not None:
            import openvino

            compiled = openvino.Core().compile_model(str(file), "CPU")
            actions[f"OpenVINO, {precision}"] = partial(compiled, inputs)
    return actions


def in_words(ours: Measurement, alternative: Measurement) -> str:
    """Write both measurements in seconds, and their ratio."""
    both = [f"{x.name} {x.median:.4g} s [{x.low:.4g}, {x.high:.4g}]" for x in (ours, alternative)]
    return f"{', '.join(both)}, ratio {ours.median / alternative.median:.3f}"

"""Photos a second of the compact models' training steps, each against the same network in PyTorch.

    python -m benchmarks.speed.training
    python -m benchmarks.speed.training zhang gan --minutes 3 --json steps.json

A step has the preset's batch of squares of its size: the network forward and backward, the loss,
and Adam. Ours starts from 8-bit RGB and logs what trainings log; PyTorch's is given Lab and the
targets of a classification, and takes the faster of its two memory formats. All take turns, because
other work on the machine slows all. A ratio above 1 says that ours is faster. The last row is the
share of a training that validation takes. About ten minutes for all; let nothing else run. PyTorch
must be installed.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from typer import Argument, Option

from benchmarks.speed.against_torch import FORMATS
from benchmarks.speed.hot_paths import told
from benchmarks.speed.limited import TimeShares, rows_within
from benchmarks.speed.timing import Measurement, Row, measure_in_turn, noise
from zoo.cli.scripts import run_script
from zoo.cli.startup import start_keras
from zoo.errors import ZooError, valid_choice
from zoo.files import write_json
from zoo.registry import create_model

if TYPE_CHECKING:
    from torch import Tensor, nn

    from benchmarks.speed.peers.compact import Batch

#: The models that learn by gradient and have a preset around a pretrained encoder.
MODELS = ("mse_regression", "fusion", "zhang", "colorunet", "gan", "nogan", "hinted")
#: What the last row is called beside them.
VALIDATION = "validation"
ROWS = (*MODELS, VALIDATION)

_REPETITIONS = 15


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status."""
    return run_script(training, argv=argv)


def training(
    names: Annotated[
        list[str] | None,
        Argument(metavar="ROW", help=f"{', '.join(MODELS)} or {VALIDATION}; all if none."),
    ] = None,
    minutes: Annotated[
        float, Option(min=0.1, help="When it ends: in less time it repeats less often.")
    ] = 12.0,
    json: Annotated[Path | None, Option(metavar="FILE", help="Also write the rows there.")] = None,
) -> None:
    """Compare training steps of the compact models with PyTorch's."""
    chosen = [valid_choice("row", name, ROWS) for name in names or ()]
    chosen = chosen or list(ROWS)
    if find_spec("torch") is None:
        raise ZooError("This needs PyTorch; run `pip install torch`.")
    rows = told(rows_within(60 * minutes, partial(training_rows, chosen)), len(chosen), minutes)
    if json is not None:
        from benchmarks.harness.environment import describe_environment

        content = [asdict(row) | {"ratio": row.ratio} for row in rows]
        write_json(json, {"environment": describe_environment(), "rows": content})


def training_rows(names: Sequence[str], end: float) -> Iterator[Row]:
    """Measure rows until `end`, by `time.monotonic`."""
    start_keras()
    from zoo.backend import keep_freed_memory

    keep_freed_memory()  # as trainings do
    shares = TimeShares(end, len(names))
    for name in names:
        until = shares.next_end()
        if name == VALIDATION:
            from benchmarks.speed.validation import validation_row

            yield validation_row()
        else:
            yield step_row(name, until)


def step_row(name: str, until: float, repetitions: int = _REPETITIONS, **changes: Any) -> Row:
    """Compare a training step of a model; `changes` are of its configuration."""
    import keras

    from zoo.backend import use_jit

    model: Any = create_model(name, "compact", **changes)
    count, size = model.config.batch_size, model.config.train_size
    batch = batch_of(model)
    task = task_of(model)
    task.compile(optimizer=model.optimizer(100), jit_compile=use_jit())
    actions: dict[str, Callable] = {
        f"zoo, {keras.backend.backend()}": partial(task.train_on_batch, batch)
    }
    for memory_format in FORMATS:
        step, given = torch_step(model, batch, memory_format)
        actions[f"PyTorch, {memory_format}"] = partial(step, given)
    found = measure_in_turn(actions, count, repetitions, until)
    ours, *others = (_rate(seconds) for seconds in found)
    best = max(others, key=lambda rate: rate.median)
    title = f"training step of {name}:compact, {size} px, {count} at once"
    return Row(title, "photos/s", True, ours, best)


def _rate(seconds: Measurement) -> Measurement:
    """Photos a second, from seconds a photo."""
    median, low, high = (1 / value for value in (seconds.median, seconds.high, seconds.low))
    return Measurement(seconds.name, median, low, high, seconds.repetitions)


def batch_of(model: Any) -> dict[str, np.ndarray]:
    """A batch of random photos, and what else the model's network sees of them."""
    size = model.config.train_size
    batch = {"rgb": noise(model.config.batch_size, size, size, 3)}
    for declared in model.inputs[1:]:
        random = np.random.default_rng(1)
        shape = (size, size, declared.channels) if declared.kind == "map" else (declared.channels,)
        batch[declared.name] = random.normal(size=(len(batch["rgb"]), *shape)).astype("float32")
    return batch


def task_of(model: Any) -> Any:
    """What is trained; of `nogan` the generator's stage, which has half of the budget."""
    from zoo.models.adversarial.tasks import GeneratorTask

    return GeneratorTask(model) if model.name == "nogan" else model.task()


def torch_step(
    model: Any, batch: dict[str, np.ndarray], memory_format: str
) -> tuple[Callable[["Batch"], float], "Batch"]:
    """The same step in PyTorch with the model's weights, and the same batch for it."""
    import torch
    from keras import ops
    from skimage import color

    from benchmarks.speed.peers import compact

    kind = getattr(torch, memory_format)

    def turned(values: Any) -> "Tensor":
        tensor = torch.from_numpy(np.array(ops.convert_to_numpy(values)))
        return tensor.permute(0, 3, 1, 2).contiguous(memory_format=kind)

    lab = color.rgb2lab(batch["rgb"]).astype("float32")
    seen = model.network_input(batch)
    beside = [seen[one.name] for one in model.inputs[1:]]
    vectors = [torch.from_numpy(np.array(one)) for one in beside if len(one.shape) == 2]
    maps = [turned(one) for one in beside if len(one.shape) == 4]
    chroma = model.plane.of_rgb(batch["rgb"]) if hasattr(model, "plane") else lab[..., 1:]
    given = compact.Batch(
        turned(seen["lightness"]), turned(lab[..., :1]), turned(chroma), *vectors, *maps
    )
    network = torch_network(model).to(memory_format=kind)
    config = model.config
    if model.name == "gan":
        discriminator = torch_discriminator(model).to(memory_format=kind)
        step = compact.AdversarialStep(network, discriminator, config.l1_weight, config.real_label)
        return step, given
    return compact.Step(network, _loss(model, kind)), given


def torch_network(model: Any) -> "nn.Module":
    """The model's network in PyTorch, with its weights."""
    from keras import ops

    from benchmarks.speed.peers.encoder_unet import EncoderUNet, take_weights

    config, network = model.config, model.networks["colorizer"]
    beside = {one.kind: one.channels for one in model.inputs[1:]}
    found = EncoderUNet(
        network.output_shape[-1],
        config.width,
        config.frozen_levels,
        config.dropout,
        embedding=beside.get("vector", 0),
        hints=beside.get("map", 0),
    )
    take_weights(found, {one.path: ops.convert_to_numpy(one) for one in network.weights})
    return found


def torch_discriminator(model: Any) -> "nn.Module":
    """The discriminator of `gan:compact` in PyTorch, with its weights."""
    import torch

    from benchmarks.speed.peers.pix2pix import Discriminator

    config = model.config
    found = Discriminator(config.patch_layers, config.patch_width, normalized=False)
    layers = [one for one in model.networks["discriminator"].layers if hasattr(one, "kernel")]
    convolutions = [module for module in found if isinstance(module, torch.nn.Conv2d)]
    for layer, convolution in zip(layers, convolutions, strict=True):
        kernel, bias = (torch.from_numpy(values) for values in layer.get_weights())
        convolution.weight.data = kernel.permute(3, 2, 0, 1).contiguous()
        convolution.bias.data = bias
    return found


def _loss(model: Any, memory_format: Any) -> Any:
    import torch
    from keras import ops

    from benchmarks.speed.peers import compact
    from benchmarks.speed.peers.encoder_unet import Pyramid, take_weights
    from zoo.networks.encoders import open_encoder

    config = model.config
    if model.name == "nogan":
        features = Pyramid()
        values = open_encoder(config.features.partition(":")[2]).values()
        unseen = ("top", "classes")
        wanted = {path: v for path, v in values.items() if not any(one in path for one in unseen)}
        take_weights(features, wanted)
        features = features.to(memory_format=memory_format)
        return compact.perceptual(features, config.level_weights, config.l1_weight)
    if not hasattr(model, "plane"):
        return compact.squared(model.ab_scale)
    centers, weights = (
        torch.from_numpy(np.array(ops.convert_to_numpy(one)))
        for one in (model.bins.centers, model.weights)
    )
    loss = compact.Classification(centers, weights, config.neighbors, config.sigma)
    return compact.two_answers(loss, config.outright_weight) if model.name == "hinted" else loss


if __name__ == "__main__":
    sys.exit(main())

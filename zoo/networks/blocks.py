"""Blocks that more than one network is built from, and the specification of a network.

Every layer has an explicit name, by which its weights are found again, and an explicit seed that
follows from the model's seed and that name, so that no global random state is touched. Layers are
float32 whatever the global policy: training changes the precision for its own duration
(`zoo.training.precision`). The layer called HEAD stays float32 even then.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import keras
from keras import layers, ops

from zoo.color.spaces import Tensor

#: The name of the layer that makes a network's output.
HEAD = "head"

#: Networks see and predict chroma divided by this (Zhang's and pix2pix's scale).
AB_SCALE = 110.0


@dataclass(frozen=True)
class NetworkSpec:
    """What a colorizing network should be; an architecture takes the fields that it has a use for.

    Attributes:
        channels: of the output.
        seed: decides the initial weights.
        width: channels of the first block.
        depth: levels.
        output_stride: how many times smaller the output is than the input.
        decay: weight decay, as the gradient's share of each kernel.
        dropout: share that is dropped in training, at the lowest level unless the architecture has
            places of its own for it.
        bounded: whether the output is chroma, which some architectures keep in [-1, 1].
        bottom: replaces the lowest level's output by another of the same size.
        inputs: what the network, and so `bottom`, sees beside "lightness", by name.
    """

    channels: int
    seed: int
    width: int
    depth: int = 4
    output_stride: int = 1
    decay: float = 0.0
    dropout: float = 0.0
    bounded: bool = False
    bottom: Callable[[Tensor], Tensor] = lambda x: x
    inputs: Mapping[str, Tensor] = field(default_factory=dict)


def seed_for(seed: int, *names: str) -> int:
    """A 32-bit seed derived from `seed` and names, unrelated between different names."""
    text = "/".join([str(seed), *names])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def conv(
    x: Tensor,
    filters: int,
    name: str,
    seed: int,
    *,
    kernel: int = 3,
    strides: int = 1,
    dilation: int = 1,
    activation: str | None = "relu",
    bias: bool = True,
    decay: float = 0.0,
    margin: int | None = None,
) -> Tensor:
    """A convolution that keeps the size of (N, H, W, C), or divides it by `strides`.

    Strided convolutions pad one pixel on each side, as Caffe and PyTorch do; Keras' own "same"
    padding would shift the grid.

    Args:
        x: a symbolic tensor.
        filters: channels of the output.
        name: of the layer, unique in the network; HEAD for the one that makes its output.
        seed: the model's; initial weights follow from it and the name.
        kernel: side in px.
        strides: of the kernel.
        dilation: distance of the points that a kernel looks at.
        activation: by Keras' name.
        bias: whether there is one.
        decay: d adds d times the kernel to its gradient.
        margin: pixels that are padded on each side, if not as many as keep the size.
    """
    padding = "same"
    if strides > 1 or margin is not None:
        margin = kernel // 2 if margin is None else margin
        x = layers.ZeroPadding2D(margin, name=f"{name}_pad", dtype="float32")(x)
        padding = "valid"
    return layers.Conv2D(
        filters,
        kernel,
        strides=strides,
        dilation_rate=dilation,
        padding=padding,
        activation=activation,
        use_bias=bias,
        name=name,
        dtype="float32",
        **_initial(name, seed, decay),
    )(x)


def up_conv(
    x: Tensor,
    filters: int,
    name: str,
    seed: int,
    *,
    kernel: int = 2,
    activation: str | None = None,
    bias: bool = True,
    decay: float = 0.0,
) -> Tensor:
    """A transposed convolution that doubles the size: (N, H, W, C) -> (N, 2 H, 2 W, filters)."""
    return layers.Conv2DTranspose(
        filters,
        kernel,
        strides=2,
        padding="same",
        activation=activation,
        use_bias=bias,
        name=name,
        dtype="float32",
        **_initial(name, seed, decay),
    )(x)


def dense(x: Tensor, units: int, name: str, seed: int, activation: str | None = "relu") -> Tensor:
    """A fully connected layer: (..., C) -> (..., units); arguments as in `conv`."""
    initial = _initial(name, seed, decay=0.0)
    return layers.Dense(units, activation=activation, name=name, dtype="float32", **initial)(x)


def batch_norm(x: Tensor, name: str) -> Tensor:
    """Batch normalization with PyTorch's constants: short trainings need statistics that follow."""
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=name, dtype="float32")(x)


def lightness_and_ab() -> dict[str, Tensor]:
    """The inputs of a network that judges colors."""
    sizes = {"lightness": 1, "ab": 2}
    return {name: keras.Input((None, None, size), name=name) for name, size in sizes.items()}


def dropout(x: Tensor, rate: float, name: str, seed: int) -> Tensor:
    """Dropout, unless the rate is 0."""
    if not rate:
        return x
    name = f"{name}_dropout"
    return layers.Dropout(rate, seed=dropout_seed(seed, name), name=name, dtype="float32")(x)


def dropout_seed(seed: int, name: str) -> int:
    """As `seed_for`; PyTorch keeps a random generator's seed as a signed integer of 32 bits."""
    return seed_for(seed, name) % 2**31


def average_to_size(x: Tensor, like: Tensor) -> Tensor:
    """Average (N, H, W, C) over squares down to the height and width of `like`."""
    return average_by(x, x.shape[1] // like.shape[1])


def average_by(x: Tensor, share: int) -> Tensor:
    """Average (N, H, W, C) over squares of `share` px: (N, H / share, W / share, C)."""
    return x if share == 1 else ops.average_pool(x, share, share)


def _initial(name: str, seed: int, decay: float) -> dict[str, Any]:
    # He et al. 2015 for layers before a rectifier. A head starts small: the first colors are then
    # nearly gray, and no steps are spent on unlearning random ones.
    scale = 0.01 if name == HEAD else 2.0
    initializer = keras.initializers.VarianceScaling(scale, seed=seed_for(seed, name))
    return {
        "kernel_initializer": initializer,
        "kernel_regularizer": keras.regularizers.L2(decay / 2) if decay else None,
    }

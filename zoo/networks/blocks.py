"""Blocks that more than one model uses.

Every layer has an explicit name, so that weights are found again by name, and an explicit seed that
follows from the model's seed and that name, so that no global random state is touched. Layers are
float32 whatever the global policy: training switches the precision for its own duration (see
`training.py`). The layer called HEAD stays float32 even then.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import keras
from keras import layers, ops

from zoo.color.spaces import Tensor

#: The name of the layer that makes a network's output.
HEAD = "head"

#: Networks see and predict chroma divided by this (Zhang's and pix2pix's scale).
AB_SCALE = 110.0


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
    """A convolution that keeps the size (or divides it by `strides`).

    Strided convolutions pad one pixel on each side, as Caffe and PyTorch do; Keras' own "same"
    padding would shift the grid.

    Args:
        x: (N, H, W, C).
        filters: channels of the output.
        name: of the layer, different from all others in the network; HEAD for the one that makes
            its output.
        seed: the model's; initial weights follow from it and the name.
        kernel: side in px.
        strides: by which the size is divided.
        dilation: distance of the points that a kernel looks at.
        activation: by Keras' name; None for none.
        bias: whether there is one.
        decay: d adds d/2 of the kernel's squared norm to the loss, so d times the kernel to its
            gradient.
        margin: how many pixels are padded on each side, where that is another number than keeps the
            size.

    Returns:
        (N, H / strides, W / strides, filters), a symbolic tensor.
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
    """A transposed convolution that doubles the size: (N, H, W, C) -> (N, 2 H, 2 W, filters).

    The arguments are those of `conv`.
    """
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


def average_to_size(x: Tensor, like: Tensor) -> Tensor:
    """Average (N, H, W, C) over squares down to the height and width of `like`, a whole share."""
    return average_by(x, x.shape[1] // like.shape[1])


def average_by(x: Tensor, share: int) -> Tensor:
    """Average (N, H, W, C) over squares of `share` px: (N, H/share, W/share, C)."""
    return x if share == 1 else ops.average_pool(x, share, share)


def unet(
    width: int,
    depth: int,
    channels: int,
    output_stride: int,
    seed: int,
    bottom: Callable[[Tensor], Tensor] | None = None,
    beside: Mapping[str, Tensor] | None = None,
) -> keras.Model:
    """A U-Net (Ronneberger et al. 2015, arXiv 1505.04597) with same-size convolutions.

    Each of the `depth` levels has two 3x3 convolutions with batch normalization; widths double from
    `width` on; upward steps are transposed 2x2 convolutions. With an `output_stride`, strided
    convolutions come before the first level: chroma needs less detail than lightness, and levels at
    full size would take most of the time.

    Args:
        width: channels of the first level.
        depth: number of levels.
        channels: channels of the output.
        output_stride: 1, 2 or 4: the size of the first level and of the output is the input's
            divided by it. The input's sides must be multiples of output_stride * 2 ** (depth - 1).
        seed: decides the initial weights.
        bottom: makes something else of the lowest level's output, of the same size.
        beside: inputs by name that `bottom` takes in, beside L.

    Returns:
        A functional model {"lightness": (N, H, W, 1)} -> (N, H/output_stride, W/output_stride,
        channels).
    """
    inputs = keras.Input((None, None, 1), name="lightness")
    x, skips = inputs, []
    for step in range(1, output_stride.bit_length()):
        x = conv(x, width, f"stem{step}", seed, strides=2)
    for level in range(depth):
        if level:
            x = layers.MaxPooling2D(2, name=f"down{level}_pool", dtype="float32")(x)
        x = _double_conv(x, width * 2**level, f"down{level}", seed)
        skips.append(x)
    x = bottom(x) if bottom else x
    for level in reversed(range(depth - 1)):
        x = up_conv(x, width * 2**level, f"up{level}_grow", seed)
        x = layers.Concatenate(name=f"up{level}_join", dtype="float32")([skips[level], x])
        x = _double_conv(x, width * 2**level, f"up{level}", seed)
    outputs = conv(x, channels, HEAD, seed, kernel=1, activation=None)
    return keras.Model({"lightness": inputs, **(beside or {})}, outputs, name="unet")


def zhang_network(channels: int, width: int, decay: float, seed: int) -> keras.Model:
    """The network of Zhang et al. 2016 (arXiv 1603.08511, figure 2) up to its last 1x1 convolution.

    Args:
        channels: of the output: 313 bins in the paper, 2 for its L2 regression.
        width: channels of the first block: 64 in the paper; the others keep their proportions.
        decay: weight decay, as the gradient's share of each kernel.
        seed: decides the initial weights.

    Returns:
        A functional model {"lightness": (N, H, W, 1)} -> (N, H/4, W/4, channels); H and W multiples
        of 8.
    """
    inputs = keras.Input((None, None, 1), name="lightness")
    x = inputs
    blocks = [
        # (width factor, convolutions, stride of the last one, dilation)
        (1, 2, 2, 1),
        (2, 2, 2, 1),
        (4, 3, 2, 1),
        (8, 3, 1, 1),
        (8, 3, 1, 2),
        (8, 3, 1, 2),
        (8, 3, 1, 1),
    ]
    for block, (factor, count, stride, dilation) in enumerate(blocks, start=1):
        for index in range(1, count + 1):
            x = conv(
                x,
                width * factor,
                f"conv{block}_{index}",
                seed,
                strides=stride if index == count else 1,
                dilation=dilation,
                decay=decay,
            )
        x = batch_norm(x, f"norm{block}")
    x = up_conv(x, width * 4, "conv8_1", seed, kernel=4, activation="relu", decay=decay)
    for index in (2, 3):
        x = conv(x, width * 4, f"conv8_{index}", seed, decay=decay)
    outputs = conv(x, channels, HEAD, seed, kernel=1, activation=None, decay=decay)
    return keras.Model({"lightness": inputs}, outputs, name="zhang")


def _double_conv(x: Tensor, filters: int, name: str, seed: int) -> Tensor:
    for index in (1, 2):
        # Batch normalization takes any bias away again.
        x = conv(x, filters, f"{name}_conv{index}", seed, activation=None, bias=False)
        x = batch_norm(x, f"{name}_norm{index}")
        x = layers.ReLU(name=f"{name}_relu{index}", dtype="float32")(x)
    return x


def _initial(name: str, seed: int, decay: float) -> dict[str, Any]:
    # He et al. 2015 for layers before a rectifier. A head starts small: the first photos are then
    # nearly gray, and no steps are spent on unlearning random colors.
    scale = 0.01 if name == HEAD else 2.0
    initializer = keras.initializers.VarianceScaling(scale, seed=seed_for(seed, name))
    return {
        "kernel_initializer": initializer,
        "kernel_regularizer": keras.regularizers.L2(decay / 2) if decay else None,
    }

"""A U-Net (Ronneberger et al. 2015, arXiv 1505.04597) with same-size convolutions."""

from functools import partial

import keras
from keras import layers

from zoo.color.spaces import Tensor
from zoo.networks.blocks import HEAD, NetworkSpec, batch_norm, conv, dropout, up_conv


def unet(spec: NetworkSpec) -> keras.Model:
    """Build a U-Net.

    Each level has two 3x3 convolutions with batch normalization; widths double from `spec.width`
    on; upward steps are transposed 2x2 convolutions. With an output stride of 2 or 4, strided
    convolutions come before the first level: chroma needs less detail than lightness, and levels at
    full size would take most of the time.

    Returns:
        {"lightness": (N, H, W, 1), ...} -> (N, H / output stride, W / output stride, channels).
    """
    layer = partial(conv, seed=spec.seed, decay=spec.decay)
    lightness = keras.Input((None, None, 1), name="lightness")
    x, skips = spec.seen(lightness), []
    for step in range(1, spec.output_stride.bit_length()):
        x = layer(x, spec.width, f"stem{step}", strides=2)
    for level in range(spec.depth):
        if level:
            x = layers.MaxPooling2D(2, name=f"down{level}_pool", dtype="float32")(x)
        x = _double_conv(x, spec.width * 2**level, f"down{level}", spec)
        skips.append(x)
    x = dropout(spec.bottom(x, x), spec.dropout, "bottom", spec.seed)
    for level in reversed(range(spec.depth - 1)):
        filters = spec.width * 2**level
        x = up_conv(x, filters, f"up{level}_grow", spec.seed, decay=spec.decay)
        x = layers.Concatenate(name=f"up{level}_join", dtype="float32")([skips[level], x])
        x = _double_conv(x, filters, f"up{level}", spec)
    output = layer(x, spec.channels, HEAD, kernel=1, activation=None)
    return keras.Model({"lightness": lightness, **spec.inputs}, output, name="unet")


def _double_conv(x: Tensor, filters: int, name: str, spec: NetworkSpec) -> Tensor:
    # Batch normalization takes any bias away again.
    layer = partial(conv, seed=spec.seed, activation=None, bias=False, decay=spec.decay)
    for index in (1, 2):
        x = layer(x, filters, f"{name}_conv{index}")
        x = batch_norm(x, f"{name}_norm{index}")
        x = layers.ReLU(name=f"{name}_relu{index}", dtype="float32")(x)
    return x

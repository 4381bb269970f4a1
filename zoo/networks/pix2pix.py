"""The two nets of pix2pix (Isola et al. 2017, arXiv 1611.07004): generator and discriminator."""

from functools import partial

import keras
from keras import layers

from zoo.networks.blocks import (
    HEAD,
    NetworkSpec,
    batch_norm,
    conv,
    dropout,
    lightness_and_ab,
    up_conv,
)

_KERNEL = 4
_LEAK = 0.2
#: The widest layer of either net, in units of its first.
_WIDEST = 8
#: How many of the generator's upward steps have dropout.
_DROPPED = 3

#: Deviation of the initial weights, which are normal: of kernels around 0 (section 6.2), of batch
#: normalization's factors around 1 (the authors' code).
DEVIATION = 0.02

#: Both nets' convolutions pad by one pixel.
_conv = partial(conv, kernel=_KERNEL, margin=1, activation=None)


def pix2pix(spec: NetworkSpec) -> keras.Model:
    """Build the generator, a U-Net (section 6.1.1).

    It has `spec.depth` levels, 8 in the paper, each half as large as the one before; the first has
    `spec.width` channels, 64 in the paper, and the others' double up to 8 times that. Dropout
    follows each of the first three upward steps.

    Returns:
        {"lightness": (N, H, W, 1), ...} -> (N, H, W, channels), chroma in [-1, 1]; H and W
        multiples of 2**depth.
    """
    seed, decay = spec.seed, spec.decay
    shrink = partial(_conv, seed=seed, strides=2, bias=False, decay=decay, deviation=DEVIATION)
    grow = partial(up_conv, seed=seed, kernel=_KERNEL, decay=decay, deviation=DEVIATION)
    norm = partial(batch_norm, seed=seed, deviation=DEVIATION)
    lightness = keras.Input((None, None, 1), name="lightness")
    x, skips = spec.seen(lightness), []
    for level in range(spec.depth):
        if level:
            x = layers.LeakyReLU(_LEAK, name=f"down{level}_relu", dtype="float32")(x)
        # Not the first level, and not the last, where a photo of 256 px has one pixel.
        normalized = 0 < level < spec.depth - 1
        x = shrink(x, spec.width * min(2**level, _WIDEST), f"down{level}")
        x = norm(x, f"down{level}_norm") if normalized else x
        skips.append(x)
    x = spec.bottom(x, x)
    for step, level in enumerate(reversed(range(spec.depth - 1))):
        x = layers.ReLU(name=f"up{level}_relu", dtype="float32")(x)
        x = grow(x, spec.width * min(2**level, _WIDEST), f"up{level}", bias=False)
        x = norm(x, f"up{level}_norm")
        if step < _DROPPED:
            x = dropout(x, spec.dropout, f"up{level}", seed)
        x = layers.Concatenate(name=f"up{level}_join", dtype="float32")([skips[level], x])
    x = layers.ReLU(name="head_relu", dtype="float32")(x)
    output = grow(x, spec.channels, HEAD, activation="tanh" if spec.bounded else None)
    return keras.Model({"lightness": lightness, **spec.inputs}, output, name="pix2pix")


def receptive_field(patch_layers: int) -> int:
    """Side in px of the patch that one answer of the discriminator is about.

    Examples:
        >>> [receptive_field(patch_layers) for patch_layers in (1, 2, 3, 4)]
        [16, 34, 70, 142]
    """
    side = 1
    for stride in (1, 1, *[2] * patch_layers):
        side = (side - 1) * stride + _KERNEL
    return side


def patch_discriminator(
    patch_layers: int, width: int, seed: int, *, normalized: bool, deviation: float | None = None
) -> keras.Model:
    """Build the PatchGAN (section 6.1.2), which gives a logit for each patch.

    Args:
        patch_layers: how many layers of stride 2 there are, before one of stride 1 and the head.
        width: channels of the first layer; the others' double up to 8 times that.
        seed: decides the initial weights.
        normalized: whether batch normalization follows the inner layers, as in the paper.
        deviation: of the initial weights if they are normal, as in the paper; None for those of
            He et al. 2015.

    Returns:
        {"lightness": (N, H, W, 1), "ab": (N, H, W, 2)} -> (N, h, w, 1).
    """
    layer = partial(_conv, seed=seed, deviation=deviation)
    pair = lightness_and_ab()
    x = layers.Concatenate(name="pair", dtype="float32")(list(pair.values()))
    for index in range(patch_layers + 1):
        name, filters = f"patch{index + 1}", width * min(2**index, _WIDEST)
        after_norm = index > 0 and normalized
        strides = 2 if index < patch_layers else 1
        x = layer(x, filters, name, strides=strides, bias=not after_norm)
        x = batch_norm(x, f"{name}_norm", seed, deviation) if after_norm else x
        x = layers.LeakyReLU(_LEAK, name=f"{name}_relu", dtype="float32")(x)
    return keras.Model(pair, layer(x, 1, HEAD), name="patch_discriminator")

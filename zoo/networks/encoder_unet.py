"""A U-Net whose encoder is a pretrained classifier, with a light decoder."""

from functools import partial

import keras
from keras import layers

from zoo.color.spaces import Tensor
from zoo.networks.blocks import HEAD, NetworkSpec, RepeatPixels, batch_norm, conv, dropout
from zoo.networks.encoders import open_encoder
from zoo.networks.encoders.base import STRIDES, as_they_are

#: How the names of the stem's layers begin.
STEM = "beside"

#: Channels of the decoder at 1/32, 1/16, 1/8 and 1/4 of the size, in units of `NetworkSpec.width`.
_WIDTHS = (2.0, 2.0, 1.5, 1.0)


def encoder_unet(spec: NetworkSpec) -> keras.Model:
    """Build the network, with initial weights that follow from the seed.

    At the lowest level a 1x1 convolution shrinks the encoder's features; each upward step repeats
    pixels, joins the encoder's features of that size, and convolves 3x3. The output is a quarter of
    the input's size, after one more convolution there. The last step has `spec.width` channels, 64
    in our presets. Dropout comes before the last layer.

    A map beside lightness has a stem of its own, which adds to the encoder's features at the
    strides 2 and 4: nothing at first, so that the encoder starts with what it has learned.

    Returns:
        {"lightness": (N, H, W, 1), ...} -> (N, H/4, W/4, channels); H and W multiples of 32.
    """
    lightness = keras.Input((None, None, 1), name="lightness")
    joined = as_they_are if spec.beside is None else _Stem(spec)
    levels = open_encoder(spec.encoder).pyramid(lightness, spec.seed, spec.decay, joined)
    seen = [lightness] if spec.beside is None else [lightness, spec.beside]
    _freeze(seen, levels[: spec.frozen_levels])
    lowest, *widths = (round(spec.width * factor) for factor in _WIDTHS)
    x = _layer(levels[-1], lowest, f"decoder{STRIDES[-1]}", spec, kernel=1)
    x = spec.bottom(x, levels[-1])
    for stride, skip, width in zip(STRIDES[-2:0:-1], levels[-2:0:-1], widths, strict=True):
        name = f"decoder{stride}"
        x = RepeatPixels(name=f"{name}_up", dtype="float32")(x)
        x = layers.Concatenate(name=f"{name}_join", dtype="float32")([skip, x])
        x = _layer(x, width, name, spec)
    x = _layer(x, widths[-1], "decoder_last", spec)
    x = dropout(x, spec.dropout, HEAD, spec.seed)
    layer = partial(conv, kernel=1, activation=None, decay=spec.decay)
    output = layer(x, spec.channels, HEAD, spec.seed)
    return keras.Model({"lightness": lightness, **spec.inputs}, output, name="encoder_unet")


class _Stem:
    """Adds what a map beside lightness says to the encoder's features at the strides 2 and 4."""

    def __init__(self, spec: NetworkSpec) -> None:
        self._x, self._spec = spec.beside, spec

    def __call__(self, features: Tensor, stride: int) -> Tensor:
        if stride > 4:
            return features
        name, seed = f"{STEM}{stride}", self._spec.seed
        self._x = conv(self._x, self._spec.width, name, seed, strides=2, decay=self._spec.decay)
        added = layers.Conv2D(
            features.shape[-1],
            1,
            kernel_initializer="zeros",
            name=f"{name}_added",
            dtype="float32",
        )(self._x)
        return layers.Add(name=f"{name}_sum", dtype="float32")([features, added])


def _freeze(inputs: list[Tensor], levels: list[Tensor]) -> None:
    """Keep the encoder up to these features as it is; its batch normalization rests, too."""
    if levels:
        for layer in keras.Model(inputs, levels[-1]).layers:
            layer.trainable = layer.name.startswith(STEM)


def _layer(x: Tensor, filters: int, name: str, spec: NetworkSpec, kernel: int = 3) -> Tensor:
    # Batch normalization takes any bias away again.
    layer = partial(conv, seed=spec.seed, activation=None, bias=False, decay=spec.decay)
    x = batch_norm(layer(x, filters, f"{name}_conv", kernel=kernel), f"{name}_norm")
    return layers.ReLU(name=f"{name}_relu", dtype="float32")(x)

"""The local hints network of Zhang et al. 2017 (arXiv 1705.02999, figure 2), as released."""

from functools import partial

import keras
from keras import layers, ops

from zoo.color.spaces import Tensor
from zoo.networks.blocks import HEAD, NetworkSpec, batch_norm, conv, dropout, up_conv

#: The name of the layer that makes the logits.
BINS_HEAD = "head_bins"

#: (width factor, convolutions, dilation) of the blocks 1 to 7, of which 2 to 4 begin by taking
#: every second pixel.
_DOWN = ((1, 2, 1), (2, 2, 1), (4, 3, 1), (8, 3, 1), (8, 3, 2), (8, 3, 2), (8, 3, 1))
_HALVED = (2, 3, 4)
#: (block, width factor, block of the shortcut, convolutions) of the upward steps.
_UP = ((8, 4, 3, 2), (9, 2, 2, 1), (10, 2, 1, 1))
_LEAK = 0.2


class Detached(layers.Layer):
    """The same values, through which no gradient flows back."""

    def call(self, x: Tensor) -> Tensor:
        return ops.stop_gradient(x)


def local_hints(spec: NetworkSpec) -> keras.Model:
    """Build the network: colors of full size, and a distribution beside them.

    Its first block has `spec.width` channels, 64 in the paper; the others keep their proportions.
    The distribution is read off the main branch, which learns nothing from it (section 3.3).

    Returns:
        {"lightness": (N, H, W, 1), ...} -> [(N, H/4, W/4, channels - 2) logits, (N, H, W, 2) chroma
        in [-1, 1]]; H and W multiples of 8.
    """
    layer = partial(conv, seed=spec.seed, decay=spec.decay)
    lightness = keras.Input((None, None, 1), name="lightness")
    x, skips = spec.seen(lightness), {}
    for block, (factor, count, dilation) in enumerate(_DOWN, start=1):
        if block in _HALVED:
            x = layers.MaxPooling2D(1, 2, name=f"down{block}", dtype="float32")(x)
        for index in range(1, count + 1):
            x = layer(x, spec.width * factor, f"conv{block}_{index}", dilation=dilation)
        x = skips[block] = batch_norm(x, f"norm{block}")
    x = dropout(spec.bottom(x, x), spec.dropout, "bottom", spec.seed)
    for block, factor, short, count in _UP:
        x = _joined(x, skips[short], spec.width * factor, block, spec)
        last = block == _UP[-1][0]
        for index in range(1, count + 1):
            name = f"conv{block}_{index}"
            x = layer(x, spec.width * factor, name, activation=None if last else "relu")
        if last:
            x = layers.LeakyReLU(_LEAK, name=f"relu{block}", dtype="float32")(x)
        else:
            x = batch_norm(x, f"norm{block}")
        if block == _UP[0][0]:
            seen = Detached(name="detached", dtype="float32")(x)
            logits = layer(seen, spec.channels - 2, BINS_HEAD, kernel=1, activation=None)
    ab = layer(x, 2, HEAD, kernel=1, activation="tanh")
    return keras.Model({"lightness": lightness, **spec.inputs}, [logits, ab], name="local_hints")


def _joined(x: Tensor, skip: Tensor, filters: int, block: int, spec: NetworkSpec) -> Tensor:
    """Twice the size, with the features of that size from before."""
    grown = up_conv(x, filters, f"up{block}", spec.seed, kernel=4, decay=spec.decay)
    short = conv(skip, filters, f"short{block}", spec.seed, activation=None, decay=spec.decay)
    added = layers.Add(name=f"sum{block}", dtype="float32")([grown, short])
    return layers.ReLU(name=f"sum{block}_relu", dtype="float32")(added)

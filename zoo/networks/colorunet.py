"""The network of ColorUNet (Billaut et al. 2018, arXiv 1811.03120, figure 2)."""

from functools import partial

import keras
from keras import layers

from zoo.networks.blocks import HEAD, NetworkSpec, batch_norm, conv, dropout, up_conv


def colorunet(spec: NetworkSpec) -> keras.Model:
    """Build the network: 0.14 million parameters with 32 channels. Its widths are fixed.

    Returns:
        {"lightness": (N, H, W, 1), ...} -> (N, H, W, channels); H and W multiples of 8.
    """
    layer = partial(conv, seed=spec.seed, decay=spec.decay)
    grow = partial(up_conv, seed=spec.seed, kernel=3, decay=spec.decay)
    lightness = keras.Input((None, None, 1), name="lightness")
    x, skips = spec.seen(lightness), []
    for level, width in enumerate((16, 32, 64), start=1):
        for index in (1, 2):
            x = layer(x, width, f"down{level}_conv{index}")
        x = layers.MaxPooling2D(2, name=f"down{level}_pool", dtype="float32")(x)
        x = batch_norm(x, f"down{level}_norm")
        skips.append(x)
    x = dropout(spec.bottom(x, x), spec.dropout, "bottom", spec.seed)
    for level, width in ((2, 32), (1, 16)):
        x = grow(x, width, f"up{level}_grow")
        for index in (1, 2):
            x = layer(x, 32, f"up{level}_conv{index}")
        x = batch_norm(x, f"up{level}_norm")
        x = layers.Concatenate(name=f"up{level}_join", dtype="float32")([skips[level - 1], x])
    x = layer(grow(x, 16, "up0_grow"), 16, "up0_conv")
    output = layer(x, spec.channels, HEAD, kernel=1, activation=None)
    return keras.Model({"lightness": lightness, **spec.inputs}, output, name="colorunet")

"""The network of Zhang, Isola and Efros 2016 (arXiv 1603.08511, figure 2)."""

from functools import partial

import keras

from zoo.networks.blocks import HEAD, NetworkSpec, batch_norm, conv, dropout, up_conv

#: (width factor, convolutions, stride of the last one, dilation) of the blocks 1 to 7.
BLOCKS = (
    (1, 2, 2, 1),
    (2, 2, 2, 1),
    (4, 3, 2, 1),
    (8, 3, 1, 1),
    (8, 3, 1, 2),
    (8, 3, 1, 2),
    (8, 3, 1, 1),
)


def zhang(spec: NetworkSpec) -> keras.Model:
    """Build the network up to its last 1x1 convolution.

    Its first block has `spec.width` channels, 64 in the paper; the others keep their proportions.

    Returns:
        {"lightness": (N, H, W, 1), ...} -> (N, H/4, W/4, channels); H and W multiples of 8.
    """
    layer = partial(conv, seed=spec.seed, decay=spec.decay)
    lightness = keras.Input((None, None, 1), name="lightness")
    x = spec.seen(lightness)
    for block, (factor, count, stride, dilation) in enumerate(BLOCKS, start=1):
        for index in range(1, count + 1):
            strides = stride if index == count else 1
            name = f"conv{block}_{index}"
            x = layer(x, spec.width * factor, name, strides=strides, dilation=dilation)
        x = batch_norm(x, f"norm{block}")
    x = dropout(spec.bottom(x, x), spec.dropout, "bottom", spec.seed)
    grow = partial(up_conv, seed=spec.seed, kernel=4, activation="relu", decay=spec.decay)
    x = grow(x, spec.width * 4, "conv8_1")
    for index in (2, 3):
        x = layer(x, spec.width * 4, f"conv8_{index}")
    output = layer(x, spec.channels, HEAD, kernel=1, activation=None)
    return keras.Model({"lightness": lightness, **spec.inputs}, output, name="zhang")

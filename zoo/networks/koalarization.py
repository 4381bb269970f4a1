"""The encoder and decoder of Deep Koalarization.

Baldassarre, Gonzalez Morin and Rodes-Guirao 2017, arXiv 1712.03400, table 1.
"""

from functools import partial

import keras

from zoo.networks.blocks import HEAD, NetworkSpec, RepeatPixels, conv, dropout

#: Width factor and stride of each convolution of the encoder.
_ENCODER = ((1, 2), (2, 1), (2, 2), (4, 1), (4, 2), (8, 1), (8, 1), (4, 1))


def encoder_decoder(spec: NetworkSpec) -> keras.Model:
    """Build encoder and decoder; enlarging repeats pixels.

    The first layer has `spec.width` channels, 64 in the paper; the others keep their proportions.

    Returns:
        {"lightness": (N, H, W, 1), ...} -> (N, H, W, channels), chroma in [-1, 1]; H and W
        multiples of 8.
    """
    layer, width = partial(conv, seed=spec.seed, decay=spec.decay), spec.width
    lightness = keras.Input((None, None, 1), name="lightness")
    x = spec.seen(lightness)
    for index, (factor, strides) in enumerate(_ENCODER, start=1):
        x = layer(x, factor * width, f"encoder{index}", strides=strides)
    x = dropout(spec.bottom(x, x), spec.dropout, "bottom", spec.seed)
    x = layer(x, 2 * width, "decoder1")
    x = RepeatPixels(name="up1", dtype="float32")(x)
    for index in (2, 3):
        x = layer(x, width, f"decoder{index}")
    x = RepeatPixels(name="up2", dtype="float32")(x)
    x = layer(x, width // 2, "decoder4")
    x = layer(x, spec.channels, HEAD, activation="tanh" if spec.bounded else None)
    output = RepeatPixels(name="up3", dtype="float32")(x)
    return keras.Model({"lightness": lightness, **spec.inputs}, output, name="encoder_decoder")

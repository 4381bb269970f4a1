"""The registry of colorizing networks' architectures; every approach takes any of them.

An approach decides what the output means (chroma, or logits over bins) and the loss; an
architecture decides the layers between lightness and output.
"""

from collections.abc import Callable
from dataclasses import dataclass

import keras

from zoo.color.spaces import Tensor, lightness_to_gray
from zoo.networks.blocks import AB_SCALE, NetworkSpec
from zoo.networks.colorunet import colorunet
from zoo.networks.encoder_unet import encoder_unet
from zoo.networks.koalarization import encoder_decoder
from zoo.networks.local_hints import local_hints
from zoo.networks.pix2pix import DEVIATION, pix2pix
from zoo.networks.unet import unet
from zoo.networks.zhang import zhang

#: How networks see L in [0, 100], by name.
SCALES: dict[str, Callable[[Tensor], Tensor]] = {
    "signed": lambda lightness: lightness / 50.0 - 1.0,
    "zhang": lambda lightness: (lightness - 50.0) / 100.0,
    # The gray value as Y, centered.
    "luma": lambda lightness: lightness_to_gray(lightness)[..., :1] * 2.0 - 1.0,
}


@dataclass(frozen=True)
class Architecture:
    """How to build a network, and what users of it must know.

    Attributes:
        build: from a specification to {"lightness": (N, H, W, 1), ...} -> (N, h, w, channels).
        stride: from the configured depth and output stride to the divisor of H and W.
        output_stride: from the same to H / h and W / w.
        scale: how it sees lightness, a name of `SCALES`, unless the configuration has another.
        ab_scale: its output is chroma divided by this.
        deviation: of the initial weights where they are normal; None for those of He et al. 2015.
        encoded: whether it is built around an encoder of `zoo.networks.encoders`.
        heads: how many outputs it has; 2 are logits, and chroma beside them.
    """

    build: Callable[[NetworkSpec], keras.Model]
    stride: Callable[[int, int], int]
    output_stride: Callable[[int, int], int]
    scale: str = "signed"
    ab_scale: float = AB_SCALE
    deviation: float | None = None
    encoded: bool = False
    heads: int = 1


ARCHITECTURES: dict[str, Architecture] = {
    "unet": Architecture(
        unet, lambda depth, shrunk: shrunk * 2 ** (depth - 1), lambda _, shrunk: shrunk
    ),
    "zhang": Architecture(zhang, lambda *_: 8, lambda *_: 4, scale="zhang"),
    "local_hints": Architecture(local_hints, lambda *_: 8, lambda *_: 4, scale="zhang", heads=2),
    "colorunet": Architecture(colorunet, lambda *_: 8, lambda *_: 1, scale="luma"),
    # Chroma divided by 127 fits into tanh.
    "encoder_decoder": Architecture(encoder_decoder, lambda *_: 8, lambda *_: 1, ab_scale=127.0),
    "pix2pix": Architecture(pix2pix, lambda depth, _: 2**depth, lambda *_: 1, deviation=DEVIATION),
    "encoder_unet": Architecture(
        encoder_unet, lambda *_: 32, lambda *_: 4, scale="luma", encoded=True
    ),
}

"""The critic of DeOldify (Antic 2019; `deoldify/critics.py` of its repository)."""

from functools import partial

import keras
from keras import layers

from zoo.color.spaces import Tensor
from zoo.errors import ZooError
from zoo.networks.blocks import HEAD, conv, dropout, lightness_and_ab, self_attention

#: Side of the kernels that halve the size, and of the head, which does not pad.
_KERNEL = 4
_LEAK = 0.2
#: Share of the channels that is dropped in each block; half as much after the first layer.
_DROPOUT = 0.15


def deoldify_critic(width: int, blocks: int, seed: int) -> keras.Model:
    """Build the critic, which gives a logit for each patch.

    A convolution of stride 2 is followed by blocks of two convolutions, of which the second halves
    the size and doubles the channels; self-attention is in the first block alone. All convolutions
    have spectral norm.

    Args:
        width: channels of the first layer, 256 in DeOldify.
        blocks: 3 in DeOldify, at least 1.
        seed: decides the initial weights.

    Returns:
        {"lightness": (N, H, W, 1), "ab": (N, H, W, 2)} -> (N, h, w, 1), where h is
        H / 2**(blocks + 1) - 3 and w likewise; `check_side` says whether a size will do.
    """
    pair = lightness_and_ab()
    x = layers.Concatenate(name="pair", dtype="float32")(list(pair.values()))
    x = _halved(x, width, "down0", seed)
    x = dropout(x, _DROPOUT / 2, "down0", seed, channels=True)
    for block in range(1, blocks + 1):
        x = _layer(x, x.shape[-1], f"same{block}", seed)
        x = dropout(x, _DROPOUT, f"same{block}", seed, channels=True)
        x = _halved(x, 2 * x.shape[-1], f"down{block}", seed)
        if block == 1:
            x = self_attention(x, "attention", seed)
    x = _layer(x, x.shape[-1], f"same{blocks + 1}", seed)
    head = partial(conv, kernel=_KERNEL, margin=0, activation=None, bias=False, spectral=True)
    return keras.Model(pair, head(x, 1, HEAD, seed), name="deoldify_critic")


def check_side(side: int, blocks: int) -> None:
    """Refuse photos of so few px that the critic has no answer for a single patch.

    Raises:
        ZooError: if `side` is too small for a critic of so many blocks.
    """
    smallest = _KERNEL * 2 ** (blocks + 1)
    if side < smallest:
        raise ZooError(
            f"DeOldify's critic of {blocks} blocks needs photos of at least {smallest} px, "
            f"and these have {side}; train on larger ones or take fewer blocks."
        )


def _layer(
    x: Tensor, filters: int, name: str, seed: int, kernel: int = 3, strides: int = 1
) -> Tensor:
    x = conv(
        x,
        filters,
        name,
        seed,
        kernel=kernel,
        strides=strides,
        margin=1,
        activation=None,
        spectral=True,
    )
    return layers.LeakyReLU(_LEAK, name=f"{name}_relu", dtype="float32")(x)


_halved = partial(_layer, kernel=_KERNEL, strides=2)

"""A perceptual loss: how far two photos are from each other in the features of a network.

Johnson et al. 2016 ("Perceptual Losses for Real-Time Style Transfer", arXiv 1603.08155, section
3.2). The network is one of `keras.applications` or, if no pretrained one is at hand, one of our own
that learns on the training photos to tell true colors from altered ones.
"""

from collections.abc import Callable, Sequence

import keras
from keras import layers, ops

from zoo.color.spaces import Tensor, lab_to_rgb
from zoo.networks.blocks import AB_SCALE, HEAD, conv, lightness_and_ab
from zoo.networks.embeddings import pyramid

#: The answers of our own network: true colors, those of another photo, hues turned by a right
#: angle, colors of 0.4 times the chroma.
ALTERATIONS = 4
_MUTED = 0.4
#: Levels whose features are compared.
_LEVELS = 3


def color_features(width: int, seed: int) -> keras.Model:
    """Build a network that tells what was done to the colors of a photo.

    Its first level has `width` channels; those of the others double.

    Returns:
        {"lightness": (N, H, W, 1), "ab": (N, H, W, 2)}, both scaled -> the features of each level,
        and (N, ALTERATIONS) logits.
    """
    pair = lightness_and_ab()
    x = layers.Concatenate(name="pair", dtype="float32")(list(pair.values()))
    levels = []
    for level in range(_LEVELS):
        filters = width * 2**level
        x = conv(x, filters, f"level{level}_conv1", seed, strides=2 if level else 1)
        x = conv(x, filters, f"level{level}_conv2", seed)
        levels.append(x)
    x = layers.GlobalAveragePooling2D(name="mean", dtype="float32")(x)
    logits = layers.Dense(
        ALTERATIONS,
        name=HEAD,
        dtype="float32",
        kernel_initializer=keras.initializers.GlorotUniform(seed=seed),
    )(x)
    return keras.Model(pair, [*levels, logits], name="color_features")


def alter(ab: Tensor) -> tuple[Tensor, Tensor]:
    """Alter the colors of a batch, (N, H, W, 2) around 0: a photo's place decides how.

    Returns:
        The altered ab, and (N,) int32, which of the `ALTERATIONS` it was.
    """
    turned = ops.stack([-ab[..., 1], ab[..., 0]], axis=-1)
    kinds = ops.arange(ops.shape(ab)[0], dtype="int32") % ALTERATIONS
    kind = kinds[:, None, None, None]
    altered = ops.where(kind == 1, ops.roll(ab, 1, axis=0), ab)
    altered = ops.where(kind == 2, turned, altered)
    return ops.where(kind == 3, _MUTED * ab, altered), kinds


def feature_distance(features: Callable[[Tensor, Tensor], Sequence[Tensor]]) -> Callable:
    """Make a loss of (lightness, truth, made) from features, of scaled L and ab, of several levels.

    It is the mean over the levels of the mean absolute difference of their features, as a share of
    the true features' mean size, so that no level or network counts more because its numbers are
    large.
    """

    def distance(lightness: Tensor, truth: Tensor, made: Tensor) -> Tensor:
        terms = []
        for true, found in zip(features(lightness, truth), features(lightness, made), strict=True):
            true = ops.stop_gradient(true)
            size = ops.mean(ops.abs(true)) + 1e-6
            terms.append(ops.mean(ops.abs(found - true)) / size)
        return sum(terms) / len(terms)

    return distance


def own_features(network: keras.Model) -> Callable[[Tensor, Tensor], list[Tensor]]:
    """The features of a network that `color_features` made."""
    return lambda lightness, ab: network({"lightness": lightness, "ab": ab}, training=False)[:-1]


def pretrained_features(name: str) -> Callable[[Tensor, Tensor], list[Tensor]]:
    """The features of a network of `keras.applications`, "keras:VGG16".

    They are those of the last layer before each of the first reductions, as is usual for VGG.

    Raises:
        ZooError: if there is no such network, or its weights are not at hand.
    """
    network, preprocess = pyramid(name, _LEVELS)

    def features(lightness: Tensor, ab: Tensor) -> list[Tensor]:
        lab = ops.concatenate([50.0 * (lightness + 1.0), ab * AB_SCALE], axis=-1)
        return network(preprocess(255.0 * lab_to_rgb(lab)), training=False)

    return features

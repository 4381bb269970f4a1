"""A perceptual loss: how far two photos are from each other in the features of a network.

Johnson et al. 2016 ("Perceptual Losses for Real-Time Style Transfer", arXiv 1603.08155, section
3.2). The network is a classifier of ImageNet or, if none is at hand, one of our own that learns on
the training photos to tell true colors from altered ones.
"""

from collections.abc import Callable, Sequence

import keras
from keras import layers, ops

from zoo.color.spaces import Tensor, lab_to_rgb
from zoo.errors import ZooError
from zoo.networks.blocks import AB_SCALE, HEAD, conv, lightness_and_ab
from zoo.networks.classifiers import KerasEmbedding, Spec
from zoo.networks.encoders import encoder_of
from zoo.networks.encoders.base import STRIDES
from zoo.preprocessing import reflect_to_multiple

#: The answers of our own network: true colors, those of another photo, hues turned by a right
#: angle, colors of 0.4 times the chroma.
ALTERATIONS = 4
_MUTED = 0.4
#: Levels of our own network.
LEVELS = 3


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
    for level in range(LEVELS):
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


def feature_distance(
    features: Callable[[Tensor, Tensor], Sequence[Tensor]], weights: Sequence[float]
) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """Make a loss of (lightness, truth, made) from features, of scaled L and ab, of several levels.

    It is the weighted mean over the levels of the mean absolute difference of their features, as a
    share of the true features' mean size, so that no level or network counts more because its
    numbers are large. A level of weight 0 is left out.
    """

    def distance(lightness: Tensor, truth: Tensor, made: Tensor) -> Tensor:
        terms = []
        both = (features(lightness, ab) for ab in (truth, made))
        for true, found, weight in zip(*both, weights, strict=True):
            if not weight:
                continue
            true = ops.stop_gradient(true)
            size = ops.mean(ops.abs(true)) + 1e-6
            terms.append(weight * (ops.mean(ops.abs(found - true)) / size))
        return sum(terms) / sum(weights)

    return distance


def own_features(network: keras.Model) -> Callable[[Tensor, Tensor], list[Tensor]]:
    """The features of a network that `color_features` made."""
    return lambda lightness, ab: network({"lightness": lightness, "ab": ab}, training=False)[:-1]


def check_features(text: str, levels: int) -> None:
    """Check that a specification of pretrained features can be read and has so many levels.

    Raises:
        ZooError: if not; that a network of `keras.applications` is missing shows when it is used.
    """
    kind, _, name = text.partition(":")
    named = kind in ("keras", "encoder") and name
    if not named or set(Spec.parse(text).settings) - {"weights"}:
        raise ZooError(
            f"There are no features {text!r}: write own, keras:NAME or encoder:NAME, with "
            ",weights=FILE where they are not those of ImageNet."
        )
    if kind == "encoder":
        encoder_of(Spec.parse(text))
        if levels != len(STRIDES):
            raise ZooError(
                f"An encoder has features of {len(STRIDES)} levels; got {levels} level_weights."
            )


def pretrained_features(text: str, levels: int) -> Callable[[Tensor, Tensor], list[Tensor]]:
    """The features of a pretrained classifier, which sees the photo in color and never learns.

    Those of "keras:VGG16", a network of `keras.applications`, are of the last layer before each of
    the first `levels` reductions, as is usual for VGG. Those of "encoder:efficientnet_lite0", or of
    another one of `zoo.networks.encoders`, are its pyramid, at strides 2, 4, 8, 16 and 32 of the
    photo, which is reflected up to a multiple of 32 px.

    Raises:
        ZooError: if there is no such network, or its weights are not at hand.
    """
    check_features(text, levels)
    spec = Spec.parse(text)
    seen = _seen_by_keras(spec, levels) if spec.kind == "keras" else _seen_by_encoder(spec)

    def features(lightness: Tensor, ab: Tensor) -> list[Tensor]:
        lab = ops.concatenate([50.0 * (lightness + 1.0), ab * AB_SCALE], axis=-1)
        return seen(lab_to_rgb(lab))

    return features


def _seen_by_keras(spec: Spec, levels: int) -> Callable[[Tensor], list[Tensor]]:
    network, preprocess = KerasEmbedding(spec).pyramid(levels)
    return lambda rgb: network(preprocess(255.0 * rgb), training=False)


def _seen_by_encoder(spec: Spec) -> Callable[[Tensor], list[Tensor]]:
    encoder, photo = encoder_of(spec), keras.Input((None, None, 3), name="photo")
    network = keras.Model(photo, encoder.pyramid(photo, seed=0), name="pyramid")
    encoder.put_weights(network)
    # At rest, its batch normalization does in training what it does outside, but faster.
    network.trainable = False
    return lambda rgb: network(reflect_to_multiple(2.0 * rgb - 1.0, STRIDES[-1]), training=True)

"""Blocks that more than one network is built from, and the specification of a network.

Every layer has an explicit name, by which its weights are found again, and an explicit seed that
follows from the model's seed and that name, so that no global random state is touched. Layers are
float32 whatever the global policy: training changes the precision for its own duration
(`zoo.training.precision`). The layer called HEAD stays float32 even then.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

import keras
from keras import layers, ops

from zoo.backend import fused_batch_norm
from zoo.color.spaces import Tensor

#: The name of the layer that makes a network's output.
HEAD = "head"

#: Networks see and predict chroma divided by this (Zhang's and pix2pix's scale).
AB_SCALE = 110.0

#: A kernel of zeros is divided by this, and stays.
_SMALLEST_SIGMA = 1e-12


@dataclass(frozen=True)
class NetworkSpec:
    """What a colorizing network should be; an architecture takes the fields that it has a use for.

    Attributes:
        channels: of the output.
        seed: decides the initial weights.
        width: channels of the first block.
        depth: levels.
        output_stride: how many times smaller the output is than the input.
        decay: weight decay, as the gradient's share of each kernel.
        dropout: share that is dropped in training, at the lowest level unless the architecture has
            places of its own for it.
        bounded: whether the output is chroma, which some architectures keep in [-1, 1].
        bottom: replaces the lowest level's output by another of the same size; it also gets the
            features that the network's own encoder ends with, or that output again.
        inputs: what the network, and so `bottom`, sees beside "lightness", by name.
        beside: the one of them that is a map of lightness' size, which the first layers see.
        encoder: a specification of `zoo.networks.encoders`; empty for architectures without one.
        frozen_levels: how many of the encoder's five levels, from the finest on, never learn.
    """

    channels: int
    seed: int
    width: int
    depth: int = 4
    output_stride: int = 1
    decay: float = 0.0
    dropout: float = 0.0
    bounded: bool = False
    bottom: Callable[[Tensor, Tensor], Tensor] = lambda x, _: x
    inputs: Mapping[str, Tensor] = field(default_factory=dict)
    beside: Tensor | None = None
    encoder: str = ""
    frozen_levels: int = 0

    def seen(self, lightness: Tensor) -> Tensor:
        """What the first layer sees: lightness, and the map beside it."""
        if self.beside is None:
            return lightness
        return layers.Concatenate(name="seen", dtype="float32")([lightness, self.beside])


def seed_for(seed: int, *names: str) -> int:
    """A 32-bit seed derived from `seed` and names, unrelated between different names."""
    text = "/".join([str(seed), *names])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def conv(
    x: Tensor,
    filters: int,
    name: str,
    seed: int,
    *,
    kernel: int = 3,
    strides: int = 1,
    dilation: int = 1,
    activation: str | None = "relu",
    bias: bool = True,
    decay: float = 0.0,
    margin: int | Literal["same"] | None = None,
    deviation: float | None = None,
    spectral: bool = False,
) -> Tensor:
    """A convolution that keeps the size of (N, H, W, C), or divides it by `strides`.

    Strided convolutions pad one pixel on each side, as Caffe and PyTorch do; Keras' own "same"
    padding would shift the grid.

    Args:
        x: a symbolic tensor.
        filters: channels of the output.
        name: of the layer, unique in the network; HEAD for the one that makes its output.
        seed: the model's; initial weights follow from it and the name.
        kernel: side in px.
        strides: of the kernel.
        dilation: distance of the points that a kernel looks at.
        activation: by Keras' name.
        bias: whether there is one.
        decay: d adds d times the kernel to its gradient.
        margin: pixels that are padded on each side, if not as many as keep the size; "same" pads
            as TensorFlow does, an odd pixel at the right and bottom.
        deviation: of the initial weights where they are normal; None for those of He et al. 2015.
        spectral: whether the kernel is divided by its spectral norm, see `SpectralConv2D`.
    """
    padding = "same"
    if margin != "same" and (strides > 1 or margin is not None):
        margin = kernel // 2 if margin is None else margin
        x = layers.ZeroPadding2D(margin, name=f"{name}_pad", dtype="float32")(x)
        padding = "valid"
    kind = layers.Conv2D
    if spectral:
        kind = partial(SpectralConv2D, vector_seed=seed_for(seed, name, "vector_u"))
    return kind(
        filters,
        kernel,
        strides=strides,
        dilation_rate=dilation,
        padding=padding,
        activation=activation,
        use_bias=bias,
        name=name,
        dtype="float32",
        **_initial(name, seed, decay, deviation),
    )(x)


def depthwise_conv(
    x: Tensor, name: str, seed: int, *, kernel: int, strides: int = 1, decay: float = 0.0
) -> Tensor:
    """A convolution of each channel by itself, without bias; arguments as in `conv`.

    Its padding is TensorFlow's "same".
    """
    # Keras counts all channels as inputs of an output, of which there is one.
    scale = 2.0 * x.shape[-1]
    return layers.DepthwiseConv2D(
        kernel,
        strides,
        "same",
        use_bias=False,
        depthwise_initializer=keras.initializers.VarianceScaling(scale, seed=seed_for(seed, name)),
        depthwise_regularizer=keras.regularizers.L2(decay / 2) if decay else None,
        name=name,
        dtype="float32",
    )(x)


class SpectralConv2D(layers.Conv2D):
    """A convolution whose kernel is divided by its spectral norm.

    Miyato et al. 2018, arXiv 1802.05957. The spectral norm sigma is the largest singular value of
    the kernel as a matrix (-1, filters). It is estimated by power iteration (algorithm 1), one step
    at each call in training; the vector that the next call goes on from is a weight that does not
    learn, `vector_u` (filters,). Outside of training the vector stays as it is. The gradient
    reaches the kernel through sigma too.

    Args:
        *args: of the convolution.
        vector_seed: decides the vector at first.
        **kwargs: of the convolution.
    """

    def __init__(self, *args: Any, vector_seed: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._vector_initializer = keras.initializers.RandomNormal(stddev=1.0, seed=vector_seed)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        super().build(input_shape)
        self.vector_u = self.add_weight(
            name="vector_u",
            shape=(self.filters,),
            initializer=self._vector_initializer,
            trainable=False,
            autocast=False,  # a vector of few digits would not settle
            aggregation="only_first_replica",
        )

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        kernel = self.normalized_kernel(training=training)
        outputs = self.convolution_op(inputs, kernel)
        if self.use_bias:
            outputs = outputs + ops.convert_to_tensor(self.bias)
        return self.activation(outputs)

    def save_own_variables(self, store: dict[str, Any]) -> None:
        # A convolution of Keras would leave the vector out.
        layers.Layer.save_own_variables(self, store)

    def load_own_variables(self, store: dict[str, Any]) -> None:
        layers.Layer.load_own_variables(self, store)

    def normalized_kernel(self, *, training: bool = False) -> Tensor:
        """The kernel over sigma; in training the power iteration goes on by a step first."""
        kernel = ops.cast(self.kernel, "float32")
        matrix = ops.reshape(kernel, (-1, self.filters))
        right = ops.normalize(self.vector_u, axis=0)
        left = ops.normalize(ops.matmul(matrix, right), axis=0)
        if training:
            right = ops.normalize(ops.matmul(left, matrix), axis=0)
            self.vector_u.assign(ops.stop_gradient(right))
        left, right = ops.stop_gradient(left), ops.stop_gradient(right)
        sigma = ops.matmul(left, ops.matmul(matrix, right))
        return ops.cast(kernel / ops.maximum(sigma, _SMALLEST_SIGMA), self.compute_dtype)


def self_attention(x: Tensor, name: str, seed: int) -> Tensor:
    """Let each place see all others: SAGAN, Zhang et al. 2019, arXiv 1805.08318, section 3.

    Queries and keys have an eighth of the channels. All three 1x1 convolutions have spectral norm
    and no bias, as in DeOldify. The logits are products of query and key, without a scale; what is
    attended to is added to `x` times a learned gamma, 0 at first.

    Memory grows with (H W)**2.

    Args:
        x: (N, H, W, C) of any H and W.
        name: of the layer that holds gamma; the convolutions' begin with it.
        seed: the model's.

    Returns:
        (N, H, W, C).
    """
    channels = x.shape[-1]
    sizes = {"query": max(1, channels // 8), "key": max(1, channels // 8), "value": channels}
    maps = [
        conv(
            x,
            size,
            f"{name}_{part}",
            seed,
            kernel=1,
            activation=None,
            bias=False,
            spectral=True,
        )
        for part, size in sizes.items()
    ]
    return _Attention(name=name, dtype="float32")([x, *maps])


class _Attention(layers.Layer):
    """[x, query, key, value], each (N, H, W, ...) -> x + gamma * attended, as x."""

    def build(self, input_shapes: list[tuple[int | None, ...]]) -> None:
        self.gamma = self.add_weight(name="gamma", shape=(), initializer="zeros")

    def compute_output_shape(self, input_shapes: list[tuple[int | None, ...]]) -> Any:
        return input_shapes[0]

    def call(self, inputs: list[Tensor]) -> Tensor:
        x, *maps = inputs
        _, height, width, _ = ops.shape(x)
        query, key, value = (ops.reshape(m, (-1, height * width, m.shape[-1])) for m in maps)
        logits = ops.matmul(query, ops.transpose(key, (0, 2, 1)))
        # The share of each key; bfloat16 would round many small shares to a sum far from 1.
        shares = ops.cast(ops.softmax(ops.cast(logits, "float32")), x.dtype)
        return x + self.gamma * ops.reshape(ops.matmul(shares, value), ops.shape(x))


def up_conv(
    x: Tensor,
    filters: int,
    name: str,
    seed: int,
    *,
    kernel: int = 2,
    activation: str | None = None,
    bias: bool = True,
    decay: float = 0.0,
    deviation: float | None = None,
) -> Tensor:
    """A transposed convolution that doubles the size: (N, H, W, C) -> (N, 2 H, 2 W, filters)."""
    return layers.Conv2DTranspose(
        filters,
        kernel,
        strides=2,
        padding="same",
        activation=activation,
        use_bias=bias,
        name=name,
        dtype="float32",
        **_initial(name, seed, decay, deviation),
    )(x)


class RepeatPixels(layers.Layer):
    """Repeats each pixel in a square of 2 x 2: (N, H, W, C) -> (N, 2 H, 2 W, C).

    As `UpSampling2D` does, but the number of channels stays known where H and W are not: converters
    to other runtimes refuse a convolution without it.
    """

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        photos, height, width, channels = input_shape
        return photos, height and 2 * height, width and 2 * width, channels

    def call(self, x: Tensor) -> Tensor:
        _, height, width, channels = ops.shape(x)
        x = ops.reshape(ops.stack([x, x], axis=3), (-1, height, 2 * width, channels))
        return ops.reshape(ops.stack([x, x], axis=2), (-1, 2 * height, 2 * width, channels))


def dense(x: Tensor, units: int, name: str, seed: int, activation: str | None = "relu") -> Tensor:
    """A fully connected layer: (..., C) -> (..., units); arguments as in `conv`."""
    initial = _initial(name, seed)
    return layers.Dense(units, activation=activation, name=name, dtype="float32", **initial)(x)


class BatchNorm(layers.BatchNormalization):
    """Keras' batch normalization of the last axis, in training as one operation where it can be.

    Outside of training it stays as Keras computes it: exports fold it into convolutions.
    """

    def call(self, inputs: Tensor, training: bool = False, mask: Tensor = None) -> Tensor:
        found, learns = None, self.trainable
        # Devices that share a batch compare their statistics.
        if training and mask is None and not (learns and self.synchronized):
            known = None if learns else (self.moving_mean.value, self.moving_variance.value)
            found = fused_batch_norm(inputs, self.gamma.value, self.beta.value, known, self.epsilon)
        if found is None:
            return super().call(inputs, training=training, mask=mask)
        outputs, mean, variance = found
        if learns:
            for average, new in ((self.moving_mean, mean), (self.moving_variance, variance)):
                average.assign(average * self.momentum + new * (1.0 - self.momentum))
        return outputs


def batch_norm(
    x: Tensor,
    name: str,
    seed: int = 0,
    deviation: float | None = None,
    *,
    momentum: float = 0.9,
    epsilon: float = 1e-5,
) -> Tensor:
    """Batch normalization, by default with PyTorch's constants.

    Short trainings need statistics that follow.

    The factors begin at 1 or, with a `deviation`, are normal around 1 and follow from the seed.
    """
    gamma: keras.Initializer | str = "ones"
    if deviation is not None:
        gamma = keras.initializers.RandomNormal(1.0, deviation, seed=seed_for(seed, name))
    return BatchNorm(
        momentum=momentum, epsilon=epsilon, gamma_initializer=gamma, name=name, dtype="float32"
    )(x)


def share_statistics(network: keras.Model) -> None:
    """Let batch normalization see whole batches in training where TensorFlow's devices share them.

    On JAX it does so anyway.
    """
    if keras.backend.backend() != "tensorflow":
        return
    for layer in network._flatten_layers(include_self=False):
        if isinstance(layer, layers.BatchNormalization):
            layer.synchronized = True


def lightness_and_ab() -> dict[str, Tensor]:
    """The inputs of a network that judges colors."""
    sizes = {"lightness": 1, "ab": 2}
    return {name: keras.Input((None, None, size), name=name) for name, size in sizes.items()}


def dropout(x: Tensor, rate: float, name: str, seed: int, *, channels: bool = False) -> Tensor:
    """Dropout, unless the rate is 0: of single values or of whole `channels` of (N, H, W, C)."""
    if not rate:
        return x
    name, kind = f"{name}_dropout", layers.SpatialDropout2D if channels else layers.Dropout
    return kind(rate, seed=dropout_seed(seed, name), name=name, dtype="float32")(x)


def dropout_seed(seed: int, name: str) -> int:
    """As `seed_for`; PyTorch keeps a random generator's seed as a signed integer of 32 bits."""
    return seed_for(seed, name) % 2**31


def average_to_size(x: Tensor, like: Tensor) -> Tensor:
    """Average (N, H, W, C) over squares down to the height and width of `like`."""
    return average_by(x, x.shape[1] // like.shape[1])


def average_by(x: Tensor, share: int) -> Tensor:
    """Average (N, H, W, C) over squares of `share` px: (N, H / share, W / share, C)."""
    return x if share == 1 else ops.average_pool(x, share, share)


def _initial(
    name: str, seed: int, decay: float = 0.0, deviation: float | None = None
) -> dict[str, Any]:
    seed = seed_for(seed, name)
    # He et al. 2015 for layers before a rectifier. A head starts small: the first colors are then
    # nearly gray, and no steps are spent on unlearning random ones.
    scale = 0.01 if name == HEAD else 2.0
    initializer = keras.initializers.VarianceScaling(scale, seed=seed)
    if deviation is not None:
        initializer = keras.initializers.RandomNormal(stddev=deviation, seed=seed)
    return {
        "kernel_initializer": initializer,
        "kernel_regularizer": keras.regularizers.L2(decay / 2) if decay else None,
    }

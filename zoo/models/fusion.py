"""Fusion: an encoder-decoder that knows what a classifier sees in the whole photo.

`paper` is Deep Koalarization (Baldassarre, Gonzalez Morin and Rodes-Guirao 2017, arXiv 1712.03400,
section 3): an encoder of the lightness, the logits of Inception-ResNet-v2 repeated over all its
places and fused by a 1x1 convolution, and a decoder; the classifier is not trained. Inputs of 224
px as in the report of 2020 that builds on it. Enlarging repeats pixels.

`compact` is the U-Net of `mse_regression:compact`, fused at its lowest level with global features
that are trained along, as in Iizuka, Simo-Serra and Ishikawa 2016 ("Let there be color!"): where
the training photos have labels, a classification loss teaches the features to tell them apart.
Any other embedding may take their place: `embedding="hub:..."` or "keras:...", see `embeddings.py`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import keras
import numpy as np
from keras import layers, ops

from zoo.color.spaces import Tensor, rgb_to_lab
from zoo.colorizer import Preset
from zoo.errors import valid_choice
from zoo.inputs import LIGHTNESS, Input
from zoo.models.gradient import GradientColorizer
from zoo.networks.blocks import AB_SCALE, HEAD, average_to_size, batch_norm, conv, dense, unet
from zoo.networks.embedding_cache import EmbeddingInput
from zoo.networks.embeddings import open_embedding, scratch_features, scratch_width
from zoo.training.config import TrainingConfig, check_fields
from zoo.training.plan import TrainingPlan
from zoo.training.task import NetworkTask, Task

if TYPE_CHECKING:
    from zoo.photos.loader import Rows
    from zoo.photos.photoset import PhotoSet

#: The encoder-decoder's chroma is divided by this, so that it fits into tanh.
_TANH_SCALE = 127.0

_NO_LABEL = -1


@dataclass(frozen=True)
class FusionConfig(TrainingConfig):
    """The network and its training.

    Attributes:
        architecture: "unet" or "encoder_decoder", the paper's.
        width: channels of its first block.
        depth: levels of the U-Net.
        output_stride: the U-Net's output is this many times smaller than its input: 1, 2 or 4.
        embedding: a specification: "scratch", "zeros", "hub:FOLDER" or "keras:NAME", with settings
            as in `zoo.networks.embeddings`.
        class_weight: alpha of Iizuka et al. 2016: how much telling the labels apart counts beside
            the color, for the embedding "scratch".

    Raises:
        ZooError: if a number makes no network.
    """

    architecture: str = "unet"
    width: int = 48
    depth: int = 4
    output_stride: int = 2
    embedding: str = "scratch"
    class_weight: float = 1 / 300

    def __post_init__(self) -> None:
        """Refuse numbers that make no network."""
        super().__post_init__()
        valid_choice("architecture", self.architecture, ("unet", "encoder_decoder"))
        check_fields(self, lambda value: value >= 1, "at least 1", "width", "depth")
        check_fields(self, lambda value: value in (1, 2, 4), "1, 2 or 4", "output_stride")
        check_fields(self, lambda value: value >= 0, "at least 0", "class_weight")


class Repeat(layers.Layer):
    """A vector at every place of a feature map: (N, h, w, C), (N, W) -> (N, h, w, W)."""

    def call(self, like: Tensor, vector: Tensor) -> Tensor:
        """Only the height and width of `like` count."""
        return vector[:, None, None, :] + ops.zeros_like(like[..., :1])

    def compute_output_shape(
        self, like_shape: tuple[int | None, ...], vector_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        """Height and width of the one, width of the other."""
        return (*like_shape[:3], vector_shape[1])


class Fusion(GradientColorizer):
    """L and an embedding of the whole photo in, ab out, squared error."""

    PRESETS: ClassVar = {
        "compact": Preset(
            FusionConfig(),
            "ours: the method of Iizuka et al. 2016 on a U-Net that trains on two processor cores",
        ),
        "paper": Preset(
            FusionConfig(
                architecture="encoder_decoder",
                width=64,
                embedding=(
                    "hub:https://tfhub.dev/google/imagenet/inception_resnet_v2/classification/5"
                    ",size=299,width=1001"
                ),
                train_size=224,
                batch_size=100,
                schedule="constant",
            ),
            "Baldassarre et al. 2017, arXiv 1712.03400, section 3",
        ),
        "tiny": Preset(
            FusionConfig(
                width=4, depth=2, embedding="scratch,width=8", train_size=32, batch_size=4
            ),
            "ours: for tests",
        ),
    }

    def __init__(self, name: str, preset: str, config: Any, seed: int = 0) -> None:
        #: What gives the vectors; None where the network makes its own.
        self.embedding = open_embedding(config.embedding)
        #: The labels that a training tells apart.
        self._classes: tuple[str, ...] = ()
        super().__init__(name, preset, config, seed)

    # ------------------------------------------------------------------ networks

    def build_networks(self) -> dict[str, keras.Model]:
        """The colorizing network: from L, and from the embedding unless it makes its own."""
        config, beside = self.config, {}
        if self.embedding is not None:
            beside = {"embedding": keras.Input((self.embedding.width,), name="embedding")}

        def fuse(x: Tensor) -> Tensor:
            vector = beside["embedding"] if beside else self._own_features(x)
            if config.architecture == "unet":
                vector = batch_norm(vector, "embedding_norm")
            repeated = Repeat(name="fusion_repeat", dtype="float32")(x, vector)
            joined = layers.Concatenate(name="fusion_join", dtype="float32")([x, repeated])
            return conv(joined, x.shape[-1], "fusion", self.seed, kernel=1)

        if config.architecture == "unet":
            size = (config.width, config.depth, 2, config.output_stride)
            network = unet(*size, self.seed, bottom=fuse, beside=beside)
        else:
            network = _encoder_decoder(config.width, self.seed, fuse, beside)
        return {"colorizer": network}

    def _own_features(self, x: Tensor) -> Tensor:
        return scratch_features(x, scratch_width(self.config.embedding), self.seed)

    @property
    def stride(self) -> int:
        """Sides of the network's input must be multiples of this."""
        if self.config.architecture == "encoder_decoder":
            return 8
        return self.config.output_stride * 2 ** (self.config.depth - 1)

    def references(self) -> dict[str, dict[str, str]]:
        """The embedding, which stays where it is."""
        if self.embedding is None:
            return {}
        return {"embedding": {"is": self.config.embedding, "sha256": self.embedding.sha256}}

    # ------------------------------------------------------------------ learned

    def prepare(self, train: "PhotoSet", plan: TrainingPlan) -> None:
        """Read the photos' labels, which the network's own features learn where there are some."""
        labels = sorted({photo.label for photo in train if photo.label})
        wanted = self.embedding is None and self.config.class_weight > 0 and len(labels) > 1
        self._classes = tuple(labels) if wanted else ()

    def task(self) -> Task:
        """The colorizer, and where labels are told apart, what its features say of them."""
        colorizer = self.networks["colorizer"]
        if not self._classes:
            return super().task()
        features = colorizer.get_layer("features").output
        logits = dense(features, len(self._classes), "classes", self.seed, activation=None)
        outputs = [colorizer.output, logits]
        network = keras.Model(colorizer.input, outputs, name="fusion_with_classes")
        return NetworkTask(network, self.network_input, self.loss)

    @property
    def inputs(self) -> tuple[Input, ...]:
        """L, and the photo's vector unless the network makes its own."""
        if self.embedding is None:
            return (LIGHTNESS,)
        return (LIGHTNESS, EmbeddingInput.of(self.embedding))

    def rows(self, photos: "PhotoSet", *, training: bool, progress: bool) -> "dict[str, Rows]":
        """Further inputs, and the numbers of the photos' labels where these are told apart.

        Validation photos have no labels: their loss is that of the colors alone, which chooses.
        """
        rows = super().rows(photos, training=training, progress=progress)
        if self._classes:
            known = {label: number for number, label in enumerate(self._classes) if training}
            found = [known.get(photo.label or "", _NO_LABEL) for photo in photos]
            numbers = np.array(found, "int32")
            rows["label"] = lambda samples: numbers[samples.positions]
        return rows

    def loss(self, batch: Mapping[str, Tensor], output: Tensor | tuple[Tensor, Tensor]) -> Tensor:
        """Mean squared error of scaled ab over pixels and channels: 1/(2HW) of their sum.

        Where labels are told apart, plus their weighted cross-entropy.
        """
        ab, logits = output if self._classes else (output, None)
        truth = average_to_size(rgb_to_lab(batch["rgb"])[..., 1:], ab) / self.ab_scale
        loss = ops.mean(ops.square(ops.cast(ab, "float32") - truth))
        if logits is None:
            return loss
        labels = ops.cast(batch["label"], "int32")
        chances = ops.log_softmax(ops.cast(logits, "float32"))
        # A photo without a label has a row of zeros here, and so no loss.
        truth = ops.one_hot(labels, len(self._classes), dtype="float32")
        return loss - self.config.class_weight * ops.mean(ops.sum(truth * chances, axis=-1))

    def scale_lightness(self, lightness: Tensor) -> Tensor:
        """L as the network sees it, in [-1, 1]."""
        return lightness / 50.0 - 1.0

    @property
    def ab_scale(self) -> float:
        return AB_SCALE if self.config.architecture == "unet" else _TANH_SCALE


def _encoder_decoder(
    width: int, seed: int, fuse: Callable[[Tensor], Tensor], beside: dict[str, Tensor]
) -> keras.Model:
    """Encoder, fusion and decoder of Baldassarre et al. 2017, table 1.

    Args:
        width: channels of the first layer: 64 in the paper; the others keep their proportions.
        seed: decides the initial weights.
        fuse: (N, h, w, 4 * width) -> the same shape.
        beside: inputs by name that `fuse` takes in, beside L.

    Returns:
        A functional model {"lightness": (N, H, W, 1), ...} -> (N, H, W, 2) in [-1, 1]; H and W
        multiples of 8.
    """
    inputs = keras.Input((None, None, 1), name="lightness")
    x = inputs
    encoder = [(1, 2), (2, 1), (2, 2), (4, 1), (4, 2), (8, 1), (8, 1), (4, 1)]
    for index, (factor, strides) in enumerate(encoder, start=1):
        x = conv(x, factor * width, f"encoder{index}", seed, strides=strides)
    x = fuse(x)
    x = conv(x, 2 * width, "decoder1", seed)
    x = layers.UpSampling2D(2, name="up1", dtype="float32")(x)
    for index in (2, 3):
        x = conv(x, width, f"decoder{index}", seed)
    x = layers.UpSampling2D(2, name="up2", dtype="float32")(x)
    x = conv(x, width // 2, "decoder4", seed)
    x = conv(x, 2, HEAD, seed, activation="tanh")
    outputs = layers.UpSampling2D(2, name="up3", dtype="float32")(x)
    return keras.Model({"lightness": inputs, **beside}, outputs, name="encoder_decoder")

"""Fusion: an encoder-decoder that knows what a classifier sees in the whole photo.

`paper` is Deep Koalarization (Baldassarre, Gonzalez Morin and Rodes-Guirao 2017, arXiv 1712.03400,
section 3): the logits of Inception-ResNet-v2, which is not trained, are repeated over all places of
the encoder's output and fused by a 1x1 convolution. Enlarging repeats pixels.

`compact` has the pretrained encoder twice: one learns on, to color; the other, as it came, says
what is in the photo. Where the first stays as it came, too, `embedding="encoder"` needs one alone.

`scratch` is the U-Net of `mse_regression:scratch`. Its lowest level is fused with global features
that are trained along, as in Iizuka, Simo-Serra and Ishikawa 2016 ("Let there be color!"): if the
training photos have labels, a classification loss teaches the features to tell them apart. Any
embedding may replace them: `embedding="hub:..."` or "keras:...", see `zoo.networks.embeddings`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import keras
import numpy as np
from keras import layers, ops

from zoo.color.spaces import Tensor
from zoo.colorizer import Departure, Preset
from zoo.errors import ZooError
from zoo.inputs import LIGHTNESS, Input
from zoo.models.gradient import PRETRAINED
from zoo.models.regression import RegressionColorizer, RegressionConfig
from zoo.networks.blocks import batch_norm, conv, dense
from zoo.networks.embedding_cache import EmbeddingInput
from zoo.networks.embeddings import open_embedding, scratch_features
from zoo.networks.encoders import open_encoder
from zoo.networks.encoders.base import STRIDES
from zoo.networks.encoders.efficientnet import LITE, EfficientNetLite
from zoo.photos.loader import Rows
from zoo.photos.photoset import PhotoSet
from zoo.training.config import check_fields
from zoo.training.plan import TrainingPlan
from zoo.training.task import NetworkTask, Task

_NO_LABEL = -1


@dataclass(frozen=True)
class FusionConfig(RegressionConfig):
    """The network, its embedding and its training.

    Attributes:
        embedding: "scratch", "zeros", "hub:FOLDER", "keras:NAME", "encoder:NAME" or "encoder", with
            settings as in `zoo.networks.embeddings`.
        normalized: whether the embedding is normalized over the batch before it is fused.
        class_weight: alpha of Iizuka et al. 2016: the weight of the labels' loss, for "scratch".
    """

    embedding: str = "scratch"
    normalized: bool = True
    class_weight: float = 1 / 300

    def __post_init__(self) -> None:
        super().__post_init__()
        check_fields(self, lambda value: value >= 0, "at least 0", "class_weight")
        whole = self.frozen_levels == len(STRIDES) and self.encoder.partition(",")[0] in LITE
        if self.embedding == "encoder" and not whole:
            raise ZooError(
                "The embedding `encoder` needs a classifier that stays as it came: an encoder of "
                f"{', '.join(LITE)} with frozen_levels={len(STRIDES)}; else name it, as in "
                "encoder:efficientnet_lite0."
            )


class Repeat(layers.Layer):
    """A vector at every place of a feature map: (N, h, w, C), (N, W) -> (N, h, w, W)."""

    def call(self, like: Tensor, vector: Tensor) -> Tensor:
        return vector[:, None, None, :] + ops.zeros_like(like[..., :1])

    def compute_output_shape(
        self, like_shape: tuple[int | None, ...], vector_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        return (*like_shape[:3], vector_shape[1])


def own_classes(features: Tensor, encoder: str) -> Tensor:
    """The logits of the encoder whose last features these are: (N, h, w, C) -> (N, 1000).

    They do not learn, as the encoder does not.
    """
    classifier = open_encoder(encoder)
    assert isinstance(classifier, EfficientNetLite)
    logits = classifier.logits(features, seed=0)
    for layer in keras.Model(features, logits).layers:
        layer.trainable = False
    return logits


class Fusion(RegressionColorizer):
    """L and an embedding of the whole photo in, ab out."""

    PRESETS: ClassVar = {
        "compact": Preset(
            FusionConfig(**PRETRAINED, embedding="encoder:efficientnet_lite0"),
            "ours: on an encoder of ImageNet, which trains on two processor cores",
        ),
        "paper": Preset(
            FusionConfig(
                architecture="encoder_decoder",
                width=64,
                normalized=False,
                embedding=(
                    "hub:https://tfhub.dev/google/imagenet/inception_resnet_v2/classification/5"
                    ",size=299,width=1001"
                ),
                train_size=224,
                batch_size=100,
                schedule="constant",
            ),
            "Baldassarre et al. 2017, arXiv 1712.03400, section 3",
            (
                Departure(
                    "whole photos, brought to the networks' sizes",
                    "the encoder sees random squares with a side of 1 to 1.25 times 224 px, "
                    "mirrored at random; the classifier sees the whole photo, mirrored as they are",
                    "every model learns from the same loader; the classifier runs once a photo",
                ),
                Departure(
                    "the initial weights are not stated",
                    "those of He et al. 2015, small ones in the last layer",
                    "the first colors are nearly gray",
                ),
            ),
        ),
        "scratch": Preset(
            FusionConfig(),
            "ours: as `compact` without a pretrained encoder, after Iizuka et al. 2016",
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
        #: The labels that training tells apart.
        self._classes: tuple[str, ...] = ()
        super().__init__(name, preset, config, seed)

    def build_networks(self) -> dict[str, keras.Model]:
        inputs = {}
        if self.embedding is not None:
            inputs["embedding"] = keras.Input((self.embedding.width,), name="embedding")

        def fuse(x: Tensor, features: Tensor) -> Tensor:
            if inputs:
                vector = inputs["embedding"]
            elif self.config.embedding == "encoder":
                vector = own_classes(features, self.config.encoder)
            else:
                vector = scratch_features(x, self.config.embedding, self.seed)
            if self.config.normalized:
                vector = batch_norm(vector, "embedding_norm")
            repeated = Repeat(name="fusion_repeat", dtype="float32")(x, vector)
            joined = layers.Concatenate(name="fusion_join", dtype="float32")([x, repeated])
            return conv(joined, x.shape[-1], "fusion", self.seed, kernel=1)

        return {"colorizer": self.build_colorizer(2, bounded=True, bottom=fuse, inputs=inputs)}

    def references(self) -> dict[str, dict[str, str]]:
        if self.embedding is None:
            return {}
        return {"embedding": {"is": self.config.embedding, "sha256": self.embedding.sha256}}

    def prepare(self, train: PhotoSet, plan: TrainingPlan) -> None:
        """Read the photos' labels; the network's own features learn to tell them apart."""
        labels = sorted({photo.label for photo in train if photo.label})
        scratch = self.embedding is None and self.config.embedding != "encoder"
        wanted = scratch and self.config.class_weight > 0 and len(labels) > 1
        self._classes = tuple(labels) if wanted else ()

    def task(self) -> Task:
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
        if self.embedding is None:
            return (LIGHTNESS,)
        return (LIGHTNESS, EmbeddingInput.of(self.embedding))

    def rows(self, photos: PhotoSet, *, training: bool, progress: bool) -> dict[str, Rows]:
        """Add the numbers of the photos' labels if these are told apart.

        Validation photos have none: their loss, which chooses the weights, is that of the colors.
        """
        rows = super().rows(photos, training=training, progress=progress)
        if self._classes:
            known = {label: number for number, label in enumerate(self._classes) if training}
            found = [known.get(photo.label or "", _NO_LABEL) for photo in photos]
            numbers = np.array(found, "int32")
            rows["label"] = lambda samples: numbers[samples.positions]
        return rows

    def loss(self, batch: Mapping[str, Tensor], output: Tensor | tuple[Tensor, Tensor]) -> Tensor:
        """The error of scaled ab, plus the weighted cross-entropy of the labels."""
        ab, logits = output if self._classes else (output, None)
        loss = self.color_loss(batch["rgb"], ab)
        if logits is None:
            return loss
        labels = ops.cast(batch["label"], "int32")
        chances = ops.log_softmax(ops.cast(logits, "float32"))
        # A photo without a label has a row of zeros, and so no loss.
        truth = ops.one_hot(labels, len(self._classes), dtype="float32")
        return loss - self.config.class_weight * ops.mean(ops.sum(truth * chances, axis=-1))

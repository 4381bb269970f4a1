"""A network that has learned to listen to hints.

Zhang et al. 2017, "Real-Time User-Guided Image Colorization with Learned Deep Priors" (arXiv
1705.02999): the local hints network sees lightness, the ab of a few places and a mask of these, and
has learned from hints that were simulated from true photos. It answers twice: with one color for
each pixel, and with a distribution over bins of ab. Without hints it is an ordinary model.

At the marks, and along edges around them, colors follow by `zoo.hints.following`, as those of every
model do; what a network adds is that the rest of the photo follows, too.

`paper` is the published network, whose weights `zoo.models.guided.hinted_weights` reads. `compact`
has an encoder that learned on ImageNet.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import keras
import numpy as np
from keras import ops

from zoo import preprocessing
from zoo.color.bins import Bins, ab_bins, measure_prior, square_bins
from zoo.color.planes import AB
from zoo.color.prior import smooth_prior
from zoo.color.spaces import Tensor
from zoo.colorizer import Departure, Preset
from zoo.errors import valid_choice
from zoo.hints.simulated import HINTS
from zoo.inputs import LIGHTNESS, Input
from zoo.models.classification.base import ClassificationColorizer, ClassificationConfig
from zoo.models.classification.distribution import TEMPERATURE
from zoo.models.gradient import PRETRAINED, NetworkConfig
from zoo.models.regression import HUBER_WIDTH, huber
from zoo.networks.blocks import average_by, average_to_size
from zoo.options import OF_NETWORKS, Option
from zoo.prediction import Distribution, Prediction, Size
from zoo.training.config import check_fields

#: A photo whose a and b together span less than this does not count in the loss (the authors'
#: training code).
_LEAST_RANGE = 5.0

OUTRIGHT = Option(
    "outright",
    default=1.0,
    low=0.0,
    high=1.0,
    meaning="1 takes the color that the network says outright, 0 reads it off its distribution",
)


@dataclass(frozen=True)
class HintedConfig(NetworkConfig, ClassificationConfig):
    """The network, its bins and its training.

    Attributes:
        bins: "gamut", the 313 of Zhang et al. 2016; or "square", all 529 of a grid of 23 x 23.
        outright_weight: of the error of the colors that are said outright, beside the
            distribution's cross-entropy.
        mask_center: what is taken off the mask before the network sees it.
    """

    heads: ClassVar = 2

    loss: str = "plain"
    bins: str = "gamut"
    outright_weight: float = 10.0
    mask_center: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        valid_choice("bins", self.bins, ("gamut", "square"))
        check_fields(self, lambda value: value >= 0, "at least 0", "outright_weight")
        check_fields(self, lambda value: 0 <= value <= 1, "from 0 to 1", "mask_center")


@dataclass(frozen=True, eq=False)
class TwoAnswers(Distribution):
    """A distribution over bins, and a color beside it.

    Attributes:
        ab: (N, h', w', 2), in Lab's units.
        step: h' / h and w' / w, (h, w) being the distribution's size.
    """

    ab: Tensor
    step: int = 1

    def shares(self) -> Tensor:
        """The distribution, and the colors at its places."""
        return ops.concatenate([super().shares(), average_by(self.ab, self.step)], axis=-1)

    def with_shares(self, shares: Tensor) -> Self:
        changed = super().with_shares(shares[..., :-2])
        return replace(changed, ab=shares[..., -2:], step=1)

    def probabilities(self) -> np.ndarray:
        return ops.convert_to_numpy(super().shares())


class Hinted(ClassificationColorizer):
    """L and hints in; ab, and a distribution over bins of ab, out."""

    plane: ClassVar = AB
    options: ClassVar[tuple[Option, ...]] = (*OF_NETWORKS, TEMPERATURE, OUTRIGHT)
    PRESETS: ClassVar = {
        "compact": Preset(
            HintedConfig(**PRETRAINED | {"frozen_levels": 2}, loss="rebalanced", uniform_share=0.9),
            "ours: the method of Zhang et al. 2017 on an encoder of ImageNet, that trains on two "
            "processor cores",
        ),
        "paper": Preset(
            HintedConfig(
                architecture="local_hints",
                width=64,
                bins="square",
                train_size=176,
                batch_size=25,
                learning_rate=1e-5,
                schedule="constant",
            ),
            "Zhang et al. 2017, arXiv 1705.02999, section 3, and the authors' training code",
            (
                Departure(
                    "classification without hints first (15 epochs of ImageNet at 1e-4), then "
                    "regression with hints (10 at 1e-5, 5 at 1e-6)",
                    "both at once, with hints, at 1e-5",
                    "one training under one budget, as for every model",
                ),
                Departure(
                    "crops of 176 px out of photos of 256 px (released code)",
                    "random squares with a side of 1 to 1.25 times 176 px",
                    "every model learns from the same loader",
                ),
                Departure(
                    "global hints have a network of their own, in the Caffe version",
                    "none",
                    "the authors' PyTorch version has none",
                ),
            ),
        ),
        "tiny": Preset(
            HintedConfig(width=4, depth=2, output_stride=2, train_size=32, batch_size=4),
            "ours: for tests",
        ),
    }

    @staticmethod
    def initial_bins(config: HintedConfig) -> Bins:
        return ab_bins() if config.bins == "gamut" else square_bins()

    @property
    def inputs(self) -> tuple[Input, ...]:
        return (LIGHTNESS, HINTS)

    def scale_inputs(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        center = np.array([0.0, 0.0, self.config.mask_center], "float32")
        said = preprocessing.cast(inputs[HINTS.name], "float32")
        return super().scale_inputs(inputs) | {HINTS.name: said - center}

    def build_networks(self) -> dict[str, keras.Model]:
        said = keras.Input((None, None, HINTS.channels), name=HINTS.name)
        channels = len(self.bins) + 2
        colorizer = self.build_colorizer(channels, inputs={HINTS.name: said}, beside=said)
        return {"colorizer": colorizer, "decoder": self.decoder()}

    def answers(self, output: Tensor | list[Tensor]) -> tuple[Tensor, Tensor]:
        """The logits and the scaled chroma in a network's output; most have both in one."""
        if isinstance(output, list | tuple):
            logits, ab = output
            return logits, ab
        return output[..., :-2], output[..., -2:]

    def prior(self, batches: Iterator[Tensor]) -> np.ndarray:
        if self.config.loss == "plain":
            return np.full(len(self.bins), 1 / len(self.bins))
        return smooth_prior(measure_prior(batches, self.bins), self.bins.centers, self.config.sigma)

    def photo_weight(self, chroma: Tensor) -> Tensor:
        """0 for photos with hardly any color, 1 for the others."""
        span = ops.max(chroma, axis=(1, 2)) - ops.min(chroma, axis=(1, 2))
        return ops.cast(ops.sum(span, axis=-1) >= _LEAST_RANGE, "float32")

    def loss(self, batch: Mapping[str, Tensor], output: Tensor | list[Tensor]) -> Tensor:
        """The distribution's cross-entropy, plus the weighted Huber error of the colors.

        Zhang et al. 2017, section 3.1, equation 2, and section 3.3.
        """
        logits, ab = self.answers(output)
        truth = average_to_size(self.plane.of_rgb(batch["rgb"]), ab)
        counts = self.photo_weight(truth)[:, None, None, None]
        error = (ops.cast(ab, "float32") - truth / self.ab_scale) * counts
        outright = huber(error, HUBER_WIDTH / self.ab_scale)
        return super().loss(batch, logits) + self.config.outright_weight * outright

    def understood(
        self, output: Tensor | list[Tensor], lightness: Tensor, size: Size
    ) -> Prediction:
        logits, ab = self.answers(output)
        step = self.output_stride if self.architecture.heads > 1 else 1
        return TwoAnswers(lightness, size, logits, self.bins, ab * self.ab_scale, step)

    def with_logits(
        self, prediction: Distribution, logits: np.ndarray, temperature: float
    ) -> Distribution:
        """What is said outright moves as far as what is read off the distribution."""
        assert isinstance(prediction, TwoAnswers)
        changed = replace(prediction, logits=logits)
        moved = self.colors(changed, temperature) - self.colors(prediction, temperature)
        said = ops.convert_to_tensor(prediction.ab)
        return replace(changed, ab=said + preprocessing.resize(moved, ops.shape(said)[1:3]))

    def to_ab(self, prediction: Prediction, **values: Tensor) -> Tensor:
        """A mixture of the color that is said outright and of the distribution's."""
        assert isinstance(prediction, TwoAnswers)
        share = values[OUTRIGHT.name]
        said = ops.convert_to_tensor(prediction.ab)
        read = preprocessing.resize(super().to_ab(prediction, **values), ops.shape(said)[1:3])
        return share * said + (1.0 - share) * read

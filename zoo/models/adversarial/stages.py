"""Adversarial training: two nets, their losses and their rates in one graph for Keras' `fit`.

The generator runs once a step. Its term goes through the discriminator with that one's weights held
still, and the discriminator sees made colors as constants, so that the gradients of the sum of all
losses are each net's own. (To freeze the discriminator inside a combined model, as was usual, keeps
it from learning at all in Keras 3.)

The discriminator's loss is halved (Isola et al. 2017, arXiv 1611.07004, section 3.3). Under Adam,
which divides a gradient by its size, this slows nothing; it is there for the logged sums.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import keras
from keras import ops

from zoo.color import scores
from zoo.color.spaces import Tensor, lab_to_rgb
from zoo.models.adversarial.classifier_score import ClassifierScore
from zoo.networks.blocks import AB_SCALE
from zoo.training.stage import Stage
from zoo.training.task import Task

if TYPE_CHECKING:
    from zoo.models.adversarial.gan import GAN


#: Of true and of made colors, where the discriminator wins.
_SURELY_REAL, _SURELY_FAKE = 0.98, 0.02
#: Less of the true photos' colorfulness for so many rounds is called monochrome.
_MONOCHROME, _MONOCHROME_ROUNDS = 0.2, 3


def _bce(logits: Tensor, target: float) -> Tensor:
    """Binary cross-entropy: softplus(-x) where the target is 1, softplus(x) where it is 0."""
    return ops.mean(target * ops.softplus(-logits) + (1.0 - target) * ops.softplus(logits))


def _least_squares(logits: Tensor, target: float) -> Tensor:
    return ops.mean(ops.square(logits - target))


def _hinge_real(logits: Tensor, target: float) -> Tensor:
    return ops.mean(ops.relu(target - logits))


#: By name: the discriminator's loss for true colors and what they are to be called, its loss for
#: made ones, and the generator's.
ADVERSARIAL_LOSSES: dict[str, tuple[Callable, Callable, Callable]] = {
    "bce": (_bce, lambda x: _bce(x, 0.0), lambda x: _bce(x, 1.0)),
    "least_squares": (
        _least_squares,
        lambda x: _least_squares(x, 0.0),
        lambda x: _least_squares(x, 1.0),
    ),
    "hinge": (_hinge_real, lambda x: ops.mean(ops.relu(1.0 + x)), lambda x: -ops.mean(x)),
}


class GeneratorGraph(Task):
    """From uint8 photos to the generator's loss by what is true, without a discriminator.

    Logged beside it: the mean absolute error, the AuC of the made colors, their colorfulness and
    that of the true ones, at the size of the output.
    """

    LOGGED: ClassVar[tuple[str, ...]] = ("l1", "auc", "colorfulness", "truth")

    def __init__(self, colorizer: "GAN") -> None:
        super().__init__(colorizer)
        self._judged, self._config = colorizer.judged, colorizer.config
        self._content = colorizer.content_loss()
        self.means = {name: keras.metrics.Mean(name=name) for name in self.LOGGED}

    def step_loss(self, batch: dict[str, Tensor], output: Tensor, training: bool) -> Tensor:
        """How far the made colors are from the true ones, and what `adversaries_loss` adds."""
        lightness, truth = self._judged(batch["rgb"], output)
        fake = ops.cast(output, "float32")
        l1 = self._photo_loss(batch, output)
        logged = _color_scores(50.0 * (lightness + 1.0), truth * AB_SCALE, fake * AB_SCALE)
        self.log(l1=l1, **dict(zip(("auc", "colorfulness", "truth"), logged, strict=True)))
        content = self._content(lightness, truth, fake)
        return content + self.adversaries_loss(lightness, truth, fake, training)

    def adversaries_loss(
        self, lightness: Tensor, truth: Tensor, fake: Tensor, training: bool
    ) -> Tensor:
        """Nobody judges the generator here."""
        return 0.0

    def log(self, **values: Tensor) -> None:
        """Take a step's values into the means over the round."""
        for name, value in values.items():
            self.means[name].update_state(ops.stop_gradient(value))


class AdversarialGraph(GeneratorGraph):
    """From uint8 photos to the sum of both nets' losses.

    Logged beside the generator's scores: what the discriminator says of true colors, `d_real`, and
    of made ones, `d_fake`, as shares in [0, 1] (0.5: it cannot tell); its loss, and the generator's
    for being found out.
    """

    LOGGED = ("d_real", "d_fake", "d_loss", "g_loss", *GeneratorGraph.LOGGED)

    def __init__(self, colorizer: "GAN") -> None:
        super().__init__(colorizer)
        self.discriminator = colorizer.networks["discriminator"]

    def adversaries_loss(
        self, lightness: Tensor, truth: Tensor, fake: Tensor, training: bool
    ) -> Tensor:
        """Each net's gradient of this sum is that of its own loss."""
        on_real, on_fake, of_generator = ADVERSARIAL_LOSSES[self._config.adversarial]
        real_logits = self._logits([lightness, truth], training)
        fake_logits = self._logits([lightness, ops.stop_gradient(fake)], training)
        d_loss = 0.5 * (on_real(real_logits, self._config.real_label) + on_fake(fake_logits))
        g_loss = of_generator(self._logits_of_still_weights([lightness, fake], training))
        d_real, d_fake = (ops.mean(ops.sigmoid(logits)) for logits in (real_logits, fake_logits))
        self.log(d_real=d_real, d_fake=d_fake, d_loss=d_loss, g_loss=g_loss)
        return d_loss + g_loss

    def _logits(self, pair: Sequence[Tensor], training: bool) -> Tensor:
        return ops.cast(self.discriminator(pair, training=training), "float32")

    def _logits_of_still_weights(self, pair: Sequence[Tensor], training: bool) -> Tensor:
        """The discriminator's answer, whose gradient reaches what it sees and not its weights.

        Its running statistics stay as they are, too: what this call makes of them is dropped.
        """
        network = self.discriminator
        weights = [ops.stop_gradient(v.value) for v in network.trainable_variables]
        others = [v.value for v in network.non_trainable_variables]
        logits, _ = network.stateless_call(weights, others, pair, training=training)
        return ops.cast(logits, "float32")


class AdversarialStage(Stage):
    """Both nets together. Nobody knows beforehand when to stop: each round's model is kept."""

    keeps_checkpoints = True

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        name = self.colorizer.config.classifier
        self._classifier = None
        if name and self.validation is not None:
            self._classifier = ClassifierScore(name, self.validation, self.plan.size)

    def examine(self) -> dict[str, float]:
        """What a classifier says of the colors, where one is given."""
        if self._classifier is None:
            return {}
        return {f"val_{self._classifier.name}": self._classifier(self.colorizer)}

    def warning(self, curves: dict[str, list[float]]) -> str | None:
        """Tell of a discriminator that won for a whole round, and of colors that go gray."""
        real, fake = curves["d_real"][-1], curves["d_fake"][-1]
        if real > _SURELY_REAL and fake < _SURELY_FAKE:
            return (
                f"The discriminator wins: it takes {real:.3f} of true and {fake:.3f} of made "
                "colors for true, so the generator learns little from it; lower "
                "discriminator_rate, or set real_label=0.9 if it is higher."
            )
        shares = [
            made / max(true, 1e-6)
            for made, true in zip(curves["colorfulness"], curves["truth"], strict=True)
        ][-_MONOCHROME_ROUNDS:]
        if len(shares) == _MONOCHROME_ROUNDS and max(shares) < _MONOCHROME:
            return (
                f"The colors are nearly gray: {shares[-1]:.0%} of the true photos' colorfulness. "
                "The absolute error outweighs the discriminator; lower l1_weight, or train longer."
            )
        return None


def _color_scores(lightness: Tensor, truth: Tensor, made: Tensor) -> tuple[Tensor, ...]:
    """AuC, and the colorfulness of the made and the true colors, means over the photos.

    As `zoo.metrics` has them, but AuC is that of infinitely many thresholds, and RGB not rounded.
    """
    error = ops.sqrt(ops.sum(ops.square(truth - made), axis=-1) + 1e-12)
    rgb = [255.0 * lab_to_rgb(ops.concatenate([lightness, ab], axis=-1)) for ab in (made, truth)]
    colorful = [ops.mean(scores.colorfulness(one, ops, epsilon=1e-12)) for one in rgb]
    return scores.auc_in_the_limit(error, ops), *colorful

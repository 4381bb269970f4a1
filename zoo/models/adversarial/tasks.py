"""What generator and discriminator learn, alone and together, in one graph for Keras' `fit`.

Together, the generator runs once a step. Its adversarial loss goes through the discriminator, whose
weights are held still, and the discriminator sees made colors as constants: so the gradients of the
sum of all losses are each net's own. (To freeze the discriminator inside a combined model, as was
usual, keeps it from learning at all in Keras 3.)
"""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, ClassVar

import keras
from keras import ops

from zoo.backend import mean_over_devices
from zoo.color import scores
from zoo.color.spaces import Tensor, lab_to_rgb
from zoo.models.adversarial.losses import AdversarialLoss
from zoo.models.adversarial.perceptual import ALTERATIONS, alter
from zoo.networks.blocks import AB_SCALE
from zoo.training.task import Batch, Task

if TYPE_CHECKING:
    from zoo.models.adversarial.gan import GAN


#: The scores of made colors: see `color_scores`.
COLOR_SCORES = ("auc", "colorfulness", "truth")


class GeneratorTask(Task):
    """The generator without a discriminator.

    Logged beside the loss: the mean absolute error, the AuC of the made colors, their colorfulness
    and that of the true ones, at the size of the output.

    Args:
        colorizer: whose generator.
        others: further networks that learn, by name.
    """

    LOGGED: ClassVar[tuple[str, ...]] = ("l1", *COLOR_SCORES)

    def __init__(self, colorizer: "GAN", **others: keras.Model) -> None:
        super().__init__({"generator": colorizer.networks["colorizer"], **others}, self.LOGGED)
        self._inputs, self._judged = colorizer.network_input, colorizer.judged
        self._error, self._content = colorizer.loss, colorizer.content_loss()

    def call(self, batch: Batch, training: bool = False) -> Tensor:
        return self.networks["generator"](self._inputs(batch), training=training)

    def step_loss(self, batch: Batch, output: Tensor, training: bool) -> Tensor:
        lightness, truth = self._judged(batch["rgb"], output)
        fake = ops.cast(output, "float32")
        l1 = self._error(batch, output)
        of_photos = color_scores(lightness, truth, fake)
        self.log(l1=l1, **{name: ops.mean(values) for name, values in of_photos.items()})
        content = self._content(lightness, truth, fake)
        return self.whole_loss(content, lightness, truth, fake, training)

    def whole_loss(
        self, content: Tensor, lightness: Tensor, truth: Tensor, fake: Tensor, training: bool
    ) -> Tensor:
        return content


class AdversarialTask(GeneratorTask):
    """Both nets.

    Logged beside the generator's scores: the discriminator's probabilities for true colors,
    `d_real`, and for made ones, `d_fake` (0.5: it cannot tell); its loss, and the generator's.

    Args:
        colorizer: whose nets.
        content: weight of what the generator learns beside the adversarial loss.
        critic_until: the discriminator alone learns until its loss in a step is lower than this;
            the generator then has one step, and so on. 0: both learn in every step.
    """

    LOGGED = ("d_real", "d_fake", "d_loss", "g_loss", *GeneratorTask.LOGGED)

    def __init__(
        self, colorizer: "GAN", *, content: float = 1.0, critic_until: float = 0.0
    ) -> None:
        super().__init__(colorizer, discriminator=colorizer.networks["discriminator"])
        self._adversarial: AdversarialLoss = colorizer.adversarial_loss
        self._content_weight, self._until = content, critic_until
        self._critics_turn = None
        if critic_until:
            self._critics_turn = self.add_weight(
                shape=(),
                initializer="ones",
                trainable=False,
                name="critics_turn",
                aggregation="mean",  # all devices have the same
            )

    def whole_loss(
        self, content: Tensor, lightness: Tensor, truth: Tensor, fake: Tensor, training: bool
    ) -> Tensor:
        """Each net's gradient of this sum is that of its own loss."""
        loss, made = self._adversarial, ops.stop_gradient(fake)

        def judge(ab: Tensor) -> Tensor:
            return _answers(self.networks["discriminator"], lightness, ab, training)

        real_logits, fake_logits = judge(truth), judge(made)
        d_loss = loss.discriminator(real_logits, fake_logits) + loss.penalty(judge, truth, made)
        g_loss = loss.generator(
            self._answers_of_still_weights({"lightness": lightness, "ab": fake}, training)
        )
        d_real, d_fake = (ops.mean(loss.probability(x)) for x in (real_logits, fake_logits))
        self.log(d_real=d_real, d_fake=d_fake, d_loss=d_loss, g_loss=g_loss)
        content = self._content_weight * content
        if self._critics_turn is None or not training:
            return content + (d_loss + g_loss)
        # One of the two: the other net's gradients are exactly 0, and its optimizer lets it rest.
        turn = self._critics_turn.value
        whole = turn * d_loss + (1.0 - turn) * (content + g_loss)
        done = ops.logical_and(turn > 0.5, mean_over_devices(d_loss) < self._until)
        self._critics_turn.assign(ops.where(done, 0.0, 1.0))
        return whole

    def _answers_of_still_weights(self, pair: Batch, training: bool) -> Tensor:
        """The discriminator's answer, whose gradient reaches what it sees and not its weights.

        Its running statistics stay as they are, too: what this call makes of them is dropped.
        """
        network = self.networks["discriminator"]
        weights = [ops.stop_gradient(v.value) for v in network.trainable_variables]
        others = [v.value for v in network.non_trainable_variables]
        logits, _ = network.stateless_call(weights, others, pair, training=training)
        return ops.cast(logits, "float32")


class CriticTask(Task):
    """The discriminator alone, by made colors that the batches bring: (N, h, w, 2), "made".

    Logged beside its loss: `d_real` and `d_fake` as when both learn, and the share of the patches
    that it is right about.
    """

    def __init__(self, colorizer: "GAN") -> None:
        discriminator = colorizer.networks["discriminator"]
        super().__init__({"discriminator": discriminator}, ("d_real", "d_fake", "accuracy"))
        self._judged, self._adversarial = colorizer.judged, colorizer.adversarial_loss

    def call(self, batch: Batch, training: bool = False) -> Tensor:
        made = batch["made"]
        lightness, truth = self._judged(batch["rgb"], made)
        network = self.networks["discriminator"]
        both = (truth, ops.cast(made, "float32"))
        return ops.concatenate([_answers(network, lightness, ab, training) for ab in both], axis=-1)

    def step_loss(self, batch: Batch, output: Tensor, training: bool) -> Tensor:
        lightness, truth = self._judged(batch["rgb"], batch["made"])
        penalty = self._adversarial.penalty(
            partial(_answers, self.networks["discriminator"], lightness, training=training),
            truth,
            ops.cast(batch["made"], "float32"),
        )
        real, fake = output[..., :1], output[..., 1:]
        sure, unsure = (self._adversarial.probability(logits) for logits in (real, fake))
        right = ops.concatenate([sure > 0.5, unsure <= 0.5], axis=-1)
        accuracy = ops.mean(ops.cast(right, "float32"))
        self.log(d_real=ops.mean(sure), d_fake=ops.mean(unsure), accuracy=accuracy)
        return self._adversarial.discriminator(real, fake) + penalty


class AlterationTask(Task):
    """Our own feature network, which learns to tell the alterations.

    Args:
        network: what `color_features` made.
        judged: from photos and an output of the wanted size to scaled L and ab.
        like: from photos to such an output.
    """

    def __init__(
        self,
        network: keras.Model,
        judged: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]],
        like: Callable[[Tensor], Tensor],
    ) -> None:
        super().__init__({"features": network}, ("accuracy",))
        self._judged, self._like = judged, like

    def call(self, batch: Batch, training: bool = False) -> Tensor:
        rgb = batch["rgb"]
        lightness, truth = self._judged(rgb, self._like(rgb))
        altered, _ = alter(truth)
        return self.networks["features"](
            {"lightness": lightness, "ab": altered}, training=training
        )[-1]

    def step_loss(self, batch: Batch, output: Tensor, training: bool) -> Tensor:
        kinds = ops.arange(ops.shape(output)[0], dtype="int32") % ALTERATIONS
        right = ops.cast(ops.argmax(output, axis=-1), "int32") == kinds
        self.log(accuracy=ops.mean(ops.cast(right, "float32")))
        losses = ops.sparse_categorical_crossentropy(kinds, output, from_logits=True)
        return ops.mean(losses)


def _answers(network: keras.Model, lightness: Tensor, ab: Tensor, training: bool) -> Tensor:
    """The discriminator's logits."""
    return ops.cast(network({"lightness": lightness, "ab": ab}, training=training), "float32")


def color_scores(lightness: Tensor, truth: Tensor, made: Tensor) -> dict[str, Tensor]:
    """AuC of each photo, and the colorfulness of its made and its true colors: (N,) by name.

    As `zoo.metrics` has them, but AuC is that of infinitely many thresholds, and RGB not rounded.
    All arguments are scaled, as the networks see and give them.
    """
    lightness, truth, made = 50.0 * (lightness + 1.0), truth * AB_SCALE, made * AB_SCALE
    error = ops.sqrt(ops.sum(ops.square(truth - made), axis=-1) + 1e-12)
    auc = scores.auc_in_the_limit(error, ops, axis=(-2, -1))
    rgb = [255.0 * lab_to_rgb(ops.concatenate([lightness, ab], axis=-1)) for ab in (made, truth)]
    colorful = [scores.colorfulness(one, ops, epsilon=1e-12) for one in rgb]
    return dict(zip(COLOR_SCORES, (auc, *colorful), strict=True))

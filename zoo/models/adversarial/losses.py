"""The losses of generator and discriminator, functions of the discriminator's logits.

The discriminator's loss is halved (Isola et al. 2017, arXiv 1611.07004, section 3.3). Under Adam,
which divides a gradient by its size, this slows nothing; it only affects the logged sums.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable

from keras import ops

from zoo.color.spaces import Tensor


class AdversarialLoss(ABC):
    """The losses of two nets that learn against each other.

    Args:
        real_label: the discriminator's target for true colors, above 0.5 and at most 1.
    """

    def __init__(self, real_label: float) -> None:
        self.real_label = real_label

    @abstractmethod
    def real(self, logits: Tensor) -> Tensor:
        """The discriminator's loss for true colors."""

    @abstractmethod
    def fake(self, logits: Tensor) -> Tensor:
        """The discriminator's loss for made colors."""

    @abstractmethod
    def generator(self, logits: Tensor) -> Tensor:
        """The generator's loss."""

    @abstractmethod
    def probability(self, logits: Tensor) -> Tensor:
        """How sure the discriminator is that colors are true: in [0, 1].

        0 and 1 are at the answers that cost it least for made and for true colors, 0.5 is where it
        is undecided: at the answer of the lowest loss if as many colors are true as made.
        """

    def penalty(
        self, discriminator: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor
    ) -> Tensor:
        """What is added to the discriminator's loss, from true and made ab; mostly nothing.

        `discriminator` maps ab to logits, for the lightness of this batch.
        """
        return 0.0

    def discriminator(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        """The discriminator's loss without the penalty."""
        return 0.5 * (self.real(real_logits) + self.fake(fake_logits))


class CrossEntropy(AdversarialLoss):
    """The loss of Goodfellow et al. 2014, arXiv 1406.2661; the generator's does not saturate."""

    def real(self, logits: Tensor) -> Tensor:
        label = self.real_label
        return ops.mean(label * ops.softplus(-logits) + (1.0 - label) * ops.softplus(logits))

    def fake(self, logits: Tensor) -> Tensor:
        return ops.mean(ops.softplus(logits))

    def generator(self, logits: Tensor) -> Tensor:
        return ops.mean(ops.softplus(-logits))

    def probability(self, logits: Tensor) -> Tensor:
        # For a share p of true colors the best sigmoid is p times the label.
        return ops.minimum(ops.sigmoid(logits) / self.real_label, 1.0)


class LeastSquares(AdversarialLoss):
    """The loss of Mao et al. 2017, arXiv 1611.04076: the answers themselves are the labels."""

    def real(self, logits: Tensor) -> Tensor:
        return ops.mean(ops.square(logits - self.real_label))

    def fake(self, logits: Tensor) -> Tensor:
        return ops.mean(ops.square(logits))

    def generator(self, logits: Tensor) -> Tensor:
        return ops.mean(ops.square(logits - 1.0))

    def probability(self, logits: Tensor) -> Tensor:
        return ops.clip(logits / self.real_label, 0.0, 1.0)


class Hinge(AdversarialLoss):
    """The loss of Lim and Ye 2017, arXiv 1705.02894: answers beyond the margins cost nothing."""

    def real(self, logits: Tensor) -> Tensor:
        return ops.mean(ops.relu(self.real_label - logits))

    def fake(self, logits: Tensor) -> Tensor:
        return ops.mean(ops.relu(1.0 + logits))

    def generator(self, logits: Tensor) -> Tensor:
        return -ops.mean(logits)

    def probability(self, logits: Tensor) -> Tensor:
        return ops.clip((logits + 1.0) / (self.real_label + 1.0), 0.0, 1.0)


ADVERSARIAL_LOSSES: dict[str, type[AdversarialLoss]] = {
    "bce": CrossEntropy,
    "least_squares": LeastSquares,
    "hinge": Hinge,
}

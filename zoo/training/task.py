"""What is trained: networks and the loss of a step, as one graph for Keras' `fit`.

The loader yields uint8 RGB; color conversion and losses are part of the compiled graph.
"""

from typing import TYPE_CHECKING

import keras
from keras import ops

from zoo.color.spaces import Tensor

if TYPE_CHECKING:
    from zoo.models.gradient import GradientColorizer


class Task(keras.Model):
    """From batches of photos to the loss: one graph for Keras' `fit`.

    Args:
        colorizer: whose loss it is.
        network: what learns; the colorizer's `training_network` by default.
    """

    def __init__(self, colorizer: "GradientColorizer", network: keras.Model | None = None) -> None:
        super().__init__(name="training", dtype="float32")
        self.network = network or colorizer.training_network()
        self._network_input = colorizer.network_input
        self._photo_loss = colorizer.loss

    def call(self, batch: dict[str, Tensor], training: bool = False) -> Tensor:
        """From `rgb`, (N, h, w, 3) uint8, and rows beside it to the network's output."""
        return self.network(self._network_input(batch), training=training)

    def compute_loss(
        self,
        x: Tensor = None,
        y: Tensor = None,
        y_pred: Tensor = None,
        sample_weight: Tensor = None,
        training: bool = True,
    ) -> Tensor:
        """What Keras asks for; see `step_loss`."""
        return self.step_loss(x, y_pred, training)

    def step_loss(self, batch: dict[str, Tensor], output: Tensor, training: bool) -> Tensor:
        """The colorizer's loss; weight decay joins in training only, to keep scores comparable."""
        loss = self._photo_loss(batch, output)
        if training and self.losses:
            loss = loss + sum(ops.cast(term, "float32") for term in self.losses)
        return loss

"""What is trained: networks, the loss of a step, and what is logged, in one graph for Keras' `fit`.

The loader yields dictionaries: "rgb", uint8, and by name what else belongs to the photos. Color
conversion and losses are part of the compiled graph.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence

import keras
from keras import ops

from zoo.backend import sharing_devices
from zoo.color.spaces import Tensor

Batch = Mapping[str, Tensor]


class Task(keras.Model):
    """From a batch of photos to the scalar that a step makes smaller; `log` takes the logged."""

    def __init__(self, networks: Mapping[str, keras.Model], logged: Sequence[str] = ()) -> None:
        super().__init__(name="training", dtype="float32")
        self.networks = dict(networks)
        self._means = {name: keras.metrics.Mean(name=name) for name in logged}

    @abstractmethod
    def call(self, batch: Batch, training: bool = False) -> Tensor:
        """From "rgb", (N, h, w, 3) uint8, and rows beside it to what `step_loss` is told."""

    @abstractmethod
    def step_loss(self, batch: Batch, output: Tensor, training: bool) -> Tensor:
        """The scalar to minimize, from a batch and what `call` made of it."""

    def compute_loss(
        self,
        x: Tensor = None,
        y: Tensor = None,
        y_pred: Tensor = None,
        sample_weight: Tensor = None,
        training: bool = True,
    ) -> Tensor:
        # Gradients are summed over devices, so that the batch's mean needs shares.
        return self.step_loss(x, y_pred, training) / sharing_devices()

    def log(self, **values: Tensor) -> None:
        """Take a step's values into the means over the round."""
        for name, value in values.items():
            self._means[name].update_state(ops.stop_gradient(value))


class NetworkTask(Task):
    """One network that learns by one loss.

    `inputs` makes of a batch what the network sees, `loss` a float32 scalar of batch and output: a
    mean over photos and places.
    """

    def __init__(
        self,
        network: keras.Model,
        inputs: Callable[[Batch], Tensor],
        loss: Callable[[Batch, Tensor], Tensor],
    ) -> None:
        super().__init__({"colorizer": network})
        self._inputs, self._loss = inputs, loss

    def call(self, batch: Batch, training: bool = False) -> Tensor:
        return self.networks["colorizer"](self._inputs(batch), training=training)

    def step_loss(self, batch: Batch, output: Tensor, training: bool) -> Tensor:
        """The loss; weight decay joins in training only, to keep scores comparable.

        Published weight decays belong to losses that sum over the places of the output and divide
        by the number of photos alone, as Caffe's layers do. Here is that sum, divided by the
        places, which Adam does not notice.
        """
        loss = self._loss(batch, output)
        if training and self.losses:
            colors = keras.tree.flatten(output)[0]  # further outputs, as classes, have no places
            places = colors.shape[1] * colors.shape[2]
            loss = loss + sum(ops.cast(term, "float32") for term in self.losses) / places
        return loss

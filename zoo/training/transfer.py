"""How a training begins from trained weights: which layers stay still, which are shrunk."""

from collections.abc import Iterator
from contextlib import contextmanager

import keras

from zoo.errors import ZooError

#: The share of a trained kernel that is kept, and that of an initial one that is added to it, where
#: a model is trained further. Chosen on validation photos of retinas, for models of scenes.
_KEPT, _ADDED = 0.4, 0.1


@contextmanager
def frozen_layers(network: keras.Model, count: int) -> Iterator[None]:
    """Let the first so many layers that have weights stay as they are inside the block."""
    layers = [layer for layer in network.layers if layer.trainable_weights]
    if count >= len(layers):
        raise ZooError(
            f"{network.name} has {len(layers)} layers that learn, so at most {len(layers) - 1} can "
            f"be frozen; got {count}."
        )
    try:
        for layer in layers[:count]:
            layer.trainable = False
        yield
    finally:
        for layer in layers[:count]:
            layer.trainable = True


def shrink_and_perturb(network: keras.Model, fresh: keras.Model) -> None:
    """Prepare a trained network for learning anew: Ash and Adams 2020, arXiv 1910.08475, section 4.

    Weights grow while they learn, and the larger they are the less a step turns them: without this
    a network that starts from trained weights ends worse than one that starts from none. Kernels
    keep their direction for the most part, which is what batch normalization lets count; layers
    that are frozen stay as they are.

    Args:
        network: changed in place.
        fresh: the same with initial weights.
    """
    layers = zip(network.layers, fresh.layers, strict=True)
    for layer, new in ((one, other) for one, other in layers if one.trainable):
        variables = zip(layer.trainable_variables, new.trainable_variables, strict=True)
        for variable, initial in ((one, other) for one, other in variables if len(one.shape) > 1):
            variable.assign(_KEPT * variable.value + _ADDED * initial.value)

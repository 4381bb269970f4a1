"""How a training begins from trained weights: which layers stay still, which are shrunk."""

import fnmatch
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import keras
import numpy as np
from keras import ops

from zoo.errors import ZooError

#: The share of a trained kernel that is kept, and that of an initial one that is added to it, where
#: a model is trained further. Chosen on validation photos of retinas, for models of scenes.
_KEPT, _ADDED = 0.4, 0.1


@contextmanager
def frozen_layers(network: keras.Model, patterns: Sequence[str]) -> Iterator[None]:
    """Let the layers whose names fit one of the shell patterns stay as they are inside the block.

    A pattern that fits no layer that learns is refused, and so are those that leave none to learn.
    """
    learning = {layer.name: layer for layer in network.layers if layer.trainable_weights}
    frozen = set()
    for pattern in patterns:
        found = fnmatch.filter(learning, pattern)
        if not found:
            raise ZooError(
                f"{network.name} has no layer {pattern} to freeze; among those that learn are "
                f"{', '.join(list(learning)[:: max(1, len(learning) // 8)])}."
            )
        frozen.update(found)
    if len(frozen) == len(learning):
        raise ZooError(f"{', '.join(patterns)} would freeze every layer of {network.name}.")
    try:
        for name in frozen:
            learning[name].trainable = False
        yield
    finally:
        for name in frozen:
            learning[name].trainable = True


def restart_generators(networks: Iterable[keras.Model]) -> None:
    """Put the random generators of layers (dropout) to where their seeds begin."""
    for variable in (one for network in networks for one in network.variables):
        if variable.name == "seed_generator_state":
            seed, _ = ops.convert_to_numpy(variable)
            variable.assign(np.array([seed, 0]))


def digest(variables: Mapping[str, keras.Variable]) -> str:
    """Tell weights apart: the sha256 of their names and values."""
    found = hashlib.sha256()
    for name in sorted(variables):
        found.update(name.encode())
        found.update(ops.convert_to_numpy(variables[name]).tobytes())
    return found.hexdigest()


def shrink_and_perturb(network: keras.Model, fresh: keras.Model) -> None:
    """Prepare a trained network for learning anew: Ash and Adams 2020, arXiv 1910.08475, section 4.

    Weights grow while they learn, and the larger they are the less a step turns them: without this
    a network that starts from trained weights ends worse than one that starts from none. Kernels
    keep their direction for the most part, which is what batch normalization lets count; layers
    that are frozen stay as they are. `fresh` is the same network with initial weights.
    """
    layers = zip(network.layers, fresh.layers, strict=True)
    for layer, new in ((one, other) for one, other in layers if one.trainable):
        variables = zip(layer.trainable_variables, new.trainable_variables, strict=True)
        for variable, initial in ((one, other) for one, other in variables if len(one.shape) > 1):
            variable.assign(_KEPT * variable.value + _ADDED * initial.value)


def take_layers(network: keras.Model, source: keras.Model, pattern: str) -> None:
    """Give the layers whose names fit a shell pattern the weights of another network's.

    Raises:
        ZooError: if the pattern fits none, or a layer has no counterpart of the same shapes.
    """
    given = {layer.name: layer.get_weights() for layer in source.layers}
    taking = [layer for layer in network.layers if fnmatch.fnmatch(layer.name, pattern)]
    if not any(layer.weights for layer in taking):
        raise ZooError(f"{network.name} has no layer {pattern} with weights.")
    for layer in taking:
        shapes = [tuple(weight.shape) for weight in layer.weights]
        if shapes != [value.shape for value in given.get(layer.name, [])]:
            raise ZooError(
                f"The other network has no layer {layer.name} of the same shapes; take a model "
                "with the same encoder."
            )
        layer.set_weights(given[layer.name])

"""The networks of `keras.applications` as encoders; Keras fetches their weights of ImageNet."""

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.color.spaces import Tensor
from zoo.errors import ZooError
from zoo.networks.blocks import seed_for
from zoo.networks.classifiers import KerasEmbedding, Spec
from zoo.networks.encoders.base import PREFIX, STRIDES, Encoder, Joined, as_seen, as_they_are
from zoo.networks.runner import walk

#: The side at which the features' sizes are looked at.
_SIDE = 128


class KerasEncoder(Encoder):
    """One of `keras.applications`; of each size the last features."""

    def pyramid(
        self, photo: Tensor, seed: int, decay: float = 0.0, joined: Joined = as_they_are
    ) -> list[Tensor]:
        original = self._classifier("none").trunk((_SIDE, _SIDE, 3))
        ends = self._levels(original)
        levels = keras.Model(original.inputs, ends)
        strides = {
            end._keras_history.operation.name: stride
            for end, stride in zip(ends, STRIDES, strict=True)
        }
        copies: dict[str, keras.layers.Layer] = {}

        def copied(operation: Any) -> Callable[..., Tensor] | None:
            if not isinstance(operation, keras.layers.Layer):
                return None
            if operation.name not in copies:
                copies[operation.name] = _copy(operation, seed, decay)
            copy, stride = copies[operation.name], strides.get(operation.name)
            return copy if stride is None else lambda given: joined(copy(given), stride)

        return walk(levels, {original.inputs[0].name: self._as_seen(photo)}, copied)

    def _as_seen(self, photo: Tensor) -> Tensor:
        """The photo by the classifier's own preprocessing, read off a few colors."""
        colors = 255.0 * np.vstack([np.zeros(3), np.ones(3), np.eye(3)]).astype("float32")
        black, white, *primaries = self._classifier("none").preprocessed(colors[None, None])[0, 0]
        # Some networks take blue, green and red: each channel is the primary that moves it.
        order = np.abs(primaries - black).argmax(axis=0)
        return as_seen(photo, black, white, order.tolist())

    def values(self) -> Mapping[str, np.ndarray]:
        network = self._classifier(self.weights).trunk((None, None, 3))
        return {f"{PREFIX}{one.path}": ops.convert_to_numpy(one) for one in network.variables}

    def _classifier(self, weights: str) -> KerasEmbedding:
        return KerasEmbedding(Spec("keras", self.name.partition(":")[2], {"weights": weights}))

    def _levels(self, network: keras.Model) -> list[Tensor]:
        last = {
            layer.output.shape[1]: layer.output
            for layer in network.layers
            if not isinstance(layer.output, list) and len(layer.output.shape) == 4
        }
        sides = [_SIDE // stride for stride in STRIDES]
        if missing := [str(side) for side in sides if side not in last]:
            raise ZooError(
                f"{self.name} is no encoder: of {_SIDE} px it makes no features of "
                f"{' and '.join(missing)} px; take one that halves the size, as "
                "keras:MobileNetV2."
            )
        return [last[side] for side in sides]


def _copy(layer: keras.layers.Layer, seed: int, decay: float) -> keras.layers.Layer:
    """The same layer under our name, with weights that follow from the seed."""
    config = layer.get_config() | {"name": f"{PREFIX}{layer.name}", "dtype": "float32"}
    for kind in ("kernel", "depthwise", "pointwise"):
        if f"{kind}_initializer" in config:
            # He et al. 2015. Of a depthwise kernel an output has one input, and Keras counts all.
            scale = 2.0 * (layer.input.shape[-1] if kind == "depthwise" else 1)
            start = seed_for(seed, config["name"], kind)
            config[f"{kind}_initializer"] = keras.initializers.VarianceScaling(scale, seed=start)
            if decay:
                config[f"{kind}_regularizer"] = keras.regularizers.L2(decay / 2)
    return type(layer).from_config(config)

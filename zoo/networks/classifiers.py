"""Pretrained classifiers of whole photos: their specifications, and those of keras.applications.

`zoo.networks.embeddings` says what can be specified, and has the others.
"""

import hashlib
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.color.spaces import Tensor, lightness_to_gray
from zoo.errors import ZooError, first_line, valid_choice
from zoo.networks.blocks import seed_for

#: The settings that each kind of embedding takes.
_SETTINGS = {
    "hub": ("size", "range", "width"),
    "keras": ("weights", "width"),
    "encoder": ("weights", "size"),
    "zeros": ("width",),
    "scratch": ("width",),
}
_NAMED, _NAMELESS = ("hub", "keras", "encoder"), ("zeros", "scratch", "encoder")

#: Photos that a classifier sees at once.
_BATCH = 32


@dataclass(frozen=True)
class Spec:
    """A specification, taken apart: its kind, its name if the kind has one, and settings."""

    kind: str
    name: str = ""
    settings: dict[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str, further: tuple[str, ...] = ()) -> "Spec":
        """Read a specification; `further` settings are taken beside those of the embedding.

        Examples:
            >>> Spec.parse("hub:modules/inception,size=299,range=-1:1").settings
            {'size': '299', 'range': '-1:1'}

        Raises:
            ZooError: on an unknown kind or setting, or a name that is missing or too much.
        """
        start, *rest = re.split(r",(?=[a-z]+=)", text)  # other commas are a folder's own
        kind, _, name = start.partition(":")
        valid_choice("embedding", kind, tuple(_SETTINGS))
        if kind not in (_NAMED if name else _NAMELESS):
            raise ZooError(
                f"The embedding {text!r} cannot be read: write hub:HANDLE or hub:FOLDER, "
                "keras:NAME, encoder:NAME, encoder, zeros or scratch."
            )
        settings = {}
        for part in rest:
            setting, _, value = part.partition("=")
            valid = (*_SETTINGS[kind], *further)
            settings[valid_choice(f"setting of {kind} embeddings", setting, valid)] = value
        return cls(kind, name, settings)

    def number(self, setting: str) -> int | None:
        """A setting that is a positive whole number; None if it is not given."""
        value = self.settings.get(setting)
        if value is None:
            return None
        if not value.isascii() or not value.isdigit() or int(value) < 1:
            raise ZooError(f"{setting} must be a positive whole number; got {setting}={value}.")
        return int(value)


class Embedding(ABC):
    """A feature vector of photos that training does not change; read when it is first needed."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec

    @property
    @abstractmethod
    def width(self) -> int:
        """Numbers in a vector."""

    @property
    @abstractmethod
    def size(self) -> int:
        """Side of the square that photos are squeezed into, in px."""

    @property
    @abstractmethod
    def sha256(self) -> str:
        """Of everything that decides the vectors, 64 hexadecimal digits.

        Raises:
            ZooError: if the classifier is missing or cannot be read.
        """

    @abstractmethod
    def vectors(self, gray: np.ndarray) -> np.ndarray:
        """(n, size, size, 3) float32 RGB in [0, 1] -> (n, width) float32."""

    def with_features(self, rgb: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The vectors, and the features (n, m) of the layer before; if hidden, vectors again."""
        vectors = self.vectors(rgb)
        return vectors, vectors

    @abstractmethod
    def vectors_in_graph(self, gray: Tensor) -> Tensor:
        """As `vectors`, for a graph of TensorFlow that is exported."""

    def of_squares(self, lightness: Tensor, *, traced: bool = False) -> Tensor:
        """The vectors of photos by their L at the classifier's size: (N, size, size, 1)."""
        if traced:
            return self.vectors_in_graph(lightness_to_gray(lightness))
        parts = [lightness[first : first + _BATCH] for first in range(0, len(lightness), _BATCH)]
        grays = (ops.convert_to_numpy(lightness_to_gray(part)) for part in parts)
        return np.concatenate([np.asarray(self.vectors(gray), "float32") for gray in grays])


class KerasEmbedding(Embedding):
    """A classifier of keras.applications: logits before the softmax, its own preprocessing."""

    @property
    def width(self) -> int:
        return self.spec.number("width") or 1000

    @cached_property
    def size(self) -> int:
        return self._network.input_shape[1]

    @cached_property
    def sha256(self) -> str:
        digest = hashlib.sha256(f"keras {self.spec.name} {self.size}".encode())
        for variable in self._network.weights:
            digest.update(ops.convert_to_numpy(variable).tobytes())
        return digest.hexdigest()

    def vectors(self, gray: np.ndarray) -> np.ndarray:
        images = self._family.preprocess_input(255.0 * gray)
        return self._network.predict_on_batch(images)

    def with_features(self, rgb: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self._two_outputs.predict_on_batch(self._family.preprocess_input(255.0 * rgb))

    @cached_property
    def _two_outputs(self) -> keras.Model:
        last = self._network.layers[-1]
        return keras.Model(self._network.input, [last.output, last.input])

    def vectors_in_graph(self, gray: Tensor) -> Tensor:
        return self._network(self._family.preprocess_input(255.0 * gray), training=False)

    @cached_property
    def _family(self) -> Any:
        """The module of keras.applications that has the network and its preprocessing."""
        found: dict[str, Any] = {}
        for _, module in sorted(vars(keras.applications).items()):
            if hasattr(module, "preprocess_input"):
                names = [name for name in vars(module) if name[0].isupper()]
                found |= {name: module for name in names if name not in found}
        return found[valid_choice("classifier in keras.applications", self.spec.name, tuple(found))]

    def trunk(self, input_shape: tuple[int | None, ...]) -> keras.Model:
        """The network without its head, from what `preprocessed` gives."""
        return self._made(include_top=False, input_shape=input_shape)

    def preprocessed(self, rgb: np.ndarray) -> np.ndarray:
        """RGB in [0, 255] as the network sees it: (N, H, W, 3)."""
        return self._family.preprocess_input(np.array(rgb))

    def pyramid(self, levels: int) -> tuple[keras.Model, Callable[[Tensor], Tensor]]:
        """Features of `levels` sizes, for photos of any size.

        Returns:
            A model from preprocessed photos to the last layer's output at each of the first sizes;
            and the preprocessing, of RGB in [0, 255].

        Raises:
            ZooError: if the weights are not at hand, or there are not so many sizes.
        """
        network = self.trunk((None, None, 3))
        maps = [layer for layer in network.layers if layer.output.ndim == 4]
        every = keras.Model(network.inputs, [layer.output for layer in maps])
        side = 128
        sizes = [found.shape[1] for found in every.predict_on_batch(np.zeros((1, side, side, 3)))]
        last = {size: layer for size, layer in zip(sizes, maps, strict=True) if size > 1}
        if len(last) < levels:
            raise ZooError(
                f"{self.spec.name} has features of {len(last)} sizes, and not of {levels}; give so "
                "many level_weights."
            )
        chosen = [last[size].output for size in sorted(last, reverse=True)[:levels]]
        return keras.Model(network.inputs, chosen), self._family.preprocess_input

    @cached_property
    def _network(self) -> keras.Model:
        return self._made(classes=self.width, classifier_activation=None)

    def _made(self, **settings: Any) -> keras.Model:
        make = getattr(self._family, self.spec.name)
        weights = self.spec.settings.get("weights", "imagenet")
        chosen = None if weights == "none" else weights
        try:
            network = make(weights=chosen, **settings)
        except Exception as error:  # what is raised differs from classifier to classifier
            raise ZooError(self._trouble(weights, error)) from error
        if chosen is None:
            _draw_weights(network)
        return network

    def _trouble(self, weights: str, error: Exception) -> str:
        url = re.search(r"https?://[^\s:]+", str(error))
        if url is None:
            return (
                f"{self.spec.name} cannot be made with weights={weights} ({first_line(error)}); "
                "give the .h5 or .weights.h5 file of this very network."
            )
        home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
        place = home / "models" / Path(url[0]).name
        return (
            f"The ImageNet weights of {self.spec.name} cannot be fetched; get {url[0]} on another "
            f"machine and put it at {place}, or name a file by weights=FILE."
        )


def _draw_weights(network: keras.Model) -> None:
    """Draw the same random kernels every time: a model refers to its embedding by a hash."""
    for number, variable in enumerate(network.weights):
        if len(variable.shape) > 1:
            generator = np.random.default_rng(seed_for(0, "random weights", str(number)))
            # He et al. 2015; a depthwise kernel, (h, w, channels, 1), sees one channel.
            inputs = variable.shape[:2] if variable.shape[-1] == 1 else variable.shape[:-1]
            spread = np.sqrt(2 / np.prod(inputs))
            variable.assign(generator.normal(0, spread, variable.shape).astype("float32"))

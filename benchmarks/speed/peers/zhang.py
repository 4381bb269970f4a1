"""The network of Zhang et al. 2016 in PyTorch, named as in the weights that its authors publish.

The speed comparison runs it beside the zoo's own, and the test of the weight conversion compares
outputs; PyTorch is optional.
"""

from torch import Tensor, nn

from zoo.networks.zhang import BLOCKS


class ZhangNetwork(nn.Module):
    """The paper's network (arXiv 1603.08511, figure 2); its state_dict has the published keys.

    `model_out`, the decoding of bins to ab, is among those keys, but no part of `forward`.
    `width` is that of the first block, 64 in the paper; the others keep their proportions.
    """

    def __init__(self, bins: int = 313, width: int = 64) -> None:
        super().__init__()
        before = 1
        for number, (factor, *shape) in enumerate(BLOCKS, start=1):
            self.add_module(f"model{number}", _block(before, width * factor, *shape))
            before = width * factor
        after = width * 4
        self.model8 = nn.Sequential(
            nn.ConvTranspose2d(before, after, 4, stride=2, padding=1),
            nn.ReLU(inplace=True),
            *_convolution(after, after),
            *_convolution(after, after),
            nn.Conv2d(after, bins, 1),
        )
        self.model_out = nn.Conv2d(bins, 2, 1, bias=False)

    def forward(self, lightness: Tensor) -> Tensor:
        """(N, 1, H, W) scaled lightness -> (N, bins, H/4, W/4) logits; H, W multiples of 8."""
        x = lightness
        for number in range(1, len(BLOCKS) + 2):
            x = getattr(self, f"model{number}")(x)
        return x


def _block(before: int, after: int, convolutions: int, stride: int, dilation: int) -> nn.Sequential:
    """Convolutions with rectifiers, the last one strided, then a batch normalization."""
    steps: list[nn.Module] = []
    for index in range(1, convolutions + 1):
        steps += _convolution(before, after, stride if index == convolutions else 1, dilation)
        before = after
    return nn.Sequential(*steps, nn.BatchNorm2d(after))


def _convolution(
    before: int, after: int, stride: int = 1, dilation: int = 1
) -> tuple[nn.Module, nn.Module]:
    padding = dilation  # keeps the size
    return nn.Conv2d(before, after, 3, stride, padding, dilation), nn.ReLU(inplace=True)

"""The nets and losses of `gan:paper` in PyTorch, for a comparison of speed.

Isola et al. 2017 (arXiv 1611.07004, section 6.1), trained as is usual in PyTorch.
"""

import torch
from torch import nn
from torch.nn import functional

_LEAK = 0.2
_WIDEST = 8
_DROPPED = 3


class Generator(nn.Module):
    """L in [-1, 1] -> ab in [-1, 1], (N, 1, H, W) -> (N, 2, H, W)."""

    def __init__(self, width: int = 64, depth: int = 8, dropout: float = 0.5) -> None:
        super().__init__()
        widths = [width * min(2**level, _WIDEST) for level in range(depth)]
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        for level, filters in enumerate(widths):
            before = widths[level - 1] if level else 1
            parts = [nn.LeakyReLU(_LEAK)] if level else []
            parts.append(nn.Conv2d(before, filters, 4, stride=2, padding=1, bias=False))
            if 0 < level < depth - 1:
                parts.append(nn.BatchNorm2d(filters))
            self.down.append(nn.Sequential(*parts))
        for step, level in enumerate(reversed(range(depth - 1))):
            filters = widths[level]
            before = widths[level + 1] * (2 if step else 1)
            parts = [nn.ReLU(), nn.ConvTranspose2d(before, filters, 4, 2, 1, bias=False)]
            parts.append(nn.BatchNorm2d(filters))
            if step < _DROPPED:
                parts.append(nn.Dropout(dropout))
            self.up.append(nn.Sequential(*parts))
        self.head = nn.Sequential(
            nn.ReLU(), nn.ConvTranspose2d(2 * widths[0], 2, 4, 2, 1), nn.Tanh()
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        skips = []
        for down in self.down:
            x = down(x)
            skips.append(x)
        for up, skip in zip(self.up, reversed(skips[:-1]), strict=True):
            x = torch.cat([skip, up(x)], dim=1)
        return self.head(x)


class Discriminator(nn.Sequential):
    """L and ab, (N, 3, H, W) -> a logit for each patch."""

    def __init__(self, patch_layers: int = 3, width: int = 64, *, normalized: bool = True) -> None:
        parts, before = [], 3
        for index in range(patch_layers + 1):
            filters = width * min(2**index, _WIDEST)
            stride = 2 if index < patch_layers else 1
            norm = index > 0 and normalized
            parts.append(nn.Conv2d(before, filters, 4, stride, 1, bias=not norm))
            parts += [nn.BatchNorm2d(filters)] if norm else []
            parts.append(nn.LeakyReLU(_LEAK))
            before = filters
        super().__init__(*parts, nn.Conv2d(before, 1, 4, 1, 1))


class TrainingStep:
    """Both nets with their Adams; `memory_format` is "channels_last" or "contiguous_format"."""

    def __init__(
        self, memory_format: str, width: int = 64, depth: int = 8, patch_layers: int = 3
    ) -> None:
        self.format = getattr(torch, memory_format)
        self.generator = Generator(width, depth).to(memory_format=self.format)
        self.discriminator = Discriminator(patch_layers, width).to(memory_format=self.format)
        self.optimizers = [
            torch.optim.Adam(net.parameters(), lr=2e-4, betas=(0.5, 0.999))
            for net in (self.generator, self.discriminator)
        ]

    def __call__(self, lightness: torch.Tensor, ab: torch.Tensor) -> float:
        """One step of each net on scaled L and ab; the sum of both losses."""
        of_generator, of_discriminator = self.optimizers
        lightness, ab = (x.contiguous(memory_format=self.format) for x in (lightness, ab))
        made = self.generator(lightness)
        of_discriminator.zero_grad(set_to_none=True)
        real = self.discriminator(torch.cat([lightness, ab], 1))
        fake = self.discriminator(torch.cat([lightness, made.detach()], 1))
        d_loss = 0.5 * (_bce(real, 0.9) + _bce(fake, 0.0))
        d_loss.backward()
        of_discriminator.step()
        of_generator.zero_grad(set_to_none=True)
        self.discriminator.requires_grad_(False)
        through = self.discriminator(torch.cat([lightness, made], 1))
        g_loss = _bce(through, 1.0) + 100.0 * functional.l1_loss(made, ab)
        g_loss.backward()
        of_generator.step()
        self.discriminator.requires_grad_(True)
        return (d_loss + g_loss).item()


def _bce(logits: torch.Tensor, target: float) -> torch.Tensor:
    return functional.binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))

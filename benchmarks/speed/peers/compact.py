"""The training steps of the compact models in PyTorch, for a comparison of speed.

The losses are those of the zoo's models, from a batch's Lab; each step is one of Adam.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.speed.peers.encoder_unet import Pyramid


@dataclass(frozen=True, eq=False)
class Batch:
    """What a step knows of its photos, in the memory format of the networks.

    Attributes:
        seen: lightness as the network sees it, (N, 1, H, W).
        lightness: L, (N, 1, H, W).
        chroma: in the plane that is learned, (N, 2, H, W).
        beside: an embedding (N, W) or hints (N, 3, H, W) that the network sees, too.
    """

    seen: Tensor
    lightness: Tensor
    chroma: Tensor
    beside: Tensor | None = None


#: From a batch and what the network made of it to the scalar to minimize.
Loss = Callable[[Batch, Tensor], Tensor]


def squared(scale: float) -> Loss:
    """The mean squared error of chroma divided by `scale`."""
    return lambda batch, output: functional.mse_loss(output, _small(batch.chroma) / scale)


@dataclass(frozen=True)
class Classification:
    """Cross-entropy over bins, each color spread over a few, minus that of a perfect prediction.

    Zhang et al. 2016, arXiv 1603.08511, section 2.2.

    Attributes:
        centers: (Q, 2).
        weights: (Q,), how much a color counts whose nearest bin this is.
        targets: of batches that were seen: how they are found is not what is timed.
    """

    centers: Tensor
    weights: Tensor
    neighbors: int
    sigma: float
    targets: dict[Batch, tuple[Tensor, Tensor]] = field(default_factory=dict)

    def _targets(self, batch: Batch) -> tuple[Tensor, Tensor]:
        colors = _small(batch.chroma).permute(0, 2, 3, 1)
        distances = torch.cdist(colors, self.centers)
        nearest, indices = distances.topk(self.neighbors, dim=-1, largest=False)
        return indices, torch.softmax(-(nearest**2) / (2 * self.sigma**2), dim=-1)

    def __call__(self, batch: Batch, output: Tensor) -> Tensor:
        if batch not in self.targets:
            self.targets[batch] = self._targets(batch)
        indices, shares = self.targets[batch]
        predicted = functional.log_softmax(output.permute(0, 2, 3, 1), dim=-1)
        found = shares * (shares.clamp_min(1e-30).log() - predicted.gather(-1, indices))
        return (found.sum(dim=-1) * self.weights[indices[..., 0]]).mean()


def two_answers(classification: Loss, outright: float) -> Loss:
    """A distribution's loss, and the Huber error of the two channels beside it.

    Zhang et al. 2017, arXiv 1705.02999, equation 2 and section 3.3.
    """

    def loss(batch: Batch, output: Tensor) -> Tensor:
        logits, made = output[:, :-2], output[:, -2:]
        width = 1 / 110
        error = functional.huber_loss(made, _small(batch.chroma) / 110, delta=width) / width
        return classification(batch, logits) + outright * error

    return loss


def perceptual(features: Pyramid, levels: Sequence[float], l1_weight: float) -> Loss:
    """The absolute error, and the difference of a pretrained encoder's features.

    Johnson et al. 2016, arXiv 1603.08155, section 3.2; each level as a share of its mean size.
    """
    features.eval().requires_grad_(requires_grad=False)

    def loss(batch: Batch, output: Tensor) -> Tensor:
        lightness, ab = _small(batch.lightness), _small(batch.chroma)
        with torch.no_grad():
            true = features(2 * _rgb(lightness, ab) - 1)
        found = features(2 * _rgb(lightness, 110 * output) - 1)
        terms = [
            weight * functional.l1_loss(made, goal) / (goal.abs().mean() + 1e-6)
            for made, goal, weight in zip(found, true, levels, strict=True)
        ]
        return l1_weight * functional.l1_loss(output, ab / 110) + sum(terms) / sum(levels)

    return loss


class Step:
    """A step of one network by a loss."""

    def __init__(self, network: nn.Module, loss: Loss, rate: float = 1e-3) -> None:
        self.network, self.loss = network.train(), loss
        learning = [one for one in network.parameters() if one.requires_grad]
        self.optimizer = torch.optim.Adam(learning, lr=rate)

    def __call__(self, batch: Batch) -> float:
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.loss(batch, self.network(batch.seen, batch.beside))
        loss.backward()
        self.optimizer.step()
        return loss.item()


class AdversarialStep:
    """A step of generator and discriminator: cross-entropy and the weighted absolute error."""

    def __init__(
        self, generator: nn.Module, discriminator: nn.Module, l1_weight: float, label: float
    ) -> None:
        self.generator, self.discriminator = generator.train(), discriminator.train()
        self.l1_weight, self.label = l1_weight, label
        self.optimizers = [
            torch.optim.Adam([p for p in net.parameters() if p.requires_grad], 5e-4, (0.5, 0.999))
            for net in (generator, discriminator)
        ]

    def __call__(self, batch: Batch) -> float:
        lightness, ab = _small(batch.lightness) / 50 - 1, _small(batch.chroma) / 110
        made = self.generator(batch.seen, batch.beside)
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
        real = self.discriminator(torch.cat([lightness, ab], 1))
        fake = self.discriminator(torch.cat([lightness, made.detach()], 1))
        d_loss = 0.5 * (_entropy(real, self.label) + _entropy(fake, 0.0))
        d_loss.backward()
        self.discriminator.requires_grad_(requires_grad=False)
        through = self.discriminator(torch.cat([lightness, made], 1))
        g_loss = _entropy(through, 1.0) + self.l1_weight * functional.l1_loss(made, ab)
        g_loss.backward()
        self.discriminator.requires_grad_(requires_grad=True)
        for optimizer in self.optimizers:
            optimizer.step()
        return (d_loss + g_loss).item()


def _small(x: Tensor) -> Tensor:
    """Average over squares of 4 x 4 px, the output's places."""
    return functional.avg_pool2d(x, 4)


def _entropy(logits: Tensor, target: float) -> Tensor:
    return functional.binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))


#: Of IEC 61966-2-1 and CIE 15 for D65: linear RGB from XYZ, and the white point.
_RGB_FROM_XYZ = (
    (3.24048134, -1.53715152, -0.49853633),
    (-0.96925495, 1.87599, 0.04155593),
    (0.05564664, -0.20404134, 1.05731107),
)
_WHITE = (0.95047, 1.0, 1.08883)


def _rgb(lightness: Tensor, ab: Tensor) -> Tensor:
    """CIE Lab to sRGB in [0, 1], (N, 3, H, W)."""
    y = (lightness + 16) / 116
    x, z = ab[:, :1] / 500 + y, (y - ab[:, 1:] / 200).clamp_min(0)
    curves = torch.cat([x, y, z], 1)
    xyz = torch.where(curves > 0.2068966, curves**3, (curves - 16 / 116) / 7.787)
    mixing = torch.tensor(_RGB_FROM_XYZ) * torch.tensor(_WHITE)
    linear = torch.einsum("oi,nihw->nohw", mixing, xyz)
    curve = 1.055 * linear.clamp_min(0.0031308) ** (1 / 2.4) - 0.055
    return torch.where(linear > 0.0031308, curve, linear * 12.92).clamp(0, 1)

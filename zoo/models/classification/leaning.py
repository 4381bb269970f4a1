"""Distributions over colors lean toward what is said of the whole photo, or toward one color.

Where a network is unsure, a palette or a mean color decides between the colors that it holds for
likely; where it is sure, little changes. So a sky stays blue while a wall of unknown color takes
the one that is asked for.

All functions take logits over bins and give logits. Their source is the exponential family: among
all distributions whose means are what was asked for, the one nearest to the predicted ones (in the
sense of Kullback and Leibler) multiplies every bin's probability by exp(t · f), f being what the
means are of, here a, b and chroma (Csiszár 1975, "I-Divergence Geometry of Probability
Distributions and Minimization Problems", section 3).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares

from zoo.color.modes import APART, modes
from zoo.hints.whole_photo import chroma

#: Chances that a palette leaves to colors that it does not have.
_BESIDE_PALETTE = 0.05
#: How far a color of the palette, or of an answer, reaches in ab.
_WIDTH = 15.0
#: Places that means are taken over while multipliers are sought.
_PLACES = 2048
#: The greatest multiplier, for a unit of ab: more would choose the outermost bins everywhere.
_MOST_TILT = 0.5
#: Toward the most likely bin alone, means change in jumps: multipliers are sought at this
#: temperature at least.
_LEAST_TEMPERATURE = 0.1
#: How strongly answers lean, in nats at an answer's own color.
_STRENGTHS = (1.0, 2.0, 3.0, 5.0)
#: So many colors are tried for answers.
_COLORS = 12


def with_palette(logits: np.ndarray, colors: np.ndarray, palette: np.ndarray) -> np.ndarray:
    """Multiply probabilities by how near bins are to a palette: (..., Q) logits.

    Args:
        logits: (..., Q).
        colors: (Q, 2) ab of the bins.
        palette: (K, 2) ab.
    """
    near = np.exp(-_squares(colors, palette).min(axis=-1) / (2 * _WIDTH**2))
    factors = np.log(_BESIDE_PALETTE + (1 - _BESIDE_PALETTE) * near)
    return logits + factors.astype(np.float32)


def tilted(
    logits: np.ndarray,
    colors: np.ndarray,
    counted: np.ndarray,
    temperature: float,
    target: np.ndarray | None,
    saturation: float | None,
) -> np.ndarray:
    """Tilt distributions so that their annealed means have a mean color, a saturation, or both.

    Three multipliers at most are found by Gauss and Newton's method, in trust regions. For a mean
    color alone they are the minimum of a convex function, the mean logarithm of the sums of the
    tilted probabilities.

    Args:
        logits: (h, w, Q).
        colors: (Q, 2) ab of the bins.
        counted: (h, w), how much each place counts, not all 0.
        temperature: of the annealed mean.
        target: the mean ab that is wanted, or None.
        saturation: the mean chroma that is wanted, or None.

    Returns:
        (h, w, Q) logits, of which the annealed means are as wanted, to about 0.1 of ab, as far as
        bins and multipliers of at most 0.5 for a unit of ab allow.
    """
    temperature, weights = max(float(temperature), _LEAST_TEMPERATURE), _some(counted[..., None])
    wanted = [*(() if target is None else target), *(() if saturation is None else (saturation,))]
    if not wanted or not weights.any():
        return logits
    tilt = _Tilt(
        _some(logits) / temperature,
        weights[:, 0] / weights.sum(),
        colors,
        of_color=target is not None,
        of_chroma=saturation is not None,
    )
    found = least_squares(
        lambda multipliers: tilt.means(multipliers)[0] - wanted,
        np.zeros(len(wanted)),
        lambda multipliers: tilt.means(multipliers)[1],
        bounds=(-_MOST_TILT, _MOST_TILT),
        xtol=1e-6,
        ftol=1e-8,
        max_nfev=30,
    ).x
    return logits + (temperature * (tilt.features @ found)).astype(np.float32)


@dataclass(frozen=True)
class _Tilt:
    """Some places' distributions, to be tilted.

    Attributes:
        sharpened: (n, Q), logits divided by the temperature.
        weights: (n,), how much each place counts, with the sum 1.
        colors: (Q, 2) ab of the bins.
        of_color: whether a and b tilt, for their means.
        of_chroma: whether chroma tilts, for the mean chroma.
    """

    sharpened: np.ndarray
    weights: np.ndarray
    colors: np.ndarray
    of_color: bool
    of_chroma: bool

    @property
    def features(self) -> np.ndarray:
        """What is tilted by: (Q, k)."""
        parts = self.colors.T if self.of_color else self.colors.T[:0]
        return np.vstack([parts, chroma(self.colors)[None]] if self.of_chroma else [parts]).T

    def means(self, multipliers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The means under these (k,) multipliers, (k,), and their derivatives, (k, k)."""
        features = self.features
        shares = _softmax(self.sharpened + features @ multipliers)
        means = shares @ self.colors
        # Derivatives of a mean are covariances: of the colors with what is tilted by.
        products = (self.colors[:, :, None] * features[:, None]).reshape(len(features), -1)
        joint = (shares @ products).reshape(len(shares), 2, -1)
        slopes = joint - means[:, :, None] * (shares @ features)[:, None]
        values, derivatives = [], []
        if self.of_color:
            values += list(self.weights @ means)
            derivatives += list(np.tensordot(self.weights, slopes, 1))
        if self.of_chroma:
            values.append(self.weights @ chroma(means))
            away = means / np.maximum(chroma(means), 1e-6)[:, None]
            derivatives.append(np.einsum("n,ni,nij->j", self.weights, away, slopes))
        return np.array(values), np.array(derivatives)


@dataclass(frozen=True)
class Leaning:
    """A way to lean toward one color everywhere.

    Attributes:
        factors: (Q,) float32, to be added to all logits.
        plausibility: the mean logarithm of the predicted probabilities of the colors that the
            places then take.
        means: (n, 2) ab, the annealed means of some places.
    """

    factors: np.ndarray
    plausibility: float
    means: np.ndarray


def leanings(logits: np.ndarray, colors: np.ndarray, temperature: float) -> list[Leaning]:
    """Find in which directions a whole photo could have been colored otherwise.

    What the network holds for possible beside each place's annealed mean, 20 units of ab away at
    least, is added up over the photo. Its modes are the colors that answers lean toward, each with
    several strengths; not gray, toward which each answer could fade.

    Args:
        logits: (h, w, Q).
        colors: (Q, 2) ab of the bins.
        temperature: of the annealed mean.

    Returns:
        Not to lean at all, then the most plausible first.
    """
    places, temperature = _some(logits), max(float(temperature), _LEAST_TEMPERATURE)
    logs = places - np.log(np.exp(places - places.max(-1, keepdims=True)).sum(-1, keepdims=True))
    logs -= places.max(-1, keepdims=True)
    shares = np.exp(logs)

    def leaning(factors: np.ndarray) -> Leaning:
        taken = _softmax((places + factors) / temperature)
        return Leaning(factors, float((taken * logs).sum(axis=-1).mean()), taken @ colors)

    plain = leaning(np.zeros(len(colors), np.float32))
    elsewhere = np.where(_squares(plain.means, colors) >= APART**2, shares, 0).mean(axis=0)
    elsewhere[chroma(colors) < APART] = 0

    def tried() -> Iterator[Leaning]:
        for mode, _ in modes(elsewhere, colors)[:_COLORS]:
            near = np.exp(-_squares(colors, colors[mode : mode + 1])[:, 0] / (2 * _WIDTH**2))
            for strength in _STRENGTHS:
                yield leaning((strength * near).astype(np.float32))

    return [plain, *sorted(tried(), key=lambda one: -one.plausibility)]


def _squares(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Squared distances of all pairs: (n, 2) and (m, 2) -> (n, m)."""
    return np.square(one[:, None] - other[None]).sum(axis=-1)


def _softmax(x: np.ndarray) -> np.ndarray:
    exponentials = np.exp(x - x.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def _some(x: np.ndarray) -> np.ndarray:
    """Evenly spread places: (h, w, C) -> (n, C)."""
    step = max(1, int(np.ceil((x.shape[0] * x.shape[1] / _PLACES) ** 0.5)))
    return x[::step, ::step].reshape(-1, x.shape[-1])

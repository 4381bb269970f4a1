"""Quantized chroma: bins, soft targets, priors, rebalancing weights, and decoding.

Classification over colors after Zhang, Isola and Efros 2016 ("Colorful Image Colorization", arXiv
1603.08511, section 2) and Billaut, de Rochemonteix and Thibault 2018 ("ColorUNet", arXiv
1811.03120; bins of YUV). Parts of a training or prediction graph are written in `keras.ops`; tables
that are made once are NumPy.

Targets stay sparse: for each pixel the indices of its few nearest bins and their shares. A dense
target would hold hundreds of numbers per pixel, nearly all of them zero.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from keras import ops

from zoo.color.planes import AB, UV
from zoo.color.prior import PAPER_STEP, paper_centers
from zoo.color.spaces import Tensor

# Cells of the lookup table on the side of a bin: smaller ones leave fewer candidates in each.
_CELLS_A_STEP = 4
# A point that no color is near, for the unused candidates of a cell.
_NOWHERE = 1e6


@dataclass(frozen=True, eq=False)
class Bins:
    """Bins of a chroma plane.

    Attributes:
        centers: (Q, 2) float32.
        step: the distance of neighboring bins along each axis.
        low: the lowest values of the plane, in which colors are looked up.
        high: its highest values.
    """

    centers: np.ndarray
    step: tuple[float, float]
    low: tuple[float, float]
    high: tuple[float, float]

    def __len__(self) -> int:
        return len(self.centers)

    def keep(self, indices: np.ndarray) -> "Bins":
        """Keep these bins alone, in the order of `indices`."""
        return Bins(self.centers[indices], self.step, self.low, self.high)


def ab_bins(step: float = PAPER_STEP) -> Bins:
    """Bins of the ab plane on a grid that contains (0, 0), `step` units of ab apart.

    With the step 10 these are the paper's 313 (section 2.1), ordered by a and then by b as in its
    released files. With any other step they are the bins that some sRGB color is nearest to.

    Examples:
        >>> len(ab_bins())
        313
    """
    if step == PAPER_STEP:
        centers = paper_centers()
    else:
        centers = np.unique(np.round(_gamut_surface() / step), axis=0) * step
    return Bins(centers.astype("float32"), (step, step), AB.low, AB.high)


def square_bins(step: float = PAPER_STEP) -> Bins:
    """All bins of a square grid over a and b from -110 to 110, in gamut or not, in order.

    Zhang et al. 2017 (arXiv 1705.02999; the authors' code) have these.

    Examples:
        >>> len(square_bins())
        529
    """
    along = np.arange(AB.low[0], AB.high[0] + step / 2, step)
    centers = np.stack(np.meshgrid(along, along, indexing="ij"), axis=-1).reshape(-1, 2)
    return Bins(centers.astype("float32"), (step, step), AB.low, AB.high)


def uv_bins(cells: int = 10) -> Bins:
    """The centers of cells x cells equal cells over U in [-0.45, 0.45] and V in [-0.65, 0.65].

    Examples:
        >>> len(uv_bins())
        100
    """
    step = ((UV.high[0] - UV.low[0]) / cells, (UV.high[1] - UV.low[1]) / cells)
    u, v = ((np.arange(cells) + 0.5) * width + low for width, low in zip(step, UV.low, strict=True))
    centers = np.stack(np.meshgrid(u, v, indexing="ij"), axis=-1).reshape(-1, 2)
    return Bins(centers.astype("float32"), step, UV.low, UV.high)


def _gamut_surface() -> np.ndarray:
    """Ab of all colors on the faces of the sRGB cube, which cover all ab of the gamut: (n, 2)."""
    values = np.linspace(0.0, 1.0, 256, dtype="float32")
    face = np.stack(np.meshgrid(values, values, indexing="ij"), axis=-1).reshape(-1, 2)
    faces = [np.insert(face, axis, end, axis=1) for axis in range(3) for end in (0.0, 1.0)]
    return ops.convert_to_numpy(AB.of_rgb(np.concatenate(faces)))


class NearestBins:
    """Finds the `neighbors` bins nearest to colors, exactly, by looking at a dozen for each.

    The plane is divided into small cells. The bins that can be among the nearest of any color in a
    cell are found once: those whose least distance to the cell is not more than the k-th smallest
    of the bins' greatest distances to it. Distances are then direct differences; a matrix product
    would be faster, but errs when two bins are nearly equally near.
    """

    def __init__(self, bins: Bins, neighbors: int) -> None:
        self.bins = bins
        self.neighbors = min(neighbors, len(bins))
        self._low = np.array(bins.low, "float32")
        self._high = np.array(bins.high, "float32")
        self._cell = np.array(bins.step) / _CELLS_A_STEP
        self._shape = np.ceil((self._high - self._low) / self._cell - 1e-6).astype(int)
        self._candidates = self._find_candidates()
        extended = np.vstack([bins.centers, [[_NOWHERE, _NOWHERE]]]).astype("float32")
        self._centers = extended[self._candidates]

    def __call__(self, chroma: Tensor) -> tuple[Tensor, Tensor]:
        """The k nearest bins of each (..., 2) color, nearest first; outside the plane, of its edge.

        Returns:
            (..., k) int32 indices of bins, and (..., k) float32 squared distances.
        """
        chroma = ops.clip(ops.cast(chroma, "float32"), self._low, self._high)
        place = ops.cast((chroma - self._low) / self._cell.astype("float32"), "int32")
        place = ops.minimum(place, (self._shape - 1).astype("int32"))
        cell = place[..., 0] * int(self._shape[1]) + place[..., 1]
        difference = ops.take(self._centers, cell, axis=0) - chroma[..., None, :]
        distances = ops.sum(ops.square(difference), axis=-1)
        negative, ranks = ops.top_k(-distances, self.neighbors)
        indices = ops.take_along_axis(ops.take(self._candidates, cell, axis=0), ranks, axis=-1)
        return indices, -negative

    def _find_candidates(self) -> np.ndarray:
        """(cells, C) int32: the possible bins of each cell in ascending order, Q where unused."""
        count = len(self.bins)
        least, greatest = (
            sides[0][:, None] + sides[1][None, :]
            for sides in zip(*(self._squares_along(axis) for axis in (0, 1)), strict=True)
        )
        kth = np.partition(greatest, self.neighbors - 1, axis=-1)[..., self.neighbors - 1]
        # A color on a border may be rounded into either cell: hence the small allowance.
        possible = (least <= kth[..., None] * (1 + 1e-5)).reshape(-1, count)
        indices = np.where(possible, np.arange(count), count)
        return np.sort(indices, axis=1)[:, : possible.sum(axis=1).max()].astype("int32")

    def _squares_along(self, axis: int) -> tuple[np.ndarray, np.ndarray]:
        """Least and greatest squared distance along an axis: (rows of cells, Q) each."""
        starts = self._low[axis] + self._cell[axis] * np.arange(self._shape[axis])[:, None]
        ends, centers = starts + self._cell[axis], self.bins.centers[None, :, axis]
        least = np.maximum(0.0, np.maximum(starts - centers, centers - ends))
        greatest = np.maximum(abs(starts - centers), abs(ends - centers))
        return least**2, greatest**2


def soft_encode(chroma: Tensor, nearest: NearestBins, sigma: float) -> tuple[Tensor, Tensor]:
    """Spread each color, (..., 2), over its nearest bins with Gaussian weights.

    arXiv 1603.08511, section 2.2: 5 neighbors, sigma = 5 (the released code has 10 neighbors).

    Returns:
        (..., k) int32 indices of bins, nearest first, and (..., k) float32 shares that sum to 1.

    Examples:
        >>> bins = ab_bins()
        >>> indices, shares = soft_encode([2.0, 1.0], NearestBins(bins, 3), sigma=5.0)
        >>> bins.centers[ops.convert_to_numpy(indices)].tolist()
        [[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]]
        >>> [f"{float(share):.2f}" for share in shares]
        ['0.67', '0.20', '0.13']
    """
    indices, squares = nearest(chroma)
    # Relative to the nearest bin's share: far from all bins, absolute ones would all be 0.
    relative = ops.exp((squares[..., :1] - squares) / (2.0 * sigma**2))
    return indices, relative / ops.sum(relative, axis=-1, keepdims=True)


def divergence(logits: Tensor, indices: Tensor, shares: Tensor) -> Tensor:
    """How far predicted distributions are from sparse soft targets, in nats: (...,) float32.

    The cross-entropy (arXiv 1603.08511, equation 2, before weighting) of (..., Q) logits minus the
    entropy of the target, (..., k) different bins and their shares, whose sum is 1: the
    Kullback-Leibler divergence. The gradients are the same, and a perfect prediction has 0.

    Targets are constants. The gradient, prediction minus target, is computed as such: by the chain
    rule it would go through so many numbers twice as often.
    """
    bins, places = logits.shape[-1], ops.shape(indices)[:-1]
    known = ops.reshape(shares, (-1, shares.shape[-1]))
    rows = ops.arange(ops.size(logits) // bins)
    # Of the flat tensor: `ops.take_along_axis` copies what it takes from.
    chosen = ops.cast(rows, "int32")[:, None] * bins + ops.reshape(indices, ops.shape(known))

    @ops.custom_gradient
    def cross_entropy(logits: Tensor) -> tuple[Tensor, Callable[..., Tensor]]:
        predicted = ops.log_softmax(logits, axis=-1)
        likely = ops.take(ops.reshape(predicted, (-1,)), chosen)

        def gradient(*given: Tensor, upstream: Tensor = None) -> Tensor:
            factors = (given[0] if upstream is None else upstream)[:, None]
            everywhere = ops.reshape(ops.exp(predicted) * factors, (-1,))
            there = ops.reshape((ops.exp(likely) - known) * factors, (-1,))
            found = ops.scatter_update(everywhere, ops.reshape(chosen, (-1, 1)), there)
            return ops.reshape(found, ops.shape(predicted))

        return -ops.sum(known * likely, axis=-1), gradient

    found = cross_entropy(ops.reshape(ops.cast(logits, "float32"), (-1, bins)))
    entropies = -ops.sum(known * ops.log(ops.maximum(known, 1e-30)), axis=-1)
    return ops.reshape(found - entropies, places)


def measure_prior(batches: Iterable[Tensor], bins: Bins) -> np.ndarray:
    """The share of colors, batches of (..., 2), nearest to each bin, in constant memory.

    Returns:
        (Q,) float64, summing to 1; uniform if there is no color at all.
    """
    nearest = NearestBins(bins, 1)
    counts = np.zeros(len(bins), "int64")
    for chroma in batches:
        indices = ops.convert_to_numpy(nearest(chroma)[0])
        counts += np.bincount(indices.ravel(), minlength=len(bins))
    return counts / counts.sum() if counts.any() else np.full(len(bins), 1 / len(bins))


def most_frequent(prior: np.ndarray, count: int) -> np.ndarray:
    """Indices of the `count` most frequent bins in ascending order; ties go to the lower index.

    Examples:
        >>> most_frequent(np.array([0.2, 0.5, 0.3]), 2).tolist()
        [1, 2]
    """
    return np.sort(np.argsort(-prior, kind="stable")[:count])


def rebalancing_weights(prior: np.ndarray, uniform_share: float) -> np.ndarray:
    """How much a pixel of each bin counts, so that rare colors count too: (Q,) float64.

    w = 1 / ((1 - lambda) p + lambda / Q), scaled so that sum(p w) = 1 (arXiv 1603.08511, section
    2.2, lambda = 0.5; arXiv 1811.03120, lambda = 0.2). At `uniform_share` lambda = 1 every pixel
    counts the same, toward 0 every color.

    Examples:
        >>> rebalancing_weights(np.array([0.9, 0.1]), uniform_share=0.5).round(2).tolist()
        [0.88, 2.06]
    """
    weights = 1.0 / ((1.0 - uniform_share) * prior + uniform_share / len(prior))
    return weights / (prior @ weights)


def annealed_mean(logits: Tensor, centers: Tensor, temperature: Tensor) -> Tensor:
    """Turn distributions over bins, (..., Q) logits, into colors, (..., 2) float32.

    The mean of softmax(logits / T) over (Q, 2) centers (arXiv 1603.08511, equation 5): T = 1 is the
    plain mean, T -> infinity the mean of all centers, T -> 0 the most likely bin's center; at 0 the
    first of several that are exactly equally likely. T broadcasts against `logits`.

    Examples:
        >>> logits, centers = ops.array([0.0, 1.0]), ops.array([[0.0, 0.0], [40.0, 20.0]])
        >>> for temperature in (0.0, 0.38, 1.0):
        ...     a, b = annealed_mean(logits, centers, temperature)
        ...     print(f"T = {temperature:g}: a = {float(a):.1f}, b = {float(b):.1f}")
        T = 0: a = 40.0, b = 20.0
        T = 0.38: a = 37.3, b = 18.7
        T = 1: a = 29.2, b = 14.6
    """
    logits = ops.cast(logits, "float32")
    below_best = logits - ops.max(logits, axis=-1, keepdims=True)
    known = isinstance(temperature, int | float)  # so that one of the two ways is enough
    if known and not temperature:
        return ops.matmul(_first(below_best), centers)
    shares = ops.softmax(below_best / ops.maximum(temperature, 1e-12), axis=-1)
    if known:
        return ops.matmul(shares, centers)
    most = ops.equal(temperature, 0.0)
    return ops.matmul(ops.where(most, _first(below_best), shares), centers)


def _first(below_best: Tensor) -> Tensor:
    """1 for the first zero among the last axis' numbers, of which none is higher, 0 elsewhere."""
    # Not `ops.argmax`, which looks at the bits of numbers: ONNX and LiteRT have no way to do that.
    count = below_best.shape[-1]
    best = ops.min(ops.where(ops.equal(below_best, 0.0), ops.arange(count), count), axis=-1)
    return ops.one_hot(best, count, dtype="float32")


def entropy(logits: Tensor) -> Tensor:
    """Entropy of softmax(logits) in nats: (..., Q) -> (...,), from 0 to log Q."""
    logits = ops.cast(logits, "float32")
    log_shares = ops.log_softmax(logits, axis=-1)
    return -ops.sum(ops.exp(log_shares) * log_shares, axis=-1)

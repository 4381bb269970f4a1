"""Chroma that spreads from marks over a photo, and stops at the edges of its lightness.

Levin, Lischinski and Weiss 2004, "Colorization using Optimization" (ACM Transactions on Graphics
23, 3), sections 2 and 3: a pixel's color is the mean of its neighbors' colors, of which those count
that are about as light as the pixel itself. Marked pixels have the color that somebody gave them;
the others follow from one sparse system of equations.

What spreads here is an offset from a color that is there already: from gray, which is the paper's
method, or from what a model predicts, which then obeys marks and stays as it is far from them.
"""

from functools import lru_cache

import numpy as np

#: The paper's weights, as its implementation has them: the share of the window's variance, the
#: least weight of the most similar neighbor, and the least variance.
_SHARE, _LEAST_WEIGHT, _LEAST_VARIANCE = 0.6, 0.01, 2e-6

#: How strongly the offsets of a region without any mark are pulled to zero. At its border a mark
#: of another region leaks in by a thousandth a pixel; this is more, once there are some pixels.
_UNMARKED_PULL = 1e-3

#: Blocks of so many pixels are not divided any further.
_LEAF = 6

#: The places of the eight neighbors of a pixel: rows down, columns to the right.
_AROUND = tuple((down, right) for down in (-1, 0, 1) for right in (-1, 0, 1) if down or right)


def neighbor_weights(luma: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How much each of a pixel's eight neighbors counts for its color.

    With d the difference of a neighbor to the pixel, exp(-d^2 / s), where s is 0.6 times the
    variance within the window of 3 x 3 px, clipped at the photo's border. It is at least so large
    that the most similar neighbor counts 0.01, and at least 2e-6.

    Args:
        luma: (h, w) in [0, 1].

    Returns:
        Two arrays of (8, h, w): the weights, with the sum 1 at each pixel, and the same before that
        division. Neighbors outside of the photo have 0.
    """
    luma = np.asarray(luma, np.float64)
    around = np.stack([_shifted(luma, *place) for place in _AROUND])
    inside = ~np.isnan(around)
    window = np.concatenate([luma[None], around])
    variance = np.nanmean((window - np.nanmean(window, axis=0)) ** 2, axis=0)
    difference = np.where(inside, around - luma, np.inf) ** 2
    nearest = difference.min(axis=0)
    nearest[np.isinf(nearest)] = 0.0  # a photo of one pixel
    floor = np.maximum(-nearest / np.log(_LEAST_WEIGHT), _LEAST_VARIANCE)
    weights = np.exp(-difference / np.maximum(_SHARE * variance, floor))
    return weights / np.maximum(weights.sum(axis=0), np.finfo(float).tiny), weights


class Propagation:
    """The equations of one photo with its marked pixels, solved for any colors of the marks.

    They are factorized once, for all channels and all colors (SuperLU). Of marks in other places
    they are others: at 256 x 256 px a factorization takes 0.2 s of one processor core, which is
    soon enough for a further mark, and a solution 0.01 s. Memory grows with the number n of pixels
    as n log n: 0.1 GB at 256 x 256 px, 0.6 GB at 512 x 512 px.

    A region is what hangs together by neighbors of which one counts at least 0.01 for the other,
    the least that the most similar neighbor always has. Offsets of a region without any mark are
    pulled to zero: they would be decided by what leaks through its border. Regions with a mark
    are not, so that this takes nothing of their color.

    Args:
        luma: (h, w) in [0, 1].
        marked: (h, w) bool.
        pull: how strongly the offsets of all pixels without a mark are pulled to zero, at least 0:
            an offset u becomes the weighted mean of its neighbors' offsets divided by 1 + pull.
            Where lightness is flat an offset falls to a third within 0.6 / sqrt(pull) px.
    """

    def __init__(self, luma: np.ndarray, marked: np.ndarray, pull: float = 0.0) -> None:
        # SciPy's import takes longer than the whole package's.
        from scipy.sparse import csc_matrix
        from scipy.sparse.linalg import splu

        self._marked = np.asarray(marked, bool)
        height, width = self._marked.shape
        count = height * width
        weights, plain = neighbor_weights(luma)
        links = _Links(height, width)
        pulls = np.where(links.reached(plain, self._marked), pull, max(pull, _UNMARKED_PULL))
        self._order = _order(height, width)
        place = np.empty(count, np.intp)
        place[self._order] = np.arange(count)
        free = ~self._marked.ravel()[links.pixel]
        diagonal = np.where(self._marked, 1.0, 1.0 + pulls).ravel()
        values = np.concatenate([diagonal, -links.of(weights)[free]])
        rows = place[np.concatenate([np.arange(count), links.pixel[free]])]
        columns = place[np.concatenate([np.arange(count), links.neighbor[free]])]
        # The order is one of few new entries, and each diagonal is at least the rest of its row:
        # SuperLU need not look for a better order, nor for larger pivots.
        self._factors = splu(
            csc_matrix((values, (rows, columns)), (count, count)),
            permc_spec="NATURAL",
            diag_pivot_thresh=0.0,
            options={"SymmetricMode": True},
        )

    def spread(self, offsets: np.ndarray) -> np.ndarray:
        """Spread the offsets of marked pixels; those of others are not looked at.

        Args:
            offsets: (h, w, C).

        Returns:
            (h, w, C) float64; exactly the given ones at marked pixels.
        """
        given = np.where(self._marked[..., None], offsets, 0.0).astype(np.float64)
        flat = given.reshape(-1, given.shape[-1])
        found = np.empty_like(flat)
        found[self._order] = self._factors.solve(flat[self._order])
        return np.where(self._marked[..., None], given, found.reshape(given.shape))


class _Links:
    """Pairs of a pixel and a neighbor of it, as numbers of pixels in reading order."""

    def __init__(self, height: int, width: int) -> None:
        numbers = np.arange(height * width, dtype=float).reshape(height, width)
        around = np.stack([_shifted(numbers, *place) for place in _AROUND])
        self._inside = ~np.isnan(around)
        self.neighbor = around[self._inside].astype(np.intp)
        self.pixel = np.broadcast_to(numbers, around.shape)[self._inside].astype(np.intp)

    def of(self, around: np.ndarray) -> np.ndarray:
        """The values of (8, h, w) by pair."""
        return around[self._inside]

    def reached(self, plain: np.ndarray, marked: np.ndarray) -> np.ndarray:
        """Which pixels, (h, w), are of a region that has a mark."""
        from scipy.sparse import coo_matrix
        from scipy.sparse.csgraph import connected_components

        near = self.of(plain) >= _LEAST_WEIGHT * (1 - 1e-9)  # exp and log round
        pairs = (self.pixel[near], self.neighbor[near])
        graph = coo_matrix((np.ones(near.sum(), bool), pairs), (marked.size, marked.size))
        _, region = connected_components(graph, directed=False)
        return np.isin(region, region[marked.ravel()]).reshape(marked.shape)


def _shifted(plane: np.ndarray, down: int, right: int) -> np.ndarray:
    """What lies so many rows below and columns to the right; NaN outside."""
    height, width = plane.shape
    around = np.pad(plane, 1, constant_values=np.nan)
    return around[1 + down : 1 + down + height, 1 + right : 1 + right + width]


@lru_cache(maxsize=4)
def _order(height: int, width: int) -> np.ndarray:
    """The order in which the pixels of a photo of this size are eliminated."""
    order = np.concatenate(_dissected(np.arange(height * width).reshape(height, width)))
    order.flags.writeable = False  # it is shared
    return order


def _dissected(pixels: np.ndarray) -> list[np.ndarray]:
    """An order of a grid's pixels that keeps factors small: both halves, then the line between.

    Nested dissection (George 1973): eliminating one half leaves the other as it is. (h, w) numbers
    of pixels -> parts of their order.
    """
    height, width = pixels.shape
    if max(height, width) <= _LEAF:
        return [pixels.ravel()]
    if height < width:
        return _dissected(pixels.T)
    middle = height // 2
    first, last = pixels[:middle], pixels[middle + 1 :]
    return [*_dissected(first), *_dissected(last), pixels[middle]]

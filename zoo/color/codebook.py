"""Chroma codebooks that are learned from photos: the self-organizing map.

A map (Kohonen 1982) is a grid of units, each with a color. It is fitted so that the colors follow
those of the photos and neighbors in the grid have similar colors. This is the batch form (Kohonen
2013, "Essentials of the self-organizing map", section 4): in each pass every unit moves to the mean
of all colors, weighted by how near their nearest units are to it in the grid. The neighborhood
shrinks from pass to pass; the last passes have none and minimize the quantization error alone, as
k-means does. This form needs no learning rate and treats all colors at once: it takes tenths of a
second; MiniSom, the usual library, takes seconds color by color (`benchmarks/speed/hot_paths.py`).
"""

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from zoo.color.bins import Bins
from zoo.errors import ZooError

#: The neighborhood's radius in the last pass that has one, in units of the grid.
_LAST_RADIUS = 0.5
#: Share of the passes that have no neighborhood any more.
_REFINING = 0.2


@dataclass(frozen=True, eq=False)
class Codebook:
    """A self-organizing map, a hexagonal grid: odd rows are shifted by half a unit.

    Attributes:
        colors: (rows x columns, 2) float32 chroma: each unit's color, row by row.
        rows: of the grid.
        columns: of the grid.
    """

    colors: np.ndarray
    rows: int
    columns: int

    def __len__(self) -> int:
        return len(self.colors)

    def places(self) -> np.ndarray:
        """Where the units are in the grid, (rows x columns, 2): neighbors in a row are 1 apart."""
        return _places(self.rows, self.columns)

    def quantization_error(self, chroma: np.ndarray) -> float:
        """Mean distance of colors, (n, 2), to their nearest unit's, in the unit of `chroma`."""
        return float(cKDTree(self.colors).query(chroma)[0].mean())

    def as_bins(self, low: tuple[float, float], high: tuple[float, float]) -> Bins:
        """The units' colors as bins of a plane between `low` and `high`."""
        longest = max(self.rows, self.columns)
        step = ((high[0] - low[0]) / longest, (high[1] - low[1]) / longest)
        return Bins(self.colors.astype("float32"), step, low, high)


def learn_codebook(
    chroma: np.ndarray, rows: int, columns: int, passes: int = 30, seed: int = 0
) -> Codebook:
    """Fit a self-organizing map to (n, 2) colors; the same for the same arguments.

    Cost: 0.1 s per pass for 100,000 colors and 16 x 16 units on one core. With fewer different
    colors than units, some units lie between them. `seed` decides the noise of the first colors.

    Raises:
        ZooError: if there is no color, one is not finite, or a number makes no sense.

    Examples:
        >>> colors = np.repeat([[0.0, 0.0], [40.0, 20.0]], 50, axis=0)
        >>> learn_codebook(colors, rows=1, columns=2).colors.round().tolist()
        [[0.0, 0.0], [40.0, 20.0]]
    """
    if min(rows, columns) < 1 or passes < 2:
        raise ZooError(
            "A codebook needs at least one row, one column and two passes; "
            f"got {rows}, {columns} and {passes}."
        )
    if not len(chroma) or not np.isfinite(chroma).all():
        raise ZooError("A codebook needs colors to learn from, all of them finite.")
    chroma = np.asarray(chroma, "float64")
    places = _places(rows, columns)
    squares = ((places[:, None] - places[None]) ** 2).sum(axis=-1)
    colors = _on_principal_plane(chroma, places, seed)
    refining = max(1, round(_REFINING * passes))
    first = max(max(rows, columns) / 4, _LAST_RADIUS)
    shrinking = np.geomspace(first, _LAST_RADIUS, passes - refining)
    for radius in np.append(shrinking, np.zeros(refining)):
        colors = _moved(chroma, colors, squares, radius)
    return Codebook(colors.astype("float32"), rows, columns)


def _places(rows: int, columns: int) -> np.ndarray:
    row, column = (axis.astype("float64") for axis in np.divmod(np.arange(rows * columns), columns))
    return np.stack([row * np.sqrt(0.75), column + 0.5 * (row % 2)], axis=1)


def _on_principal_plane(chroma: np.ndarray, places: np.ndarray, seed: int) -> np.ndarray:
    """The grid laid over two standard deviations of the colors' two principal directions."""
    mean, covariance = chroma.mean(axis=0), np.cov(chroma, rowvar=False, bias=True)
    variances, directions = np.linalg.eigh(covariance)
    # The longer side of the grid along the direction of the larger variance. The sign of an
    # eigenvector is arbitrary; here its largest component is positive.
    directions *= np.sign(directions[np.abs(directions).argmax(axis=0), (0, 1)])
    spans = np.ptp(places, axis=0)
    order = [0, 1] if spans[0] <= spans[1] else [1, 0]
    scaled = 2 * (places - places.mean(axis=0)) / np.maximum(spans / 2, 1e-9)
    scaled *= np.sqrt(np.maximum(variances, 0.0))[order]
    noise = np.random.default_rng(seed).normal(0.0, 0.1, places.shape)
    return mean + scaled @ directions[:, order].T + noise * np.sqrt(variances.max())


def _moved(
    chroma: np.ndarray, colors: np.ndarray, squares: np.ndarray, radius: float
) -> np.ndarray:
    """Move every unit to the mean of the colors, weighted by the distance to their nearest unit."""
    nearest = cKDTree(colors).query(chroma)[1]
    counts = np.bincount(nearest, minlength=len(colors)).astype("float64")
    sums = np.stack(
        [np.bincount(nearest, values, minlength=len(colors)) for values in chroma.T], axis=1
    )
    if radius:
        kernel = np.exp(-squares / (2 * radius**2))
        counts, sums = kernel @ counts, kernel @ sums
    # A unit that no color is near stays where it is.
    occupied = counts > 1e-9
    return np.where(occupied[:, None], sums / np.maximum(counts, 1e-9)[:, None], colors)

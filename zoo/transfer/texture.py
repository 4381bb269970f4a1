"""What surrounds a pixel, and pixels that stand for a picture: for matching by luminance."""

import numpy as np

#: The side of a neighborhood in px (Welsh et al. 2002, section 3.1).
SIDE = 5


def neighborhoods(plane: np.ndarray) -> np.ndarray:
    """The 5 x 5 px around each pixel of (h, w): (h, w, 25).

    Beyond the border the edge pixels are repeated.
    """
    padded = np.pad(plane, SIDE // 2, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (SIDE, SIDE))
    return windows.reshape(*plane.shape, SIDE**2)


def deviation(plane: np.ndarray) -> np.ndarray:
    """The standard deviation of the 5 x 5 px around each pixel: (h, w) to (h, w)."""
    found: np.ndarray = neighborhoods(plane).std(axis=-1)
    return found


def jittered(height: int, width: int, wanted: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of about `wanted` pixels: one at random in each cell of a grid.

    The cells are about square. Of a picture with fewer pixels each one is taken.

    Examples:
        >>> rows, columns = jittered(100, 200, wanted=200)
        >>> len(rows)
        200
    """
    short, long = min(height, width), max(height, width)
    few = max(1, min(short, round(short / max(1.0, (short * long / wanted) ** 0.5))))
    many = max(1, min(long, round(wanted / few)))
    down, across = (few, many) if height <= width else (many, few)
    generator = np.random.default_rng(seed)
    row, column = np.divmod(np.arange(down * across), across)
    rows, columns = (
        np.floor((cell + generator.random(cell.size)) * length / count).astype(np.intp)
        for cell, count, length in ((row, down, height), (column, across, width))
    )
    return rows, columns

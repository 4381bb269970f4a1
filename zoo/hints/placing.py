"""Hints at the size at which a network sees the photo: which pixels are marked, and with what."""

from collections.abc import Sequence

import numpy as np

from zoo.color.spaces import rgb_to_lab
from zoo.errors import ZooError
from zoo.hints.marks import GRAY, Color, Hints, Mark, named


class _Grid:
    """The middles of the pixels of one size, in the pixels of a photo of another."""

    def __init__(self, size: tuple[int, int], photo: tuple[int, int]) -> None:
        self.size, self._photo = size, photo
        self.step = min(length / count for length, count in zip(photo, size, strict=True))
        self.y, self.x = (
            (np.arange(count) + 0.5) * length / count - 0.5
            for length, count in zip(photo, size, strict=True)
        )

    def pixel(self, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Row and column of the pixel in which each place is: (n, 2) x and y."""
        sides = zip(places.T[::-1], self.size, self._photo, strict=True)
        row, column = (
            ((place + 0.5) * count / length).astype(int).clip(0, count - 1)
            for place, count, length in sides
        )
        return row, column

    def covered(self, mark: Mark) -> np.ndarray:
        """The pixels whose middles lie on the mark, and those of its spine; at least one."""
        found = np.zeros(self.size, bool)
        for part in mark.parts():
            low, high = np.min(part.places, axis=0), np.max(part.places, axis=0)
            columns, rows = (
                slice(*np.searchsorted(middles, (first - part.reach, last + part.reach + 1e-9)))
                for middles, first, last in zip((self.x, self.y), low, high, strict=True)
            )
            found[rows, columns] |= part.holds(self.x[None, columns], self.y[rows, None])
        # Half a pixel apart, so that a thin line has no gaps.
        found[self.pixel(mark.spine(self.step / 2))] = True
        if not found.any():
            found[self.pixel(np.array(mark.places[:1]))] = True
        return found


def placed(
    hints: Hints, size: tuple[int, int], photo: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """What hints say of each pixel of a smaller (or larger) version of a photo.

    A mark covers the pixels whose middles lie on it; a point or line that is thinner covers those
    that it runs through, and any mark at least one.

    Args:
        hints: of the photo.
        size: height and width wanted, in px.
        photo: height and width of the photo.

    Returns:
        (h, w, 2) float32 ab, exactly those of the marks, 0 elsewhere; and (h, w) bool, what is
        marked.

    Raises:
        ZooError: if a mark lies outside of the photo, or two of them ask for different colors of
            one pixel.
    """
    hints.require_within(*photo)
    grid, colors = _Grid(size, photo), chroma_of([mark.color for mark in hints.marks])
    owner = np.full(size, -1)
    for number, mark in enumerate(hints.marks):
        rows, columns = np.nonzero(grid.covered(mark))
        owners = owner[rows, columns]
        differing = (owners >= 0) & (colors[owners] != colors[number]).any(axis=-1)
        if differing.any():
            first = differing.argmax()
            place = grid.x[columns[first]], grid.y[rows[first]]
            _refuse(hints.marks[owners[first]], mark, grid, *place)
        owner[rows, columns] = number
    marked = owner >= 0
    return np.where(marked[..., None], colors[owner], np.float32(0)), marked


def chroma_of(colors: Sequence[Color]) -> np.ndarray:
    """The ab of colors as hints say them: (n, 2) float32; at least one row."""
    found = np.zeros((max(len(colors), 1), 2), np.float32)
    for number, color in enumerate(colors):
        if isinstance(color, tuple):
            found[number] = color
        elif color != GRAY:
            rgb = np.array([bytes.fromhex(color[1:])], "S3").view(np.uint8)
            found[number] = np.asarray(rgb_to_lab(rgb))[1:]
    return found


def _refuse(first: Mark, second: Mark, grid: _Grid, x: float, y: float) -> None:
    place = f"({max(x, 0):.0f}, {max(y, 0):.0f})"
    said = f"{named(first.color)} and {named(second.color)}"
    there = np.array([x]), np.array([y])
    # Where the photo is no larger, they share one of its own pixels.
    if grid.step <= 1 or (first.holds(*there).all() and second.holds(*there).all()):
        raise ZooError(
            f"Two hints ask for different colors at {place}, {said}; take one of them away, or "
            "move it."
        )
    raise ZooError(
        f"Two hints of different colors, {said}, are in one pixel at {place} at the size that the "
        "network sees; move them apart, or raise the option render_factor."
    )

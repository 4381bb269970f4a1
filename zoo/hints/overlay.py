"""Hints that somebody painted: a picture of the photo's size, transparent but for the strokes.

Paint programs draw strokes with a soft rim, whose pixels are mixtures of the stroke and of what
lies below: nobody meant their colors. Those over transparent ground are partly transparent, and
only opaque pixels count; those over another stroke are thin lines of other colors, and go too.
"""

import os

import numpy as np

from zoo.errors import ZooError
from zoo.hints.marks import Area, Hints
from zoo.photos.decoding import read_photo

#: Half of the eight neighbors of a pixel, (rows down, columns to the right): the other half sees
#: the same pairs.
_HALF = ((0, 1), (1, -1), (1, 0), (1, 1))


def read_overlay(path: str | os.PathLike) -> Hints:
    """Read a painted overlay: each patch of one color becomes an area.

    Args:
        path: a picture with transparency, as PNG, of the photo's size. Opaque pixels are hints.

    Raises:
        ZooError: if it cannot be read, has no transparency, or nothing is painted on it.
    """
    read = read_photo(path)
    if read.alpha is None:
        raise ZooError(
            f"{os.fspath(path)} has no transparency; paint on a transparent layer of its own, and "
            "save that alone as PNG."
        )
    opaque = read.alpha == 255
    height, width = opaque.shape
    areas = tuple(_areas(read.rgb, opaque)) if opaque.any() else ()
    if not areas:
        raise ZooError(
            f"Nothing is painted on {os.fspath(path)}; paint opaque strokes, each of one color."
        )
    return Hints(areas=areas, size=(width, height))


def _areas(rgb: np.ndarray, opaque: np.ndarray) -> list[Area]:
    """The patches of one color each, without those that are a stroke's rim on another."""
    color = rgb.astype(np.int32) @ np.array([65536, 256, 1], np.int32)
    patch = _patches(color, opaque)
    rim = _rims(patch, color, opaque)
    runs: dict[int, list[tuple[int, int, int]]] = {}
    kept = np.where(opaque & ~rim[patch], patch, -1)
    for y in np.flatnonzero((kept >= 0).any(axis=1)):
        row = kept[y]
        starts = np.flatnonzero(np.diff(row, prepend=-2))
        ends = np.append(starts[1:], row.size) - 1
        for first, last in zip(starts, ends, strict=True):
            if row[first] >= 0:
                runs.setdefault(int(row[first]), []).append((int(y), int(first), int(last)))
    colors = ((color[rows[0][0], rows[0][1]], rows) for rows in runs.values())
    return [Area(tuple(rows), f"#{of:06x}") for of, rows in colors]


def _patches(color: np.ndarray, opaque: np.ndarray) -> np.ndarray:
    """Number what hangs together and has one color: (H, W); what is not opaque has any number."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    numbers = np.arange(color.size).reshape(color.shape)
    pairs: list[list[np.ndarray]] = [[], []]
    for here, there in map(_neighbors, _HALF):
        alike = opaque[here] & opaque[there] & (color[here] == color[there])
        pairs[0].append(numbers[here][alike])
        pairs[1].append(numbers[there][alike])
    rows, columns = map(np.concatenate, pairs)
    links = coo_matrix((np.ones(rows.size, bool), (rows, columns)), (color.size, color.size))
    return connected_components(links, directed=False)[1].reshape(color.shape)


def _rims(patch: np.ndarray, color: np.ndarray, opaque: np.ndarray) -> np.ndarray:
    """Whether each patch is a rim: no square of 2 x 2 px, and most of it touches other colors."""
    touching = np.zeros(patch.shape, bool)
    for here, there in map(_neighbors, _HALF):
        other = opaque[here] & opaque[there] & (color[here] != color[there])
        touching[here] |= other
        touching[there] |= other
    square = np.zeros(patch.shape, bool)
    corner = patch[:-1, :-1]
    square[:-1, :-1] = opaque[:-1, :-1]
    for other in (patch[1:, :-1], patch[:-1, 1:], patch[1:, 1:]):
        square[:-1, :-1] &= other == corner
    square[-1:], square[:, -1:] = False, False
    size, touched, solid = (
        np.bincount(patch[opaque], of[opaque], minlength=patch.max() + 1)
        for of in (np.ones(patch.shape), touching, square)
    )
    return (solid == 0) & (2 * touched > size)


def _neighbors(step: tuple[int, int]) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Slices of all pixels that have a neighbor there, and of these neighbors."""
    down, right = step
    columns = slice(None, -right) if right > 0 else slice(-right or None, None)
    others = slice(right, None) if right > 0 else slice(None, right or None)
    return (slice(None, -down or None), columns), (slice(down, None), others)

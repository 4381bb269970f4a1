"""Where the shots of a film begin, by the lightness of its frames alone.

Two frames are alike if blocks of one are found in the other, each wherever it is and however bright
it is there. So motion of the camera and in the scene, and flicker, change little. A cut is where no
frame right before is like any right after, which leaves out flashes. A dissolve is where frames are
mixtures of others before and after that are not alike.

This is the project's own method; `benchmarks.release.cuts` chose its thresholds and compares it
with others.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

#: Rows and columns of a thumbnail.
THUMBNAIL = (32, 48)
#: Shorter shots are not told apart, nor flashes that last as long; in frames.
SHORTEST_SHOT = 5

#: Frames that are less alike than this belong to different shots.
_UNLIKE = 0.42

# How far a block may move, in rows and columns of the thumbnail; how many blocks there are; and
# their size. The blocks fill what is left of the thumbnail without that margin.
_REACH = (4, 6)
_BLOCKS = (3, 3)
_BLOCK = (8, 12)

#: In levels of 255: with a smaller standard deviation a frame shows nothing, as between fades.
_BLANK = 3.0

# How far before and after a frame those are that it may be a mixture of, in frames.
_SPANS = (4, 7, 10)
#: These are less alike than this.
_UNLIKE_ENDS = 0.5
#: Neither of the two alone may explain more of a mixture than all but this share of its variance.
_NOT_ALONE = 0.25
#: Both together leave at most this share of what the better one alone leaves.
_TOGETHER = 0.45

_NO_MIXTURE = 1.0
#: Keeps divisions by what may be nothing finite.
_TINY = 1e-3


def thumbnail(luma: np.ndarray) -> np.ndarray:
    """Shrink a frame by area means to what `first_frames` takes.

    Args:
        luma: (H, W) in [0, 255], of any size; one that is small already may be even smaller than
            the thumbnail.

    Returns:
        (32, 48) float32 in [0, 255], whatever the frame's aspect.
    """
    rows, columns = (_area_weights(*sides) for sides in zip(THUMBNAIL, luma.shape, strict=True))
    return rows @ luma.astype(np.float32) @ columns.T


def first_frames(thumbnails: Iterable[np.ndarray]) -> Iterator[int]:
    """Number the first frame of each shot of a film, ascending, 0 first; none of an empty film.

    Fades and dissolves count as one boundary, about in their middle. So does a stretch of black
    between two scenes; what fades out and in again is one shot. A number comes up to 25 frames
    after its frame was taken, more where frames show nothing, and about 40 frames are kept.

    Args:
        thumbnails: of each frame, as `thumbnail` makes them.
    """
    everything = iter(thumbnails)
    for first in everything:
        yield 0
        frames = _with_mixtures(_with_cuts(_that_show(chain([first], everything))))
        yield from _boundaries(frames)


@dataclass(eq=False)
class _Frame:
    """A frame that shows something.

    Attributes:
        number: in the film; behind frames that show nothing, that of the middle one of these.
        picture: the thumbnail.
        cut: whether it is the first frame of a shot, after a cut.
        mixture: how much two frames of different scenes together leave of it, as a share of what
            the better one alone leaves; 1 where it is no mixture.
    """

    number: int
    picture: np.ndarray
    cut: bool = False
    mixture: float = _NO_MIXTURE

    @cached_property
    def blocks(self) -> np.ndarray:
        """The blocks without their means: (blocks, pixels)."""
        (down, across), (rows, columns) = _REACH, THUMBNAIL
        return _centered(self.picture[down : rows - down, across : columns - across])

    @cached_property
    def moved(self) -> np.ndarray:
        """The blocks wherever they may have moved: (blocks, places, pixels)."""
        inner = [side - 2 * reach for side, reach in zip(THUMBNAIL, _REACH, strict=True)]
        places = sliding_window_view(self.picture, inner).reshape(-1, *inner)
        return np.ascontiguousarray(_centered(places).swapaxes(0, 1))

    @cached_property
    def energy(self) -> np.ndarray:
        """The sum of squares of each of `moved`: (blocks, places)."""
        return np.einsum("bpk,bpk->bp", self.moved, self.moved) + _TINY


def _centered(x: np.ndarray) -> np.ndarray:
    """Divide (..., h, w) into blocks, and take the mean off each: (..., blocks, pixels)."""
    (down, across), (height, width) = _BLOCKS, _BLOCK
    parts = x.reshape(*x.shape[:-2], down, height, across, width).swapaxes(-3, -2)
    blocks = parts.reshape(*x.shape[:-2], down * across, height * width)
    return blocks - blocks.mean(-1, keepdims=True)


def _match(frame: _Frame, other: _Frame) -> tuple[np.ndarray, np.ndarray]:
    """Find each block of a frame in another one, whatever its brightness and contrast there.

    Returns:
        The blocks found, (blocks, pixels), and the sums of squares that they explain, (blocks,).
    """
    covariances = np.maximum((other.moved @ frame.blocks[..., None])[..., 0], 0)
    explained = np.square(covariances) / other.energy
    every, best = np.arange(len(explained)), explained.argmax(1)
    return other.moved[every, best], explained[every, best]


def _unexplained(frame: _Frame, explained: np.ndarray) -> float:
    """The share of the frame's variance that is not explained: 0 to 1."""
    return float(1 - explained.sum() / (np.square(frame.blocks).sum() + _TINY))


def _difference(one: _Frame, other: _Frame) -> float:
    """How unlike two frames are: 0 to 1, the same both ways."""
    both = ((one, other), (other, one))
    return sum(_unexplained(frame, _match(frame, place)[1]) for frame, place in both) / 2


def _that_show(thumbnails: Iterable[np.ndarray]) -> Iterator[_Frame]:
    """Leave out frames that show nothing."""
    after = 0
    for number, picture in enumerate(thumbnails):
        if picture.std() >= _BLANK:
            # Half of the blank frames before it belong to its shot.
            yield _Frame((after + number + 1) // 2, _without_lines(picture))
            after = number + 1


def _without_lines(picture: np.ndarray) -> np.ndarray:
    """Take the median of each three columns: scratches are thin and upright."""
    sides = np.pad(picture, ((0, 0), (1, 1)), mode="edge")
    left, right = sides[:, :-2], sides[:, 2:]
    least, greatest = np.minimum(left, right), np.maximum(left, right)
    return np.clip(picture, least, greatest)


def _with_cuts(frames: Iterable[_Frame]) -> Iterator[_Frame]:
    since = -1
    for window, center in _windows(frames, SHORTEST_SHOT):
        since += 1
        before = window[center - min(since, SHORTEST_SHOT) : center]
        after = window[center : center + SHORTEST_SHOT]
        if len(before) == len(after) == SHORTEST_SHOT and _all_unlike(before, after):
            window[center].cut, since = True, 0
        yield window[center]


def _all_unlike(before: list[_Frame], after: list[_Frame]) -> bool:
    # The nearest first: most are alike.
    return all(_difference(one, other) >= _UNLIKE for one in reversed(before) for other in after)


def _with_mixtures(frames: Iterable[_Frame]) -> Iterator[_Frame]:
    for window, center in _windows(frames, max(_SPANS)):
        window[center].mixture = min(_mixture(window, center, span) for span in _SPANS)
        yield window[center]


def _mixture(window: list[_Frame], center: int, span: int) -> float:
    """What `_Frame.mixture` says, for the frames `span` before and after one."""
    if center < span or center + span >= len(window):
        return _NO_MIXTURE
    if any(frame.cut for frame in window[center - span + 1 : center + span + 1]):
        return _NO_MIXTURE
    frame, ends = window[center], (window[center - span], window[center + span])
    if _difference(*ends) < _UNLIKE_ENDS:
        return _NO_MIXTURE
    (one, by_one), (other, by_other) = (_match(frame, end) for end in ends)
    alone = min(_unexplained(frame, by) for by in (by_one, by_other))
    if alone < _NOT_ALONE:
        return _NO_MIXTURE
    by_both = np.maximum(_explained_by_both(frame.blocks, one, other), by_one)
    return _unexplained(frame, np.maximum(by_both, by_other)) / alone


def _explained_by_both(blocks: np.ndarray, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The sums of squares of blocks that a sum of positive multiples of two others explains.

    All are (blocks, pixels), the result is (blocks,); 0 where a factor would be negative.
    """

    def products(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.einsum("bk,bk->b", a, b)

    ones, others, mixed = products(one, one), products(other, other), products(one, other)
    with_one, with_other = products(blocks, one), products(blocks, other)
    determinant = np.maximum(ones * others - mixed**2, 1e-6 * ones * others + _TINY)
    first = (with_one * others - with_other * mixed) / determinant
    second = (with_other * ones - with_one * mixed) / determinant
    positive = (first > 0) & (second > 0)
    return np.where(positive, first * with_one + second * with_other, 0)


def _boundaries(frames: Iterable[_Frame]) -> Iterator[int]:
    last = 0
    for window, center in _windows(frames, max(_SPANS)):
        frame = window[center]
        near = window[max(center - max(_SPANS), 0) : center + max(_SPANS) + 1]
        mixed = frame.mixture <= _TOGETHER and frame.mixture == min(one.mixture for one in near)
        if frame.cut or (mixed and frame.number - last >= SHORTEST_SHOT):
            last = frame.number
            yield last


def _windows(frames: Iterable[_Frame], reach: int) -> Iterator[tuple[list[_Frame], int]]:
    """For each frame, a list with the `reach` frames before and after it, and its place there.

    There are fewer at the ends of the film.
    """
    kept: deque[_Frame] = deque(maxlen=2 * reach + 1)
    for frame in frames:
        kept.append(frame)
        if len(kept) > reach:
            yield list(kept), len(kept) - 1 - reach
    for center in range(max(len(kept) - reach, 0), len(kept)):
        yield list(kept), center


@lru_cache(maxsize=8)
def _area_weights(cells: int, length: int) -> np.ndarray:
    """What share each of `length` pixels has in each cell: (cells, length) float32."""
    edges, pixels = np.linspace(0, length, cells + 1), np.arange(length)
    ends = np.minimum(edges[1:, None], pixels + 1), np.maximum(edges[:-1, None], pixels)
    return (np.maximum(ends[0] - ends[1], 0) * cells / length).astype(np.float32)

"""Frames of films as photos to learn from: drawn at random, none twice, none without color.

A film is gone through once. What is taken is kept as PNG files in the cache, under the film's
contents, so that only the first reading takes long.
"""

import hashlib
import shutil
import warnings
from bisect import bisect_right
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from zoo.errors import TrainingWarning, ZooError
from zoo.files import atomic_folder, cache_folder, read_json, sha256_of_file, write_json
from zoo.photos.decoding import PhotoError
from zoo.photos.film import Film, Walk
from zoo.photos.photoset import Entry, PhotoSet, gray_or_toned, scan
from zoo.photos.shots import THUMBNAIL, first_frames, thumbnail

if TYPE_CHECKING:
    import av

#: Larger frames are shrunk to this short side, in pixels.
SHORT_SIDE = 256

#: Out of each stretch of so many seconds one frame is drawn.
INTERVAL = Fraction(1, 10)

# Two frames are the same picture if their RGB, shrunk to so many rows and columns, differs by less
# than this, in levels of 255. Medians of 60 photos of 256 px: coarse grain of 20 levels with 10 %
# flicker makes 2.4 (95 % below 3.0, all below 4), a shift by 1 px 0.9, by 5 px 4.3, by 10 px 7.9.
_SAME, _ROWS, _COLUMNS = 4.0, 8, 12
# How much brighter one of them may be all over, as a factor: that is flicker.
_FLICKER = 1.25

# Part of the folder's name: raise it when other frames are taken, or what is kept of them changes.
_POLICY_VERSION = 1
_RECORD = "film.json"


def read_frames(path: Path, progress: bool = False) -> PhotoSet:
    """Frames of a film to learn from.

    Out of each tenth of a second one frame is drawn at random; which one follows from the film's
    contents. It is left out if it is gray or toned, or the same picture as the last one that was
    taken: brightness alone, grain, or a small motion makes no other picture. Frames are shrunk to a
    short side of `SHORT_SIDE`, never enlarged. Pixels that are not square stay so, as
    `zoo.colorize_video` shows them to a model, too.

    Args:
        path: of the film.
        progress: whether to show progress bars.

    Returns:
        The frames in order, as PNG files in the cache: named by the film and their number there,
        labeled with the film's name without its suffix, with each shot a group, so that
        `PhotoSet.split` never divides one. A TrainingWarning says how many have no color, and
        whether the film is cut short.

    Raises:
        PhotoError: if the film cannot be read, or no frame that was drawn has color.
        ZooError: if PyAV is not installed, or the cache cannot be written.
    """
    with Film(path) as film:
        contents = sha256_of_file(path)
        folder = cache_folder() / "films" / _key(contents)
        if not (folder / _RECORD).is_file():
            _fill(folder, film, contents, progress)
    record = read_json(folder / _RECORD)
    _warn(path, record)
    shots = record["shots"]
    entries = [
        Entry(
            folder / _name(number),
            f"{path.name}/{_name(number)}",
            path.stem,
            f"{contents}/{bisect_right(shots, number)}",
        )
        for number in record["frames"]
    ]
    return scan(entries, progress)


def _key(contents: str) -> str:
    """The name of the folder for a film: what its frames depend on, as a digest."""
    sampling = (contents, SHORT_SIDE, INTERVAL, _SAME, _ROWS, _COLUMNS, _FLICKER, _POLICY_VERSION)
    return hashlib.sha256(repr(sampling).encode()).hexdigest()


def _name(number: int) -> str:
    return f"{number:07d}.png"


def _warn(path: Path, record: dict[str, Any]) -> None:
    if record["colorless"]:
        warnings.warn(
            f"{record['colorless']:,} of {record['drawn']:,} frames drawn from {path} have no "
            "color and are left out.",
            TrainingWarning,
            stacklevel=3,
        )
    if record["cut_short"]:
        warnings.warn(
            f"{path} is cut short: only its first {record['seconds']:.1f} s could be read.",
            TrainingWarning,
            stacklevel=3,
        )


def _fill(folder: Path, film: Film, contents: str, progress: bool) -> None:
    """Make the folder of a film's frames, whole or not at all."""
    try:
        shutil.rmtree(folder, ignore_errors=True)  # what is there has no record
        folder.parent.mkdir(parents=True, exist_ok=True)
        with atomic_folder(folder) as unfinished:
            write_json(unfinished / _RECORD, _write_frames(unfinished, film, contents, progress))
    except PhotoError:
        raise
    except (ZooError, OSError) as error:
        if (folder / _RECORD).is_file():
            return  # another process has been faster
        cause = error.__cause__ or error
        raise ZooError(
            f"Cannot write frames of {film.path} into {folder.parent} "
            f"({getattr(cause, 'strerror', None) or cause}); free some space, or set the "
            "environment variable ZOO_CACHE to a folder that you may write to."
        ) from error


def _write_frames(folder: Path, film: Film, contents: str, progress: bool) -> dict[str, Any]:
    """Go through the film, write the frames that are taken, and say what was found."""
    from rich.console import Console
    from rich.progress import Progress

    walk, taken, stated = film.walk(), _Taken(film, folder), film.stated_length()
    draw = np.random.default_rng(int(contents, 16))
    with Progress(console=Console(stderr=True), transient=True, disable=not progress) as bar:
        task = bar.add_task(
            f"Taking frames of {film.path.name}", total=None if stated is None else float(stated)
        )

        def shown() -> Iterator[np.ndarray]:
            for picture in _thumbnails(film, walk, draw, taken.add):
                bar.update(task, completed=walk.passed)
                yield picture

        shots = list(first_frames(shown()))
    cut_short = walk.timeline().cut_short
    if not taken.numbers:
        raise PhotoError(str(film.path), "none of its frames has color", "give a film in color")
    return {
        "shots": shots,
        "frames": taken.numbers,
        "drawn": taken.drawn,
        "colorless": taken.colorless,
        "seconds": walk.passed,
        "cut_short": cut_short,
    }


def _thumbnails(
    film: Film,
    walk: Walk,
    draw: np.random.Generator,
    take: Callable[[int, "av.VideoFrame"], None],
) -> Iterator[np.ndarray]:
    """The thumbnail of every frame, for `first_frames`; those that are drawn go to `take`."""
    for _, stretch in groupby(_by_stretch(film, walk), key=lambda found: found[0]):
        # One of those so far, each as likely: so no more than one frame has to wait.
        for count, (_, number, frame) in enumerate(stretch, start=1):
            if draw.integers(count) == 0:
                drawn = number, frame
            yield thumbnail(film.luma(frame, THUMBNAIL))
        take(*drawn)


def _by_stretch(film: Film, walk: Walk) -> Iterator[tuple[int, int, "av.VideoFrame"]]:
    """The number of each frame's stretch of `INTERVAL`, its own number, and the frame."""
    first = None
    for number, frame in enumerate(walk):
        time = film.time_of(frame, number)
        assert time is not None
        first = time if first is None else first
        yield (time - first) * film.time_base // INTERVAL, number, frame


class _Taken:
    """Frames that were taken and written; those without color, and pictures again, are not.

    Attributes:
        numbers: of these frames in the film, ascending.
        drawn: how many there were to choose from.
        colorless: how many of these have no color.
    """

    def __init__(self, film: Film, folder: Path) -> None:
        self.numbers: list[int] = []
        self.drawn = self.colorless = 0
        self._film, self._folder = film, folder
        height, width = film.size
        scale = SHORT_SIDE / min(height, width)
        self._size = (round(height * scale), round(width * scale)) if scale < 1 else None
        self._last: np.ndarray | None = None

    def add(self, number: int, frame: "av.VideoFrame") -> None:
        """Take a frame, or leave it out."""
        self.drawn += 1
        rgb = self._film.rgb(frame, self._size)
        if any(gray_or_toned(rgb)):
            self.colorless += 1
            return
        small = _small(rgb)
        if self._last is not None and _difference(self._last, small) < _SAME:
            return
        self._last = small
        self.numbers.append(number)
        Image.fromarray(rgb).save(self._folder / _name(number), compress_level=1)


def _small(rgb: np.ndarray) -> np.ndarray:
    """The means of a picture, uint8 (H, W, 3), in a few rows and columns: float64 (8, 12, 3)."""
    size = (_COLUMNS, _ROWS)
    return np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.BOX), np.float64)


def _difference(one: np.ndarray, other: np.ndarray) -> float:
    """How unlike two of `_small` are, in levels of 255, whatever flickers."""
    brighter = (one * other).sum() / max(np.square(one).sum(), 1.0)
    return float(np.abs(np.clip(brighter, 1 / _FLICKER, _FLICKER) * one - other).mean())

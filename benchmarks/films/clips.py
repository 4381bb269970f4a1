"""Films that models are scored on: cut to a length, shrunk, and stored without loss."""

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from benchmarks.films.made import MadeFilm, Recipe
from benchmarks.suites import MADE_FILM
from zoo.errors import ZooError
from zoo.files import sha256_of_file
from zoo.inference.films.encoding import CODECS, Look, open_part
from zoo.metrics.films import FLOW_SIDE
from zoo.photos.film import Film, require_pyav
from zoo.photos.photoset import PhotoSet

#: Seconds of a film that are scored, from its beginning.
LONGEST = 6.0

#: Cuts alone, some grain, and nothing that changes the colors of a thing on its way.
_RECIPE = Recipe(
    shots=5, length=(25, 45), fades=0.0, dissolves=0.0, flashes=0.0, flicker=0.0, scratches=0
)
_SIZE, _RATE, _PHOTOS = (144, 256), 25, 10


@dataclass(frozen=True)
class Clip:
    """A film to score models on.

    Attributes:
        name: how reports call it.
        digest: of what it was made from, and how.
        path: of the file; its sides are at most those that motion is looked for at.
    """

    name: str
    digest: str
    path: Path


def prepare_clips(
    films: Sequence[str], photos: PhotoSet, out: Path, tell: Callable[[str], None]
) -> tuple[Clip, ...]:
    """Store the clips in a benchmark's folder, where they are not there yet.

    Args:
        films: files; or `MADE_FILM`.
        photos: those that `MADE_FILM` is made of.
        out: the benchmark's folder.
        tell: is told of each clip that is stored.

    Raises:
        ZooError: if a film cannot be read, two have one name, or there are fewer than two photos.
    """
    if films:
        require_pyav()
    clips: list[Clip] = []
    for film in films:
        clip = _made_clip(photos, out) if film == MADE_FILM else _clip_of(Path(film), out)
        if clip.name in {one.name for one in clips}:
            raise ZooError(f"Two films are called {clip.name}; rename one of them.")
        if not clip.path.is_file():
            tell(f"Film {clip.name}: at most {LONGEST:g} s of it, stored as {clip.path}.")
            _store(film, clip, photos)
        clips.append(clip)
    return tuple(clips)


def _store(film: str, clip: Clip, photos: PhotoSet) -> None:
    if film == MADE_FILM:
        made = _film_of(photos)
        _write(clip.path, enumerate(made), made.size, Fraction(_RATE), Fraction(1, _RATE))
        return
    with Film(Path(film)) as original:
        timeline = original.timeline(end=LONGEST)
        size = _shrunk(original.size)
        frames = (original.rgb(one, size) for one in original.frames(timeline))
        times = (time - timeline.origin for time in timeline.times)
        timed = zip(times, frames, strict=True)
        _write(clip.path, timed, size, original.rate, original.time_base)


def _write(
    path: Path,
    frames: Iterable[tuple[int, np.ndarray]],
    size: tuple[int, int],
    rate: Fraction,
    time_base: Fraction,
) -> None:
    look = Look(size, rate, time_base, Fraction(1), CODECS["ffv1"])
    path.parent.mkdir(parents=True, exist_ok=True)
    with open_part(path, look) as part:
        for time, rgb in frames:
            part.write(rgb, time)


def _clip_of(path: Path, out: Path) -> Clip:
    with Film(path):  # says what is wrong with it before its bytes are read
        pass
    digest = _digest([sha256_of_file(path), LONGEST, FLOW_SIDE])
    return Clip(path.stem, digest, out / "films" / f"{path.stem}-{digest}.nut")


def _made_clip(photos: PhotoSet, out: Path) -> Clip:
    if len(photos) < 2:
        raise ZooError("A film is made of two photos or more; give more test photos.")
    known = [photo.sha256 for photo in photos][:_PHOTOS]
    digest = _digest([known, dataclasses.asdict(_RECIPE), _SIZE, _RATE])
    return Clip(MADE_FILM, digest, out / "films" / f"{MADE_FILM}-{digest}.nut")


def _film_of(photos: PhotoSet) -> MadeFilm:
    pictures = [photo.read() for photo, _ in zip(photos, range(_PHOTOS), strict=False)]
    return MadeFilm(pictures, recipe=_RECIPE, size=_SIZE)


def _digest(content: list) -> str:
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]


def _shrunk(size: tuple[int, int]) -> tuple[int, int]:
    scale = min(1.0, FLOW_SIDE / min(size))
    height, width = (max(1, round(side * scale)) for side in size)
    return height, width

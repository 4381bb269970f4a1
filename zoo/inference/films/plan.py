"""How a film is gone about: its shots, the parts that are encoded, and the pieces of these.

The plan is kept beside what is finished of the film, so that a stopped run goes on. It holds what
the film's colors depend on; another film, model or setting starts anew.
"""

import dataclasses
import hashlib
import json
import shutil
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.progress import Progress

from zoo._version import __version__
from zoo.errors import ZooError, valid_choice
from zoo.files import atomic_path, read_json, require_writable, sha256_of_file, write_json
from zoo.inference.films.encoding import CODECS, DEFAULT_CODEC, part_paths
from zoo.inference.films.smoothing import SMOOTHINGS
from zoo.photos.film import Film, Timeline
from zoo.photos.shots import THUMBNAIL, first_frames, thumbnail

if TYPE_CHECKING:
    from zoo.colorizer import Colorizer

#: Frames of a part: longer shots have several.
LONGEST_PART = 600

#: Frames that the networks see together: at most so many, and of so many pixels in all.
_MOST_TOGETHER, _PIXELS_TOGETHER = 8, 2**20

#: A process that opens the film anew for a few shots gets at least so many frames.
_LEAST_ELSEWHERE = 100

#: Is told often how many frames are colored, and of how many: None while they are counted. What it
#: raises ends the run, and what is finished stays.
Watch = Callable[[int, int | None], None]

#: The file of a plan.
_PLAN = "plan.json"

#: Most frames that smoothing may look ahead.
MOST_AHEAD = 20


@dataclass(frozen=True)
class FilmSettings:
    """What is wanted of a colored film.

    Attributes:
        smoothing: how predictions are smoothed in time; see `zoo.inference.films.smoothing`.
        look_ahead: how many frames of the shot that follow count, too, with "motion".
        key_frames: pictures of colored frames by their time in seconds after the first frame.
        reference: a picture in color that is no frame of the film; what looks like something in it
            takes its colors, from the first frame of each shot on.
        start: seconds after the first frame, where coloring begins.
        end: where it ends; None for the end of the film.
        codec: how it is encoded; see `zoo.inference.films.encoding`.
        preview: whether the film in gray is to be seen at the left of the colored one.

    Raises:
        ZooError: if a value is none of those that are valid.
    """

    smoothing: str = "motion"
    look_ahead: int = 0
    key_frames: Mapping[float, Path] = field(default_factory=dict)
    reference: Path | None = None
    start: float = 0.0
    end: float | None = None
    codec: str = DEFAULT_CODEC
    preview: bool = False

    def __post_init__(self) -> None:
        valid_choice("smoothing", self.smoothing, tuple(SMOOTHINGS))
        valid_choice("codec", self.codec, tuple(CODECS))
        if not 0 <= self.look_ahead <= MOST_AHEAD:
            raise ZooError(
                f"A film may look ahead 0 to {MOST_AHEAD} frames; got {self.look_ahead}."
            )
        if self.look_ahead and self.smoothing != "motion":
            raise ZooError("Only the smoothing `motion` looks ahead; leave out one of the two.")
        if self.start < 0 or (self.end is not None and self.end <= self.start):
            raise ZooError(
                f"A part of a film from {self.start:g} s to {self.end} s is empty; give a start of "
                "at least 0, and a later end."
            )

    def absolute(self) -> "FilmSettings":
        """The same for a process in another folder."""
        keys = {time: path.absolute() for time, path in self.key_frames.items()}
        reference = None if self.reference is None else self.reference.absolute()
        return dataclasses.replace(self, key_frames=keys, reference=reference)

    def name_of(self, film: Path) -> str:
        """How the colored film is called: as the original, with a suffix that holds its codec."""
        suffixes = CODECS[self.codec].suffixes
        suffix = film.suffix if film.suffix.lower() in suffixes else suffixes[0]
        return f"{film.stem}{'_preview' * self.preview}{suffix}"


@dataclass(frozen=True)
class Piece:
    """Frames that the networks see together.

    Attributes:
        part: the number of the part that they are of.
        first: the number of the first frame.
        stop: the number after the last one.
    """

    part: int
    first: int
    stop: int

    @property
    def numbers(self) -> range:
        return range(self.first, self.stop)


@dataclass(frozen=True)
class Plan:
    """A film's frames, shots and parts, and where they are kept.

    Attributes:
        folder: of what is finished.
        timeline: the times of all frames.
        shots: the number of the first frame of each shot.
        together: how many frames the networks see together, at most.
    """

    folder: Path
    timeline: Timeline
    shots: tuple[int, ...]
    together: int

    @property
    def frames(self) -> int:
        return len(self.timeline.times)

    def first_of_shot(self, number: int) -> int:
        """The number of the first frame of a frame's shot."""
        return self.shots[bisect_right(self.shots, number) - 1]

    def begins_shot(self, number: int) -> bool:
        return self.first_of_shot(number) == number

    @cached_property
    def parts(self) -> tuple[range, ...]:
        """The numbers of the frames of each part."""
        stops = (*self.shots[1:], self.frames)
        return tuple(
            range(first, min(first + LONGEST_PART, stop))
            for start, stop in zip(self.shots, stops, strict=True)
            for first in range(start, stop, LONGEST_PART)
        )

    @cached_property
    def part_files(self) -> list[Path]:
        return part_paths(self.folder, len(self.parts))

    def state_file(self, part: int) -> Path:
        """What is remembered after a part, for the one behind it in the same shot."""
        return self.folder / f"{part:06d}.npz"

    def left(self) -> list[int]:
        """The numbers of the parts that are not finished."""
        return [number for number, path in enumerate(self.part_files) if not path.is_file()]

    def together_elsewhere(self, parts: Sequence[int]) -> list[list[int]]:
        """These parts in groups that processes can color side by side, the longest one first.

        A shot is not divided, because its frames follow from those before; short ones are together.
        """
        groups: list[list[int]] = []
        for number in parts:
            begins = self.begins_shot(self.parts[number].start) or number - 1 not in parts
            if not groups or (begins and self.length(groups[-1]) >= _LEAST_ELSEWHERE):
                groups.append([])
            groups[-1].append(number)
        return sorted(groups, key=self.length, reverse=True)

    def length(self, parts: Sequence[int]) -> int:
        """How many frames these parts have."""
        return sum(len(self.parts[number]) for number in parts)

    def pieces(self, parts: Sequence[int]) -> Iterator[Piece]:
        """The pieces of these parts."""
        for number in parts:
            yield from map(self.piece_at, self.parts[number][:: self.together])

    def piece_at(self, first: int) -> Piece:
        """The piece that begins with a frame."""
        part = bisect_right(self.parts, first, key=lambda frames: frames.start) - 1
        return Piece(part, first, min(first + self.together, self.parts[part].stop))

    def seen_for(self, piece: Piece, ahead: int) -> list[Piece]:
        """A piece and those behind it in its shot that are needed to look ahead so many frames.

        They are whole, so that the networks see the same frames together in every run.
        """
        needed = [piece]
        while needed[-1].stop < min(piece.stop + ahead, self.frames):
            if self.begins_shot(needed[-1].stop):
                break
            needed.append(self.piece_at(needed[-1].stop))
        return needed


def make_plan(
    film: Film,
    target: Path,
    identity: str,
    settings: FilmSettings,
    progress: bool,
    watch: Watch | None,
) -> Plan:
    """The plan that is kept for a target; a new one where there is none, or one of another film.

    Raises:
        ZooError: if the film cannot be read or the folder cannot be written.
    """
    folder = _folder_of(target)
    path = folder / _PLAN
    if path.is_file():
        known = _read_plan(path)
        if known is not None and known.get("identity") == identity:
            return _plan_of(known, film, folder)
    shutil.rmtree(folder, ignore_errors=True)
    require_writable(target.parent)
    timeline, shots = _looked_through(film, settings, progress, watch)
    content = {"identity": identity, "timeline": dataclasses.asdict(timeline), "shots": shots}
    write_json(path, content)
    return Plan(folder, timeline, tuple(shots), _together(film))


def shared_plan(film: Film, target: Path) -> Plan:
    """The plan that another process has made, and keeps for a target.

    Raises:
        ZooError: if there is none.
    """
    folder = _folder_of(target)
    known = _read_plan(folder / _PLAN)
    if known is None:
        raise ZooError(
            f"There is no readable {folder / _PLAN} on this machine; all machines of a cluster "
            "must reach the film and the output folder under the same paths."
        )
    return _plan_of(known, film, folder)


def _folder_of(target: Path) -> Path:
    """Where what is finished of a film is kept."""
    return target.with_name(f".{target.name}.unfinished")


def _together(film: Film) -> int:
    """How many frames the networks see together."""
    height, width = film.size
    return max(1, min(_MOST_TOGETHER, _PIXELS_TOGETHER // (height * width)))


def _plan_of(known: Mapping[str, Any], film: Film, folder: Path) -> Plan:
    stored = known["timeline"]
    times, missing = tuple(stored["times"]), tuple(stored["missing"])
    timeline = Timeline(times, missing, stored["cut_short"], stored["origin"])
    return Plan(folder, timeline, tuple(known["shots"]), _together(film))


def _read_plan(path: Path) -> dict[str, Any] | None:
    try:
        known = read_json(path)
    except ZooError:
        return None
    return known if isinstance(known, dict) else None


def _looked_through(
    film: Film, settings: FilmSettings, progress: bool, watch: Watch | None
) -> tuple[Timeline, list[int]]:
    walk, stated = film.walk(settings.start, settings.end), film.stated_length()
    total = settings.end if stated is None else float(stated)
    with Progress(console=Console(stderr=True), transient=True, disable=not progress) as bar:
        task = bar.add_task("Looking for shots", total=total)

        def thumbnails() -> Iterator[np.ndarray]:
            for frame in walk:
                bar.update(task, completed=walk.passed)
                if watch is not None:
                    watch(0, None)
                yield thumbnail(film.luma(frame, THUMBNAIL))

        shots = list(first_frames(thumbnails()))
    return walk.timeline(), shots


def identity_of(
    path: Path,
    model: "Colorizer",
    options: Mapping[str, Any],
    settings: FilmSettings,
    precision: str,
) -> str:
    """What the colors of a film depend on, as a digest."""
    weights = hashlib.sha256()
    for name, value in sorted(model.weight_values().items()):
        weights.update(name.encode())
        weights.update(np.ascontiguousarray(value).tobytes())
    keys = {str(time): sha256_of_file(one) for time, one in settings.key_frames.items()}
    reference = None if settings.reference is None else sha256_of_file(settings.reference)
    content = {
        "version": __version__,
        "film": sha256_of_file(path),
        "model": [model.name, dataclasses.asdict(model.config), weights.hexdigest()],
        "options": model.resolve_options(options),
        "precision": precision,
        "settings": {**dataclasses.asdict(settings), "key_frames": keys, "reference": reference},
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


def write_state(path: Path, state: Mapping[str, np.ndarray]) -> None:
    """Keep what is remembered of the frames so far, atomically."""
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **state)  # type: ignore[arg-type]


def read_state(path: Path) -> dict[str, np.ndarray]:
    """What `write_state` has kept.

    Raises:
        ZooError: if it is damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except (OSError, ValueError) as error:
        raise ZooError(
            f"{path} is damaged; remove its folder, and color the film again."
        ) from error

"""Which file of many photos and films goes where, and what has become of them.

A job makes one file, atomically, or one for each answer; a photo whose confidence is wanted too has
two jobs. Mistakes are
told before a deep-learning framework is loaded.
"""

import os
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.progress import track

from zoo.errors import ZooError
from zoo.hints.marks import Hints
from zoo.inference.pipeline import Failure, Pipeline, Stage
from zoo.photos.decoding import PHOTO_SUFFIXES, PhotoError
from zoo.photos.film import FILM_SUFFIXES, is_film
from zoo.photos.photoset import find_photos


@dataclass(frozen=True)
class Job:
    """One file to make: the colored photo, or with `confidence` how sure the network is of it.

    Or a film in color. Hints are of the photo. With `answers` there are so many files: `target` is
    the first of `targets` and written last, so that all are there when it is. With `side` a small
    version is made, of at most so many px on the long side; hints stay in px of the photo.
    """

    source: Path
    name: str
    target: Path
    confidence: bool = False
    hints: Hints | None = None
    answers: int | None = None
    side: int | None = None

    @property
    def targets(self) -> list[Path]:
        """The files to make, the ordinary answer first."""
        if self.answers is None:
            return [self.target]
        stem = self.target.stem.removesuffix("-1")
        return [self.target.with_stem(f"{stem}-{number}") for number in range(1, self.answers + 1)]

    @property
    def is_film(self) -> bool:
        return is_film(self.source)


@dataclass(frozen=True)
class Made:
    """What a job has made: whether the photo has lost bits, and how many files there are."""

    reduced: bool = False
    files: int = 1


@dataclass
class Outcome:
    """What has become of many photos.

    Attributes:
        failures: why some could not be read, by name.
        reduced: how many had 16 bits a channel and were saved with 8.
        fewer: how many answers there are of photos with fewer than were asked for, by name.
    """

    failures: dict[str, str] = field(default_factory=dict)
    reduced: int = 0
    fewer: dict[str, int] = field(default_factory=dict)

    def add(self, other: "Outcome") -> None:
        """Take in what has become of other photos."""
        self.failures |= other.failures
        self.reduced += other.reduced
        self.fewer |= other.fewer


def plan_jobs(
    inputs: list[Path],
    out: Path,
    confidence: bool = False,
    name_of_film: Callable[[Path], str] = lambda path: path.name,
    answers: int | None = None,
) -> list[Job]:
    """What to make; refused where two would write one file, or one would replace an input.

    Args:
        inputs: photos, films, and folders of them.
        out: the folder to write into.
        confidence: whether that of each photo is wanted, too.
        name_of_film: how the colored film is called.
        answers: how many of each photo are wanted, numbered from 1 on; None for a single one.
    """
    jobs = []
    for source, name in (photo for given in inputs for photo in _photos_of(given, out)):
        target = out / name
        if is_film(source):
            jobs.append(Job(source, name, target.with_name(name_of_film(source))))
            continue
        if target.suffix.lower() not in PHOTO_SUFFIXES:
            target = target.with_suffix(".png")
        if answers is None:
            jobs.append(Job(source, name, target))
        else:
            first = target.with_stem(f"{target.stem}-1")
            jobs.append(Job(source, name, first, answers=answers))
        if confidence:
            picture = target.with_name(f"{target.stem}_confidence.png")
            jobs.append(Job(source, name, picture, confidence=True))
    sources = {os.path.realpath(job.source) for job in jobs}
    writers: dict[str, Path] = {}
    for job, target in [(one, target) for one in jobs for target in one.targets]:
        written = os.path.realpath(target)
        if written in sources:
            raise ZooError(
                f"{target} would replace a file that is to be colored; "
                "choose another folder with --out."
            )
        if written in writers:
            raise ZooError(
                f"{writers[written]} and {job.source} would both write {target}; "
                "color them in two commands with different --out."
            )
        writers[written] = job.source
    return jobs


def _photos_of(given: Path, out: Path) -> list[tuple[Path, str]]:
    """File and name of a photo or film, or of those in a folder without what went into `out`."""
    if not given.exists():
        raise ZooError(f"There is no photo, film or folder {given}; check the path.")
    if not given.is_dir():
        return [(given, given.name)]
    inside = out.resolve().is_relative_to(given.resolve()) and out.resolve() != given.resolve()
    photos = [
        (entry.path, entry.name)
        for entry in find_photos(given, (*PHOTO_SUFFIXES, *FILM_SUFFIXES))
        if not (inside and entry.path.resolve().is_relative_to(out.resolve()))
    ]
    if not photos:
        raise ZooError(f"There is no photo or film in {given}; give another folder.")
    return photos


def carry_out(jobs: Sequence[Job], stages: Sequence[Stage]) -> Outcome:
    """Send the jobs through stages, the last of which says what it has `Made`."""
    outcome, console = Outcome(), Console(stderr=True)
    with closing(Pipeline(stages, (PhotoError,)).run(jobs)) as made:
        shown = track(made, "Coloring", len(jobs), console=console, disable=len(jobs) < 2)
        for job, result in shown:
            if isinstance(result, Failure):
                assert isinstance(result.error, PhotoError)
                outcome.failures[job.name] = result.error.reason
            else:
                outcome.reduced += result.reduced
                if result.files < len(job.targets):
                    outcome.fewer[job.name] = result.files
    return outcome

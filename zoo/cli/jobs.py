"""Coloring many photos: which file goes where, and doing it one by one.

A job whose target exists needs not run again: targets are written atomically, so that a stopped
folder goes on when it is repeated.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import track

from zoo.errors import ZooError
from zoo.photos.decoding import PHOTO_SUFFIXES, PhotoError, write_photo
from zoo.photos.photoset import find_photos

if TYPE_CHECKING:
    from zoo.colorizer import Colorizer


@dataclass(frozen=True)
class Job:
    """One photo to color: its file, its name among the inputs, and where it goes."""

    source: Path
    name: str
    target: Path


def plan_jobs(inputs: list[Path], out: Path) -> list[Job]:
    """What to color; refused where two would write one file, or one would replace an input."""
    jobs = []
    for source, name in (photo for given in inputs for photo in _photos_of(given, out)):
        target = out / name
        if target.suffix.lower() not in PHOTO_SUFFIXES:
            target = target.with_suffix(".png")
        jobs.append(Job(source, name, target))
    sources = {os.path.realpath(job.source) for job in jobs}
    writers: dict[str, Path] = {}
    for job in jobs:
        target = os.path.realpath(job.target)
        if target in sources:
            raise ZooError(
                f"{job.target} would replace a photo that is to be colored; "
                "choose another folder with --out."
            )
        if target in writers:
            raise ZooError(
                f"{writers[target]} and {job.source} would both become {job.target}; "
                "color them in two commands with different --out."
            )
        writers[target] = job.source
    return jobs


def _photos_of(given: Path, out: Path) -> list[tuple[Path, str]]:
    """File and name of a photo, or of those in a folder without what was colored into `out`."""
    if not given.exists():
        raise ZooError(f"There is no photo or folder {given}; check the path.")
    if not given.is_dir():
        return [(given, given.name)]
    inside = out.resolve().is_relative_to(given.resolve()) and out.resolve() != given.resolve()
    photos = [
        (entry.path, entry.name)
        for entry in find_photos(given)
        if not (inside and entry.path.resolve().is_relative_to(out.resolve()))
    ]
    if not photos:
        raise ZooError(f"There is no photo in {given}; give another folder.")
    return photos


def run_jobs(model: "Colorizer", jobs: list[Job], options: dict[str, float]) -> dict[str, str]:
    """Color and write each photo; return the reasons why some could not be read, by name."""
    failures = {}
    several = len(jobs) > 1
    for job in track(jobs, "Coloring", console=Console(stderr=True), disable=not several):
        try:
            colored = model.colorize(job.source, **options)
        except PhotoError as error:
            failures[job.name] = error.reason
        else:
            alpha = colored[..., 3] if colored.shape[2] == 4 else None
            write_photo(job.target, colored[..., :3], alpha)
    return failures

"""From a recipe to a folder of photos with a manifest.

    OUT/downloads/     the files as fetched; may be deleted afterwards
    OUT/photos/        <split>/<label>/NAME as far as the set has them; contents as published
    OUT/manifest.csv   for `PhotoSet.from_manifest`: file, split, label
    OUT/source.json    where all this comes from; written last, so that it means "finished"

Whatever stops it, the same command goes on: each file is complete once it has its name.
"""

import csv
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from data_recipes.download import obtain
from data_recipes.extract import is_archive, members
from data_recipes.recipe import Chooser, Made, Place, Recipe, Sources
from zoo._version import __version__
from zoo.errors import ZooError
from zoo.files import atomic_path, read_json, require_writable, write_json
from zoo.photos.decoding import write_photo
from zoo.photos.division import TEST_SHARE, VALIDATION_SHARE
from zoo.photos.photoset import Entry, PhotoSet, Skipped, find_photos, scan

_STARTED = ".preparing.json"


@dataclass(frozen=True)
class Outcome:
    """What was prepared.

    Attributes:
        photos: how many, by split.
        skipped: the files that are no readable photos.
        fresh: False if it had been prepared before, so that nothing was done.
    """

    photos: dict[str, int]
    skipped: tuple[Skipped, ...]
    fresh: bool


def prepare(
    recipe: Recipe, out: str | os.PathLike, given: Path | None = None, progress: bool = False
) -> Outcome:
    """Fetch a data set and make a folder of photos of it, or go on where that was stopped.

    Cost: the download, then about 5 ms a photo and core.

    Args:
        recipe: the data set.
        out: the folder to make; nothing is written anywhere else.
        given: what the user has already: a folder of photos if the recipe asks for one, else one
            with some of the downloads. Its photos are linked where the disk allows it, not copied.
        progress: whether to show bars.

    Raises:
        ZooError: if something cannot be fetched, verified, read or written; then the same call
            goes on after the mistake is mended.
    """
    out = Path(out)
    _check_given(recipe, given, out)
    require_writable(out)
    if (before := _finished(recipe, out)) is not None:
        return before
    _claim(recipe, out)
    sources, archives, records = _obtain_all(recipe, out / "downloads", given, progress)
    store = _Store(out / "photos")
    places = _photos(recipe, sources, archives, store, progress)
    if not places:
        where = given or out / "downloads"
        what = recipe.given or f"what {recipe.page} publishes"
        raise ZooError(
            f"None of the photos of {recipe.name} was found; check that {where} holds {what}."
        )
    outcome = _write_manifest(out, places, progress)
    write_json(out / "source.json", _source(recipe, given, records, outcome))
    (out / _STARTED).unlink(missing_ok=True)
    return outcome


# ---------------------------------------------------------------------- before


def _check_given(recipe: Recipe, given: Path | None, out: Path) -> None:
    if given is None:
        if recipe.given:
            source = f"; get it from {recipe.page}" if recipe.page else ""
            raise ZooError(f"{recipe.name} needs --from FOLDER with {recipe.given}{source}.")
        return
    if not (recipe.given or recipe.downloads):
        raise ZooError(f"{recipe.name} takes no --from; leave it out.")
    if not given.is_dir():
        raise ZooError(f"There is no folder {given}; name one with --from.")
    inner, outer = os.path.realpath(out), os.path.realpath(given)
    if recipe.given and os.path.commonpath([inner, outer]) in (inner, outer):
        raise ZooError(f"{out} and {given} lie in one another; give another folder with --out.")


def _finished(recipe: Recipe, out: Path) -> Outcome | None:
    if not (out / "source.json").exists():
        return None
    source = read_json(out / "source.json")
    _require_same(recipe, out, source)
    skipped = (Skipped(file["file"], file["reason"]) for file in source["skipped"])
    return Outcome(source["photos"], tuple(skipped), fresh=False)


def _claim(recipe: Recipe, out: Path) -> None:
    """Mark the folder as this recipe's, so that no two sets get mixed up."""
    marker = out / _STARTED
    if marker.exists():
        _require_same(recipe, out, read_json(marker))
    elif (out / "photos").exists() or (out / "manifest.csv").exists():
        raise ZooError(f"{out} holds photos of something else; give an empty folder with --out.")
    write_json(marker, {"recipe": recipe.name})


def _require_same(recipe: Recipe, out: Path, source: Any) -> None:
    name = source.get("recipe") if isinstance(source, dict) else None
    if name != recipe.name:
        raise ZooError(
            f"{out} holds {name or 'something else'}, not {recipe.name}; give another folder with "
            "--out."
        )


def _obtain_all(
    recipe: Recipe, folder: Path, given: Path | None, progress: bool
) -> tuple[Sources, list[Path], list[dict[str, Any]]]:
    files: dict[str, Path] = {}
    archives, records = [], []
    for download in recipe.downloads:
        folder.mkdir(exist_ok=True)
        path, record = obtain(download, folder, given, recipe.page, progress)
        records.append(record)
        if download.holds_photos:
            archives.append(path)
        else:
            files[download.file] = path
    return Sources(files, given), archives, records


# ---------------------------------------------------------------------- photos


def _photos(
    recipe: Recipe, sources: Sources, archives: list[Path], store: "_Store", progress: bool
) -> dict[str, Place]:
    """Write every photo that is not there yet; the places of all of them, by path."""
    steps: Iterator[tuple[Place, float | None]]
    if recipe.make is not None:
        steps = _make(recipe.make(sources), store)
    elif recipe.given:
        steps = _link_files(sources.folder, recipe.choose(sources), store)
    else:
        steps = _take(archives, recipe.choose(sources), store)
    places: dict[str, Place] = {}
    with _bar(f"Preparing {recipe.name}", progress) as show:
        for place, share in steps:
            places[place.path] = place
            show(len(places), share)
        show(len(places), 1.0)
    return places


def _make(photos: Iterable[Made], store: "_Store") -> Iterator[tuple[Place, float | None]]:
    for made in photos:
        target = store.target(made.place)
        if not target.exists():
            write_photo(target, made.rgb())
        yield made.place, None


def _link_files(
    folder: Path, choose: Chooser, store: "_Store"
) -> Iterator[tuple[Place, float | None]]:
    found = find_photos(folder)
    for number, entry in enumerate(found):
        place = choose(entry.name)
        if place is not None:
            # What cannot be read is named when all are looked into, as "no such file".
            if entry.path.is_file() and os.access(entry.path, os.R_OK):
                store.link(place, entry.path)
            yield place, number / len(found)


def _take(
    archives: Sequence[Path], choose: Chooser, store: "_Store"
) -> Iterator[tuple[Place, float | None]]:
    for number, archive in enumerate(archives):
        if not is_archive(archive.name):
            if (place := choose(archive.name)) is not None:
                store.link(place, archive)
                yield place, number / len(archives)
            continue
        for member in members(archive):
            place = choose(member.name)
            if place is not None:
                if not store.has(place, member.size):
                    store.write(place, member.read())
                yield place, (number + member.share) / len(archives)


class _Store:
    """The folder `photos`, which nothing leaves."""

    def __init__(self, root: Path) -> None:
        self._root, self._checked = root, set[Path]()

    def target(self, place: Place) -> Path:
        """The path of a photo, its folder made.

        Raises:
            ZooError: if it is outside of the folder, also by a link that somebody put there.
        """
        path = PurePosixPath(place.path)
        target = self._root / path
        if path.is_absolute() or ".." in path.parts or "\0" in place.path:
            raise ZooError(f"The photo {place.path!r} would leave {self._root}; it is refused.")
        if target.parent not in self._checked:
            if not Path(os.path.realpath(target.parent)).is_relative_to(
                os.path.realpath(self._root)
            ):
                raise ZooError(f"{target.parent} is a link out of {self._root}; remove it.")
            with _disk(target):
                target.parent.mkdir(parents=True, exist_ok=True)
            self._checked.add(target.parent)
        return target

    def has(self, place: Place, size: int) -> bool:
        """Whether the photo is there; by its size, too, as a crash may have emptied it."""
        target = self.target(place)
        return target.is_file() and target.stat().st_size == size

    def write(self, place: Place, content: bytes) -> None:
        target = self.target(place)
        with _disk(target):
            partial = _partial(target)
            partial.write_bytes(content)
            partial.replace(target)

    def link(self, place: Place, source: Path) -> None:
        """Make the photo a hard link to a file or, on another disk, a copy of it."""
        if self.has(place, source.stat().st_size):
            return
        target = self.target(place)
        with _disk(target):
            partial = _partial(target)
            try:
                os.link(os.path.realpath(source), partial)
            except OSError:
                shutil.copyfile(source, partial)
            partial.replace(target)


def _partial(target: Path) -> Path:
    """The hidden name for writing; the same each time, so that none is left behind for long."""
    partial = target.with_name(f".{target.name}.partial")
    partial.unlink(missing_ok=True)
    return partial


@contextmanager
def _disk(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ZooError(
            f"Cannot write {target}: {error.strerror or error}; make room, or choose a folder "
            "that you may write to, and repeat the command to go on."
        ) from error


@contextmanager
def _bar(title: str, progress: bool) -> Iterator[Callable[[int, float | None], None]]:
    """Yield what shows the number of photos and, if it is known, the share of the work."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[photos]:,} photos"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), disable=not progress) as bar:
        task = bar.add_task(title, total=None, photos=0)

        def show(photos: int, share: float | None) -> None:
            total = None if share is None else 1.0
            bar.update(task, total=total, completed=share or 0.0, photos=photos)

        yield show


# ---------------------------------------------------------------------- manifest


def _write_manifest(out: Path, places: dict[str, Place], progress: bool) -> Outcome:
    entries = [
        Entry(out / "photos" / path, f"photos/{path}", place.label)
        for path, place in sorted(places.items())
    ]
    found = scan(entries, progress)
    if not len(found):
        raise ZooError(
            f"None of the {len(entries):,} files is a readable photo, the first one being "
            f"{found.skipped[0].name} ({found.skipped[0].reason}); delete {out}, and start anew."
        )
    own = {f"photos/{path}": place.split for path, place in places.items()}
    splits = _by_content(found, own) | {name: split for name, split in own.items() if split}
    rows = [(photo.name, splits[photo.name], photo.label or "") for photo in found]
    with (
        atomic_path(out / "manifest.csv") as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.writer(file)
        writer.writerow(("file", "split", "label"))
        writer.writerows(rows)
    return Outcome(dict(Counter(split for _, split, _ in rows)), found.skipped, fresh=True)


def _by_content(photos: PhotoSet, own: dict[str, str | None]) -> dict[str, str]:
    """The split of each photo that has none of its own."""
    free = PhotoSet(tuple(photo for photo in photos if own[photo.name] is None))
    parts = free.split(val=VALIDATION_SHARE, test=TEST_SHARE)
    return {photo.name: split for split, part in parts.items() for photo in part}


def _source(
    recipe: Recipe, given: Path | None, records: Iterable[dict[str, Any]], outcome: Outcome
) -> dict[str, Any]:
    hidden = ("path", "mtime_ns")
    return {
        "recipe": recipe.name,
        "title": recipe.title,
        "page": recipe.page,
        "license": recipe.license,
        "citation": recipe.citation,
        "downloads": [
            {name: value for name, value in record.items() if name not in hidden}
            for record in records
        ],
        "from": None if given is None else str(given),
        "photos": outcome.photos,
        "skipped": [{"file": file.name, "reason": file.reason} for file in outcome.skipped],
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "zoo_version": __version__,
    }

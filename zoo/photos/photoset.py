"""PhotoSet: the photos of one split, as an immutable sequence that knows what it contains."""

import csv
import hashlib
import operator
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import overload

import numpy as np
from PIL import Image

from zoo.errors import ZooError, valid_choice
from zoo.files import sha256_of_file
from zoo.photos.decoding import (
    PHOTO_SUFFIXES,
    PhotoError,
    read_file,
    read_preview,
    read_rgb,
    shrink,
)
from zoo.photos.threads import map_in_threads

_PREVIEW_SIDE = 64
_GRAY_SPREAD = 10
_GRAY_SHARE = 0.01
#: In levels of 255. Of 1,700 color photos of five collections 0.7 % are below, mostly fog, ice and
#: sea; of photos that were toned in six ways and saved as JPEG 68 %, of historic scans 72 %.
_TONED_SPREAD = 2.5
_EQUALLY_LIGHT = 16
_SKIPPED_SHOWN = 3


@dataclass(frozen=True)
class Photo:
    """One readable photo file.

    Attributes:
        path: the file.
        name: its path relative to the root of its set, with forward slashes.
        sha256: of the file's bytes, 64 hexadecimal digits.
        label: its class, or None.
        is_gray: whether fewer than 1 % of its pixels have a spread between their largest and
            smallest RGB value above 10 of 255, on a version of 64 px on the short side.
        is_toned: whether it is a gray photo with a tone, as sepia: not gray, but pixels of about
            the same luma have the same chroma.
        group: what it shares with photos that `PhotoSet.split` keeps together with it, as frames of
            one shot; None if it stands alone.
    """

    path: Path
    name: str
    sha256: str
    label: str | None
    is_gray: bool
    is_toned: bool = False
    group: str | None = None

    def read(self, short_side: int | None = None) -> np.ndarray:
        """Decode the photo, shrunk to `short_side` pixels if it is larger: as `read_rgb`.

        Raises:
            ZooError: if the file cannot be read any more.
        """
        rgb = read_rgb(self.path)
        return rgb if short_side is None else shrink(rgb, short_side)

    def read_for_cache(self) -> np.ndarray:
        """As `read`, for what will be kept under the photo's sha256.

        Raises:
            ZooError: if the file cannot be read any more, or has changed.
        """
        rgb = self.read()
        if sha256_of_file(self.path) != self.sha256:
            raise PhotoError(
                str(self.path), "it changed after its set was made", "make the PhotoSet again"
            )
        return rgb


@dataclass(frozen=True)
class Skipped:
    """A file that was left out of a set, and why, in a few words."""

    name: str
    reason: str


@dataclass(frozen=True)
class Entry:
    """A file for a set, not yet read; fields as in `Photo`."""

    path: Path
    name: str
    label: str | None = None
    group: str | None = None


@dataclass(frozen=True, repr=False)
class PhotoSet(Sequence[Photo]):
    """An immutable sequence of photos: an index gives a Photo, a slice gives a PhotoSet.

    Attributes:
        photos: the photos, in order.
        skipped: the files that could not be read; empty in a slice or a part of a set.
    """

    photos: tuple[Photo, ...]
    skipped: tuple[Skipped, ...] = ()

    @classmethod
    def from_folder(cls, path: str | os.PathLike, progress: bool = False) -> "PhotoSet":
        """Find the photos in a folder and its sub-folders, sorted by relative path.

        Every photo is decoded once, small, so that files that cannot be read are found now: they
        end up in `skipped`. Files of other kinds and hidden ones are ignored. A photo in a
        sub-folder has that folder's name as its label.

        Cost: about 1 ms on one core for a photo of 128 px, 20 ms for a JPEG of 12 megapixels.

        Raises:
            ZooError: if there is no such folder, it or a sub-folder may not be listed, or there is
                no readable photo in it.
        """
        root = Path(path)
        if not root.is_dir():
            trouble = "is a file" if root.exists() else "does not exist"
            raise ZooError(f"The photo folder {root} {trouble}; give a folder with photos in it.")
        return _nonempty(scan(find_photos(root), progress), root)

    @classmethod
    def from_manifest(
        cls, manifest: str | os.PathLike, split: str | None = None, progress: bool = False
    ) -> "PhotoSet":
        """Read the photos that a CSV file lists, in its order.

        Args:
            manifest: a CSV file with the column `file` (or `path`), relative to the manifest's
                folder, and optionally `split` and `class` (or `label`).
            split: take only the rows of this split; None takes them all.
            progress: whether to show a progress bar.

        Raises:
            ZooError: if the manifest cannot be read or lacks a column, a path leaves its folder,
                there is no such split, or no photo is readable.
        """
        manifest = Path(manifest)
        rows = _rows_of(manifest)
        if split is not None:
            if "split" not in rows[0]:
                raise ZooError(f"{manifest} has no column 'split'; add one, or ask for no split.")
            valid_choice("split", split, sorted({row["split"] for row in rows}))
            rows = [row for row in rows if row["split"] == split]
        entries = [_entry_of(row, manifest) for row in rows]
        return _nonempty(scan(entries, progress), manifest)

    @classmethod
    def joined(cls, parts: "Sequence[PhotoSet]") -> "PhotoSet":
        """The photos of several sets as one, in order.

        Of files with the same content only the first is kept. A photo whose name is taken gets the
        number of its part in front: "2/sea/1.jpg".
        """
        photos: dict[str, Photo] = {}
        names: set[str] = set()
        for number, part in enumerate(parts, start=1):
            for photo in part:
                if photo.sha256 not in photos:
                    name = photo.name if photo.name not in names else f"{number}/{photo.name}"
                    names.add(name)
                    photos[photo.sha256] = replace(photo, name=name)
        return cls(tuple(photos.values()), tuple(file for part in parts for file in part.skipped))

    @overload
    def __getitem__(self, index: int) -> Photo: ...

    @overload
    def __getitem__(self, index: slice) -> "PhotoSet": ...

    def __getitem__(self, index: int | slice) -> "Photo | PhotoSet":
        if isinstance(index, slice):
            return PhotoSet(self.photos[index])
        return self.photos[operator.index(index)]

    def __repr__(self) -> str:
        return f"PhotoSet({self.summary()})"

    def __len__(self) -> int:
        return len(self.photos)

    def __iter__(self) -> Iterator[Photo]:
        return iter(self.photos)

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The distinct labels, sorted."""
        return tuple(sorted({photo.label for photo in self.photos if photo.label is not None}))

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over the photos' contents in order, whatever the files and folders are called."""
        contents = b"".join(bytes.fromhex(photo.sha256) for photo in self.photos)
        return hashlib.sha256(contents).hexdigest()

    def summary(self) -> str:
        """What the set contains, in one sentence for users."""
        parts = [_count(len(self), "photo")]
        if self.labels:
            parts[0] += f" in {_count(len(self.labels), 'class', 'classes')}"
        if self.skipped:
            shown = [f"{file.name} ({file.reason})" for file in self.skipped[:_SKIPPED_SHOWN]]
            if len(self.skipped) > _SKIPPED_SHOWN:
                shown.append(f"and {len(self.skipped) - _SKIPPED_SHOWN:,} more")
            parts.append(f"{_count(len(self.skipped), 'file')} skipped: {', '.join(shown)}")
        for kind in ("gray", "toned"):
            count = sum(getattr(photo, f"is_{kind}") for photo in self.photos)
            if count:
                parts.append(_count(count, f"{kind} photo"))
        return "; ".join(parts)

    def split(self, **shares: float) -> "dict[str, PhotoSet]":
        """Divide the set by the photos' contents: `photos.split(val=0.05, test=0.1)`.

        A photo's part follows from its SHA-256 alone, or from its group's: it stays there when
        files are renamed, reordered or added, and copies of one file stay together, as groups do.
        The sizes are therefore only about the shares, and a part of a small set, or of one with few
        groups, may be empty. "train" holds the rest.

        Raises:
            ZooError: if a share is not between 0 and 1, nothing is left for "train", or "train" is
                given a share.
        """
        if "train" in shares:
            raise ZooError("'train' takes what is left; give the shares of the other parts alone.")
        for name, share in shares.items():
            if not 0 < share < 1:
                raise ZooError(f"The share of {name!r} must be between 0 and 1, but it is {share}.")
        if sum(shares.values()) >= 1:
            raise ZooError(
                f"The shares add up to {sum(shares.values()):g}; "
                "make them less than 1, so that something is left for 'train'."
            )
        parts: dict[str, list[Photo]] = {"train": [], **{name: [] for name in shares}}
        for photo in self.photos:
            parts[_part_of(photo, shares)].append(photo)
        return {name: PhotoSet(tuple(photos)) for name, photos in parts.items()}

    def spread(self, count: int) -> "PhotoSet":
        """At most `count` photos, at equal distances: the first ones would be of one folder."""
        total = len(self.photos)
        if total <= count:
            return self
        return PhotoSet(tuple(self.photos[number * total // count] for number in range(count)))

    def color_only(self) -> "PhotoSet":
        """The set without its gray and its toned photos.

        Raises:
            ZooError: if no photo is left.
        """
        colored = tuple(photo for photo in self.photos if not (photo.is_gray or photo.is_toned))
        if not colored:
            raise ZooError(f"None of the {_count(len(self), 'photo')} has color; add some that do.")
        return PhotoSet(colored)


def scan(entries: Sequence[Entry], progress: bool = False) -> PhotoSet:
    """Hash every file, decode it small, find out whether it is gray or toned.

    Returns:
        The readable photos in the order of `entries`; the others are in `skipped`.
    """
    found = list(map_in_threads(_inspect, entries, "Scanning photos", progress))
    return PhotoSet(
        tuple(photo for photo in found if isinstance(photo, Photo)),
        tuple(file for file in found if isinstance(file, Skipped)),
    )


def _inspect(entry: Entry) -> Photo | Skipped:
    try:
        data = read_file(entry.path)
        preview = read_preview(data, entry.name, _PREVIEW_SIDE)
    except PhotoError as error:
        return Skipped(entry.name, error.reason)
    sha256 = hashlib.sha256(data).hexdigest()
    is_gray, is_toned = gray_or_toned(preview)
    return Photo(entry.path, entry.name, sha256, entry.label, is_gray, is_toned, entry.group)


def gray_or_toned(rgb: np.ndarray) -> tuple[bool, bool]:
    """Whether a photo, uint8 (H, W, 3), is gray, and whether it is toned, as `Photo` says it."""
    preview = shrink(rgb, _PREVIEW_SIDE)
    spread = preview.max(axis=2) - preview.min(axis=2)
    is_gray = bool((spread > _GRAY_SPREAD).mean() < _GRAY_SHARE)
    return is_gray, not is_gray and _chroma_follows_luma(preview)


def _chroma_follows_luma(rgb: np.ndarray) -> bool:
    """Whether the lightness of a photo, uint8 (h, w, 3), tells its colors.

    Its pixels are divided by their luma into parts, about equal: a tone spreads the chroma along a
    curve from dark to light, but not across.
    """
    luma, *chroma = np.asarray(Image.fromarray(rgb).convert("YCbCr")).reshape(-1, 3).T.astype(float)
    if len(luma) < _EQUALLY_LIGHT**2:
        return False  # too few pixels to tell
    ends = np.quantile(luma, np.arange(1, _EQUALLY_LIGHT) / _EQUALLY_LIGHT)
    part = np.searchsorted(ends, luma)
    count = np.maximum(np.bincount(part, minlength=_EQUALLY_LIGHT), 1)
    along = sum((np.bincount(part, plane, len(count)) ** 2 / count).sum() for plane in chroma)
    across = (np.square(chroma).sum() - along) / len(luma)
    return bool(across < _TONED_SPREAD**2)


def _nonempty(photos: PhotoSet, source: Path) -> PhotoSet:
    if len(photos):
        return photos
    reason = ""
    if photos.skipped:
        first, files = photos.skipped[0], _count(len(photos.skipped), "file")
        reason = f" ({files} skipped, the first one {first.name}: {first.reason})"
    raise ZooError(
        f"There is no readable photo in {source}{reason}; "
        f"add photos that end in {', '.join(PHOTO_SUFFIXES)}."
    )


def find_photos(root: Path, suffixes: Sequence[str] = PHOTO_SUFFIXES) -> list[Entry]:
    """The photo files below `root` by relative path; no folder is visited twice.

    With other `suffixes` those of other kinds.
    """
    entries = []
    visited: set[tuple[int, int]] = set()
    _first_visit(root, visited)
    for folder, subfolders, files in os.walk(root, onerror=_refuse, followlinks=True):
        # Changing the list in place is how os.walk is told where to go on.
        subfolders[:] = sorted(
            name
            for name in subfolders
            if not name.startswith(".") and _first_visit(Path(folder, name), visited)
        )
        for name in files:
            path = Path(folder, name)
            if not name.startswith(".") and path.suffix.lower() in suffixes:
                label = None if path.parent == root else path.parent.name
                entries.append(Entry(path, path.relative_to(root).as_posix(), label))
    return sorted(entries, key=lambda entry: entry.name)


def _refuse(error: OSError) -> None:
    raise ZooError(
        f"Cannot look into the folder {error.filename}: {error.strerror}; "
        "allow reading it, or move it away."
    ) from error


def _first_visit(folder: Path, visited: set[tuple[int, int]]) -> bool:
    status, before = folder.stat(), len(visited)
    visited.add((status.st_dev, status.st_ino))
    return len(visited) > before


def _rows_of(manifest: Path) -> list[dict[str, str]]:
    try:
        with manifest.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file, restval=""))
    except OSError as error:
        raise ZooError(
            f"Cannot read the manifest {manifest}: {error.strerror or error}; check the path."
        ) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise ZooError(
            f"{manifest} is not a CSV file in UTF-8 ({error}); save it as one."
        ) from error
    if not rows:
        raise ZooError(f"The manifest {manifest} lists no photos; add a row for each.")
    if _column(rows[0], "file", "path") is None:
        columns = ", ".join(str(name) for name in rows[0])
        raise ZooError(f"{manifest} has no column 'file' or 'path', only {columns}; add one.")
    return rows


def _column(row: dict[str, str], *names: str) -> str | None:
    """The value of the first of these columns that the manifest has."""
    return next((row[name] for name in names if name in row), None)


def _entry_of(row: dict[str, str], manifest: Path) -> Entry:
    given = _column(row, "file", "path")
    if not given or "\0" in given:
        raise ZooError(f"{manifest} has a row without a file name; fill it in, or remove the row.")
    name = PurePosixPath(given)
    path = manifest.parent / name
    # realpath, because Path.resolve raises on a symbolic link that leads to itself.
    inside = Path(os.path.realpath(path)).is_relative_to(os.path.realpath(manifest.parent))
    if name.is_absolute() or ".." in name.parts or not inside:
        raise ZooError(
            f"{manifest} lists {given!r}, which leads out of its folder; "
            "list only files that are in it, by their relative path."
        )
    return Entry(path, name.as_posix(), _column(row, "class", "label") or None)


def _part_of(photo: Photo, shares: dict[str, float]) -> str:
    """The part whose stretch of [0, 1) the first 64 bits of the hash fall into."""
    group = photo.group
    digest = photo.sha256 if group is None else hashlib.sha256(group.encode()).hexdigest()
    position = int(digest[:16], 16)
    end = 0.0
    for name, share in shares.items():
        end += share
        if position < end * 2**64:
            return name
    return "train"


def _count(number: int, thing: str, things: str = "") -> str:
    return f"{number:,} {thing if number == 1 else things or thing + 's'}"

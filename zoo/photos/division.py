"""Dividing photos: to learn from, to choose the best weights by, and to be scored."""

import csv
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from zoo.errors import ZooError
from zoo.photos.film import is_film
from zoo.photos.film_frames import read_frames
from zoo.photos.photoset import Photo, PhotoSet

VALIDATION_SHARE, TEST_SHARE = 0.05, 0.1


@dataclass(frozen=True)
class Division:
    """Photos to learn from, to choose by and to score; None if there are none."""

    train: PhotoSet
    validation: PhotoSet | None
    test: PhotoSet | None = None


def divide(
    paths: Sequence[Path],
    validation: Sequence[Path] | None = None,
    *,
    test_share: float = 0.0,
    tell: Callable[[str], None],
) -> Division:
    """Read photos and divide them.

    The rows "val" and "test" of manifests come first; without any, a share of the photos is set
    aside. Gray and toned photos are left out: they teach nothing, or brown, and as test photos they
    would reward the model that colors nothing.

    Args:
        paths: folders, films, and manifests whose rows "train" are learned from.
        validation: folders, films and manifests of photos to choose by; `VALIDATION_SHARE` if None.
        test_share: of the photos that is set aside to be scored.
        tell: is told what was read.

    Returns:
        The parts. A handful of photos has no validation part, and a film of a few shots often has
        none: one or two say nothing about which weights are best.

    Raises:
        ZooError: if photos cannot be read, or none has color.
    """
    photos = read_photos(paths, "train")
    tell(f"Photos: {photos.summary()}; gray and toned ones are left out.")
    photos = photos.color_only()
    given = {"val": validation or [path for path in paths if "val" in _splits_in(path)]}
    shares = {} if given["val"] else {"val": VALIDATION_SHARE}
    if test_share:
        given["test"] = [path for path in paths if "test" in _splits_in(path)]
        shares |= {} if given["test"] else {"test": test_share}
    parts = photos.split(**shares)
    if not (len(parts["train"]) and len(parts.get("val", photos))):
        shares.pop("val", None)
        parts = photos.split(**shares)
    parts |= {name: read_photos(of, name) for name, of in given.items() if of}
    return Division(parts["train"], parts.get("val"), parts.get("test"))


def read_photos(paths: Sequence[Path], split: str) -> PhotoSet:
    """The photos of folders, manifests and films: those of one split if a manifest has splits."""
    parts = []
    for path in paths:
        if is_film(path) and not path.is_dir():
            parts.append(read_frames(path, progress=True))
        elif path.suffix.lower() != ".csv":
            parts.append(PhotoSet.from_folder(path, progress=True))
        else:
            wanted = split if _splits_in(path) else None
            parts.append(PhotoSet.from_manifest(path, wanted, progress=True))
    return parts[0] if len(parts) == 1 else PhotoSet.joined(parts)


def refuse_overlap(seen: Iterable[Photo], unseen: Iterable[Photo], advice: str) -> None:
    """Refuse photos that would both teach and judge: their scores would mean nothing.

    Raises:
        ZooError: counting them and naming the first; `advice` says what to do.
    """
    known = {photo.sha256 for photo in seen}
    both = [photo.name for photo in unseen if photo.sha256 in known]
    if both:
        raise ZooError(
            f"{len(both):,} of the photos to learn from are also among those to choose or to score "
            f"by (the first: {both[0]}); {advice}."
        )


def _splits_in(path: Path) -> set[str]:
    """The values of a manifest's column `split`; none for a folder or without that column."""
    if path.suffix.lower() != ".csv" or not path.is_file():
        return set()
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            return {row["split"] for row in csv.DictReader(file) if "split" in row}
    except csv.Error:
        return set()  # reading the photos tells what is wrong with the file

"""Divide a benchmark's photos: which train, which validate, which are scored and shown."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from zoo.errors import ZooError, valid_choice
from zoo.photos.division import TEST_SHARE, Division, divide, read_photos, refuse_overlap
from zoo.photos.photoset import Photo, PhotoSet
from zoo.photos.samples import sample_photos

_SHOWN = 8


@dataclass(frozen=True)
class Shown:
    """A photo that reports show, and its role: "test" or "trained on"."""

    photo: Photo
    role: str


def benchmark_photos(
    photos: Sequence[Path] | None,
    tests: Sequence[Path] | None,
    trains: bool,
    tell: Callable[[str], None],
) -> tuple[Division, list[Shown]]:
    """Read and divide the photos; without folders take those that other packages bring.

    Args:
        photos: folders or manifests to learn from.
        tests: those to score; a tenth of `photos` where None.
        trains: whether anything is trained; else the sample photos are all test photos.
        tell: is told what was read.

    Returns:
        The division and the photos that reports show: all samples, or the first test photos.
    """
    if photos is not None:
        division = divide(photos, test_share=0.0 if tests else TEST_SHARE, tell=tell)
    elif trains:
        # One validation photo says nothing about which weights are best: the last ones are kept.
        division = Division(sample_photos("train"), None, sample_photos("test"))
    else:
        division = Division(PhotoSet(()), None, sample_photos("all"))
    if tests is not None:
        test = read_photos(tests, "test")
        tell(f"Test photos: {test.summary()}.")
        division = replace(division, test=test)
    if not division.test or (trains and not division.train):
        raise ZooError(
            f"{', '.join(map(str, photos or ()))} has too few photos to set some aside for the "
            "test; add photos, or give a folder of test photos with --test-photos."
        )
    advice = "remove them from one of the folders, or leave --test-photos away to have a part of "
    seen = [*division.train, *(division.validation or ())]
    refuse_overlap(seen, division.test, f"{advice}--photos set aside")
    samples = photos is None and tests is None
    shown = [Shown(photo, "test") for photo in division.test][: None if samples else _SHOWN]
    return division, shown + [Shown(photo, "trained on") for photo in division.train if samples]


def labels_apart(test: PhotoSet, wanted: Sequence[str] | None) -> tuple[str, ...]:
    """Check the labels whose photos are to stand apart: each must be there, and some must be left.

    Raises:
        ZooError: if the test photos lack one, or all of them have one.
    """
    labels = tuple(sorted({valid_choice("label", one, test.labels) for one in wanted or ()}))
    if all(photo.label in labels for photo in test):
        raise ZooError(
            f"With {', '.join(labels)} apart no test photo is left; leave a label out of --apart."
        )
    return labels

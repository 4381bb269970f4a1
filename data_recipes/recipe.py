"""What a recipe is: where a data set comes from, and how its files become photos.

Nothing here imports a library at the top, so that listing the recipes is instant.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.errors import ZooError

if TYPE_CHECKING:
    import numpy as np

_NO_CHECKSUM = "none is published; the hash of the first download is recorded"


@dataclass(frozen=True)
class Download:
    """One file of a data set.

    Attributes:
        url: where it is, or None where it can only be fetched by hand.
        file: its name in the folder `downloads`.
        checksum: "md5:..." or "sha256:..." as published, or None.
        checksum_source: who publishes the checksum.
        holds_photos: False for lists and labels, which only say what the photos are.
    """

    url: str | None
    file: str
    checksum: str | None = None
    checksum_source: str = _NO_CHECKSUM
    holds_photos: bool = True


@dataclass(frozen=True)
class Place:
    """Where a photo goes.

    Attributes:
        path: relative to the folder `photos`, with forward slashes.
        split: the data set's own split, or None to split by content.
        label: its class, or None.
    """

    path: str
    split: str | None = None
    label: str | None = None

    @classmethod
    def of(cls, name: str, split: str | None = None, label: str | None = None) -> "Place":
        """The place <split>/<label>/<name>; a part that is None is left out.

        Examples:
            >>> Place.of("1.jpg", split="train", label="cat").path
            'train/cat/1.jpg'
        """
        folders = [part for part in (split, label) if part] or ["all"]
        return cls("/".join([*folders, name]), split, label)


@dataclass(frozen=True)
class Made:
    """A photo that is computed from arrays; `rgb` gives uint8 sRGB of shape (H, W, 3)."""

    place: Place
    rgb: "Callable[[], np.ndarray]"


@dataclass(frozen=True)
class Sources:
    """What a recipe reads from.

    Attributes:
        files: the downloads that hold no photos, by name.
        given: the folder that the user named, or None.
    """

    files: dict[str, Path]
    given: Path | None = None

    @property
    def folder(self) -> Path:
        """The folder that the user named, for a recipe that needs one.

        Raises:
            ZooError: if none was named.
        """
        if self.given is None:
            raise ZooError("Name the folder that you have with --from.")
        return self.given


# Says of a file's name, relative to its archive or folder, where the photo goes; None: not one.
Chooser = Callable[[str], Place | None]


def choose_nothing(sources: Sources) -> Chooser:
    """For recipes that compute their photos."""
    return lambda name: None


@dataclass(frozen=True)
class Recipe:
    """How a data set is fetched and prepared.

    Attributes:
        name: what users call it.
        title: what it is, in a few words.
        page: the official page, "" for a folder of one's own.
        license: in plain words.
        size: how many photos, and how much there is to download.
        citation: the paper to cite.
        downloads: its files.
        by_hand: what the user has to do, "" for nothing.
        given: what the folder of --from holds if the photos are in it, "" if they are downloaded.
        choose: which files become photos, and where they go; gets the sources first.
        make: computes the photos instead, for sets that come as arrays.
        uses_keras: whether `make` imports Keras.
    """

    name: str
    title: str
    page: str
    license: str
    size: str
    citation: str
    downloads: tuple[Download, ...] = ()
    by_hand: str = ""
    given: str = ""
    choose: Callable[[Sources], Chooser] = choose_nothing
    make: Callable[[Sources], Iterator[Made]] | None = None
    uses_keras: bool = False


def by_pattern(
    pattern: str, split: str | None = None, splits: dict[str, str] | None = None
) -> Callable[[Sources], Chooser]:
    """Choose files by their whole name.

    Args:
        pattern: a regular expression, upper and lower case being the same, with the group `name`
            and, if the set has them, `split` and `label`.
        split: the split of all photos.
        splits: what the set calls a split -> what it is called here.

    Examples:
        >>> choose = by_pattern(r"photos/(?P<label>[^/]+)/(?P<name>[^/]+[.]jpg)")(Sources({}))
        >>> choose("photos/cat/1.jpg").path
        'cat/1.jpg'
        >>> print(choose("README.txt"))
        None
    """
    expression = re.compile(pattern, re.IGNORECASE)

    def place(name: str) -> Place | None:
        found = expression.fullmatch(name)
        if found is None:
            return None
        groups = found.groupdict()
        own = groups.get("split") or split
        return Place.of(groups["name"], (splits or {}).get(own or "", own), groups.get("label"))

    return lambda sources: place

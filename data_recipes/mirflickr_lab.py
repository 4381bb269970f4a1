"""MIRFLICKR-25k as Lab arrays: the .npy files of 224 px that many colorization notebooks use.

gray_scale.npy holds L, and ab1.npy, ab2.npy, ... hold ab, one after the other, in OpenCV's 8 bits:
L is stretched from 100 to 255, and 128 is added to a and b. So every photo has lost a little: they
are right for repeating what others did with them, and `mirflickr` is better for all else.
"""

import warnings
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from data_recipes.recipe import Made, Place, Recipe, Sources
from zoo.errors import ZooError

if TYPE_CHECKING:
    import numpy as np


def _make(sources: Sources) -> Iterator[Made]:
    lightness = _load(_find(sources.folder, "gray_scale.npy"), channels=())
    number = 0
    for file in _chroma_files(sources.folder):
        chroma = _load(file, channels=(2,))
        if chroma.shape[1:3] != lightness.shape[1:3]:
            raise ZooError(f"{file} has photos of another size than gray_scale.npy; check both.")
        for ab in chroma[: len(lightness) - number]:
            place = Place.of(f"{number + 1:05d}.png")
            yield Made(place, partial(_rgb, lightness[number], ab))
            number += 1


def _chroma_files(folder: Path) -> list[Path]:
    """Each ab file without a gap: after one, photos would get another's colors."""
    files = [_find(folder, "ab1.npy")]
    count = len({path.name for path in folder.rglob("ab*.npy") if path.stem[2:].isdecimal()})
    return files + [_find(folder, f"ab{number}.npy") for number in range(2, count + 1)]


def _find(folder: Path, name: str) -> Path:
    found = sorted(folder.rglob(name))
    if not found:
        raise ZooError(f"There is no {name} in {folder}; put it there, or name another folder.")
    return found[0]


def _load(file: Path, channels: tuple[int, ...]) -> "np.ndarray":
    """The array, mapped from the disk: all of them together would fill the memory."""
    import numpy as np

    try:
        values = np.load(file, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise ZooError(f"{file} is no .npy array ({error}); get it again.") from error
    if values.dtype != np.uint8 or values.ndim < 3 or values.shape[3:] != channels:
        shape = ", ".join(map(str, ("N", "H", "W", *channels)))
        raise ZooError(
            f"{file} holds {values.dtype} of shape {values.shape}; it should be uint8 of ({shape})."
        )
    return values


def _rgb(lightness: "np.ndarray", ab: "np.ndarray") -> "np.ndarray":
    import numpy as np
    from skimage.color import lab2rgb

    lab = np.dstack([lightness * (100 / 255), ab.astype(np.float64) - 128])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # rounding has led a little out of sRGB
        return np.rint(lab2rgb(lab) * 255).astype(np.uint8)


RECIPE = Recipe(
    name="mirflickr-lab",
    title="MIRFLICKR-25k as Lab arrays of 224 px",
    page="https://www.kaggle.com/datasets/shravankumar9892/image-colorization",
    license="as of mirflickr: Creative Commons, each photo its own",
    size="25,000 photos, 4 GB",
    citation="Huiskes and Lew, The MIR Flickr Retrieval Evaluation, ACM MIR 2008",
    by_hand="download and unpack; name the folder with --from",
    given="gray_scale.npy and ab1.npy, ab2.npy, ...",
    make=_make,
)

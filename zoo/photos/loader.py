"""PhotoLoader: uint8 RGB batches for training, decoded once, cropped and flipped on the fly.

- Every photo is decoded once. What is kept is its central square, resized with antialiasing to a
  side of ceil(1.25 x size); small photos are enlarged. The squares of a set lie in one file, which
  is mapped into memory, so that a set may be larger than the memory.
- With augmentation, the loader is an endless shuffled stream. Sample number g is the photo at index
  g mod n of the permutation of data epoch g // n, n being the number of photos; the permutation
  follows from (seed, epoch). The sample is a random square of 0.8 to 1 times the kept side, resized
  to `size`, mirrored with probability 1/2; both follow from (seed, g), whatever the batch size.
- Without, it gives every whole square once, in the set's order, resized to `size`.

A batch is thus a pure function of its number: Keras asks for the first batches twice, and a
resumed training asks for those in the middle.
"""

import math
import operator
import os
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import keras
import numpy as np
from numpy.lib import format as npy_format
from PIL import Image

from zoo.errors import ZooError
from zoo.files import atomic_path, cache_folder
from zoo.photos.decoding import PhotoError
from zoo.photos.photoset import Photo, PhotoSet
from zoo.photos.threads import map_in_threads

_MARGIN = 1.25
_SMALLEST_CROP = 0.8
# Part of the cache file's name: raise it when what is kept of a photo changes.
_POLICY_VERSION = 1
# Keys that keep the two streams of random numbers of one seed apart.
_ORDER, _AUGMENTATION = 0, 1


@dataclass(frozen=True)
class Samples:
    """The photos of one batch, and which ones they are.

    Attributes:
        rgb: (n, size, size, 3) uint8.
        positions: (n,), their indices in the photo set.
        mirrored: (n,), whether each is mirrored.
        numbers: (n,), their numbers in the training's stream; their indices without augmentation.
        seed: of the stream.
    """

    rgb: np.ndarray
    positions: np.ndarray
    mirrored: np.ndarray
    numbers: np.ndarray
    seed: int


#: From the photos of a batch to what belongs to them beside their pixels: an array of n rows.
Rows = Callable[[Samples], np.ndarray]


class PhotoLoader(keras.utils.PyDataset):
    """Batches of photos as one-tuples `({"rgb": ...},)`, uint8 (n, size, size, 3).

    What `rows` gives stands beside "rgb" under its name.

    Warm, it delivers about 6,000 photos of 96 px per second on one core. The first loader of a set
    decodes all of it; the cache file takes 3 x (1.25 x size)^2 bytes per photo, 43 kB at 96 px, and
    may be deleted at any time between runs.

    Args:
        photos: the photos.
        size: side of the batches in pixels.
        batch_size: photos in a batch; without augmentation the last batch may be shorter.
        steps: batches in `len(loader)`, for the augmented stream, which has no end of its own.
        seed: of the order, the crops and the flips; at least 0.
        augment: endless shuffled crops and flips, or every photo once in order.
        rows: by name, what belongs to the photos of a batch.
        cache_dir: folder of the cache; by default `photos` in `zoo.files.cache_folder()`.
        progress: whether to show a progress bar while photos are decoded.

    Attributes:
        offset: number of the batch that `loader[0]` gives; set it to start anywhere in the stream.

    Raises:
        ZooError: if a number makes no sense, a photo cannot be decoded, or the cache cannot be
            written.
    """

    def __init__(
        self,
        photos: PhotoSet,
        size: int,
        batch_size: int,
        *,
        steps: int | None = None,
        seed: int = 0,
        augment: bool = True,
        rows: Mapping[str, Rows] | None = None,
        cache_dir: str | os.PathLike | None = None,
        progress: bool = False,
    ) -> None:
        super().__init__(workers=1)
        if not len(photos):
            raise ZooError("There are no photos to load; give a set with at least one.")
        if augment != (steps is not None):
            raise ZooError(
                "The augmented stream needs `steps`, and only that one has it; "
                f"received augment={augment}, steps={steps}."
            )
        self.photos = photos
        self.size = _at_least(1, "size", size)
        self.batch_size = _at_least(1, "batch_size", batch_size)
        self.steps = None if steps is None else _at_least(1, "steps", steps)
        self.seed = _at_least(0, "seed", seed)
        self.augment = augment
        self.rows = dict(rows or {})
        self.offset = 0
        folder = cache_folder() / "photos" if cache_dir is None else Path(cache_dir)
        self._squares = _cached_squares(photos, size, folder, progress)

    def __len__(self) -> int:
        return self.steps or math.ceil(len(self.photos) / self.batch_size)

    def __getitem__(self, index: int) -> tuple[dict[str, np.ndarray]]:
        if not 0 <= index < len(self):
            raise IndexError(f"batch {index} of {len(self)}")
        samples = self.samples(self.offset + index)
        return ({"rgb": samples.rgb} | {name: rows(samples) for name, rows in self.rows.items()},)

    def batch(self, step: int) -> np.ndarray:
        """Batch number `step` of the stream, uint8 (n, size, size, 3).

        Raises:
            IndexError: if `step` is negative or, without augmentation, past the last photo.
        """
        if step < 0 or (not self.augment and step >= len(self)):
            raise IndexError(f"there is no batch {step}")
        first = step * self.batch_size
        if not self.augment:
            squares = self._squares[first:][: self.batch_size]
            return np.stack([_resized(square, self.size) for square in squares])
        batch = np.empty((self.batch_size, self.size, self.size, 3), np.uint8)
        numbers = self._uniform(first)
        for row, position in enumerate(self._positions(first)):
            batch[row] = _random_crop(self._squares[position], self.size, numbers[row])
        return batch

    def samples(self, step: int) -> Samples:
        """`batch`, and which photos it holds."""
        rgb = self.batch(step)
        first = step * self.batch_size
        numbers = np.arange(first, first + len(rgb))
        if not self.augment:
            return Samples(rgb, numbers, np.zeros(len(rgb), bool), numbers, self.seed)
        mirrored = _mirrors(self._uniform(first))
        return Samples(rgb, self._positions(first), mirrored, numbers, self.seed)

    def _positions(self, first: int) -> np.ndarray:
        """The photos of the augmented batch that begins with sample number `first`."""
        count = len(self.photos)
        places = (divmod(first + row, count) for row in range(self.batch_size))
        return np.array([_epoch_order(count, self.seed, epoch)[place] for epoch, place in places])

    def _uniform(self, first: int) -> np.ndarray:
        """(batch_size, 4) numbers in [0, 1): what each sample's augmentation follows from."""
        # One step of Philox' counter is four numbers, so a sample's numbers follow from its own.
        philox = np.random.Philox(np.random.SeedSequence([self.seed, _AUGMENTATION]))
        return np.random.Generator(philox.advance(first)).random((self.batch_size, 4))


def _random_crop(square: np.ndarray, size: int, numbers: np.ndarray) -> np.ndarray:
    """A crop of 0.8 to 1 of the square's side, mirrored or not, from four numbers in [0, 1)."""
    scale, left, top, _ = numbers
    full = square.shape[0]
    side = full * (_SMALLEST_CROP + (1 - _SMALLEST_CROP) * scale)
    left, top = left * (full - side), top * (full - side)
    # Rounding may carry the far edge past the photo, which Pillow refuses.
    box = (left, top, min(left + side, full), min(top + side, full))
    crop = _resized(square, size, box)
    return crop[:, ::-1] if _mirrors(numbers) else crop


def _mirrors(numbers: np.ndarray) -> np.ndarray:
    """Whether samples with these numbers, (..., 4), are mirrored: (...)."""
    return numbers[..., 3] < 0.5


def _resized(
    square: np.ndarray, size: int, box: tuple[float, float, float, float] | None = None
) -> np.ndarray:
    image = Image.fromarray(square)
    return np.asarray(image.resize((size, size), Image.Resampling.BICUBIC, box=box))


# Shared by all loaders: two for the epochs that a batch may straddle, two for another loader.
@lru_cache(maxsize=4)
def _epoch_order(count: int, seed: int, epoch: int) -> np.ndarray:
    """The order of `count` photos in a data epoch."""
    order = np.random.default_rng([seed, _ORDER, epoch]).permutation(count)
    order.flags.writeable = False
    return order


def _at_least(least: int, name: str, value: int) -> int:
    value = operator.index(value)
    if value < least:
        raise ZooError(f"`{name}` must be at least {least}, but it is {value}.")
    return value


def _cached_squares(photos: PhotoSet, size: int, folder: Path, progress: bool) -> np.ndarray:
    """The photos' central squares as read-only uint8 (n, side, side, 3), built if need be."""
    side = math.ceil(_MARGIN * size)
    path = folder / f"{photos.fingerprint}-{side}-v{_POLICY_VERSION}.npy"
    shape = (len(photos), side, side, 3)
    squares = _mapped(path, shape)
    if squares is None:
        _build(path, photos, shape, progress)
        squares = _mapped(path, shape)
    if squares is None:
        raise ZooError(
            f"The photo cache {path} cannot be read back; "
            "set the environment variable ZOO_CACHE to a folder on another disk."
        )
    return squares


def _mapped(path: Path, shape: tuple[int, ...]) -> np.ndarray | None:
    """The cache file, mapped into memory; None if it is missing, truncated, or something else."""
    try:
        squares = npy_format.open_memmap(path, mode="r")
    except (OSError, ValueError, EOFError):
        return None
    usable = squares.shape == shape and squares.dtype == np.uint8 and squares.flags.c_contiguous
    return squares if usable else None


def _build(path: Path, photos: PhotoSet, shape: tuple[int, ...], progress: bool) -> None:
    """Decode every photo and write the cache file beside its place, then rename it."""
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    decode = partial(_central_square, side=shape[1])
    try:
        # Written, not mapped: on a full disk a mapped file would end the process.
        with atomic_path(path) as temporary, temporary.open("wb") as file:
            npy_format.write_array_header_1_0(file, header)
            with closing(map_in_threads(decode, photos, "Decoding photos", progress)) as squares:
                for square in squares:
                    file.write(square.tobytes())
    except PhotoError:
        raise
    except ZooError as error:
        cause = getattr(error.__cause__, "strerror", None) or error.__cause__ or error
        raise ZooError(
            f"Cannot write the photo cache {path} ({cause}); free some space, or set the "
            "environment variable ZOO_CACHE to a folder that you may write to."
        ) from error


def _central_square(photo: Photo, side: int) -> np.ndarray:
    """A photo's central square, uint8 (side, side, 3)."""
    rgb = photo.read_for_cache()
    height, width = rgb.shape[:2]
    short = min(height, width)
    left, top = (width - short) / 2, (height - short) / 2
    box = (left, top, left + short, top + short)
    image = Image.fromarray(rgb).resize((side, side), Image.Resampling.LANCZOS, box=box)
    return np.asarray(image)

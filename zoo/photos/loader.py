"""PhotoLoader: uint8 RGB batches for training, decoded once, cropped and flipped on the fly.

- Every photo is decoded once. What is kept is its central square, its side the smaller one of the
  photo's short side and ceil(1.25 x size), to which larger squares are shrunk with antialiasing.
  The squares of a set lie in one file, which is mapped into memory, so that a set may be larger
  than the memory.
- Nothing is enlarged: a network notices how sharp a photo is, and colors blurred ones differently.
  Photos with a short side below `size` are left out, which is counted and said.
- With augmentation, the loader is an endless shuffled stream. Sample number g is the photo at index
  g mod n of the permutation of data epoch g // n, n being the number of photos; the permutation
  follows from (seed, epoch). The sample is a random square with a side between `size` and the kept
  one, resized to `size`, mirrored with probability 1/2; both follow from (seed, g), whatever the
  batch size.
- Without, it gives every whole square once, in the set's order, resized to `size`.

A batch is thus a pure function of its number: Keras asks for the first batches twice, and a
resumed training asks for those in the middle.
"""

import math
import operator
import os
import warnings
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import keras
import numpy as np
from PIL import Image

from zoo.errors import TrainingWarning, ZooError
from zoo.files import atomic_path, cache_folder
from zoo.photos.decoding import PhotoError
from zoo.photos.photoset import Photo, PhotoSet
from zoo.photos.threads import map_in_threads

_MARGIN = 1.25
# Part of the cache file's name: raise it when what is kept of a photo changes.
_POLICY_VERSION = 2
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
    decodes all of it; the cache file takes up to 3 x (1.25 x size)^2 bytes per photo, 43 kB at 96
    px, and may be deleted at any time between runs.

    Args:
        photos: the photos; those with a short side below `size` are left out.
        size: side of the batches in pixels.
        batch_size: photos in a batch; without augmentation the last batch may be shorter.
        steps: batches in `len(loader)`, for the augmented stream, which has no end of its own.
        seed: of the order, the crops and the flips; at least 0.
        augment: endless shuffled crops and flips, or every photo once in order.
        rows: by name, what belongs to the photos of a batch.
        multiple: without augmentation the number of photos is one of this; the last few are left
            out.
        cache_dir: folder of the cache; by default `photos` in `zoo.files.cache_folder()`.
        progress: whether to show a progress bar while photos are decoded.

    Attributes:
        photos: those that are not too small.
        too_small: how many are.
        offset: number of the batch that `loader[0]` gives; set it to start anywhere in the stream.

    Raises:
        ZooError: if a number makes no sense, a photo cannot be decoded, all are too small, or the
            cache cannot be written.
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
        multiple: int = 1,
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
        self.size = _at_least(1, "size", size)
        self.batch_size = _at_least(1, "batch_size", batch_size)
        self.steps = None if steps is None else _at_least(1, "steps", steps)
        self.seed = _at_least(0, "seed", seed)
        self.augment = augment
        self.rows = dict(rows or {})
        self.offset = 0
        folder = cache_folder() / "photos" if cache_dir is None else Path(cache_dir)
        self._squares = _cached_squares(photos, size, folder, progress)
        #: The indices in `photos` of those that are large enough.
        self._usable = np.flatnonzero(self._squares.sides)
        self.too_small = len(photos) - len(self._usable)
        _tell_of_small_ones(self.too_small, len(photos), size)
        self._multiple = multiple
        self._usable = self._usable[: self._shared(len(self._usable))]
        if not len(self._usable):
            raise ZooError(f"There are fewer than {multiple} photos; give as many at least.")
        self.photos = PhotoSet(tuple(photos[int(index)] for index in self._usable))

    def __len__(self) -> int:
        return self.steps or math.ceil(len(self.photos) / self.batch_size)

    def __getitem__(self, index: int) -> tuple[dict[str, np.ndarray]]:
        if not 0 <= index < len(self):
            raise IndexError(f"batch {index} of {len(self)}")
        samples = self.samples(self.offset + index)
        return ({"rgb": samples.rgb} | {name: rows(samples) for name, rows in self.rows.items()},)

    def thin_out(self, count: int) -> None:
        """Give at most `count` photos from now on, spread evenly over the set; at least one.

        Where their number is one of `multiple`, it stays so.
        """
        have, count = len(self.photos), self._shared(max(count, self._multiple))
        if count < have:
            kept = np.linspace(0, have, count, endpoint=False).astype(int)
            self._usable = self._usable[kept]
            self.photos = PhotoSet(tuple(self.photos[int(index)] for index in kept))

    def _shared(self, count: int) -> int:
        """The largest number up to `count` that all devices can share."""
        return count // self._multiple * self._multiple

    def batch(self, step: int) -> np.ndarray:
        """Batch number `step` of the stream, uint8 (n, size, size, 3).

        Raises:
            IndexError: if `step` is negative or, without augmentation, past the last photo.
        """
        if step < 0 or (not self.augment and step >= len(self)):
            raise IndexError(f"there is no batch {step}")
        first = step * self.batch_size
        if not self.augment:
            positions = self._usable[first:][: self.batch_size]
            return np.stack([_resized(self._squares[one], self.size) for one in positions])
        batch = np.empty((self.batch_size, self.size, self.size, 3), np.uint8)
        numbers = self._uniform(first)
        for row, position in enumerate(self._positions(first)):
            batch[row] = _random_crop(self._squares[position], self.size, numbers[row])
        return batch

    def samples(self, step: int) -> Samples:
        """`batch`, and which photos it holds."""
        rgb = self.batch(step)
        first = step * self.batch_size
        if not self.augment:
            positions = self._usable[first:][: self.batch_size]
            return Samples(rgb, positions, np.zeros(len(rgb), bool), positions, self.seed)
        numbers = np.arange(first, first + len(rgb))
        mirrored = _mirrors(self._uniform(first))
        return Samples(rgb, self._positions(first), mirrored, numbers, self.seed)

    def _positions(self, first: int) -> np.ndarray:
        """The photos of the augmented batch that begins with sample number `first`."""
        count = len(self.photos)
        places = (divmod(first + row, count) for row in range(self.batch_size))
        order = [_epoch_order(count, self.seed, epoch)[place] for epoch, place in places]
        return self._usable[order]

    def _uniform(self, first: int) -> np.ndarray:
        """(batch_size, 4) numbers in [0, 1): what each sample's augmentation follows from."""
        # One step of Philox' counter is four numbers, so a sample's numbers follow from its own.
        philox = np.random.Philox(np.random.SeedSequence([self.seed, _AUGMENTATION]))
        return np.random.Generator(philox.advance(first)).random((self.batch_size, 4))


def _random_crop(square: np.ndarray, size: int, numbers: np.ndarray) -> np.ndarray:
    """A crop with a side of at least `size`, mirrored or not, from four numbers in [0, 1)."""
    scale, left, top, _ = numbers
    full = square.shape[0]
    side = size + (full - size) * scale
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


def _tell_of_small_ones(too_small: int, count: int, size: int) -> None:
    if too_small == count:
        raise ZooError(
            f"None of the {count:,} photos has a short side of at least {size} px, and enlarged "
            "ones would teach blur; choose a smaller size or larger photos."
        )
    if too_small:
        warnings.warn(
            f"{too_small:,} of {count:,} photos have a short side below {size} px and are left out "
            "at this size.",
            TrainingWarning,
            stacklevel=3,
        )


class _Squares:
    """The photos' squares in one file: the sides, n uint32 numbers, and then all pixels.

    A photo that is too small has no square, and the side 0.
    """

    def __init__(self, sides: np.ndarray, pixels: np.ndarray) -> None:
        self.sides, self._pixels = sides, pixels
        self._ends = np.cumsum(3 * sides.astype(np.int64) ** 2)

    def __getitem__(self, index: int) -> np.ndarray:
        """The square of a photo, uint8 (side, side, 3)."""
        side, end = int(self.sides[index]), int(self._ends[index])
        return self._pixels[end - 3 * side**2 : end].reshape(side, side, 3)


def _cached_squares(photos: PhotoSet, size: int, folder: Path, progress: bool) -> _Squares:
    """The photos' central squares, read from the cache file, which is built if need be."""
    largest = math.ceil(_MARGIN * size)
    path = folder / f"{photos.fingerprint}-{largest}-v{_POLICY_VERSION}.squares"
    squares = _mapped(path, len(photos), size, largest)
    if squares is None:
        _build(path, photos, size, largest, progress)
        squares = _mapped(path, len(photos), size, largest)
    if squares is None:
        raise ZooError(
            f"The photo cache {path} cannot be read back; "
            "set the environment variable ZOO_CACHE to a folder on another disk."
        )
    return squares


def _mapped(path: Path, count: int, size: int, largest: int) -> _Squares | None:
    """The cache file, mapped into memory; None if it is missing, truncated, or something else."""
    try:
        content = np.memmap(path, np.uint8, "r")
    except (OSError, ValueError):
        return None
    sides = content[: 4 * count]
    if len(sides) < 4 * count:
        return None
    sides = np.array(sides.view("<u4"))
    pixels = content[4 * count :]
    fitting = (sides == 0) | ((sides >= size) & (sides <= largest))
    if not fitting.all() or len(pixels) != 3 * np.sum(sides.astype(np.int64) ** 2):
        return None
    return _Squares(sides, pixels)


def _build(path: Path, photos: PhotoSet, size: int, largest: int, progress: bool) -> None:
    """Decode every photo and write the cache file beside its place, then rename it."""
    decode = partial(_central_square, size=size, largest=largest)
    sides = np.zeros(len(photos), "<u4")
    try:
        # Written, not mapped: on a full disk a mapped file would end the process.
        with atomic_path(path) as temporary, temporary.open("wb") as file:
            file.write(sides.tobytes())
            with closing(map_in_threads(decode, photos, "Decoding photos", progress)) as squares:
                for number, square in enumerate(squares):
                    sides[number] = len(square)
                    file.write(square.tobytes())
            file.seek(0)
            file.write(sides.tobytes())
    except PhotoError:
        raise
    except ZooError as error:
        cause = getattr(error.__cause__, "strerror", None) or error.__cause__ or error
        raise ZooError(
            f"Cannot write the photo cache {path} ({cause}); free some space, or set the "
            "environment variable ZOO_CACHE to a folder that you may write to."
        ) from error


def _central_square(photo: Photo, size: int, largest: int) -> np.ndarray:
    """A photo's central square, uint8 (side, side, 3), empty if the photo is too small."""
    rgb = photo.read_for_cache()
    height, width = rgb.shape[:2]
    short = min(height, width)
    if short < size:
        return np.empty((0, 0, 3), np.uint8)
    side = min(short, largest)
    left, top = (width - short) / 2, (height - short) / 2
    box = (left, top, left + short, top + short)
    image = Image.fromarray(rgb).resize((side, side), Image.Resampling.LANCZOS, box=box)
    return np.asarray(image)

"""Photos too large for memory: libvips reads and writes them row by row (the extra `vips`).

The network's small version is made in one pass over the file. In another, chroma is put onto the
rows, which wait on the disk, uncompressed, until all are there.
"""

from collections.abc import Iterator
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import numpy as np
from keras import ops
from PIL import Image

from zoo.errors import ZooError
from zoo.files import atomic_path
from zoo.fullsize import FullSize, shortened
from zoo.photos.vips import as_srgb, colors_of, refusing, save

#: Photos of more pixels go this way.
LARGE = 2**26

#: Formats that hold so large a photo.
_SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff")

#: Pixels of the rows that are in memory.
_ROWS = 2**22

#: Passes over the file go from top to bottom, unless it is to be turned.
_UPRIGHT = 1


def pixels_of(path: Path) -> int:
    """How many pixels a file says that it has; 0 where it does not."""
    try:
        with Image.open(path) as image:
            return image.width * image.height
    except Image.DecompressionBombError:
        return LARGE + 1
    except Exception:  # noqa: BLE001 - Pillow raises almost anything; reading says what is wrong
        return 0


class LargePhoto:
    """A photo in a file.

    Args:
        path: of the file.

    Attributes:
        profile: see `zoo.photos.decoding.Decoded`.

    Raises:
        PhotoError: if it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with refusing(str(path)):
            image = self._open()
        self._size: tuple[int, int] = (image.height, image.width)
        self.profile = colors_of(image)
        self._deep = image.format == "ushort"

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self._size

    def working_lightness(self, size: tuple[int, int]) -> np.ndarray:
        """Make what `FullSize.working_lightness` does, in a pass over the file."""
        with refusing(str(self._path)):
            rows = [part.narrowed(size[1]) for part in self._parts()]
        lightness = shortened(np.concatenate(rows, axis=1), size[0])
        return ops.convert_to_numpy(lightness)

    def save(self, path: Path, ab: np.ndarray, profile: bytes | None) -> None:
        """Give the photo the chroma `ab`, (1, h, w, 2), and save it, atomically.

        Raises:
            ZooError: if the format cannot hold so large a photo.
        """
        import pyvips

        if path.suffix.lower() not in _SUFFIXES:
            known = ", ".join(_SUFFIXES)
            raise ZooError(f"{path} cannot hold so large a photo; save the original as {known}.")
        original = self._open()
        opacity = original[original.bands - 1] if original.hasalpha() else None
        with atomic_path(path) as temporary, NamedTemporaryFile(dir=path.parent) as raw:
            with refusing(str(self._path)):
                for part in self._parts():
                    raw.write(part.merge(ab).tobytes())
            raw.flush()
            kind = {"format": "ushort", "interpretation": "rgb16"} if self._deep else {}
            height, width = self.size
            rows = pyvips.Image.rawload(raw.name, width, height, 3, access="sequential", **kind)
            plain = rows if self._deep else rows.copy(interpretation="srgb")
            save(plain, temporary, opacity, profile)

    def _open(self) -> Any:
        import pyvips

        image = pyvips.Image.new_from_file(str(self._path), access="sequential", fail_on="error")
        turned = "orientation" in image.get_fields() and image.get("orientation") != _UPRIGHT
        if turned:
            # Goes through a file on the disk where it is too large for memory.
            image = pyvips.Image.new_from_file(str(self._path), fail_on="error").autorot()
        return image

    def _parts(self) -> Iterator[FullSize]:
        """Rows of the photo, some at a time, from top to bottom."""
        import pyvips

        image = as_srgb(self._open())
        region, (height, width) = pyvips.Region.new(image), self.size
        kind, step = np.uint16 if self._deep else np.uint8, max(1, _ROWS // width)
        for start in range(0, height, step):
            count = min(step, height - start)
            values = np.frombuffer(region.fetch(0, start, width, count), kind)
            yield FullSize(values.reshape(1, count, width, 3), start, height)

"""Photos at full size: their lightness, and chroma that is put onto it.

Memory follows the photo: 3 bytes a pixel in, 3 out, and 2 for lightness, which is computed once; of
photos of 16 bits twice as much.
The rest is done in blocks of rows, small enough for a processor's cache, on all cores: NumPy lets
go of Python's lock. Exports have the formulas of `zoo.preprocessing` for whole tensors, which agree
to a level of 255.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property

import numpy as np
from keras import ops
from PIL import Image

from zoo import preprocessing
from zoo.color.pixels import lightness_of_steps, lightness_steps, rgb_of_steps
from zoo.color.spaces import Tensor

#: Pixels of a block.
_BLOCK = 2**17


class FullSize:
    """Photos of one size, or some of their rows.

    Args:
        rgb: (N, H, W, 3) sRGB, uint8 or uint16.
        start: the number of its first row in the photos.
        height: how many rows the photos have; all of them are in `rgb` by default.
        threads: how many work at it at most; as many as there are cores by default.
    """

    def __init__(
        self,
        rgb: np.ndarray,
        start: int = 0,
        height: int | None = None,
        threads: int | None = None,
    ) -> None:
        self.rgb, self._start = rgb, start
        self._threads = threads or os.cpu_count() or 1
        self._height = rgb.shape[1] if height is None else height

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.rgb.shape[1], self.rgb.shape[2]

    def working_lightness(self, size: tuple[int, int]) -> np.ndarray:
        """L at the size at which a network sees it: (N, *size, 1) float32 in [0, 100]."""
        return shortened(self.narrowed(size[1]), size[0])

    def narrowed(self, width: int) -> np.ndarray:
        """L of the rows, resized to `width` across alone: (N, H, width) float32."""
        narrow = np.empty((*self.rgb.shape[:2], width), np.float32)

        def shrink(photo: int, rows: slice) -> None:
            wide = lightness_of_steps(self._steps[photo, rows])
            narrow[photo, rows] = _resized(wide, wide.shape[0], width)

        # Pillow computes the filter anew for each block.
        self._by_blocks(shrink, 8 * _BLOCK)
        return narrow

    def merge(self, ab: Tensor) -> np.ndarray:
        """Give the photos the chroma `ab` while every pixel keeps its own lightness.

        Where that would leave the sRGB gamut, chroma gives way. `ab`, (N, h, w, 2), is enlarged (or
        shrunk) bilinearly to the photos' size. The result is (N, H, W, 3), of the photos' type.
        """
        chroma = ops.convert_to_numpy(ab) / np.array([500, 200], np.float32)
        count, width = self.rgb.shape[1:3]
        down = preprocessing.bilinear_places(ab.shape[1], self._height, self._start, count)
        across = preprocessing.bilinear_places(ab.shape[2], width, 0, width)
        colored = np.empty_like(self.rgb)

        def color(photo: int, rows: slice) -> None:
            below, above, share = (part[rows] for part in down)
            a, b = (
                _between(_between(plane, below, above, share[:, None], 0), *across, 1)
                for plane in np.moveaxis(chroma[photo], -1, 0)
            )
            colored[photo, rows] = rgb_of_steps(self._steps[photo, rows], a, b)

        self._by_blocks(color, _BLOCK)
        return colored

    @cached_property
    def _steps(self) -> np.ndarray:
        """L of every pixel, (N, H, W), as `lightness_steps` gives it."""
        deep = self.rgb.dtype == np.uint16
        steps = np.empty(self.rgb.shape[:3], np.float32 if deep else np.uint16)

        def look(photo: int, rows: slice) -> None:
            steps[photo, rows] = lightness_steps(self.rgb[photo, rows])

        self._by_blocks(look, _BLOCK)
        return steps

    def _by_blocks(self, work: Callable[[int, slice], None], pixels: int) -> None:
        """Call `work` for blocks of rows of each photo, in as many threads as there are cores."""
        count, height, width = self.rgb.shape[:3]
        step = max(1, pixels // width)
        photos, rows = zip(
            *((n, slice(row, row + step)) for n in range(count) for row in range(0, height, step)),
            strict=True,
        )
        # A megapixel is done sooner than threads have started.
        megapixels = count * height * width // 2**20
        threads = min(megapixels, len(rows), self._threads)
        if threads < 2:
            for one in zip(photos, rows, strict=True):
                work(*one)
            return
        with ThreadPoolExecutor(threads) as pool:
            for _ in pool.map(work, photos, rows):
                pass


def shortened(narrow: np.ndarray, height: int) -> np.ndarray:
    """The rest of `FullSize.working_lightness`: (N, H, w) of all rows -> (N, height, w, 1)."""
    resized = np.stack([_resized(one, height, one.shape[1]) for one in narrow])
    # The filter's negative lobes overshoot at edges.
    return np.clip(resized, 0, 100)[..., None]


def _resized(plane: np.ndarray, height: int, width: int) -> np.ndarray:
    """By the filter of `zoo.preprocessing.resampling_matrix`."""
    resized = Image.fromarray(plane).resize((width, height), Image.Resampling.LANCZOS)
    return np.asarray(resized)


def _between(
    plane: np.ndarray, below: np.ndarray, above: np.ndarray, share: np.ndarray, axis: int
) -> np.ndarray:
    """Rows (axis 0) or columns (axis 1) of a plane, at places between them."""
    lower, upper = plane.take(below, axis=axis), plane.take(above, axis=axis)
    upper -= lower
    upper *= share
    lower += upper
    return lower

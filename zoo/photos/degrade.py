"""Degradations: what old photos, and bad copies of them, do to lightness.

Blur, grain, faded prints, vignettes, scratches, sharpening scanners and JPEG blocks. Each is a
function of one photo's lightness, (H, W) float32 in [0, 100], to the same. Lightness alone changes,
so that hue and chroma of the truth stay what they were. Lengths are pixels of the size that the
network sees, because shrinking takes away what is much smaller.

What is random comes from a generator of random numbers. It follows from a seed and the photo's
number alone, as crops do: `generator_of`. So a photo is degraded in the same way whatever the
others in its batch are. This is NumPy, not `keras.ops`: each photo of a training has its own kinds
and strengths, most have none, and every backend sees the same bits.
"""

import math
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from scipy import fft, ndimage

# The kernel ends after so many standard deviations: what is beyond weighs 1e-4.
_TRUNCATE = 4.0

# A table's resolution: neighboring grays are at least 0.27 L apart.
_STEPS_OF_L = 100

# Keeps these random numbers apart from the others of one seed.
_DEGRADATION = 2

# ITU-T T.81 (the JPEG standard), table K.1: steps of luminance at the quality 50.
_LUMINANCE_STEPS = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ]
)


def generator_of(seed: int, number: int) -> np.random.Generator:
    """Make the random numbers that degrade the photo of this number."""
    return np.random.default_rng([seed, _DEGRADATION, number])


# ---------------------------------------------------------------------- sharpness


def blur(lightness: np.ndarray, sigma: float) -> np.ndarray:
    """Blur (H, W) L by a Gaussian with a standard deviation of `sigma` px, above 0.

    At the border the photo is reflected, without its edge pixel.
    """
    lightness = np.asarray(lightness, np.float32)
    return ndimage.gaussian_filter(lightness, sigma, mode="mirror", truncate=_TRUNCATE)


def sharpen(lightness: np.ndarray, sigma: float, amount: float) -> np.ndarray:
    """Sharpen (H, W) L by an unsharp mask: L + `amount` x (L - blurred L), in [0, 100].

    `sigma` is the blur's standard deviation in px.
    """
    return _in_range(lightness + amount * (lightness - blur(lightness, sigma)))


# ---------------------------------------------------------------------- tones


def gamma(lightness: np.ndarray, exponent: float) -> np.ndarray:
    """Brighten (an exponent below 1) or darken (H, W) L: 100 (L / 100)^exponent."""
    return _in_range(100.0 * (lightness / 100.0) ** exponent)


def contrast(lightness: np.ndarray, factor: float) -> np.ndarray:
    """Multiply the distances of (H, W) L from 50, and cut off what leaves [0, 100]."""
    return _in_range(50.0 + factor * (lightness - 50.0))


def fade(lightness: np.ndarray, black: float, white: float) -> np.ndarray:
    """Raise the black of (H, W) L to L = `black` and lower its white to L = `white`, linearly."""
    return _in_range(black + lightness * ((white - black) / 100.0))


def vignette(lightness: np.ndarray, strength: float) -> np.ndarray:
    """Darken (H, W) L toward the corners: 1 - `strength` r^2 times, r being 1 in the corners."""
    down, across = (np.linspace(-1.0, 1.0, side, dtype=np.float32) for side in lightness.shape)
    squares = (down[:, None] ** 2 + across**2) / 2.0
    return _in_range(lightness * (1.0 - strength * squares))


# ---------------------------------------------------------------------- grain and damage


def grain(
    lightness: np.ndarray, strength: float, size: float, generator: np.random.Generator
) -> np.ndarray:
    """Add film grain to (H, W) L: Gaussian noise, blurred, strongest in the midtones.

    Args:
        lightness: in [0, 100].
        strength: its standard deviation at L = 50; it falls to 0 at black and white, as 4 t (1 - t)
            with t = L / 100.
        size: standard deviation in px of the blur that makes neighbors alike.
        generator: decides the noise.
    """
    noise = generator.standard_normal(lightness.shape, np.float32)
    share = lightness / 100.0
    tone = 4.0 * share * (1.0 - share)
    return _in_range(lightness + strength / _left_by_blur(size) * tone * blur(noise, size))


def scratches(
    lightness: np.ndarray, lines: int, specks: int, generator: np.random.Generator
) -> np.ndarray:
    """Scratch (H, W) L: thin lines, three of four nearly vertical, and dust; bright or dark.

    Lines are 1 to 2 px wide and run over 0.3 to 1 of the photo's height. Specks have a radius of
    0.5 to 1.5 px. Both cover 0.5 to 1 of what is below them.
    """
    # Which color each has, white or black, and how much it covers.
    count = lines + specks
    paint = np.where(generator.random(count) < 0.5, 0.0, 100.0)
    opacity = generator.uniform(0.5, 1.0, count)
    scratched = np.array(lightness, np.float32)
    for number in range(count):
        draw = _line if number < lines else _speck
        rows, columns, covered = draw(lightness.shape, generator)
        part = scratched[rows, columns]
        part += opacity[number] * covered * (paint[number] - part)
    return scratched


#: A part of a photo, its rows and columns, and how much of each pixel in it is covered.
_Mark = tuple[slice, slice, np.ndarray]


def _line(shape: tuple[int, int], generator: np.random.Generator) -> _Mark:
    height, width = shape
    left, top, length, lean, kind = generator.random(5)
    # Film is scratched along its run; the fourth line is a crease.
    slope = (lean - 0.5) * (0.1 if kind < 0.75 else 2.0)
    thickness = generator.uniform(1.0, 2.0)
    rows = math.ceil(height * (0.3 + 0.7 * length))
    first = round(top * (height - rows))
    centers = left * width + slope * np.arange(rows)
    columns = _between(centers.min() - 2, centers.max() + 2, width)
    across = np.arange(columns.start, columns.stop)
    distances = np.abs(across - centers[:, None]) / math.hypot(1.0, slope)
    return slice(first, first + rows), columns, _covered(distances, thickness / 2)


def _speck(shape: tuple[int, int], generator: np.random.Generator) -> _Mark:
    row, column = generator.random(2) * shape
    radius = generator.uniform(0.5, 1.5)
    rows = _between(row - 2, row + 2, shape[0])
    columns = _between(column - 2, column + 2, shape[1])
    down = np.arange(rows.start, rows.stop) - row
    across = np.arange(columns.start, columns.stop) - column
    return rows, columns, _covered(np.hypot(down[:, None], across), radius)


def _between(low: float, high: float, side: int) -> slice:
    """The pixels from `low` to `high` that are inside an axis."""
    return slice(max(0, math.floor(low)), max(0, min(side, math.ceil(high) + 1)))


def _covered(distances: np.ndarray, reach: float) -> np.ndarray:
    """How much of each pixel is covered by what reaches so far, with a soft edge of 1 px."""
    return np.clip(reach + 0.5 - distances, 0.0, 1.0)


@lru_cache(maxsize=64)
def _left_by_blur(sigma: float) -> float:
    """The standard deviation of white noise after `blur`, which was 1 before."""
    impulse = np.zeros(2 * int(_TRUNCATE * sigma + 0.5) + 3)
    impulse[len(impulse) // 2] = 1.0
    kernel = ndimage.gaussian_filter1d(impulse, sigma, truncate=_TRUNCATE)
    return float(np.sum(kernel**2))


# ---------------------------------------------------------------------- JPEG


def jpeg(lightness: np.ndarray, quality: float) -> np.ndarray:
    """What a gray JPEG file of this quality, 1 to 100, keeps of (H, W) L.

    Quality scales table K.1 of the standard (ITU-T T.81) as the Independent JPEG Group's library
    does: by 50 / quality below 50, and by 2 - quality / 50 above.
    """
    height, width = lightness.shape
    gray = _gray_of_lightness()[(lightness * _STEPS_OF_L + 0.5).astype(np.intp)]
    padded = np.pad(gray - 128.0, ((0, -height % 8), (0, -width % 8)), mode="edge")
    rows, columns = (side // 8 for side in padded.shape)
    blocks = padded.reshape(rows, 8, columns, 8).swapaxes(1, 2)
    # The library computes in eighths and rounds halves away from zero.
    eighths = np.rint(8.0 * fft.dctn(blocks, axes=(2, 3), norm="ortho"))
    steps = _steps(quality)
    kept = np.trunc(eighths / (8.0 * steps) + np.copysign(0.5, eighths)) * steps
    restored = fft.idctn(kept, axes=(2, 3), norm="ortho").swapaxes(1, 2).reshape(padded.shape)
    levels = np.clip(np.rint(restored[:height, :width] + 128.0), 0, 255).astype(np.uint8)
    return _lightness_of_gray()[levels]


def _steps(quality: float) -> np.ndarray:
    percent = 5000 // quality if quality < 50 else 200 - 2 * quality
    return np.clip((_LUMINANCE_STEPS * percent + 50) // 100, 1, 255)


# ---------------------------------------------------------------------- lightness of pixels


@lru_cache(maxsize=1)
def _luminances() -> np.ndarray:
    """What each of the 256 levels of red, green and blue adds to luminance: (3, 256) float32."""
    level = np.arange(256) / 255.0
    linear = np.where(level > 0.04045, ((level + 0.055) / 1.055) ** 2.4, level / 12.92)
    return np.outer((0.212671, 0.715160, 0.072169), linear).astype(np.float32)


@lru_cache(maxsize=1)
def _lightness_of_gray() -> np.ndarray:
    """L of each of the 256 grays of sRGB."""
    return lightness_of(np.arange(256, dtype=np.uint8)[:, None].repeat(3, axis=1))


@lru_cache(maxsize=1)
def _gray_of_lightness() -> np.ndarray:
    """The nearest of the 256 grays of sRGB for L from 0 to 100 in steps of 1 / `_STEPS_OF_L`."""
    lightness = np.arange(100 * _STEPS_OF_L + 1) / _STEPS_OF_L
    return np.rint(np.interp(lightness, _lightness_of_gray(), np.arange(256.0)))


def lightness_of(rgb: np.ndarray) -> np.ndarray:
    """L of (..., 3) uint8 sRGB: (...) float32; as `zoo.color.spaces.rgb_to_lightness`, in NumPy."""
    red, green, blue = _luminances()
    y = red[rgb[..., 0]] + green[rgb[..., 1]] + blue[rgb[..., 2]]
    curve = np.where(y > 0.008856, np.cbrt(y), 7.787 * y + np.float32(16.0 / 116.0))
    return np.float32(116.0) * curve - np.float32(16.0)


def _in_range(lightness: np.ndarray) -> np.ndarray:
    return np.clip(lightness, 0.0, 100.0).astype(np.float32, copy=False)


# ---------------------------------------------------------------------- with their settings

#: Functions that take a generator.
_RANDOM = (grain, scratches)


@dataclass(frozen=True)
class Degradation:
    """A function of this module with its settings.

    Attributes:
        title: what a table calls it.
        function: of (H, W) L, the settings and, where it is random, a generator.
        settings: numbers by name.
    """

    title: str
    function: Callable[..., np.ndarray]
    settings: dict[str, float] = field(hash=False)

    def __call__(self, lightness: Any, numbers: Sequence[int], seed: int = 0) -> np.ndarray:
        """Degrade (N, H, W, 1) L in [0, 100] of photos with these numbers: the same, float32."""
        photos = np.asarray(lightness, np.float32)[..., 0]
        degraded = [
            self.of_photo(photo, generator_of(seed, int(number)))
            for photo, number in zip(photos, numbers, strict=True)
        ]
        return np.stack(degraded)[..., None]

    def of_photo(self, lightness: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """Degrade one photo's (H, W) L; `generator` decides what is random."""
        random = {"generator": generator} if self.function in _RANDOM else {}
        return self.function(lightness, **self.settings, **random)

    def to_json(self) -> dict[str, Any]:
        """What distinguishes it from others: stored scores carry it."""
        return {"function": self.function.__name__, "settings": self.settings}


#: At which the benchmark scores models: the kinds, each at a moderate strength.
DEGRADATIONS: dict[str, Degradation] = {
    "sharpened": Degradation("sharpened, 1 px", sharpen, {"sigma": 1.0, "amount": 1.0}),
    "blur-0.6": Degradation("blurred, 0.6 px", blur, {"sigma": 0.6}),
    "blur-1.2": Degradation("blurred, 1.2 px", blur, {"sigma": 1.2}),
    "grain": Degradation("grain, 5 L", grain, {"strength": 5.0, "size": 0.6}),
    "jpeg-30": Degradation("JPEG, quality 30", jpeg, {"quality": 30}),
    "darker": Degradation("darker, gamma 1.4", gamma, {"exponent": 1.4}),
    "contrast": Degradation("contrast x 1.3", contrast, {"factor": 1.3}),
    "faded": Degradation("faded, L 20 to 85", fade, {"black": 20.0, "white": 85.0}),
    "vignette": Degradation("vignette, 40 %", vignette, {"strength": 0.4}),
    "scratched": Degradation("scratched", scratches, {"lines": 3, "specks": 12}),
}


def numbers_of_photos(rgb: np.ndarray) -> list[int]:
    """A number for each of (N, H, W, 3) uint8 photos that follows from its pixels alone.

    Scoring knows no photo's number in a training, and batches are cut by size.
    """
    return [zlib.crc32(np.ascontiguousarray(photo).tobytes()) for photo in rgb]

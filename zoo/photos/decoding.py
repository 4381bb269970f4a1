"""Reading and writing one photo: whatever the file holds, the rest of the zoo sees uint8 RGB.

Embedded color profiles are converted to sRGB; without one, values are taken as that. Files with 16
bits per channel in color are read by Pillow at 8 bits; gray ones keep their precision until the one
rounding here.
"""

import errno
import io
import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from zoo.errors import ZooError
from zoo.files import atomic_path
from zoo.photos.profiles import from_srgb, rgb_profile_of, to_srgb

PHOTO_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")

PhotoSource = str | os.PathLike | bytes | Image.Image | np.ndarray

_GIVE_ANOTHER = "give a JPEG, PNG, WebP, BMP or TIFF photo"
_EXIF_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# Drawings, not photos: Pillow would run Ghostscript or Windows on them because a file says so.
_DRAWINGS = ("EPS", "WMF", "EMF")

# Words in Pillow's errors about files that are sound, but unknown to it.
_UNSUPPORTED = ("unsupported", "not supported", "not available")

_SAVE_OPTIONS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 95, "subsampling": 0},  # 4:4:4: the chroma is what matters here
    "PNG": {},
    "WEBP": {"lossless": True, "exact": True},  # lossy WebP always halves the chroma
    "BMP": {},
    "TIFF": {"compression": "tiff_deflate"},
}
_WITHOUT_ALPHA = ("JPEG", "BMP")
_WITHOUT_PROFILE = ("BMP",)


class PhotoError(ZooError):
    """A photo that cannot be read.

    Attributes:
        name: the photo, as a user would call it.
        reason: what is wrong, in a few words ("not an image").
        remedy: what to do about it.
    """

    def __init__(self, name: str, reason: str, remedy: str) -> None:
        super().__init__(name, reason, remedy)
        self.name, self.reason, self.remedy = name, reason, remedy

    def __str__(self) -> str:
        return f"Cannot read {self.name}: {self.reason}; {self.remedy}."


class Decoded(NamedTuple):
    """A photo in memory.

    Attributes:
        rgb: (H, W, 3) uint8 sRGB.
        alpha: (H, W) uint8, the opacity, 255 being opaque; None if the photo has no transparency.
        profile: the color profile (ICC) that it was saved in, if that is another one than sRGB's
            and holds colors.
    """

    rgb: np.ndarray
    alpha: np.ndarray | None
    profile: bytes | None = None


def read_photo(source: PhotoSource) -> Decoded:
    """Read a photo from a file, from bytes, or from something that is already in memory.

    Files and Pillow images may be bilevel, gray, palette, RGB, CMYK, YCbCr or Lab, with or without
    transparency, with 8 bits per channel, or gray with 16 bits or floats; the EXIF rotation is
    applied, and of a file with several frames the first is read.

    Args:
        source: a path, a file's bytes, a Pillow image, or an array of shape (H, W), (H, W, 1),
            (H, W, 3) or (H, W, 4), which is uint8, uint16, bool, or floats in [0, 1].

    Returns:
        The photo as sRGB; 16-bit values are divided by 257 and rounded.

    Raises:
        ZooError: naming the photo and what to do, if it cannot be read.
    """
    if isinstance(source, np.ndarray):
        return Decoded(*_from_array(source))
    if isinstance(source, Image.Image):
        name = getattr(source, "filename", "") or "the Pillow image"
        return _decode(source, str(name), None)
    if isinstance(source, bytes):
        return _decode(io.BytesIO(source), "the photo given as bytes", None)
    if isinstance(source, str | os.PathLike):
        return _decode(io.BytesIO(read_file(source)), os.fspath(source), None)
    raise PhotoError(
        f"a photo from {type(source).__name__}",
        "unsupported type",
        "give a path, bytes, a Pillow image or a NumPy array",
    )


def read_rgb(source: PhotoSource) -> np.ndarray:
    """Read a photo as `read_photo` does, its transparent parts on white: uint8 (H, W, 3)."""
    return _on_white(read_photo(source))


def read_preview(data: bytes, name: str, side: int) -> np.ndarray:
    """Decode all of a file quickly into a small version, uint8 sRGB on white, (h, w, 3).

    JPEG is decoded at the smallest of the scales 1/8, 1/4, 1/2 and 1 that leaves at least `side`
    pixels on the short side; all of its data is still read, so that damage is found. A smaller
    photo stays as it is. Errors call the photo `name`.

    Raises:
        PhotoError: if it cannot be read.
    """
    return shrink(_on_white(_decode(io.BytesIO(data), name, side)), side)


def read_file(path: str | os.PathLike) -> bytes:
    """Read a photo file's bytes.

    Raises:
        PhotoError: if there is no such file, or it may not be read.
    """
    path = Path(path)
    try:
        # Asked before opening, because opening a named pipe waits forever.
        readable = path.is_file() or not path.exists()
        data = path.read_bytes() if readable else b""
    except (OSError, ValueError) as error:  # ValueError: a path with a null byte
        raise PhotoError(str(path), *_trouble_opening(error)) from error
    if not readable:
        kind = "a folder" if path.is_dir() else "a device or a pipe"
        raise PhotoError(str(path), f"{kind}, not a file", "give the path of one photo")
    return data


def write_photo(
    path: str | os.PathLike,
    rgb: np.ndarray,
    alpha: np.ndarray | None = None,
    profile: bytes | None = None,
) -> None:
    """Write a photo, uint8 sRGB (H, W, 3), atomically, in the format of the path's suffix.

    JPEG is written at quality 95 with full chroma resolution, WebP without loss. JPEG and BMP have
    no opacity: they drop `alpha`, uint8 (H, W). Colors are saved in `profile`, one that
    `read_photo` has given; without one, and in BMP, which has none, in sRGB.

    Raises:
        ZooError: for another suffix, or if the file cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() not in PHOTO_SUFFIXES:
        raise ZooError(
            f"Cannot write {path}: the suffix {path.suffix!r} is no photo format; "
            f"use one of {', '.join(PHOTO_SUFFIXES)}."
        )
    photo_format = Image.registered_extensions()[path.suffix.lower()]
    image, options = Image.fromarray(np.ascontiguousarray(rgb)), _SAVE_OPTIONS[photo_format]
    if profile is not None and photo_format not in _WITHOUT_PROFILE:
        image, options = from_srgb(image, profile), options | {"icc_profile": profile}
    if alpha is not None and photo_format not in _WITHOUT_ALPHA:
        image.putalpha(Image.fromarray(alpha))
    with atomic_path(path) as temporary:
        image.save(temporary, photo_format, **options)


def shrink(rgb: np.ndarray, short_side: int) -> np.ndarray:
    """Make a photo, uint8 (H, W, 3), smaller, antialiased, with its aspect kept; never larger.

    Returns:
        uint8 of shape (h, w, 3) with min(h, w) = min(H, W, short_side).

    Raises:
        ZooError: if `short_side` is less than 1.
    """
    if short_side < 1:
        raise ZooError(f"The short side must be at least 1 pixel, but it is {short_side}.")
    height, width = rgb.shape[:2]
    short = min(height, width)
    if short <= short_side:
        return rgb
    size = (round(width * short_side / short), round(height * short_side / short))
    return np.array(Image.fromarray(rgb).resize(size, Image.Resampling.LANCZOS))


def _decode(source: Image.Image | io.BytesIO, name: str, side: int | None) -> Decoded:
    """Decode with Pillow, turning each of its failures into a PhotoError."""
    try:
        image = source if isinstance(source, Image.Image) else Image.open(source)
        if image.format in _DRAWINGS:
            raise PhotoError(name, f"a drawing ({image.format}), not a photo", _GIVE_ANOTHER)
        if side is not None:
            image.draft(None, (side, side))
        image.load()
        return Decoded(*_from_pillow(to_srgb(_upright(image)), name), rgb_profile_of(image))
    except PhotoError:
        raise
    except Exception as error:  # Pillow's decoders raise almost anything on damaged files
        raise PhotoError(name, *_trouble_decoding(error)) from error


def _trouble_opening(error: Exception) -> tuple[str, str]:
    if isinstance(error, OSError) and error.errno == errno.ENOENT:
        return "no such file", "check the path"
    if isinstance(error, PermissionError):
        return "permission denied", "allow reading it, or give another file"
    return str(getattr(error, "strerror", None) or error), "give another file"


def _trouble_decoding(error: Exception) -> tuple[str, str]:
    if isinstance(error, Image.UnidentifiedImageError):
        return "not an image of a supported kind", _GIVE_ANOTHER
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return "too many pixels", "make it smaller first"
    if isinstance(error, MemoryError):
        return "not enough memory", "make it smaller first"
    if any(words in str(error).lower() for words in _UNSUPPORTED):
        return f"unsupported ({error})", _GIVE_ANOTHER
    return f"damaged or incomplete ({error})", "restore the file from its source"


def _upright(image: Image.Image) -> Image.Image:
    """Apply the EXIF orientation, after loading: Pillow then turns TIFF by itself.

    Not `ImageOps.exif_transpose`: that writes the EXIF block back, and fails if a camera put
    something odd into it.
    """
    try:
        orientation = image.getexif().get(_EXIF_ORIENTATION, 1)
    except (SyntaxError, ValueError, OSError, KeyError, TypeError):
        orientation = 1  # a broken EXIF block is no reason to refuse the photo
    turn = _UPRIGHT.get(orientation)
    return image if turn is None else image.transpose(turn)


def _from_pillow(image: Image.Image, name: str) -> tuple[np.ndarray, np.ndarray | None]:
    if 0 in image.size:
        raise PhotoError(name, "no pixels", _GIVE_ANOTHER)
    if image.mode == "F":
        return _gray_from_float(np.asarray(image), name), None
    if image.mode == "I" or image.mode.startswith("I;16"):
        return _from_16_bit(image, name)
    if not image.has_transparency_data:
        # Converting copies, even from RGB.
        return np.array(image if image.mode == "RGB" else image.convert("RGB")), None
    # Pillow converts the premultiplied and the palette modes to their plain form only.
    plain = {"La": "LA", "RGBa": "RGBA"}.get(image.mode, image.mode)
    rgba = np.array(image.convert(plain).convert("RGBA"))
    return np.ascontiguousarray(rgba[..., :3]), np.ascontiguousarray(rgba[..., 3])


def _gray_from_float(values: np.ndarray, name: str) -> np.ndarray:
    """Gray RGB from Pillow's float mode, whose files hold values up to 1, to 255 or to 65535."""
    if not np.isfinite(values).all() or values.min() < 0 or values.max() > 65535:
        raise PhotoError(name, "values outside 0 to 65535", "scale its values to between 0 and 1")
    largest = next(limit for limit in (1, 255, 65535) if values.max() <= limit)
    return _stacked(np.rint(values * np.float64(255 / largest)).astype(np.uint8))


def _from_16_bit(image: Image.Image, name: str) -> tuple[np.ndarray, np.ndarray | None]:
    """Gray RGB, and the opacity if the file declares one gray value as transparent."""
    values, transparent = np.asarray(image), image.info.get("transparency")
    if values.min() < 0 or values.max() > 65535:
        raise PhotoError(name, "gray values beyond 16 bits", "save it as 8- or 16-bit gray")
    gray = Image.fromarray(_to_8_bit(values))
    gray.info["icc_profile"] = image.info.get("icc_profile")
    rgb = np.array(to_srgb(gray).convert("RGB"))
    if not isinstance(transparent, int):
        return rgb, None
    return rgb, np.where(values == transparent, 0, 255).astype(np.uint8)


def _from_array(values: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    if values.ndim not in (2, 3) or values.shape[2:] not in ((), (1,), (3,), (4,)):
        raise _bad_array(f"its shape is {values.shape}", "give (H, W), (H, W, 3) or (H, W, 4)")
    if values.size == 0:
        raise _bad_array("it has no pixels", "give at least one pixel")
    values = _array_to_8_bit(values)
    if values.ndim == 2:
        values = values[..., None]
    if values.shape[2] == 1:
        return _stacked(values[..., 0]), None
    alpha = values[..., 3].copy() if values.shape[2] == 4 else None
    return values[..., :3].copy(), alpha


def _array_to_8_bit(values: np.ndarray) -> np.ndarray:
    if values.dtype == np.uint8:
        return values
    if values.dtype == bool:
        return values * np.uint8(255)
    if values.dtype == np.uint16:
        return _to_8_bit(values)
    if not np.issubdtype(values.dtype, np.floating):
        raise _bad_array(f"its type is {values.dtype}", "give uint8, uint16, bool or floats")
    # The comparison is false for NaN, too.
    if not (values.min() >= 0 and values.max() <= 1):
        raise _bad_array("its floats are not all within [0, 1]", "scale them, or give uint8")
    return np.rint(values * np.float64(255)).astype(np.uint8)


def _bad_array(reason: str, remedy: str) -> PhotoError:
    return PhotoError("the photo given as an array", reason, remedy)


def _to_8_bit(values: np.ndarray) -> np.ndarray:
    """Round(value / 257): 0..65535 onto 0..255."""
    return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _stacked(gray: np.ndarray) -> np.ndarray:
    return np.repeat(gray[..., None], 3, axis=2)


def _on_white(photo: Decoded) -> np.ndarray:
    if photo.alpha is None:
        return photo.rgb
    opacity = photo.alpha[..., None].astype(np.uint16)
    return ((photo.rgb * opacity + 255 * (255 - opacity) + 127) // 255).astype(np.uint8)

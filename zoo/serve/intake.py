"""What is checked of an uploaded photo, before anything of it is decoded."""

import io
import re
from dataclasses import dataclass

from PIL import Image, UnidentifiedImageError

from zoo.photos.decoding import PhotoError, read_preview
from zoo.serve.refusals import Refusal
from zoo.serve.settings import Limits
from zoo.serve.store import SUFFIXES

#: What is said to somebody who has sent something else; where films are taken, too, the other one.
PHOTOS_TAKEN = "give a PNG, JPEG, WebP, TIFF, BMP or GIF photo"
FILMS_TAKEN = (
    f"{PHOTOS_TAKEN}, or a film as MP4, MOV, Matroska, WebM, AVI, MPEG, 3GP, WMV, FLV or Ogg"
)
_EXIF_ORIENTATION = 0x0112
#: Values of the orientation that turn a photo by a quarter.
_ON_ITS_SIDE = (5, 6, 7, 8)
#: What a small version needs for finding damage; JPEG is decoded faster for it.
_SMALL = 64
_LONGEST_NAME = 120


@dataclass(frozen=True)
class Checked:
    """What a photo's file says of itself.

    Attributes:
        format: as Pillow has it: "PNG", "JPEG", ...
        width: in px, upright.
        height: likewise.
    """

    format: str
    width: int
    height: int


def check_photo(data: bytes, limits: Limits, taken: str = PHOTOS_TAKEN) -> Checked:
    """Check a file's bytes: first what the header says, then whether all of it can be decoded.

    Args:
        data: all of them.
        limits: on bytes and pixels.
        taken: what to give instead, where the file is no photo.

    Raises:
        Refusal: 413 for too many bytes or pixels, 415 for what is no photo of a kind that is taken.
    """
    if not data:
        raise Refusal(415, f"The file is empty; {taken}.")
    if len(data) > limits.upload_bytes:
        raise too_many_bytes(limits.upload_bytes)
    checked = _header(data, limits, taken)
    try:
        read_preview(data, "the photo", _SMALL)
    except PhotoError as error:
        raise Refusal(415, str(error)) from error
    return checked


def _header(data: bytes, limits: Limits, taken: str) -> Checked:
    try:
        with Image.open(io.BytesIO(data), formats=tuple(SUFFIXES)) as image:
            # Pictures of several views are JPEG files with more behind them.
            kind = "JPEG" if image.format == "MPO" else str(image.format)
            width, height = image.size
            turned = kind != "GIF" and _orientation(image) in _ON_ITS_SIDE
    except Image.DecompressionBombError as error:
        raise _too_many_pixels("more px than can be read", limits) from error
    except UnidentifiedImageError as error:
        raise Refusal(415, f"The file is no photo of a kind that is taken; {taken}.") from error
    except Exception as error:  # Pillow's decoders raise almost anything on damaged files
        raise Refusal(415, f"The file's header is damaged; {taken}.") from error
    if width * height > limits.pixels:
        raise _too_many_pixels(f"{width} x {height} px", limits)
    return Checked(kind, *((height, width) if turned else (width, height)))


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_EXIF_ORIENTATION, 1))
    except Exception:  # noqa: BLE001 - a broken EXIF block is no reason to refuse the photo
        return 1


def too_many_bytes(most: int) -> Refusal:
    """The refusal of a request that is too long."""
    return Refusal(413, f"That is more than {most / 2**20:g} MiB; make it smaller first.")


def _too_many_pixels(has: str, limits: Limits) -> Refusal:
    most = f"{limits.pixels / 1e6:.3g} million px"
    return Refusal(413, f"The photo has {has}, and {most} are taken; make it smaller first.")


def safe_name(sent: str | None, otherwise: str = "photo") -> str:
    """A name for people, of what a browser sent: its last part, printable, and not too long.

    Examples:
        >>> safe_name("../../etc/cat.png")
        'cat.png'
    """
    last = re.split(r"[\\/]", sent or "")[-1]
    printable = "".join(letter for letter in last if letter.isprintable()).strip(" .")
    return printable[-_LONGEST_NAME:] or otherwise

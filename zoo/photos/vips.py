"""What Pillow does not do, done by libvips (the extra `vips`): 16 bits a channel in color.

Without the extra such photos are read and saved with 8 bits.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from PIL import Image

from zoo.files import atomic_path
from zoo.photos.decoding import Decoded, PhotoError
from zoo.photos.profiles import changes_colors

#: Suffixes of files that can hold 16 bits.
DEEP_SUFFIXES = (".png", ".tif", ".tiff")

_BITS_PER_SAMPLE, _SAMPLE_FORMAT = 258, 339
_WHOLE_NUMBERS = 1
_CONVERSION = {"intent": "relative", "black_point_compensation": True}
_PROFILE = "icc-profile-data"


def has_vips() -> bool:
    """Whether the extra is installed."""
    return find_spec("pyvips") is not None


def has_16_bits(data: bytes) -> bool:
    """Whether a file's bytes are a PNG or TIFF of 16 bits a channel; False for what is broken."""
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "TIFF")) as image:
            if image.format == "PNG":
                return data[24] == 16  # of the header, which comes first
            tags = image.tag_v2  # type: ignore[attr-defined]
            kinds = tags.get(_SAMPLE_FORMAT, (_WHOLE_NUMBERS,))
            return set(tags.get(_BITS_PER_SAMPLE, ())) == {16} and set(kinds) == {_WHOLE_NUMBERS}
    except Exception:  # noqa: BLE001 - Pillow raises almost anything; reading says what is wrong
        return False


def read_deep(data: bytes, name: str) -> Decoded:
    """Decode a file of which `has_16_bits` is true: uint16 sRGB, and opacity likewise.

    Raises:
        PhotoError: if it is damaged.
    """
    import pyvips

    with refusing(name):
        image = pyvips.Image.new_from_buffer(data, "", fail_on="error").autorot()
        profile = colors_of(image)
        parts = [as_srgb(image), *([image[image.bands - 1]] * image.hasalpha())]
        rgb, *opacity = (np.ascontiguousarray(part.numpy()) for part in parts)
    return Decoded(rgb, opacity[0] if opacity else None, profile)


def write_deep(
    path: Path, rgb: np.ndarray, alpha: np.ndarray | None = None, profile: bytes | None = None
) -> None:
    """Write uint16 sRGB (H, W, 3), atomically, as PNG or TIFF; see `write_photo`."""
    import pyvips

    image = pyvips.Image.new_from_array(rgb).copy(interpretation="rgb16")
    opacity = None if alpha is None else pyvips.Image.new_from_array(alpha)
    with atomic_path(path) as temporary:
        save(image, temporary, opacity, profile)


def save(image: Any, path: Path, opacity: Any = None, profile: bytes | None = None) -> None:
    """Save an image in sRGB in the format of the path's suffix, as `write_photo` does.

    Raises:
        OSError: if it cannot be written.
    """
    import pyvips

    suffix = path.suffix.lower()
    with TemporaryDirectory() as folder:
        if profile is not None:
            file = Path(folder) / "profile.icc"
            file.write_bytes(profile)
            depth = 16 if image.format == "ushort" else 8
            image = image.icc_transform(str(file), input_profile="srgb", depth=depth, **_CONVERSION)
        if opacity is not None and suffix not in (".jpg", ".jpeg"):
            image = image.bandjoin(opacity)
        try:
            if suffix in (".jpg", ".jpeg"):
                image.jpegsave(str(path), Q=95, subsample_mode="off")
            elif suffix == ".png":
                image.pngsave(str(path))
            else:
                image.tiffsave(str(path), compression="deflate", bigtiff=True)
        except pyvips.Error as error:
            raise OSError(_last_line(error)) from error


def colors_of(image: Any) -> bytes | None:
    """The embedded profile where colors can be saved in it, and it is not sRGB."""
    profile = _profile(image)
    if profile is None or image.interpretation not in ("srgb", "rgb16"):
        return None
    return profile if changes_colors(profile, "RGB") else None


def as_srgb(image: Any) -> Any:
    """The colors of an image, of 8 or 16 bits, in sRGB, without its opacity."""
    colors = image[: image.bands - 1] if image.hasalpha() else image
    deep = image.format == "ushort"
    kind = {1: "L", 3: "RGB", 4: "CMYK"}.get(colors.bands)
    profile = _profile(image)
    if profile is not None and kind is not None and changes_colors(profile, kind):
        colors = colors.icc_transform("srgb", embedded=True, depth=16 if deep else 8, **_CONVERSION)
    return colors.colourspace("rgb16" if deep else "srgb")


@contextmanager
def refusing(name: str) -> Iterator[None]:
    """Turn libvips' errors into one about this photo."""
    import pyvips

    try:
        yield
    except pyvips.Error as error:
        reason = f"damaged or incomplete ({_last_line(error)})"
        raise PhotoError(name, reason, "restore the file from its source") from error


def _last_line(error: Exception) -> str:
    return str(error).strip().splitlines()[-1].strip()


def _profile(image: Any) -> bytes | None:
    return image.get(_PROFILE) if _PROFILE in image.get_fields() else None

"""Photos of 16 bits a channel: libvips reads and writes them, by the extra `deep`.

Pillow has 16 bits for gray alone. Without the extra photos are read and saved with 8.
"""

import io
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from PIL import Image

from zoo.files import atomic_path
from zoo.photos.decoding import Decoded, PhotoError
from zoo.photos.profiles import changes_colors, profile_of, rgb_profile_of

#: Suffixes of files that can hold 16 bits.
DEEP_SUFFIXES = (".png", ".tif", ".tiff")

_BITS_PER_SAMPLE, _SAMPLE_FORMAT = 258, 339
_WHOLE_NUMBERS = 1
_CONVERSION = {"depth": 16, "intent": "relative", "black_point_compensation": True}


def can_keep_16_bits() -> bool:
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
    except Exception:  # noqa: BLE001 - Pillow raises almost anything; reading the photo says what is wrong
        return False


def read_deep(data: bytes, name: str) -> Decoded:
    """Decode a file of which `has_16_bits` is true: uint16 sRGB, and opacity likewise.

    Raises:
        PhotoError: if it is damaged.
    """
    import pyvips

    with Image.open(io.BytesIO(data)) as header:
        profile, colors = profile_of(header), rgb_profile_of(header)
        kind = "RGB" if header.mode.startswith("RGB") else "L"
        convert = profile is not None and changes_colors(profile, kind)
    try:
        image = pyvips.Image.new_from_buffer(data, "", fail_on="error").autorot()
        bands = [image] if not image.hasalpha() else [image[: image.bands - 1], image[-1]]
        if convert:
            bands[0] = bands[0].icc_transform("srgb", embedded=True, **_CONVERSION)
        bands[0] = bands[0].colourspace("rgb16")
        rgb, *opacity = (np.ascontiguousarray(band.numpy()) for band in bands)
    except pyvips.Error as error:
        lines = str(error).strip().splitlines()
        reason = f"damaged or incomplete ({lines[-1].strip()})"
        raise PhotoError(name, reason, "restore the file from its source") from error
    return Decoded(rgb, opacity[0] if opacity else None, colors)


def write_deep(
    path: Path, rgb: np.ndarray, alpha: np.ndarray | None = None, profile: bytes | None = None
) -> None:
    """Write uint16 sRGB (H, W, 3), atomically, as PNG or TIFF; see `write_photo`."""
    import pyvips

    image = pyvips.Image.new_from_array(rgb).copy(interpretation="rgb16")
    with TemporaryDirectory() as folder, atomic_path(path) as temporary:
        if profile is not None:
            file = Path(folder) / "profile.icc"
            file.write_bytes(profile)
            image = image.icc_transform(str(file), input_profile="srgb", **_CONVERSION)
        if alpha is not None:
            image = image.bandjoin(pyvips.Image.new_from_array(alpha))
        options: dict[str, Any] = {"compression": "deflate"} if path.suffix != ".png" else {}
        save = image.pngsave if path.suffix.lower() == ".png" else image.tiffsave
        try:
            save(str(temporary), **options)
        except pyvips.Error as error:
            raise OSError(str(error).strip().splitlines()[-1].strip()) from error

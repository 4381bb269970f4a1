"""Color profiles (ICC): whatever a photo was saved in, the rest of the zoo sees sRGB.

LittleCMS, which comes with Pillow, converts: by relative colorimetry, with black mapped to black,
as viewers do. A profile that cannot be read is left aside, as viewers do, too.
"""

import io
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from PIL import Image, ImageCms

#: By how many of 255 levels a profile may differ from sRGB and count as that.
_SAME = 1

#: Of the images that profiles describe.
_KINDS = ("L", "RGB", "CMYK")
_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
_RELATIVE = ImageCms.Intent.RELATIVE_COLORIMETRIC
_BLACK_TO_BLACK = ImageCms.Flags.BLACKPOINTCOMPENSATION


def to_srgb(image: Image.Image) -> Image.Image:
    """Convert a loaded image of 8 bits by its profile; the same where it has none, or sRGB's.

    Opacity stays as it is.
    """
    profile = profile_of(image)
    if profile is None:
        return image
    if image.mode in ("1", "P") or "transparency" in image.info:
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    opacity = image.getchannel("A") if image.mode in ("LA", "RGBA") else None
    plain = image if opacity is None else image.convert(image.mode.removesuffix("A"))
    convert = _converter(profile, plain.mode) if plain.mode in _KINDS else None
    if convert is None:
        return image
    converted = convert(plain)
    if opacity is not None:
        converted.putalpha(opacity)
    return converted


def changes_colors(profile: bytes, mode: str) -> bool:
    """Whether photos of a mode, "L" or "RGB", with this profile look otherwise in sRGB."""
    return _converter(profile, mode) is not None


def profile_of(image: Image.Image) -> bytes | None:
    """The embedded profile, if there is one."""
    profile = image.info.get("icc_profile")
    return profile if isinstance(profile, bytes) and profile else None


def rgb_profile_of(image: Image.Image) -> bytes | None:
    """The embedded profile where colors can be saved in it, and it is not sRGB."""
    profile = profile_of(image)
    if profile is None or image.mode not in ("RGB", "RGBA"):
        return None
    return profile if changes_colors(profile, "RGB") else None


def from_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Convert an RGB image from sRGB into a profile that `rgb_profile_of` has given."""
    return _applied(image, _transform(_SRGB, _opened(profile), "RGB"))


@lru_cache(maxsize=8)
def _converter(profile: bytes, mode: str) -> Callable[[Image.Image], Image.Image] | None:
    """From a profile to sRGB; None where it cannot be used, or changes nothing."""
    try:
        transform = _transform(_opened(profile), _SRGB, mode)
        sample = _sample(mode)
        changed = np.asarray(_applied(sample, transform))
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
    if mode != "CMYK":
        before = np.asarray(sample.convert("RGB")).astype(int)
        if np.abs(changed - before).max() <= _SAME:
            return None
    if mode == "L":
        return lambda image: Image.fromarray(changed[0].take(np.asarray(image), axis=0))
    return lambda image: _applied(image, transform)


def _transform(
    source: ImageCms.ImageCmsProfile, target: ImageCms.ImageCmsProfile, mode: str
) -> ImageCms.ImageCmsTransform:
    # A gray curve is approximated coarsely otherwise: by up to 10 levels near black.
    flags = _BLACK_TO_BLACK | (ImageCms.Flags.NOOPTIMIZE if mode == "L" else 0)
    return ImageCms.buildTransform(source, target, mode, "RGB", _RELATIVE, flags)


def _applied(image: Image.Image, transform: ImageCms.ImageCmsTransform) -> Image.Image:
    converted = ImageCms.applyTransform(image, transform)
    assert converted is not None
    return converted


def _opened(profile: bytes) -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(io.BytesIO(profile))


def _sample(mode: str) -> Image.Image:
    """Colors of all kinds; of gray all levels."""
    if mode == "L":
        return Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    levels = np.linspace(0, 255, 9).astype(np.uint8)
    grid = np.stack(np.meshgrid(*[levels] * len(mode), indexing="ij"), axis=-1)
    return Image.frombytes(mode, (9 ** len(mode), 1), grid.tobytes())

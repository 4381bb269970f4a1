"""SRGB of 8 or 16 bits to lightness and back, for millions of pixels: `zoo.color.spaces` in NumPy.

A photo has few levels a channel, so that its gamma is a table; what is nearer to the network stays
in `keras.ops`, where it can be traced and differentiated. Rows should come in blocks that a
processor's cache holds: every step here passes over all of them.
"""

from functools import cache

import numpy as np

from zoo.color.spaces import RGB_FROM_XYZ, WHITE_D65, XYZ_FROM_RGB

#: Steps of a stored lightness: 1 of L is 655.35 of them.
_STEPS = 65535

#: Where the cube root of the Lab curve becomes a straight line, as `zoo.color.spaces` has it.
_JOINT, _SLOPE = np.float32(0.008856), np.float32(7.787)
_ROOT = np.float32(np.cbrt(_JOINT))


def _linear(levels: np.ndarray) -> np.ndarray:
    """Undo the gamma of sRGB in [0, 1] (IEC 61966-2-1)."""
    return np.where(levels > 0.04045, ((levels + 0.055) / 1.055) ** 2.4, levels / 12.92)


def _encoded(linear: np.ndarray) -> np.ndarray:
    """Apply that gamma."""
    return np.where(linear > 0.0031308, 1.055 * linear ** (1 / 2.4) - 0.055, 12.92 * linear)


@cache
def _luminances(most: int) -> np.ndarray:
    """What each level, of 0 to `most`, of red, green and blue adds to the luminance Y."""
    return np.outer(XYZ_FROM_RGB[1], _linear(np.arange(most + 1) / most)).astype(np.float32)


#: The level of a linear intensity in [0, 1], of which there are 65,536 steps.
_LEVELS = np.rint(255 * _encoded(np.arange(_STEPS + 1) / _STEPS)).astype(np.uint8)
_RGB_FROM_CURVES = (np.array(RGB_FROM_XYZ) * WHITE_D65).astype(np.float32)


def lightness_steps(rgb: np.ndarray) -> np.ndarray:
    """L in steps: 0 for L = 0 and 65,535 for L = 100.

    Args:
        rgb: (..., 3) sRGB, uint8 or uint16.

    Returns:
        (...), rounded to uint16 for photos of 8 bits, float32 for those of 16.
    """
    tables = _luminances(np.iinfo(rgb.dtype).max)
    luminance = tables[0].take(rgb[..., 0])
    for channel in (1, 2):
        luminance += tables[channel].take(rgb[..., channel])
    # The straight line touches the curve, so that each part is what the other one lacks.
    straight = np.minimum(luminance - _JOINT, np.float32(0))
    np.maximum(luminance, _JOINT, out=luminance)
    np.cbrt(luminance, out=luminance)
    straight *= _SLOPE
    luminance += straight
    luminance *= np.float32(1.16 * _STEPS)
    luminance -= np.float32(0.16 * _STEPS)
    np.maximum(luminance, 0, out=luminance)
    if rgb.dtype == np.uint16:
        return luminance
    luminance += np.float32(0.5)
    return luminance.astype(np.uint16)


def lightness_of_steps(steps: np.ndarray) -> np.ndarray:
    """What `lightness_steps` stores, as float32 L in [0, 100]."""
    return steps * np.float32(100 / _STEPS)


def rgb_of_steps(steps: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Give stored lightness chroma.

    Colors out of the sRGB gamut become paler, as in `zoo.color.spaces.lab_to_rgb_of_lightness`.
    Pixels without chroma are exactly gray.

    Args:
        steps: (...) of `lightness_steps`.
        a: (...) float32, a / 500; it is overwritten.
        b: (...) float32, b / 200; it is overwritten.

    Returns:
        (..., 3) sRGB, uint8 or uint16 as the photo that the steps are of.
    """
    levels = _levels if steps.dtype == np.uint16 else _deep_levels
    plain = (a == 0) & (b == 0)
    y = steps * np.float32(1 / 1.16 / _STEPS)
    y += np.float32(0.16 / 1.16)
    np.add(y, a, out=a)
    np.subtract(y, b, out=b)
    # Very blue colors would get a negative Z; it is cut off before the curve, as scikit-image does.
    np.maximum(b, 0, out=b)
    curves = [_uncurved(part) for part in (a, y, b)]
    channels, term = [], np.empty_like(y)
    for weights in _RGB_FROM_CURVES:
        total = curves[0] * weights[0]
        for curve, weight in zip(curves[1:], weights[1:], strict=True):
            np.multiply(curve, weight, out=term)
            total += term
        channels.append(total)
    _fit(channels, curves[1])
    rgb = np.stack([levels(channel) for channel in channels], axis=-1)
    if plain.any():
        # The rounded constants of Lab leave a = b = 0 a hair off R = G = B, which shows in one
        # pixel of 200.
        rgb[plain] = levels(curves[1][plain])[:, None]
    return rgb


def _fit(linear: list[np.ndarray], luminance: np.ndarray) -> None:
    """Move the three channels of linear RGB toward their luminance where they are out of gamut."""
    red, green, blue = linear
    low, high = np.minimum(red, green), np.maximum(red, green)
    np.minimum(low, blue, out=low)
    np.maximum(high, blue, out=high)
    outside = np.nonzero((low < 0) | (high > 1))
    if not len(outside[0]):
        return
    y, low, high = (each[outside] for each in (luminance, low, high))
    share = np.minimum(_share(y, y - low), _share(1 - y, high - y))
    for channel in linear:
        channel[outside] = y + share * (channel[outside] - y)


def _share(room: np.ndarray, chroma: np.ndarray) -> np.ndarray:
    """How much of the chroma there is room for."""
    room = np.maximum(room, 0)  # rounding may put white a hair above 1
    return room / np.maximum(np.maximum(chroma, room), np.float32(1e-12))


def _uncurved(x: np.ndarray) -> np.ndarray:
    """Undo the Lab curve: what it was applied to. `x` is overwritten."""
    cube = np.maximum(x, _ROOT)
    x -= _ROOT
    np.minimum(x, 0, out=x)
    x *= 1 / _SLOPE
    x += cube * cube * cube
    return x


def _levels(linear: np.ndarray) -> np.ndarray:
    """Linear intensities as uint8 levels. `linear` is overwritten."""
    np.clip(linear, 0, 1, out=linear)
    linear *= np.float32(_STEPS)
    linear += np.float32(0.5)
    return _LEVELS.take(linear.astype(np.uint16))


def _deep_levels(linear: np.ndarray) -> np.ndarray:
    """The same as uint16 levels, for which a table is too coarse near black."""
    np.clip(linear, 0, 1, out=linear)
    return np.rint(_STEPS * _encoded(linear)).astype(np.uint16)

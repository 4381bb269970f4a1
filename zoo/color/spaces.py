"""sRGB <-> CIE Lab and sRGB <-> YUV in `keras.ops`, channels last, any leading shape.

The formulas and constants are those of IEC 61966-2-1 (sRGB, D65, 2 degree observer), of CIE 15
(Lab) and of ITU-R BT.601 (YUV), with scikit-image's rounding of constants, so that both agree to
1e-3. One graph serves training, prediction and export.

Everything is computed in float32 whatever the global precision policy: bfloat16 keeps 8 bits, less
than a photo has. Channels are mixed by explicit sums, because accelerators may round the factors of
a matrix product.
"""

from typing import Any

import keras
from keras import ops

#: A tensor of the active backend, a NumPy array, or a symbolic tensor.
Tensor = Any

XYZ_FROM_RGB = (
    (0.412453, 0.357580, 0.180423),
    (0.212671, 0.715160, 0.072169),
    (0.019334, 0.119193, 0.950227),
)
RGB_FROM_XYZ = (
    (3.24048134, -1.53715152, -0.49853633),
    (-0.96925495, 1.87599, 0.04155593),
    (0.05564664, -0.20404134, 1.05731107),
)
_YUV_FROM_RGB = (
    (0.299, 0.587, 0.114),
    (-0.14714119, -0.28886916, 0.43601035),
    (0.61497538, -0.51496512, -0.10001026),
)
_RGB_FROM_YUV = (
    (1.0, 0.0, 1.13988303),
    (1.0, -0.394642334, -0.58062185),
    (1.0, 2.03206185, 0.0),
)
WHITE_D65 = (0.95047, 1.0, 1.08883)


def rgb_to_unit(rgb: Tensor) -> Tensor:
    """RGB as float32 in [0, 1], from uint8 in [0, 255] or from floats in [0, 1]."""
    if keras.backend.standardize_dtype(rgb.dtype) == "uint8":
        return ops.cast(rgb, "float32") / 255.0
    return ops.cast(rgb, "float32")


def unit_to_uint8(rgb: Tensor) -> Tensor:
    """Floats in [0, 1] as uint8 in [0, 255], rounded to the nearest; values outside are clipped."""
    return ops.cast(ops.round(ops.clip(rgb, 0.0, 1.0) * 255.0), "uint8")


def rgb_to_lab(rgb: Tensor) -> Tensor:
    """SRGB, (..., 3) uint8 or float in [0, 1], to CIE Lab (D65).

    Returns:
        (..., 3) float32: L in [0, 100], a in about [-86, 98], b in about [-108, 94].

    Examples:
        >>> red = rgb_to_lab(ops.convert_to_tensor([255, 0, 0], "uint8"))
        >>> [round(float(value)) for value in red]
        [53, 80, 67]
    """
    linear = _linear_from_srgb(rgb_to_unit(rgb))
    x, y, z = (
        _lab_curve(channel / white)
        for channel, white in zip(_mix(linear, XYZ_FROM_RGB), WHITE_D65, strict=True)
    )
    return ops.stack([116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)], axis=-1)


def rgb_to_lightness(rgb: Tensor) -> Tensor:
    """The L channel of `rgb_to_lab` alone, at a third of its cost: (..., 3) -> (..., 1)."""
    linear = _linear_from_srgb(rgb_to_unit(rgb))
    (y,) = _mix(linear, XYZ_FROM_RGB[1:2])
    return (116.0 * _lab_curve(y) - 16.0)[..., None]


def lightness_to_gray(lightness: Tensor) -> Tensor:
    """The gray of a given lightness: (..., 1) L in [0, 100] -> (..., 3) in [0, 1], R = G = B."""
    y = _inverse_lab_curve((ops.cast(lightness, "float32") + 16.0) / 116.0)
    return ops.repeat(ops.clip(_srgb_from_linear(y), 0.0, 1.0), 3, axis=-1)


def lab_to_rgb(lab: Tensor) -> Tensor:
    """CIE Lab (D65), (..., 3) with L in [0, 100], to sRGB: (..., 3) float32 in [0, 1].

    Colors out of the sRGB gamut are clipped channel by channel.

    Examples:
        >>> gray = unit_to_uint8(lab_to_rgb(ops.convert_to_tensor([50.0, 0.0, 0.0])))
        >>> [int(value) for value in gray]
        [119, 119, 119]
    """
    linear, _ = _linear_from_lab(lab)
    return ops.clip(_srgb_from_linear(linear), 0.0, 1.0)


def lab_to_rgb_of_lightness(lab: Tensor) -> Tensor:
    """As `lab_to_rgb`, but colors out of the sRGB gamut keep their lightness instead.

    They become paler, at the same luminance and dominant wavelength, until they fit: in linear RGB
    they go straight toward the gray of that luminance.
    """
    linear, luminance = _linear_from_lab(lab)
    chroma = linear - luminance
    # Rounding may put white a hair above 1.
    room = ops.maximum(ops.where(chroma > 0.0, 1.0 - luminance, luminance), 0.0)
    share = room / ops.maximum(ops.maximum(ops.absolute(chroma), room), 1e-12)
    fitting = luminance + ops.min(share, axis=-1, keepdims=True) * chroma
    return ops.clip(_srgb_from_linear(fitting), 0.0, 1.0)


def _linear_from_lab(lab: Tensor) -> tuple[Tensor, Tensor]:
    """Linear RGB, (..., 3), in or out of gamut, and its luminance Y, (..., 1)."""
    lab = ops.cast(lab, "float32")
    y = (lab[..., 0] + 16.0) / 116.0
    x = lab[..., 1] / 500.0 + y
    # Very blue colors would get a negative Z; it is cut off before the curve, as scikit-image does.
    z = ops.maximum(y - lab[..., 2] / 200.0, 0.0)
    xyz = ops.stack(
        [_inverse_lab_curve(c) * white for c, white in zip((x, y, z), WHITE_D65, strict=True)],
        axis=-1,
    )
    return ops.stack(_mix(xyz, RGB_FROM_XYZ), axis=-1), xyz[..., 1:2]


def rgb_to_yuv(rgb: Tensor) -> Tensor:
    """SRGB, (..., 3) uint8 or float in [0, 1], to YUV (BT.601, on gamma-encoded values).

    Returns:
        (..., 3) float32: Y in [0, 1], U in [-0.436, 0.436], V in [-0.615, 0.615].
    """
    return ops.stack(_mix(rgb_to_unit(rgb), _YUV_FROM_RGB), axis=-1)


def yuv_to_rgb(yuv: Tensor) -> Tensor:
    """YUV (BT.601) to sRGB: (..., 3) -> (..., 3) float32, clipped to [0, 1]."""
    return ops.clip(ops.stack(_mix(ops.cast(yuv, "float32"), _RGB_FROM_YUV), axis=-1), 0.0, 1.0)


def _mix(channels: Tensor, rows: tuple[tuple[float, float, float], ...]) -> list[Tensor]:
    """One weighted sum of the three channels for each row of weights."""
    first, second, third = (channels[..., i] for i in range(3))
    return [first * a + second * b + third * c for a, b, c in rows]


# Each curve below is a power law with a straight piece near black. The power's argument is kept on
# its own side of the joint: `where` evaluates both sides, and the unused one must not produce an
# infinite gradient.


def _power(base: Tensor, exponent: float) -> Tensor:
    """A power of positive numbers; several times as fast as the general one, and as exact here."""
    return ops.exp(ops.log(base) * exponent)


def _linear_from_srgb(rgb: Tensor) -> Tensor:
    curve = _power((ops.maximum(rgb, 0.04045) + 0.055) / 1.055, 2.4)
    return ops.where(rgb > 0.04045, curve, rgb / 12.92)


def _srgb_from_linear(linear: Tensor) -> Tensor:
    curve = 1.055 * _power(ops.maximum(linear, 0.0031308), 1.0 / 2.4) - 0.055
    return ops.where(linear > 0.0031308, curve, linear * 12.92)


def _lab_curve(t: Tensor) -> Tensor:
    root = _power(ops.maximum(t, 0.008856), 1.0 / 3.0)
    return ops.where(t > 0.008856, root, 7.787 * t + 16.0 / 116.0)


def _inverse_lab_curve(f: Tensor) -> Tensor:
    cube = f * f * f
    return ops.where(f > 0.2068966, cube, (f - 16.0 / 116.0) / 7.787)

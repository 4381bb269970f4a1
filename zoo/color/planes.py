"""The planes of chroma that colors are quantized in: ab of CIE Lab, and UV of BT.601."""

from collections.abc import Callable
from dataclasses import dataclass

from keras import ops

from zoo.color.spaces import Tensor, lightness_to_gray, rgb_to_lab, rgb_to_yuv, yuv_to_rgb


@dataclass(frozen=True)
class Plane:
    """A plane of chroma.

    Attributes:
        low: its lowest values that are looked at.
        high: its highest values.
        of_rgb: (..., 3) RGB, uint8 or float in [0, 1] -> (..., 2) chroma.
        to_ab: (..., 2) chroma and (..., 1) L in [0, 100] of the gray photo -> (..., 2) ab.
    """

    low: tuple[float, float]
    high: tuple[float, float]
    of_rgb: Callable[[Tensor], Tensor]
    to_ab: Callable[[Tensor, Tensor], Tensor]


def _uv_to_ab(chroma: Tensor, lightness: Tensor) -> Tensor:
    """UV on the gray photo's Y, as ab; colors outside the gamut are clipped."""
    y = lightness_to_gray(lightness)[..., :1]
    return rgb_to_lab(yuv_to_rgb(ops.concatenate([y, chroma], axis=-1)))[..., 1:]


AB = Plane((-110.0, -110.0), (110.0, 110.0), lambda rgb: rgb_to_lab(rgb)[..., 1:], lambda ab, _: ab)
UV = Plane((-0.45, -0.65), (0.45, 0.65), lambda rgb: rgb_to_yuv(rgb)[..., 1:], _uv_to_ab)

PLANES = {"ab": AB, "uv": UV}

"""From a photo of any size to the network's working size and back, in `keras.ops`.

    photo --lightness--> L --shrink--> working size --(network)--> ab --enlarge--> photo's size
      '------------------------- the photo's own L, every pixel -------------------------' merge

These are the formulas for whole tensors, as exports have them; `zoo.fullsize` goes the same way for
photos of any size at hand.

Shrinking is two matrix products, reflection and enlarging are gathers: these forms survive the
export to other runtimes; `tf.image.resize` with antialiasing and `UpSampling2D` do not.

An exported graph takes photos of any size: there, sizes are tensors. The same formulas give indices
and matrices, by NumPy from numbers and by `keras.ops` from tensors.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from keras import ops

from zoo.color.spaces import (
    Tensor,
    lab_to_rgb_of_lightness,
    lightness_to_gray,
    rgb_to_lightness,
    unit_to_uint8,
)

#: The working short side is this many pixels for each unit of the render factor (DeOldify's rule).
RENDER_UNIT = 16

#: The working size has at most this aspect: a 20 x 1500 strip shrinks further instead.
MAX_ASPECT = 4

# Noise is finer than that at the size that networks see.
_DENOISING_RADIUS = 2

#: A number of pixels: known, or a scalar tensor in a graph that is exported.
Length = Any


def working_size(height: Length, width: Length, render_factor: int) -> tuple[Length, Length]:
    """The size, in pixels, at which the network sees a photo of `height` x `width`.

    The short side becomes 16 x `render_factor`, aspect kept, even if that enlarges the photo. A
    long side that would pass 4 times that becomes just that, and the short side follows.

    Examples:
        >>> working_size(300, 600, render_factor=8)
        (128, 256)
        >>> working_size(20, 1500, render_factor=8)
        (7, 512)
    """
    xp = _mathematics(height, width)
    height, width = (cast(side, "float64") for side in (height, width))
    target = RENDER_UNIT * render_factor
    scale = xp.minimum(
        target / xp.minimum(height, width), MAX_ASPECT * target / xp.maximum(height, width)
    )
    height, width = (
        cast(xp.maximum(xp.round(side * scale), 1.0), "int32") for side in (height, width)
    )
    return (int(height), int(width)) if xp is np else (height, width)


def working_lightness(rgb: Tensor, size: tuple[Length, Length]) -> Tensor:
    """L of (N, H, W, 3) uint8 photos at the working size: (N, *size, 1) float32 in [0, 100]."""
    return shortened(narrow_rows(rgb, resampling_matrix(ops.shape(rgb)[2], size[1])), size[0])


def resample_lightness(lightness: Tensor, size: tuple[Length, Length]) -> Tensor:
    """(N, H, W, 1) L resized to (N, *size, 1) by the filter that `working_lightness` uses."""
    across = resampling_matrix(ops.shape(lightness)[2], size[1])
    narrow = ops.matmul(lightness[..., 0], ops.transpose(across)[None])
    # As `shortened`, in a form that LiteRT has for sizes that are unknown.
    down = ops.convert_to_tensor(resampling_matrix(ops.shape(narrow)[1], size[0]))
    return ops.clip(ops.matmul(down[None], narrow)[..., None], 0.0, 100.0)


def narrow_rows(rgb: Tensor, across: Tensor) -> Tensor:
    """L of rows of photos, resized across by a `resampling_matrix`: (N, r, W, 3) -> (N, r, w)."""
    return ops.matmul(rgb_to_lightness(rgb)[..., 0], ops.transpose(across))


def shortened(narrow: Tensor, height: Length) -> Tensor:
    """The rest of `working_lightness`: (N, H, w) L of all rows -> (N, height, w, 1)."""
    resampled = ops.matmul(resampling_matrix(ops.shape(narrow)[1], height), narrow)
    # The filter's negative lobes overshoot at edges.
    return ops.clip(resampled[..., None], 0.0, 100.0)


def merged_rows(rgb: Tensor, ab: Tensor, height: Length, start: Length = 0) -> Tensor:
    """Give rows of photos the chroma `ab` while every pixel keeps its own lightness.

    Where that would leave the sRGB gamut, chroma gives way.

    Args:
        rgb: (N, r, W, 3) uint8, the rows from `start` on.
        ab: (N, h, w, 2) of the whole photos; it is enlarged (or shrunk) bilinearly to their size.
        height: how many rows the photos have.
        start: the number of the first row.
    """
    count, width = ops.shape(rgb)[1:3]
    chroma = _bilinear(ab, 1, height, start, count)
    return _join(rgb_to_lightness(rgb), _bilinear(chroma, 2, width, 0, width))


def _bilinear(x: Tensor, axis: int, total: Length, start: Length, count: Length) -> Tensor:
    """Rows (axis 1) or columns (axis 2) of `x`, (N, h, w, C), resized bilinearly.

    Of the `total` rows or columns of the resized image, `count` are computed, from `start` on.
    """
    return _between(x, axis, *bilinear_places(ops.shape(x)[axis], total, start, count))


def bilinear_places(
    present: Length, total: Length, start: Length, count: Length
) -> tuple[Tensor, Tensor, Tensor]:
    """Where `count` of `total` rows, from `start` on, lie among the `present` ones.

    Centers are half a pixel off the edges, which are repeated.

    Returns:
        The numbers of the rows below and above each place, and the float32 share of the latter.
    """
    xp = _mathematics(present, total, start, count)
    # Positions in units of 1 / (2 * total) px are whole numbers, and so exact.
    centers = 2 * (xp.arange(count) + start) + 1
    return _places(present, centers * present - total, 2 * total)


def interpolated(x: Tensor, axis: int, position: Tensor, unit: Length) -> Tensor:
    """Rows (axis 1) or columns (axis 2) of `x`, (N, h, w, C), at places between them, bilinearly.

    Row i is at `position` i * `unit`; both are whole numbers. Outside, the edges are repeated.
    """
    return _between(x, axis, *_places(ops.shape(x)[axis], position, unit))


def _places(present: Length, position: Tensor, unit: Length) -> tuple[Tensor, Tensor, Tensor]:
    xp = _mathematics(present, position, unit)
    position = xp.minimum(xp.maximum(position, 0), (present - 1) * unit)
    below = xp.minimum(position // unit, xp.maximum(present - 2, 0))
    share = cast(position - below * unit, "float32") / cast(unit, "float32")
    return below, xp.minimum(below + 1, present - 1), share


def _between(x: Tensor, axis: int, below: Tensor, above: Tensor, share: Tensor) -> Tensor:
    xp = _mathematics(x, below, share)
    share = xp.reshape(share, (-1, 1, 1) if axis == 1 else (-1, 1))
    return xp.take(x, below, axis=axis) * (1 - share) + xp.take(x, above, axis=axis) * share


def resize(x: Tensor, size: tuple[Length, Length]) -> Tensor:
    """Resize (N, h, w, C) bilinearly to (N, *size, C), without antialiasing: for enlarging."""
    if tuple(x.shape[1:3]) == tuple(size):
        return x
    for axis, side in enumerate(size, start=1):
        x = _bilinear(x, axis, side, 0, side)
    return x


def reflect_to_multiple(x: Tensor, stride: int) -> Tensor:
    """Pad (N, h, w, C) at the bottom and right, by reflection, to multiples of `stride`.

    The edge pixel is not repeated. Images smaller than the padding are reflected repeatedly.
    """
    for axis in (1, 2):
        size = ops.shape(x)[axis]
        if isinstance(size, int) and size % stride == 0:
            continue
        x = _reflected(x, axis, 0, (size + stride - 1) // stride * stride)
    return x


def reflect_around(x: Tensor, margin: int) -> Tensor:
    """Pad (N, h, w, C) by reflection on all four sides, as `reflect_to_multiple` does on two."""
    for axis in (1, 2):
        x = _reflected(x, axis, -margin, ops.shape(x)[axis] + margin)
    return x


def _reflected(x: Tensor, axis: int, start: int, stop: Length) -> Tensor:
    """Indices from `start` to `stop` of an axis, folded back like a ray between two mirrors."""
    size = ops.shape(x)[axis]
    xp = _mathematics(size)
    period = xp.maximum(2 * (size - 1), 1)
    # Of whole numbers below zero, ONNX has no floor division and so no remainder like Python's.
    folded = xp.mod(xp.absolute(cast(xp.arange(start, stop), "int32")), period)
    # A single pixel is its own reflection.
    return _mathematics(x, folded).take(x, xp.minimum(folded, period - folded) % size, axis=axis)


def box_mean(x: Tensor, radius: int) -> Tensor:
    """The mean over squares of 2 x radius + 1 px around each pixel of (N, h, w, C)."""
    return ops.average_pool(reflect_around(x, radius), 2 * radius + 1, 1)


def window_mean(x: Tensor, radius: Length) -> Tensor:
    """The mean over the part of each such square that is inside of the image.

    As two matrix products its price does not depend on the radius, which may be a tensor.
    """
    for _ in ("rows", "columns"):
        count, rows, columns, channels = (ops.shape(x)[axis] for axis in range(4))
        flat = ops.reshape(x, (count, rows, columns * channels))
        # LiteRT has no product of two and three axes where sizes are unknown.
        means = ops.matmul(_window_matrix(rows, radius)[None], flat)
        means = ops.reshape(means, (count, rows, columns, channels))
        x = ops.transpose(means, (0, 2, 1, 3))
    return x


def _window_matrix(count: Length, radius: Length) -> Tensor:
    """(count, count) float32: the mean over what is at most `radius` away."""
    xp = _mathematics(count, radius)
    places = xp.arange(count)
    near = cast(xp.absolute(places[:, None] - places) <= radius, "float32")
    return near / xp.sum(near, axis=1, keepdims=True)


def guided_resize(
    x: Tensor,
    coarse: Tensor,
    fine: Tensor,
    radius: Length,
    epsilon: float,
    mean_of: Callable[[Tensor, Length], Tensor] = box_mean,
) -> Tensor:
    """Enlarge `x`, (N, h, w, C), along the edges of a guide; smooth where that is smooth.

    The fast guided filter (He and Sun 2015, arXiv 1505.00996, algorithm 2): within small squares
    `x` is fitted as a linear function of the guide, and the functions are enlarged, not `x`.

    Args:
        x: what is enlarged.
        coarse: (N, h, w, 1), the guide at the size of `x`.
        fine: (N, H, W, 1), the guide at the size wanted.
        radius: of the squares, in pixels of `x`.
        epsilon: variance of the guide below which it counts as smooth.
        mean_of: the mean over the squares.
    """
    mean, mean_guide = mean_of(x, radius), mean_of(coarse, radius)
    variance = mean_of(coarse * coarse, radius) - mean_guide * mean_guide
    covariance = mean_of(x * coarse, radius) - mean * mean_guide
    slope = covariance / (ops.maximum(variance, 0.0) + epsilon)
    offset = mean - slope * mean_guide
    size = ops.shape(fine)[1:3]
    slope, offset = (resize(mean_of(part, radius), size) for part in (slope, offset))
    return slope * fine + offset


def denoised(lightness: Tensor, strength: float) -> Tensor:
    """Smooth (N, H, W, 1) L for a network, and keep its edges: L of the same shape.

    A guided filter whose guide is L itself, over squares of 5 px (He, Sun and Tang 2010, "Guided
    Image Filtering", section 3.4): what varies by clearly less than `strength`, a standard
    deviation in L, becomes flat, and what varies by clearly more stays. A `strength` of 0 leaves
    L as it is.
    """
    if not strength:
        return lightness
    smooth = guided_resize(lightness, lightness, lightness, _DENOISING_RADIUS, strength**2)
    return ops.clip(smooth, 0.0, 100.0)


def _join(lightness: Tensor, chroma: Tensor) -> Tensor:
    """L and ab -> uint8 RGB; a pixel without chroma becomes exactly gray.

    With the usual rounded constants of Lab, a = b = 0 is a hair off R = G = B, which shows as a
    level of tint in one pixel of 200.
    """
    colored = lab_to_rgb_of_lightness(ops.concatenate([lightness, chroma], axis=-1))
    plain = ops.all(ops.equal(chroma, 0.0), axis=-1, keepdims=True)
    return unit_to_uint8(ops.where(plain, lightness_to_gray(lightness), colored))


def resampling_matrix(present: Length, wanted: Length) -> Tensor:
    """(wanted, present) float32: the Lanczos filter of three lobes, widened when it shrinks.

    It is Pillow's filter, with which the training photos were shrunk. Networks notice: one that was
    trained on sharp photos colors the softer ones of a triangle filter clearly worse.
    """
    known = _mathematics(present, wanted) is np
    return _known_matrix(present, wanted) if known else _lanczos_matrix(present, wanted)


# Photos of a film, or of a camera, have one size; those of a square are looked at twice.
@lru_cache(maxsize=4)
def _known_matrix(present: int, wanted: int) -> np.ndarray:
    matrix: np.ndarray = _lanczos_matrix(present, wanted)
    matrix.flags.writeable = False
    return matrix


def _lanczos_matrix(present: Length, wanted: Length) -> Tensor:
    xp = _mathematics(present, wanted)
    real = "float64" if xp is np else "float32"  # LiteRT has no more
    # Distances in units of 1 / (2 * wanted) px are whole numbers, and so exact.
    centers = (2 * xp.arange(wanted) + 1) * present
    distance = xp.absolute((2 * xp.arange(present) + 1) * wanted - centers[:, None])
    distance = cast(distance, real) / cast(2 * xp.maximum(present, wanted), real)
    weights = xp.where(distance < 3, _sinc(distance) * _sinc(distance / 3), 0.0)
    return cast(weights / xp.sum(weights, axis=1, keepdims=True), "float32")


def _sinc(x: Tensor) -> Tensor:
    """sin(pi x) / (pi x) of numbers that are at least 0."""
    angle = np.pi * _mathematics(x).maximum(x, 1e-20)
    return _mathematics(x).sin(angle) / angle


def _mathematics(*values: Tensor) -> Any:
    """The library that computes with these: NumPy, or `keras.ops` if one is a tensor."""
    return np if all(isinstance(v, int | float | np.ndarray | np.generic) for v in values) else ops


def numbers_to(count: Length) -> Tensor:
    """0, 1, ... up to below a count of rows."""
    return _mathematics(count).arange(count)


def cast(x: Tensor, dtype: str) -> Tensor:
    """`ops.cast`, but NumPy arrays stay such."""
    return np.asarray(x, dtype) if _mathematics(x) is np else ops.cast(x, dtype)

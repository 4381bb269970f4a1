"""From a photo of any size to the network's working size and back, in `keras.ops`.

    photo --lightness--> L --shrink--> working size --(network)--> ab --enlarge--> photo's size
      '------------------------- the photo's own L, every pixel -------------------------' merge

Full-size tensors are handled in stripes of rows, so that memory follows the photo (3 bytes a pixel
in, 3 out) and not the dozens of float32 images that whole-photo color conversion would keep. A
stripe gives the same values as the whole.

Shrinking is two matrix products, reflection and enlarging are gathers: these forms survive the
export to other runtimes, `tf.image.resize` with antialiasing and `UpSampling2D` do not.
"""

import numpy as np
from keras import ops

from zoo.color.spaces import Tensor, lab_to_rgb, lightness_to_gray, rgb_to_lightness, unit_to_uint8

#: The working short side is this many pixels for each unit of the render factor (DeOldify's rule).
RENDER_UNIT = 16

#: A photo is never worked on at more than this aspect: a 20 x 1500 strip shrinks further instead.
MAX_ASPECT = 4

_STRIPE_PIXELS = 2**20


def working_size(height: int, width: int, render_factor: int) -> tuple[int, int]:
    """The size, in pixels, at which the network sees a photo of `height` x `width`.

    The short side becomes 16 x `render_factor`, aspect kept, also where that enlarges the photo;
    where the long side would pass 4 times that, it becomes just that and the short side follows.

    >>> working_size(300, 600, render_factor=8)
    (128, 256)
    >>> working_size(20, 1500, render_factor=8)
    (7, 512)
    """
    short, long = min(height, width), max(height, width)
    target = RENDER_UNIT * render_factor
    scale = min(target / short, MAX_ASPECT * target / long)
    return max(1, round(height * scale)), max(1, round(width * scale))


def working_lightness(rgb: np.ndarray, size: tuple[int, int]) -> Tensor:
    """L of a batch of photos at the working size.

    Args:
        rgb: (N, H, W, 3) uint8.
        size: (h, w), the working size.

    Returns:
        (N, h, w, 1) float32, L in [0, 100].
    """
    height, width = rgb.shape[1:3]
    across = _resampling_matrix(width, size[1])
    rows = [
        ops.matmul(rgb_to_lightness(rgb[:, start:stop])[..., 0], across.T)
        for start, stop in _stripes(rgb.shape)
    ]
    narrow = rows[0] if len(rows) == 1 else ops.concatenate(rows, axis=1)
    return _clipped(ops.matmul(_resampling_matrix(height, size[0]), narrow))


def resample_lightness(lightness: Tensor, size: tuple[int, int]) -> Tensor:
    """(N, H, W, 1) L resized to (N, *size, 1) by the filter that `working_lightness` uses."""
    height, width = lightness.shape[1:3]
    narrow = ops.matmul(lightness[..., 0], _resampling_matrix(width, size[1]).T)
    return _clipped(ops.matmul(_resampling_matrix(height, size[0]), narrow))


def merge(rgb: np.ndarray, ab: Tensor) -> np.ndarray:
    """Give photos the chroma `ab` while every pixel keeps its own lightness.

    Args:
        rgb: (N, H, W, 3) uint8, the photos; only their lightness is used.
        ab: (N, h, w, 2), enlarged (or shrunk) bilinearly to the photos' size.

    Returns:
        (N, H, W, 3) uint8.
    """
    height, width = rgb.shape[1:3]
    colored = np.empty_like(rgb)
    for start, stop in _stripes(rgb.shape):
        rows = bilinear_rows(ab, height, np.arange(start, stop))
        chroma = ops.swapaxes(
            bilinear_rows(ops.swapaxes(rows, 1, 2), width, np.arange(width)), 1, 2
        )
        lightness = rgb_to_lightness(rgb[:, start:stop])
        colored[:, start:stop] = ops.convert_to_numpy(_join(lightness, chroma))
    return colored


def bilinear_rows(x: Tensor, total: int, wanted: np.ndarray) -> Tensor:
    """Rows `wanted` of `x` resized bilinearly to `total` rows (half-pixel centers, edges repeated).

    Args:
        x: (N, h, w, C).
        total: the number of rows of the whole resized image.
        wanted: (r,) integers in [0, total).

    Returns:
        (N, r, w, C).
    """
    present = x.shape[1]
    position = np.clip((wanted + 0.5) * (present / total) - 0.5, 0, present - 1)
    below = np.minimum(position.astype("int32"), max(present - 2, 0))
    above = np.minimum(below + 1, present - 1)
    share = ops.convert_to_tensor((position - below).astype("float32")[:, None, None])
    return ops.take(x, below, axis=1) * (1 - share) + ops.take(x, above, axis=1) * share


def resize(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize (N, h, w, C) bilinearly to (N, *size, C), without antialiasing: for enlarging."""
    if tuple(x.shape[1:3]) == tuple(size):
        return x
    rows = bilinear_rows(x, size[0], np.arange(size[0]))
    return ops.swapaxes(bilinear_rows(ops.swapaxes(rows, 1, 2), size[1], np.arange(size[1])), 1, 2)


def reflect_to_multiple(x: Tensor, stride: int) -> Tensor:
    """Pad (N, h, w, C) at the bottom and right, by reflection, to multiples of `stride`.

    The edge pixel is not repeated. Images smaller than the padding are reflected repeatedly.
    """
    for axis in (1, 2):
        size = x.shape[axis]
        padded = -(-size // stride) * stride
        if padded != size:
            x = ops.take(x, _reflected_indices(size, padded), axis=axis)
    return x


def reflect_around(x: Tensor, margin: int) -> Tensor:
    """Pad (N, h, w, C) by reflection on all four sides, as `reflect_to_multiple` does on two."""
    for axis in (1, 2):
        size = ops.shape(x)[axis]
        period = ops.maximum(2 * (size - 1), 1)
        folded = ops.mod(ops.arange(-margin, size + margin, dtype="int32"), period)
        x = ops.take(x, ops.minimum(folded, period - folded) % size, axis=axis)
    return x


def box_mean(x: Tensor, radius: int) -> Tensor:
    """The mean over squares of 2 x radius + 1 px around each place of (N, h, w, C)."""
    side = 2 * radius + 1
    return ops.average_pool(reflect_around(x, radius), side, 1)


def guided_resize(x: Tensor, coarse: Tensor, fine: Tensor, radius: int, epsilon: float) -> Tensor:
    """Enlarge `x` so that it follows the edges of a guide, and is smooth where that is smooth.

    The fast guided filter (He and Sun 2015, arXiv 1505.00996, algorithm 2): within small squares
    `x` is fitted as a linear function of the guide, and the functions are enlarged, not `x`.

    Args:
        x: (N, h, w, C).
        coarse: (N, h, w, 1), the guide at the size of `x`.
        fine: (N, H, W, 1), the guide at the size wanted.
        radius: of the squares, in pixels of `x`.
        epsilon: variance of the guide below which it counts as smooth.

    Returns:
        (N, H, W, C).
    """
    mean, mean_guide = box_mean(x, radius), box_mean(coarse, radius)
    variance = box_mean(coarse * coarse, radius) - mean_guide * mean_guide
    covariance = box_mean(x * coarse, radius) - mean * mean_guide
    slope = covariance / (ops.maximum(variance, 0.0) + epsilon)
    offset = mean - slope * mean_guide
    size = fine.shape[1:3]
    slope, offset = (resize(box_mean(part, radius), size) for part in (slope, offset))
    return slope * fine + offset


def _clipped(resampled: Tensor) -> Tensor:
    """(N, h, w) -> (N, h, w, 1) L; the filter's negative lobes overshoot at edges."""
    return ops.clip(resampled[..., None], 0.0, 100.0)


def _join(lightness: Tensor, chroma: Tensor) -> Tensor:
    """L and ab -> uint8 RGB.

    With the usual rounded constants of Lab, a = b = 0 is a hair off R = G = B, which shows as a
    level of tint in one pixel of 200. A pixel without chroma has to be exactly gray.
    """
    colored = lab_to_rgb(ops.concatenate([lightness, chroma], axis=-1))
    plain = ops.all(ops.equal(chroma, 0.0), axis=-1, keepdims=True)
    return unit_to_uint8(ops.where(plain, lightness_to_gray(lightness), colored))


def _reflected_indices(size: int, padded: int) -> np.ndarray:
    """Indices 0..padded-1 folded back into 0..size-1 like a ray between two mirrors."""
    if size == 1:
        return np.zeros(padded, "int32")
    period = 2 * (size - 1)
    folded = np.arange(padded) % period
    return np.minimum(folded, period - folded).astype("int32")


def _stripes(shape: tuple[int, ...]) -> list[tuple[int, int]]:
    """Ranges of rows that hold about a megapixel each, over the whole batch."""
    count, height, width = shape[:3]
    rows = max(1, _STRIPE_PIXELS // (count * width))
    return [(start, min(start + rows, height)) for start in range(0, height, rows)]


def _resampling_matrix(present: int, wanted: int) -> np.ndarray:
    """(wanted, present) float32: the Lanczos filter of three lobes, widened where it shrinks.

    It is Pillow's filter, with which the training photos were shrunk. Networks notice: one that was
    trained on sharp photos colors the softer ones of a triangle filter clearly worse.
    """
    scale = present / wanted
    centers = (np.arange(wanted) + 0.5) * scale - 0.5
    distance = (np.arange(present) - centers[:, None]) / max(scale, 1.0)
    weights = np.where(np.abs(distance) < 3, np.sinc(distance) * np.sinc(distance / 3), 0.0)
    return (weights / weights.sum(axis=1, keepdims=True)).astype("float32")

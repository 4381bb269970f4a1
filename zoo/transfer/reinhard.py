"""Color transfer by statistics: the mean and the deviation of each color channel.

Reinhard, Ashikhmin, Gooch and Shirley 2001, "Color Transfer between Images" (IEEE Computer Graphics
and Applications 21, 5): equations 4 to 9 are the color space, 10 and 11 the transfer. It is
computed on the values of sRGB as they are stored, as the paper does.

The paper recolors photos in color. Of a gray one both color channels are constant, and a constant
channel takes the reference's mean: the whole photo gets one tint. So the method is of use behind a
model, whose colors it shifts and stretches to those of the reference. The paper treats the
achromatic channel l alike; here each pixel keeps its lightness, and so its l.
"""

import numpy as np
from keras import ops

from zoo.color.spaces import lab_to_rgb_of_lightness, rgb_to_lab

LMS_FROM_RGB = np.array(
    [[0.3811, 0.5783, 0.0402], [0.1967, 0.7244, 0.0782], [0.0241, 0.1288, 0.8444]]
)
RGB_FROM_LMS = np.array(
    [[4.4679, -3.5873, 0.1193], [-1.2186, 2.3809, -0.1624], [0.0497, -0.2439, 1.2045]]
)
_SUMS = np.array([[1, 1, 1], [1, 1, -2], [1, -1, 0]])
_SCALES = 1 / np.sqrt([3, 6, 2])

#: Black has no logarithm: the least value of a channel is one level of 255.
_LEAST = 1 / 255
#: A channel that varies less is constant: so much is left of gray by the rounding of constants.
_CONSTANT = 1e-3


def rgb_to_lalphabeta(rgb: np.ndarray) -> np.ndarray:
    """SRGB in [0, 1] to l-alpha-beta: (..., 3) to (..., 3) float64, l at most 0.

    Equations 4 to 6 of Reinhard et al. 2001, with the decimal logarithm.
    """
    lms = np.maximum(rgb, _LEAST).astype(np.float64) @ LMS_FROM_RGB.T
    found: np.ndarray = np.log10(lms) @ (_SCALES[:, None] * _SUMS).T
    return found


def lalphabeta_to_rgb(lab: np.ndarray) -> np.ndarray:
    """The way back, equations 8 and 9: (..., 3) to (..., 3), which may lie outside of [0, 1]."""
    found: np.ndarray = 10 ** ((lab * _SCALES) @ _SUMS) @ RGB_FROM_LMS.T
    return found


def with_chroma(lightness: np.ndarray, ab: np.ndarray) -> np.ndarray:
    """SRGB in [0, 1] of L, (h, w), and ab, (h, w, 2): (h, w, 3), paler where it must be."""
    lab = np.concatenate([lightness[..., None], ab], axis=-1).astype(np.float32)
    found: np.ndarray = ops.convert_to_numpy(lab_to_rgb_of_lightness(lab))
    return found


def chroma_of(rgb: np.ndarray) -> np.ndarray:
    """The ab of sRGB around [0, 1]: (..., 3) to (..., 2) float32."""
    found: np.ndarray = ops.convert_to_numpy(rgb_to_lab(rgb.astype(np.float32)))[..., 1:]
    return found


class Reinhard:
    """Gives colors the mean and the deviation of those of a reference.

    Args:
        reference: (h, w, 3) uint8 sRGB.
    """

    def __init__(self, reference: np.ndarray) -> None:
        color = rgb_to_lalphabeta(reference / 255)[..., 1:].reshape(-1, 2)
        self._mean, self._deviation = color.mean(axis=0), color.std(axis=0)

    def __call__(self, lightness: np.ndarray, ab: np.ndarray) -> np.ndarray:
        """Recolor (h, w, 2) ab at (h, w) L in [0, 100]: (h, w, 2) float32."""
        lalphabeta = rgb_to_lalphabeta(with_chroma(lightness, ab))
        color = lalphabeta[..., 1:]
        deviation = color.std(axis=(0, 1))
        stretch = np.where(
            deviation > _CONSTANT, self._deviation / np.maximum(deviation, _CONSTANT), 0.0
        )
        lalphabeta[..., 1:] = (color - color.mean(axis=(0, 1))) * stretch + self._mean
        return chroma_of(lalphabeta_to_rgb(lalphabeta))

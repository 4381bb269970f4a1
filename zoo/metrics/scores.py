"""Scores of one photo: each function takes a `Pair` and returns a float.

`zoo.metrics.registry` says how the scores of many photos become one figure.
"""

import numpy as np
import skimage

from zoo.color import scores as color
from zoo.metrics.pair import Pair

PSNR_CAP = 100.0
SSIM_WINDOW = 7


def psnr(pair: Pair) -> float:
    """Peak signal-to-noise ratio over the RGB channels, peak 255, in dB: 0 to 100.

    Equal photos have an infinite ratio, which no mean survives: values are capped at 100 dB. One
    channel of one pixel off by one gives 95 dB at 128 x 128 px, so the cap keeps the order.
    """
    error = pair.prediction.astype(np.float64) - pair.truth
    return _decibels(np.square(error).mean())


def psnr_ab(pair: Pair) -> float:
    """Peak signal-to-noise ratio over the two ab channels, peak 255, in dB: 0 to 100, as `psnr`."""
    return _decibels(pair.squared_ab_error.mean() / 2)


def _decibels(mean_squared_error: float) -> float:
    floor = 255.0**2 / 10 ** (PSNR_CAP / 10)
    return float(10 * np.log10(255.0**2 / max(mean_squared_error, floor)))


def ssim(pair: Pair) -> float:
    """Structural similarity, mean over the RGB channels: -1 to 1 (Wang et al. 2004).

    As scikit-image computes it by default: a uniform window of 7 px, sample covariance. A photo
    with a side under 7 px gets the largest odd window that fits. Where that is 1 px (a side of 1
    or 2) there is no variance to compare, and only the formula's luminance term remains.
    """
    side = min(SSIM_WINDOW, *pair.truth.shape[:2])
    window = side if side % 2 else side - 1
    return float(
        skimage.metrics.structural_similarity(
            pair.truth,
            pair.prediction,
            channel_axis=2,
            data_range=255,
            win_size=window,
            use_sample_covariance=window > 1,
        )
    )


def ciede2000(pair: Pair) -> float:
    """Mean CIEDE2000 color difference over the pixels, from 0 (Sharma, Wu and Dalal 2005)."""
    return float(pair.ciede2000.mean())


def color_accuracy(pair: Pair, threshold: float = 10.0) -> float:
    """Share of pixels whose CIEDE2000 to the truth is at most `threshold`: 0 to 1."""
    return float((pair.ciede2000 <= threshold).mean())


def ab_rmse(pair: Pair) -> float:
    """Root mean squared error over pixels and both ab channels, in Lab units, from 0."""
    return float(np.sqrt(pair.squared_ab_error.mean() / 2))


def auc(pair: Pair) -> float:
    """Area under the share of pixels whose ab error is within t: see `zoo.color.scores.auc`."""
    return color.auc(np.sqrt(pair.squared_ab_error))


def auc_rebalanced(pair: Pair) -> float:
    """`auc` with each pixel weighted by 1/p of its true color's bin: 0 to 1.

    Zhang et al. (2016, section 3.1). p is how frequent the color is in many training photos,
    smoothed (`zoo.metrics.prior`): the same for all models and all photos.
    """
    return color.auc(np.sqrt(pair.squared_ab_error), pair.pixel_weights)


def total_pixel_weight(pair: Pair) -> float:
    """The weight of a photo when `auc_rebalanced` is pooled over pixels: the sum of 1/p."""
    return float(pair.pixel_weights.sum())


def colorfulness(pair: Pair) -> float:
    """Colorfulness of the prediction, from 0 for gray (Hasler and Suesstrunk 2003, M3)."""
    return pair.prediction_colorfulness


def colorfulness_difference(pair: Pair) -> float:
    """Colorfulness of the prediction minus the truth's: negative where colors are too dull."""
    return pair.prediction_colorfulness - pair.truth_colorfulness


def colorfulness_error(pair: Pair) -> float:
    """Distance of the prediction's colorfulness from the truth's, from 0."""
    return abs(colorfulness_difference(pair))


def absolute_colorfulness(pair: Pair) -> float:
    """Colorfulness of the prediction by absolute opponents |R - G| and |(R + G)/2 - B|, from 0.

    Code of several papers computes this under the name of Hasler and Suesstrunk (2003), whose
    opponents keep their sign; it is lower. To stand beside those papers' figures, and for nothing
    else.
    """
    red, green, blue = np.moveaxis(pair.prediction.astype(np.float64), -1, 0)
    opponents = np.stack([np.abs(red - green), np.abs((red + green) / 2 - blue)])
    spread, offset = opponents.var(axis=(1, 2)).sum(), np.square(opponents.mean(axis=(1, 2))).sum()
    return float(np.sqrt(spread) + 0.3 * np.sqrt(offset))


def color_bleeding(pair: Pair) -> float:
    """Mean error of the ab gradient over the pixels, in Lab units a pixel, from 0.

    This project's definition: the Euclidean norm, over both channels and both directions, of the
    predicted forward differences of ab minus the true ones; beyond the border ab goes on as it is.
    A wrong color of a whole area costs at its border alone, and one that leaks over an edge twice.
    """
    error = (pair.prediction_lab - pair.truth_lab)[..., 1:]
    squares = np.zeros(error.shape[:2])
    squares[:-1] += np.square(np.diff(error, axis=0)).sum(-1)
    squares[:, :-1] += np.square(np.diff(error, axis=1)).sum(-1)
    return float(np.sqrt(squares).mean())

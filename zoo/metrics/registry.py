"""The metrics by name: what each is called, which way is better, and where it comes from.

A metric that a pretrained network computes carries the network's name, as in "top1@InceptionV3":
other networks give other numbers. `zoo.metrics.networks` computes those.
"""

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, replace
from functools import partial
from typing import Literal

import numpy as np

from zoo.errors import ZooError, valid_choice
from zoo.metrics import aggregates, scores
from zoo.metrics.pair import Pair


@dataclass(frozen=True)
class Metric:
    """How a colorization is scored.

    Attributes:
        name: what code and files call it.
        title: what the header of a table shows.
        source: the paper and section, or what the metric is where there is none.
        score: of a photo, NaN where a photo has none; None where it takes a network.
        aggregate: from scores (..., n) and weights (..., n) or None to figures (...); None where
            there is but one figure of all photos.
        unit: "" for a plain number.
        direction: the better way; None where neither is better in itself.
        low: the lowest possible figure.
        high: the highest possible figure; None where the definition sets no bound.
        weight: of a photo in the aggregate; None counts photos equally.
    """

    name: str
    title: str
    source: str
    score: Callable[[Pair], float] | None = None
    aggregate: Callable[..., np.ndarray] | None = aggregates.mean
    _: KW_ONLY
    unit: str = ""
    direction: Literal["higher", "lower"] | None = "higher"
    low: float = 0.0
    high: float | None = None
    weight: Callable[[Pair], float] | None = None

    def of(self, pair: Pair) -> float:
        """Score one photo."""
        if self.score is None:
            raise ZooError(f"{self.title} takes a network; see zoo.NetworkMetrics.")
        return self.score(pair)

    def figure(self, scores: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
        """Make one figure of the scores of several photos: (..., n) -> (...)."""
        if self.aggregate is None:
            raise ZooError(f"{self.title} is a figure of all photos; there is none of each photo.")
        return self.aggregate(scores, weights)


_decibels = partial(Metric, unit="dB", high=scores.PSNR_CAP)
_share = partial(Metric, high=1.0)
_distance = partial(Metric, direction="lower")
_ZHANG = "Zhang, Isola and Efros 2016, arXiv 1603.08511, section 3.1"
_HASLER = "Hasler and Suesstrunk 2003, M3"
_CAPPED = "peak signal-to-noise ratio over {}, capped at 100 dB"

_ALL: tuple[Metric, ...] = (
    _decibels("psnr", "PSNR", _CAPPED.format("RGB"), scores.psnr),
    _decibels("psnr_ab", "ab PSNR", _CAPPED.format("ab with peak 255"), scores.psnr_ab),
    _share(
        "ssim",
        "SSIM",
        "Wang et al. 2004, section III-B, with scikit-image's uniform 7 px window",
        scores.ssim,
        low=-1.0,
    ),
    _distance(
        "ciede2000",
        "CIEDE2000",
        "Sharma, Wu and Dalal 2005, Color Research and Application 30(1)",
        scores.ciede2000,
    ),
    _distance(
        "ab_rmse",
        "ab RMSE",
        "root mean squared ab error, pooled with every photo counting the same",
        scores.ab_rmse,
        aggregates.root_mean_square,
        unit="Lab units",
    ),
    _share("auc", "AuC", _ZHANG, scores.auc),
    _share(
        "auc_rebalanced",
        "class-rebalanced AuC",
        f"{_ZHANG}; colors weigh 1/p, p their smoothed share of many training photos' pixels",
        scores.auc_rebalanced,
        weight=scores.total_pixel_weight,
    ),
    Metric(
        "colorfulness",
        "colorfulness",
        f"{_HASLER}, signed form",
        scores.colorfulness,
        direction=None,
    ),
    _distance(
        "delta_colorfulness_per_photo",
        "delta colorfulness per photo",
        f"mean over the photos of each one's distance in colorfulness ({_HASLER}) from the truth",
        scores.colorfulness_error,
    ),
    _distance(
        "delta_colorfulness",
        "delta colorfulness of the mean",
        f"distance of the mean colorfulness ({_HASLER}) from the true photos' mean",
        scores.colorfulness_difference,
        aggregates.absolute_mean,
    ),
    Metric(
        "colorfulness_absolute",
        "colorfulness, absolute opponents",
        "what code of several papers computes for Hasler and Suesstrunk 2003, without the signs; "
        "for comparison with those papers' figures only",
        scores.absolute_colorfulness,
        direction=None,
    ),
    _distance(
        "color_bleeding",
        "color bleeding",
        "this project's definition: mean norm of the error of the ab gradient",
        scores.color_bleeding,
        unit="Lab units/px",
    ),
    _share(
        "color_accuracy",
        "color accuracy",
        "this project's definition: the share of pixels with CIEDE2000 at most 10",
        scores.color_accuracy,
    ),
)

_SZEGEDY = "Inception-v3 of keras.applications, so not to be compared with published figures"

_OF_PHOTOS = (
    _share(
        "top1",
        "top-1",
        "share of the labeled photos that the classifier takes for what they are "
        "(Zhang, Isola and Efros 2016, arXiv 1603.08511, section 3.1)",
    ),
    _share("top5", "top-5", "the same, with the right class among the classifier's five likeliest"),
    _share(
        "agreement",
        "classifier agreement",
        "this project's definition: share of the photos that the classifier takes for what "
        "it takes the true photo for, right or wrong; labels play no part",
    ),
    _distance("lpips", "LPIPS", "Zhang et al. 2018, arXiv 1801.03924, section 3, version 0.1"),
)
_OF_SETS = (
    _distance("fid", "FID", f"Heusel et al. 2017, arXiv 1706.08500, section 3; {_SZEGEDY}"),
    _distance(
        "frechet",
        "Fréchet distance",
        "the formula of FID in the features of another network: no FID",
    ),
    Metric(
        "inception_score",
        "Inception score",
        f"Salimans et al. 2016, arXiv 1606.03498, section 4, of one part; {_SZEGEDY}",
        low=1.0,
    ),
    Metric(
        "classifier_score",
        "classifier score",
        "the formula of the Inception score with another classifier: no Inception score",
        low=1.0,
    ),
)
_OF_NETWORKS = (
    *(replace(metric, aggregate=aggregates.mean_of_scored) for metric in _OF_PHOTOS),
    *(replace(metric, aggregate=None) for metric in _OF_SETS),
)
#: Names that stand for one network alone.
_RESERVED = {"fid": "InceptionV3", "inception_score": "InceptionV3", "lpips": "VGG16"}

METRICS: dict[str, Metric] = {metric.name: metric for metric in _ALL}
_NETWORK_METRICS: dict[str, Metric] = {metric.name: metric for metric in _OF_NETWORKS}


def list_metrics() -> list[str]:
    """Return the name of every metric that takes no network, in the order of a table's columns."""
    return list(METRICS)


def get_metric(name: str) -> Metric:
    """Return a metric of `list_metrics()`, or "METRIC@NETWORK" for one that takes a network.

    Examples:
        >>> truth = np.full((8, 8, 3), 128, np.uint8)
        >>> warmer = truth + np.array([10, 0, 0], np.uint8)
        >>> psnr = get_metric("psnr")
        >>> print(f"{psnr.score(Pair(truth, warmer)):.1f} {psnr.unit}, {psnr.direction} is better")
        32.9 dB, higher is better
        >>> get_metric("top5@MobileNetV2").title
        'top-5 (MobileNetV2)'
    """
    base, _, network = name.partition("@")
    if not network:
        return METRICS[valid_choice("metric", name, list_metrics())]
    found = _NETWORK_METRICS[valid_choice("metric of a network", base, list(_NETWORK_METRICS))]
    if network != _RESERVED.get(base, network):
        raise ZooError(f"{found.title} is a matter of {_RESERVED[base]} alone, not of {network}.")
    return replace(found, name=name, title=f"{found.title} ({network})")

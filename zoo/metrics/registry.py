"""The metrics by name: what each is called, which way is better, and where it comes from.

A metric that a pretrained network computes carries the network's name, as in "top1@InceptionV3":
other networks give other numbers. `zoo.metrics.networks` computes those.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
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
        unit: "" for a plain number.
        direction: the better way, "higher" or "lower"; None where neither is better in itself.
        low: the lowest possible figure.
        high: the highest possible figure; None where the definition sets no bound.
        source: the paper and section, or what the metric is where there is none.
        score: from a `Pair` to the score of that photo; None where it takes a network. Photos may
            go without such a score: it is NaN.
        aggregate: from scores (..., n) and weights (..., n) or None to figures (...); None where
            there is but one figure of all photos.
        weight: from a `Pair` to the photo's weight in the aggregate; None counts photos equally.
        needs_colors: whether `Pair.colors` must describe the whole evaluated set.
    """

    name: str
    title: str
    unit: str
    direction: Literal["higher", "lower"] | None
    low: float
    high: float | None
    source: str
    score: Callable[[Pair], float] | None
    aggregate: Callable[..., np.ndarray] | None = aggregates.mean
    weight: Callable[[Pair], float] | None = None
    needs_colors: bool = False

    def of(self, pair: Pair) -> float:
        """Score one photo.

        Raises:
            ZooError: if that takes a network.
        """
        if self.score is None:
            raise ZooError(f"{self.title} takes a network; see zoo.NetworkMetrics.")
        return self.score(pair)

    def figure(self, scores: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
        """Make one figure of the scores of several photos: (..., n) -> (...).

        Raises:
            ZooError: if there is but one figure of all photos.
        """
        if self.aggregate is None:
            raise ZooError(f"{self.title} is a figure of all photos; there is none of each photo.")
        return self.aggregate(scores, weights)


_ZHANG = "Zhang, Isola and Efros 2016, arXiv 1603.08511, section 3.1"
_HASLER = "Hasler and Suesstrunk 2003, M3"

_ALL = (
    Metric(
        name="psnr",
        title="PSNR",
        unit="dB",
        direction="higher",
        low=0.0,
        high=scores.PSNR_CAP,
        source="peak signal-to-noise ratio over RGB, capped at 100 dB",
        score=scores.psnr,
    ),
    Metric(
        name="psnr_ab",
        title="ab PSNR",
        unit="dB",
        direction="higher",
        low=0.0,
        high=scores.PSNR_CAP,
        source="peak signal-to-noise ratio over ab with peak 255, capped at 100 dB",
        score=scores.psnr_ab,
    ),
    Metric(
        name="ssim",
        title="SSIM",
        unit="",
        direction="higher",
        low=-1.0,
        high=1.0,
        source="Wang et al. 2004, section III-B, with scikit-image's uniform 7 px window",
        score=scores.ssim,
    ),
    Metric(
        name="ciede2000",
        title="CIEDE2000",
        unit="",
        direction="lower",
        low=0.0,
        high=None,
        source="Sharma, Wu and Dalal 2005, Color Research and Application 30(1)",
        score=scores.ciede2000,
    ),
    Metric(
        name="ab_rmse",
        title="ab RMSE",
        unit="Lab units",
        direction="lower",
        low=0.0,
        high=None,
        source="root mean squared ab error, pooled with every photo counting the same",
        score=scores.ab_rmse,
        aggregate=aggregates.root_mean_square,
    ),
    Metric(
        name="auc",
        title="AuC",
        unit="",
        direction="higher",
        low=0.0,
        high=1.0,
        source=_ZHANG,
        score=scores.auc,
    ),
    Metric(
        name="auc_rebalanced",
        title="class-rebalanced AuC",
        unit="",
        direction="higher",
        low=0.0,
        high=1.0,
        source=f"{_ZHANG}; colors counted in the evaluated photos",
        score=scores.auc_rebalanced,
        weight=scores.total_pixel_weight,
        needs_colors=True,
    ),
    Metric(
        name="colorfulness",
        title="colorfulness",
        unit="",
        direction=None,
        low=0.0,
        high=None,
        source=f"{_HASLER}, signed form",
        score=scores.colorfulness,
    ),
    Metric(
        name="delta_colorfulness",
        title="delta colorfulness",
        unit="",
        direction="lower",
        low=0.0,
        high=None,
        source=f"distance of the mean colorfulness ({_HASLER}) from the true photos' mean",
        score=scores.colorfulness_difference,
        aggregate=aggregates.absolute_mean,
    ),
    Metric(
        name="color_accuracy",
        title="color accuracy",
        unit="",
        direction="higher",
        low=0.0,
        high=1.0,
        source="this project's definition: the share of pixels with CIEDE2000 at most 10",
        score=scores.color_accuracy,
    ),
)

_SZEGEDY = "Inception-v3 of keras.applications, so not to be compared with published figures"

_OF_NETWORKS = (
    Metric(
        name="top1",
        title="top-1",
        unit="",
        direction="higher",
        low=0.0,
        high=1.0,
        source="share of the labeled photos that the classifier takes for what they are "
        "(Zhang, Isola and Efros 2016, arXiv 1603.08511, section 3.1)",
        score=None,
        aggregate=aggregates.mean_of_scored,
    ),
    Metric(
        name="top5",
        title="top-5",
        unit="",
        direction="higher",
        low=0.0,
        high=1.0,
        source="the same, with the right class among the classifier's five likeliest",
        score=None,
        aggregate=aggregates.mean_of_scored,
    ),
    Metric(
        name="agreement",
        title="classifier agreement",
        unit="",
        direction="higher",
        low=0.0,
        high=1.0,
        source="this project's definition: share of the photos that the classifier takes for what "
        "it takes the true photo for, right or wrong; labels play no part",
        score=None,
        aggregate=aggregates.mean_of_scored,
    ),
    Metric(
        name="lpips",
        title="LPIPS",
        unit="",
        direction="lower",
        low=0.0,
        high=None,
        source="Zhang et al. 2018, arXiv 1801.03924, section 3, version 0.1",
        score=None,
        aggregate=aggregates.mean_of_scored,
    ),
    Metric(
        name="fid",
        title="FID",
        unit="",
        direction="lower",
        low=0.0,
        high=None,
        source=f"Heusel et al. 2017, arXiv 1706.08500, section 3; {_SZEGEDY}",
        score=None,
        aggregate=None,
    ),
    Metric(
        name="frechet",
        title="Fréchet distance",
        unit="",
        direction="lower",
        low=0.0,
        high=None,
        source="the formula of FID in the features of another network: no FID",
        score=None,
        aggregate=None,
    ),
    Metric(
        name="inception_score",
        title="Inception score",
        unit="",
        direction="higher",
        low=1.0,
        high=None,
        source=f"Salimans et al. 2016, arXiv 1606.03498, section 4, of one part; {_SZEGEDY}",
        score=None,
        aggregate=None,
    ),
    Metric(
        name="classifier_score",
        title="classifier score",
        unit="",
        direction="higher",
        low=1.0,
        high=None,
        source="the formula of the Inception score with another classifier: no Inception score",
        score=None,
        aggregate=None,
    ),
)
#: Names that stand for one network alone.
_RESERVED = {"fid": "InceptionV3", "inception_score": "InceptionV3", "lpips": "VGG16"}

METRICS: dict[str, Metric] = {metric.name: metric for metric in _ALL}
_NETWORK_METRICS: dict[str, Metric] = {metric.name: metric for metric in _OF_NETWORKS}


def list_metrics() -> list[str]:
    """Return the name of every metric that takes no network, in the order of a table's columns."""
    return list(METRICS)


def get_metric(name: str) -> Metric:
    """Return the metric called `name`.

    Args:
        name: one of `list_metrics()`, or "METRIC@NETWORK" for one that takes a network.

    Examples:
        >>> truth = np.full((8, 8, 3), 128, np.uint8)
        >>> warmer = truth + np.array([10, 0, 0], np.uint8)
        >>> psnr = get_metric("psnr")
        >>> print(f"{psnr.score(Pair(truth, warmer)):.1f} {psnr.unit}, {psnr.direction} is better")
        32.9 dB, higher is better
        >>> get_metric("top5@MobileNetV2").title
        'top-5 (MobileNetV2)'

    Raises:
        ZooError: naming the valid names, if there is none.
    """
    base, _, network = name.partition("@")
    if not network:
        return METRICS[valid_choice("metric", name, list_metrics())]
    found = _NETWORK_METRICS[valid_choice("metric of a network", base, list(_NETWORK_METRICS))]
    if network != _RESERVED.get(base, network):
        raise ZooError(f"{found.title} is a matter of {_RESERVED[base]} alone, not of {network}.")
    return replace(found, name=name, title=f"{found.title} ({network})")

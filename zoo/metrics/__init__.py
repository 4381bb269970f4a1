"""Metrics that compare colorized photos with the true ones; `list_metrics()` names them.

A metric scores one photo at a time from a `Pair`, and says how the scores of many photos become
one figure: `get_metric("psnr").score(Pair(truth, prediction))`.
"""

from zoo.metrics.network_scores import NetworkScores
from zoo.metrics.pair import Pair, rgb_to_lab
from zoo.metrics.prior import ColorPrior, color_prior
from zoo.metrics.registry import METRICS, Metric, get_metric, list_metrics

__all__ = [
    "METRICS",
    "ColorPrior",
    "Metric",
    "NetworkScores",
    "Pair",
    "color_prior",
    "get_metric",
    "list_metrics",
    "rgb_to_lab",
]

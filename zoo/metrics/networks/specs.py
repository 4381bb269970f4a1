"""Reading what a network metric is called: "METRIC=NETWORK", as "classifier=hub:FOLDER"."""

from collections.abc import Sequence
from typing import Any

from zoo.errors import ZooError
from zoo.metrics import get_metric
from zoo.metrics.networks import lpips
from zoo.metrics.networks.base import NetworkMetric
from zoo.metrics.networks.classifier import Recognition
from zoo.metrics.networks.diversity import Diversity
from zoo.metrics.networks.frechet import Frechet
from zoo.networks.embeddings import Spec

#: The metrics of answers by kind; LPIPS, which compares photos pair by pair, is none of them.
KINDS: dict[str, type[NetworkMetric[Any]]] = {
    metric.KIND: metric for metric in (Recognition, Frechet, Diversity)
}
#: What may stand before the "=" of a network metric.
METRIC_KINDS = (*KINDS, lpips.KIND)
#: Kinds of networks that are pretrained.
_PRETRAINED = ("hub", "keras")


def parse(text: str) -> tuple[str, Spec, tuple[str, ...]]:
    """Read a specification: its kind of metric, network and columns.

    Raises:
        ZooError: if it cannot be read.
    """
    kind, equals, named = text.partition("=")
    if not equals or not kind.isalpha():
        raise ZooError(
            f"Cannot read the network metric {text!r}; write METRIC=NETWORK, as in "
            f"classifier=hub:FOLDER, with one of the metrics {', '.join(METRIC_KINDS)}."
        )
    if kind not in METRIC_KINDS:
        raise ZooError(
            f"There is no metric {kind!r} that takes a network; choose from: classifier, frechet "
            "(FID where the network is keras:InceptionV3), diversity (then the Inception score), "
            "lpips."
        )
    if named.partition(":")[0] not in _PRETRAINED:
        raise ZooError(
            f"{named!r} names no pretrained network; write {kind}=hub:FOLDER, {kind}=hub:HANDLE or "
            f"{kind}=keras:NAME."
        )
    if kind == lpips.KIND:
        return kind, Spec.parse(named, lpips.SETTINGS), (lpips.COLUMN,)
    spec = Spec.parse(named, KINDS[kind].SETTINGS)
    return kind, spec, KINDS[kind].columns(spec)


def refuse_twins(columns: Sequence[tuple[str, ...]]) -> None:
    """Refuse specifications that would give two columns of one name.

    Raises:
        ZooError: naming the column.
    """
    names = [name for some in columns for name in some]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ZooError(
            f"Two columns would be called {get_metric(twice[0]).title}; give each metric of a "
            "network once, and folders of different names to different networks."
        )

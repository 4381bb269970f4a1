"""NetworkMetrics: the networks that score photos; a run of them collects one model's scores."""

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.errors import ScoreWarning, ZooError
from zoo.metrics import NetworkScores, get_metric
from zoo.metrics.networks import lpips
from zoo.metrics.networks.base import Network, NetworkMetric, Side
from zoo.metrics.networks.classifier import Recognition
from zoo.metrics.networks.diversity import Diversity
from zoo.metrics.networks.frechet import Frechet, few_photos
from zoo.networks.classifiers import Spec
from zoo.networks.embeddings import open_embedding

if TYPE_CHECKING:
    from zoo.photos.photoset import PhotoSet

#: The metrics of answers by kind; LPIPS, which compares photos pair by pair, is none of them.
KINDS: dict[str, type[NetworkMetric[Any]]] = {
    metric.KIND: metric for metric in (Recognition, Frechet, Diversity)
}
#: What may stand before the "=" of a network metric.
METRIC_KINDS = (*KINDS, lpips.KIND)
#: Settings of metrics, which are not those of their networks.
_OF_METRICS = {setting for metric in KINDS.values() for setting in metric.SETTINGS}


class NetworkMetrics:
    """Pretrained networks that score colorized photos; see this package's description.

    One object serves any number of models: the true photos are looked at once for all of them, as
    long as the photos and their size stay the same.

    For a benchmark, whose runs shall not fail for want of a file, and whose results are stored
    under a key, `NetworkMetrics(specs, skip_missing=True)` goes to `zoo.evaluate`, and
    `references()` into the key.

    Args:
        specs: what to compute, "METRIC=NETWORK" with settings, as "classifier=hub:FOLDER".
        skip_missing: record a network that is not at hand as the reason why its metrics are
            missing, where it is an error otherwise.
    """

    def __init__(self, specs: Sequence[str], *, skip_missing: bool = False) -> None:
        self.specs = tuple(specs)
        parsed = [(text, *_parse(text)) for text in self.specs]
        names = [name for *_, columns in parsed for name in columns]
        twice = [name for name in names if names.count(name) > 1]
        if twice:
            raise ZooError(
                f"Two columns would be called {get_metric(twice[0]).title}; give each metric of a "
                "network once, and folders of different names to different networks."
            )
        self._metrics: dict[str, NetworkMetric[Any]] = {}
        self._lpips: dict[str, lpips.Lpips] = {}
        self._missing: dict[str, str] = {}
        networks: dict[str, Network] = {}
        for text, kind, spec, columns in parsed:
            try:
                if kind == lpips.KIND:
                    self._lpips[text] = lpips.Lpips(spec)
                else:
                    self._metrics[text] = KINDS[kind](spec, _open(spec, networks))
            except ZooError as error:
                if not skip_missing:
                    raise
                self._missing |= dict.fromkeys(columns, str(error))
        self._truth_of: tuple[str, int | None] | None = None
        self._truth: dict[str, Side] | None = None

    def references(self) -> dict[str, str]:
        """For each specification the sha256 of what decides its scores, "missing" without it."""
        opened = self._metrics | self._lpips
        return {text: opened[text].sha256 if text in opened else "missing" for text in self.specs}

    def start(self, photos: "PhotoSet", size: int | None) -> "NetworkRun":
        """Begin to score a model on photos, which were shrunk to a short side of `size` px.

        Warns once for these photos where a Fréchet distance is asked of few.
        """
        if self._truth_of != (photos.fingerprint, size):
            self._truth = None
            distances = any(isinstance(metric, Frechet) for metric in self._metrics.values())
            if distances and (caution := few_photos(len(photos))):
                warnings.warn(caution, ScoreWarning, stacklevel=3)
        return NetworkRun(self, photos, size)


class NetworkRun:
    """Collects what the networks say of one model's photos: `add` all of them, then `finish`."""

    def __init__(self, scorers: NetworkMetrics, photos: "PhotoSet", size: int | None) -> None:
        self._scorers, self._photos, self._size = scorers, photos, size
        self._made, known = self._sides(), scorers._truth
        self._known = known is not None
        self._true = self._sides() if known is None else known
        self._distances: dict[str, list[float]] = {text: [] for text in scorers._lpips}

    def add(self, truths: np.ndarray, predictions: np.ndarray) -> None:
        """Look at (N, H, W, 3) uint8 photos and as many true ones, the next of the set."""
        # A network that several metrics ask answers once for all of them.
        networks = [metric.network for metric in self._scorers._metrics.values()]
        for network in dict.fromkeys(networks):
            made = network(predictions)
            self._feed(self._made, network, made)
            if not self._known:
                self._feed(self._true, network, made if predictions is truths else network(truths))
        for text, distances in self._distances.items():
            distances.extend(self._scorers._lpips[text](truths, predictions))

    def finish(self) -> NetworkScores:
        scorers = self._scorers
        scorers._truth, scorers._truth_of = self._true, (self._photos.fingerprint, self._size)
        found = NetworkScores(missing=dict(scorers._missing))
        for text, metric in scorers._metrics.items():
            true = self._true[text]
            facts = {"network": text, "sha256": metric.sha256, "input": metric.network.input}
            best = metric.scores(self._photos, true, true)
            figures = {name: float(get_metric(name).figure(s)) for name, s in best.scores.items()}
            figures |= best.set_scores
            _merge(found, metric.scores(self._photos, true, self._made[text]), facts, figures)
        for text, distances in self._distances.items():
            facts = {"network": text, "sha256": scorers._lpips[text].sha256, "input": lpips.INPUT}
            _merge(found, lpips.scores_of(distances), facts, {lpips.COLUMN: 0.0})
        return found

    def _sides(self) -> dict[str, Side]:
        return {text: metric.SIDE() for text, metric in self._scorers._metrics.items()}

    def _feed(
        self, sides: Mapping[str, Side], network: Network, answers: tuple[np.ndarray, np.ndarray]
    ) -> None:
        for text, metric in self._scorers._metrics.items():
            if metric.network is network:
                sides[text].add(metric.keep(*answers))


def _parse(text: str) -> tuple[str, Spec, tuple[str, ...]]:
    """Read "METRIC=NETWORK": the kind of metric, its network and columns."""
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
    if named.partition(":")[0] not in ("hub", "keras"):
        raise ZooError(
            f"{named!r} names no pretrained network; write {kind}=hub:FOLDER, {kind}=hub:HANDLE or "
            f"{kind}=keras:NAME."
        )
    if kind == lpips.KIND:
        return kind, Spec.parse(named, lpips.SETTINGS), (lpips.COLUMN,)
    spec = Spec.parse(named, KINDS[kind].SETTINGS)
    return kind, spec, KINDS[kind].columns(spec)


def _open(spec: Spec, known: dict[str, Network]) -> Network:
    """The network of a specification, opened once for all metrics that ask it."""
    own = {name: value for name, value in spec.settings.items() if name not in _OF_METRICS}
    text = ",".join([f"{spec.kind}:{spec.name}", *(f"{one}={own[one]}" for one in sorted(own))])
    if text not in known:
        embedding = open_embedding(text)
        if embedding is None:
            raise ZooError(f"{text} names no network; give hub:FOLDER, hub:HANDLE or keras:NAME.")
        known[text] = Network(embedding)
    return known[text]


def _merge(
    found: NetworkScores, scores: NetworkScores, facts: dict[str, Any], truth: Mapping[str, float]
) -> None:
    """Add one specification's scores, and say where they come from."""
    found.scores.update(scores.scores)
    found.set_scores.update(scores.set_scores)
    found.missing.update(scores.missing)
    for name, source in scores.sources.items():
        found.sources[name] = facts | source | {"truth": truth[name]}

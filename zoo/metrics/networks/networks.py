"""NetworkMetrics: the networks that score photos; a run of them collects one model's scores."""

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.errors import ScoreWarning, ZooError
from zoo.metrics import NetworkScores, get_metric
from zoo.metrics.networks import lpips
from zoo.metrics.networks.judges import (
    ClassifierTest,
    DiversityTest,
    FrechetTest,
    Judge,
    Network,
    Side,
    few_photos,
)
from zoo.networks.embeddings import Spec, open_embedding

if TYPE_CHECKING:
    from zoo.photos.photoset import PhotoSet

_JUDGES: dict[str, type[Judge]] = {
    judge.KIND: judge for judge in (ClassifierTest, FrechetTest, DiversityTest)
}
_OF_JUDGES = {setting for judge in _JUDGES.values() for setting in judge.SETTINGS}
#: What may stand before the "=" of a network metric.
METRIC_KINDS = (*_JUDGES, lpips.KIND)
#: Kinds of networks that are pretrained.
_NETWORKS = ("hub", "keras")


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

    Attributes:
        specs: as given.

    Raises:
        ZooError: if a specification cannot be read, two would give columns of one name, or a
            network, its weights or its class names are missing or damaged.
    """

    def __init__(self, specs: Sequence[str], *, skip_missing: bool = False) -> None:
        self.specs = tuple(specs)
        parsed = [(text, *_parse(text)) for text in self.specs]
        _refuse_twins([columns for *_, columns in parsed])
        self._judges: dict[str, Judge] = {}
        self._lpips: dict[str, lpips.Lpips] = {}
        self._missing: dict[str, str] = {}
        networks: dict[str, Network] = {}
        for text, kind, spec, columns in parsed:
            try:
                if kind == lpips.KIND:
                    self._lpips[text] = lpips.Lpips(spec)
                else:
                    self._judges[text] = _JUDGES[kind](spec, _open(spec, networks))
            except ZooError as error:
                if not skip_missing:
                    raise
                self._missing |= dict.fromkeys(columns, str(error))
        self._truth_of: tuple[str, int | None] | None = None
        self._truth: dict[str, Side] | None = None

    def references(self) -> dict[str, str]:
        """For each specification the sha256 of what decides its scores, "missing" without it."""
        opened = self._judges | self._lpips
        return {text: opened[text].sha256 if text in opened else "missing" for text in self.specs}

    def start(self, photos: "PhotoSet", size: int | None) -> "NetworkRun":
        """Begin to score a model on photos, which were shrunk to a short side of `size` px.

        Warns:
            ScoreWarning: where a Fréchet distance is asked of few photos, once for these photos.
        """
        if self._truth_of != (photos.fingerprint, size):
            self._truth = None
            if any(isinstance(judge, FrechetTest) for judge in self._judges.values()):
                caution = few_photos(len(photos))
                if caution is not None:
                    warnings.warn(caution, ScoreWarning, stacklevel=3)
        return NetworkRun(self, photos, size)


class NetworkRun:
    """Collects what the networks say of one model's photos: `add` all of them, then `finish`."""

    def __init__(self, metrics: NetworkMetrics, photos: "PhotoSet", size: int | None) -> None:
        self._metrics, self._photos, self._size = metrics, photos, size
        self._made = self._sides()
        self._known = metrics._truth is not None
        self._true = metrics._truth if self._known else self._sides()
        self._distances: dict[str, list[float]] = {text: [] for text in metrics._lpips}

    def add(self, truths: np.ndarray, predictions: np.ndarray) -> None:
        """Look at (N, H, W, 3) uint8 photos and as many true ones, the next of the set."""
        for network, texts in self._by_network().items():
            made = network(predictions)
            _feed(self._made, texts, made)
            if not self._known:
                _feed(self._true, texts, made if predictions is truths else network(truths))
        for text, distances in self._distances.items():
            distances.extend(self._metrics._lpips[text](truths, predictions))

    def finish(self) -> NetworkScores:
        """The scores of all photos."""
        metrics = self._metrics
        metrics._truth, metrics._truth_of = self._true, (self._photos.fingerprint, self._size)
        found = NetworkScores(missing=dict(metrics._missing))
        for text, judge in metrics._judges.items():
            true = self._true[text]
            facts = {"network": text, "sha256": judge.sha256, "input": judge.network.input}
            figures = _figures(judge.scores(self._photos, true, true))
            _merge(found, judge.scores(self._photos, true, self._made[text]), facts, figures)
        for text, distances in self._distances.items():
            facts = {"network": text, "sha256": metrics._lpips[text].sha256, "input": lpips.INPUT}
            _merge(found, _of_distances(distances), facts, {lpips.COLUMN: 0.0})
        return found

    def _sides(self) -> dict[str, Side]:
        return {text: judge.side() for text, judge in self._metrics._judges.items()}

    def _by_network(self) -> dict[Network, list[str]]:
        """Each network with the specifications whose judges ask it: it answers once for all."""
        found: dict[Network, list[str]] = {}
        for text, judge in self._metrics._judges.items():
            found.setdefault(judge.network, []).append(text)
        return found


def _parse(text: str) -> tuple[str, Spec, tuple[str, ...]]:
    """A specification's kind of metric, network and columns."""
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
    if named.partition(":")[0] not in _NETWORKS:
        raise ZooError(
            f"{named!r} names no pretrained network; write {kind}=hub:FOLDER, {kind}=hub:HANDLE or "
            f"{kind}=keras:NAME."
        )
    if kind == lpips.KIND:
        return kind, Spec.parse(named, lpips.SETTINGS), (lpips.COLUMN,)
    spec = Spec.parse(named, _JUDGES[kind].SETTINGS)
    return kind, spec, _JUDGES[kind].columns(spec)


def _refuse_twins(columns: Sequence[tuple[str, ...]]) -> None:
    names = [name for some in columns for name in some]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ZooError(
            f"Two columns would be called {get_metric(twice[0]).title}; give each metric of a "
            "network once, and folders of different names to different networks."
        )


def _open(spec: Spec, known: dict[str, Network]) -> Network:
    """The network of a specification, opened once for all metrics that ask it."""
    own = {name: value for name, value in spec.settings.items() if name not in _OF_JUDGES}
    text = ",".join([f"{spec.kind}:{spec.name}", *(f"{one}={own[one]}" for one in sorted(own))])
    if text not in known:
        known[text] = Network(open_embedding(text))
    return known[text]


def _feed(
    sides: Mapping[str, Side], texts: Sequence[str], answers: tuple[np.ndarray, np.ndarray]
) -> None:
    for text in texts:
        sides[text].add(*answers)


def _of_distances(distances: Sequence[float]) -> NetworkScores:
    """The scores that LPIPS gives, where it gives any."""
    scores = np.array(distances)
    small = int(np.isnan(scores).sum())
    if small == len(scores):
        return NetworkScores(missing={lpips.COLUMN: f"it takes photos of {lpips.SMALLEST} px"})
    note = f"Without {small:,} photos that are smaller than {lpips.SMALLEST} px."
    notes = {lpips.COLUMN: {"notes": [note] if small else []}}
    return NetworkScores({lpips.COLUMN: scores}, {}, notes)


def _merge(
    found: NetworkScores, scores: NetworkScores, facts: dict[str, Any], truth: Mapping[str, float]
) -> None:
    """Add one specification's scores, and say where they come from."""
    found.scores.update(scores.scores)
    found.set_scores.update(scores.set_scores)
    found.missing.update(scores.missing)
    for name, source in scores.sources.items():
        found.sources[name] = facts | source | {"truth": truth[name]}


def _figures(scores: NetworkScores) -> dict[str, float]:
    """One figure a metric."""
    means = {name: float(get_metric(name).aggregate(one)) for name, one in scores.scores.items()}
    return means | scores.set_scores

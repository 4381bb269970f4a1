"""Nearest neighbors: the stored patches that are most similar to a patch vote on its color.

The paper and what both patch classifiers share are in `base.py`. The table stores means of at least
four similar patches, so that no patch of a training photo can be read off it.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import keras
import numpy as np
from keras import layers, ops

from zoo import preprocessing
from zoo.color.bins import NearestBins
from zoo.color.spaces import Tensor
from zoo.colorizer import Departure, Preset
from zoo.models.patches.base import (
    DEPARTURES,
    PAPER,
    TINY,
    PatchColorizer,
    PatchConfig,
    check_patches,
)
from zoo.models.patches.features import prototypes, sample_patches
from zoo.networks.runner import Runner
from zoo.options import DENOISE, Option
from zoo.photos.loader import PhotoLoader
from zoo.photos.photoset import PhotoSet
from zoo.prediction import Distribution, Prediction
from zoo.training.config import check_fields
from zoo.training.plan import History, TrainingPlan

#: Queries whose distances to the whole table are held at once.
_CHUNK = 256
#: The most neighbors that may vote, and how many more are ranked again by exact distances.
_MOST_NEIGHBORS, _SPARE = 64, 8
#: Where unused rows of a table are: farther away than any feature.
_NOWHERE = 1e3

K = Option(
    "k",
    default=32,
    low=1,
    high=_MOST_NEIGHBORS,
    meaning="how many neighbors vote",
    whole=True,
    step="network",
)
WEIGHTS = Option(
    "weights",
    default=0,
    low=0,
    high=4,
    meaning="power of the distance that votes are divided by: 0 all the same, 1 inverse distance",
    step="network",
)


@dataclass(frozen=True)
class KNNConfig(PatchConfig):
    """The table of patches.

    Attributes:
        table_rows: means of patches that are stored, at most.
        group: how many similar patches a mean is of, at least.
    """

    table_rows: int = 100_000
    group: int = 4

    def __post_init__(self) -> None:
        check_patches(self)
        check_fields(self, lambda v: v >= 1, "at least 1", "group")
        fewest = _MOST_NEIGHBORS + _SPARE
        check_fields(self, lambda v: v >= fewest, f"at least {fewest}", "table_rows")


class NearestVotes(layers.Layer):
    """The votes of the stored patches that are nearest to each given one.

    Distances are computed by a matrix product, a few hundred patches at a time. That rounds; so a
    few more candidates than wanted are ranked again by direct differences, ties by the lowest row.

    Args:
        rows: of the table.
        clusters: Q, the number of labels.
    """

    def __init__(self, rows: int, clusters: int, **kwargs: Any) -> None:
        super().__init__(autocast=False, dtype="float32", **kwargs)
        self.rows, self.clusters = rows, clusters

    def build(self, features_shape: tuple[int | None, ...]) -> None:
        """The table's rows are unused at first: far away and without a vote."""
        nowhere = keras.initializers.Constant(_NOWHERE)
        shape = (self.rows, features_shape[-1])
        self.table = self.add_weight(shape, nowhere, trainable=False, name="table")
        self.labels = self.add_weight(
            (self.rows,), "zeros", dtype="int32", trainable=False, name="labels"
        )
        self.counts = self.add_weight((self.rows,), "zeros", trainable=False, name="counts")

    def fill(self, features: np.ndarray, labels: np.ndarray, counts: np.ndarray) -> None:
        """Store rows: (m, d) features, (m,) labels, (m,) how many votes each has; m <= rows."""
        left = self.rows - len(features)
        self.table.assign(np.pad(features, ((0, left), (0, 0)), constant_values=_NOWHERE))
        self.labels.assign(np.pad(labels, (0, left)))
        self.counts.assign(np.pad(counts, (0, left)))

    def compute_output_shape(
        self, features_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        return (*features_shape[:-1], self.clusters)

    def call(self, features: Tensor, k: Tensor, weights: Tensor) -> Tensor:
        """Count the votes.

        Args:
            features: (N, h, w, d).
            k: (N,), how many neighbors vote; the first counts.
            weights: (N,), the power of the distance that votes are divided by; the first counts. As
                in scikit-learn, patches at no distance at all then outvote all others.

        Returns:
            (N, h, w, Q) float32 logarithms of the shares of the votes.
        """
        shape = [ops.shape(features)[axis] for axis in range(3)]
        flat = ops.reshape(features, (-1, features.shape[-1]))
        count = ops.shape(flat)[0]
        chunks = (count + _CHUNK - 1) // _CHUNK
        places = ops.minimum(ops.arange(chunks * _CHUNK, dtype="int32"), count - 1)
        parts = ops.reshape(ops.take(flat, places, axis=0), (-1, _CHUNK, features.shape[-1]))
        half_squares = ops.sum(ops.square(self.table), axis=1) / 2.0
        numbers = [ops.cast(option[0], "float32") for option in (k, weights)]

        chunk_numbers = ops.arange(chunks, dtype="int32")[:, None, None]

        def vote(index: Tensor, votes: Tensor) -> tuple[Tensor, Tensor]:
            found = self._votes(ops.take(parts, index, axis=0), half_squares, *numbers)
            votes = ops.where(ops.equal(chunk_numbers, index), found[None], votes)
            # Votes are never negative: the next chunk is but made to wait for this one, because
            # several at once would take too much memory.
            return ops.where(ops.sum(found) < 0, index, index + 1), votes

        # Not a scan, which cannot be exported to ONNX.
        start = (ops.zeros((), "int32"), ops.zeros((chunks, _CHUNK, self.clusters)))
        _, votes = ops.while_loop(lambda index, _: index < chunks, vote, start)
        votes = ops.reshape(votes, (-1, self.clusters))[:count]
        return ops.reshape(ops.log(ops.maximum(votes, 1e-30)), (*shape, self.clusters))

    def _votes(self, part: Tensor, half_squares: Tensor, k: Tensor, power: Tensor) -> Tensor:
        """(chunk, d) -> (chunk, Q) shares that sum to 1, or zeros where nothing is stored."""
        nearness = ops.matmul(part, ops.transpose(self.table)) - half_squares
        _, rows = ops.top_k(nearness, _MOST_NEIGHBORS + _SPARE)
        difference = ops.take(self.table, rows, axis=0) - part[:, None]
        squares = ops.sum(ops.square(difference), axis=-1)
        votes = ops.where(_ranks(squares, rows) < k, ops.take(self.counts, rows), 0.0)
        same = ops.logical_and(ops.equal(squares, 0), votes > 0)
        exact = ops.logical_and(power > 0, ops.any(same, axis=1, keepdims=True))
        nearer = ops.power(ops.maximum(squares, 1e-20), -power / 2.0)
        votes = votes * ops.where(exact, ops.cast(same, "float32"), nearer)
        labels = ops.one_hot(ops.take(self.labels, rows), self.clusters, dtype="float32")
        totals = ops.sum(votes[..., None] * labels, axis=1)
        return totals / ops.maximum(ops.sum(totals, axis=1, keepdims=True), 1e-30)


def _ranks(distances: Tensor, rows: Tensor) -> Tensor:
    """Places in ascending order, ties by the lowest row: (n, c) -> (n, c) float32."""
    mine, others = distances[:, :, None], distances[:, None, :]
    tied = ops.logical_and(ops.equal(mine, others), rows[:, :, None] > rows[:, None, :])
    return ops.sum(ops.cast(ops.logical_or(mine > others, tied), "float32"), axis=2)


class KNNPatches(PatchColorizer):
    """The nearest of the stored patches vote on the color.

    It learns in one look at each photo. A budget in photos that is smaller than the set takes a
    random part of it; one in minutes is not used up.
    """

    options = (*PatchColorizer.options, K, WEIGHTS)
    PRESETS: ClassVar = {
        "compact": Preset(
            KNNConfig(), "ours: the method of Richart and Visca on features at three scales"
        ),
        "paper": Preset(
            KNNConfig(**PAPER),
            "Richart and Visca: UV, raw patches; the sizes of patch, map and table are ours",
            (
                *DEPARTURES,
                Departure(
                    "all sampled patches are stored",
                    "means of at least four similar ones, 100,000 at most",
                    "no patch of a photo can be read off the table",
                ),
                Departure("k is not given", "32", "ours"),
            ),
        ),
        "tiny": Preset(
            KNNConfig(**TINY, components=6, stride=2, table_rows=200, group=2), "ours: for tests"
        ),
    }

    def build_networks(self) -> dict[str, keras.Model]:
        shapes = {"lightness": (None, None, 1), K.name: (), WEIGHTS.name: ()}
        inputs = {name: keras.Input(shape, name=name) for name, shape in shapes.items()}
        lightness, k, weights = inputs.values()
        votes = NearestVotes(self.config.table_rows, len(self.bins), name="votes")
        outputs = votes(self.feature_layer()(lightness), k, weights)
        colorizer = keras.Model(inputs, outputs, name="knn_patches")
        return {"colorizer": colorizer, "decoder": self.decoder()}

    def learn(self, train: PhotoSet, validation: PhotoSet | None, plan: TrainingPlan) -> History:
        started = time.monotonic()
        config, seen = self.config, _part(train, plan.budget.photos_seen, self.seed)
        self.learn_features(seen, plan)
        features, chroma = sample_patches(
            seen,
            plan,
            self.features,
            self.plane,
            per_photo=config.samples,
            rows=config.table_rows * config.group,
            seed=self.seed + 1,
            projected=True,
            title="Filling the table",
        )
        labels = ops.convert_to_numpy(NearestBins(self.bins, 1)(chroma)[0])[:, 0]
        table = prototypes(features, labels, config.group)
        self.networks["colorizer"].get_layer("votes").fill(*table)
        loader = PhotoLoader(seen, plan.size, 1, augment=False)
        return History(
            photos_seen=len(loader.photos),
            seconds=round(time.monotonic() - started, 2),
            details={"patches": len(features), "table_rows_used": len(table[0])},
        )

    def run_networks(
        self, inputs: Mapping[str, Tensor], runner: Runner, **values: Tensor
    ) -> Prediction:
        lightness = preprocessing.cast(inputs["lightness"], "float32")
        lightness = preprocessing.denoised(lightness, values[DENOISE.name])
        padded = preprocessing.reflect_to_multiple(lightness, self.config.stride)
        numbers = {one: _number_a_photo(values[one], padded) for one in (K.name, WEIGHTS.name)}
        logits = runner(self.networks["colorizer"], {"lightness": padded / 100.0} | numbers)
        height, width = ops.shape(lightness)[1:3]
        return Distribution(padded, (height, width), logits, self.bins)


def _number_a_photo(number: Tensor, photos: Tensor) -> Tensor:
    """The same number for each photo of a batch: () and (N, ...) -> (N,) float32."""
    return ops.broadcast_to(ops.cast(number, "float32"), ops.shape(photos)[:1])


def _part(photos: PhotoSet, count: int | None, seed: int) -> PhotoSet:
    """So many photos at random in their order, or all where there are no more."""
    if count is None or count >= len(photos):
        return photos
    chosen = np.random.default_rng([seed, count]).choice(len(photos), count, replace=False)
    return PhotoSet(tuple(photos[int(index)] for index in np.sort(chosen)))

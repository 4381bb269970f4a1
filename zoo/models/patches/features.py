"""The patch around a pixel as numbers, and tables of them that are sampled from photos.

A pixel is described by the lightness of the odd square around it, at several scales: at scale s the
square's points are s px apart, on lightness averaged over s x s px. The context adds each square's
contrast (standard deviation) and the pixel's height in the photo, from -0.5 at the top to 0.5 at
the bottom.
"""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from zoo import preprocessing
from zoo.color.planes import Plane
from zoo.color.spaces import Tensor, rgb_to_lightness
from zoo.photos.loader import PhotoLoader
from zoo.photos.photoset import PhotoSet
from zoo.photos.threads import numbers_with_bar
from zoo.training.plan import TrainingPlan

_PHOTOS_AT_ONCE = 32


class PatchFeatures(layers.Layer):
    """Features of the pixels of a regular grid: (N, H, W, 1) in [0, 1] -> (N, h, w, width).

    The numbers that describe a pixel are centered and multiplied by a matrix, both of them stored
    as weights: see `fit`. Everything is computed in float32 in any training precision.

    Args:
        side: of the square, odd.
        scales: odd numbers.
        context: whether the contrast and the height are added.
        width: of the output; 0 for as many as describe a pixel.
        stride: of the grid in px; h = H / stride, w = W / stride.
    """

    def __init__(
        self,
        side: int,
        scales: tuple[int, ...],
        context: bool,
        width: int,
        stride: int,
        **kwargs: Any,
    ) -> None:
        super().__init__(autocast=False, dtype="float32", **kwargs)
        self.side, self.scales, self.context, self.stride = side, scales, context, stride
        self.described = len(scales) * (side**2 + context) + context
        self.width = min(width or self.described, self.described)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Before `fit` the first numbers pass unchanged."""
        middle, eye = keras.initializers.Constant(0.5), "identity"
        settings = {"trainable": False, "dtype": "float32"}
        self.mean = self.add_weight((self.described,), middle, name="mean", **settings)
        shape = (self.described, self.width)
        self.projection = self.add_weight(shape, eye, name="projection", **settings)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        sides = (side and side // self.stride for side in input_shape[1:3])
        return (input_shape[0], *sides, self.width)

    def call(self, lightness: Tensor) -> Tensor:
        """The features of the pixels at stride // 2, stride // 2 + stride, ... both ways."""
        lightness = ops.cast(lightness, "float32")
        count, height, width = (ops.shape(lightness)[axis] for axis in range(3))
        down, across = height // self.stride, width // self.stride
        places = ops.arange(count * down * across, dtype="int32")
        photo, place = places // (down * across), places % (down * across)
        row, column = (
            axis * self.stride + self.stride // 2 for axis in (place // across, place % across)
        )
        features = self.project(self.describe(lightness, photo, row, column))
        return ops.reshape(features, (count, down, across, self.width))

    def describe(self, lightness: Tensor, photo: Tensor, row: Tensor, column: Tensor) -> Tensor:
        """The numbers that describe given pixels: (M, described) float32.

        `lightness` is (N, H, W, 1) in [0, 1]; `photo`, `row` and `column` are (M,) int32.
        """
        parts = []
        for scale in self.scales:
            patch = self._patch(lightness, photo, row, column, scale)
            parts.append(patch)
            if self.context:
                spread = ops.mean(ops.square(patch), axis=1) - ops.square(ops.mean(patch, axis=1))
                parts.append(ops.sqrt(ops.maximum(spread, 0.0))[:, None])
        if self.context:
            height = ops.cast(ops.shape(lightness)[1], "float32")
            parts.append(((ops.cast(row, "float32") + 0.5) / height - 0.5)[:, None])
        return ops.concatenate(parts, axis=1)

    def project(self, described: Tensor) -> Tensor:
        """(M, described) -> (M, width)."""
        return ops.matmul(described - self.mean, self.projection)

    def fit(self, described: np.ndarray, whitening: float, standardized: bool = True) -> None:
        """Learn from a sample, (n, described), how to standardize and, if narrower, to rotate.

        Rotated is to the principal components: `whitening` 0 keeps their variances, 1 makes them
        equal. What is not `standardized` stays as it is.
        """
        described = described.astype("float64")
        mean, scale = np.zeros(self.described), np.ones(self.described)
        if standardized:
            mean, deviation = described.mean(axis=0), described.std(axis=0)
            scale = np.where(deviation > 1e-6, 1.0 / np.maximum(deviation, 1e-6), 0.0)
        projection = np.diag(scale)
        if self.width < self.described:
            projection = projection @ _principal((described - mean) * scale, self.width, whitening)
        self.mean.assign(mean)
        self.projection.assign(projection)

    def _patch(
        self, lightness: Tensor, photo: Tensor, row: Tensor, column: Tensor, scale: int
    ) -> Tensor:
        """The squares around pixels, row by row: (M, side * side)."""
        reach = scale * (self.side // 2)
        smooth = lightness if scale == 1 else preprocessing.box_mean(lightness, scale // 2)
        padded = preprocessing.reflect_around(smooth, reach)
        height, width = ops.shape(padded)[1], ops.shape(padded)[2]
        steps = np.arange(self.side, dtype="int32") * scale
        first = (photo * height + row) * width + column
        down, across = np.repeat(steps, self.side), np.tile(steps, self.side)
        places = first[:, None] + (down * width + across)[None]
        return ops.take(ops.reshape(padded, (-1,)), places)


def _principal(standardized: np.ndarray, width: int, whitening: float) -> np.ndarray:
    """(described, width): the principal directions, divided by a power of their deviations."""
    from sklearn.decomposition import PCA

    found = PCA(width, svd_solver="covariance_eigh").fit(standardized)
    deviations = np.sqrt(np.maximum(found.explained_variance_, 1e-9))
    return found.components_.T / deviations**whitening


class Reservoir:
    """A random sample of at most `size` items from a stream of unknown length.

    Each item gets a random number, and the smallest ones stay: every item has the same chance.
    """

    def __init__(self, size: int, generator: np.random.Generator) -> None:
        self.size, self._generator = size, generator
        self._keys = np.empty(0)
        #: What is held, in the stream's order: an array for each that `describe` gives.
        self.columns: tuple[np.ndarray, ...] = ()

    def offer(self, count: int, describe: Callable[[np.ndarray], tuple[np.ndarray, ...]]) -> None:
        """Offer `count` items.

        `describe` gets the indices of those that are taken for now, and gives their columns: arrays
        of as many rows. What is not taken is never described.
        """
        keys = self._generator.exponential(size=count)
        last = self._keys.max() if len(self._keys) == self.size else np.inf
        taken = np.flatnonzero(keys < last)
        if not len(taken):
            return
        columns = list(describe(taken))
        keys = np.concatenate([self._keys, keys[taken]])
        if self.columns:
            columns = [np.concatenate(pair) for pair in zip(self.columns, columns, strict=True)]
        if len(keys) > self.size:
            kept = np.sort(np.argpartition(keys, self.size - 1)[: self.size])
            keys, columns = keys[kept], [column[kept] for column in columns]
        self._keys, self.columns = keys, tuple(columns)


def sample_patches(
    photos: PhotoSet,
    plan: TrainingPlan,
    features: PatchFeatures,
    plane: Plane,
    *,
    per_photo: int,
    rows: int,
    seed: int,
    projected: bool = False,
    title: str = "Sampling patches",
) -> tuple[np.ndarray, np.ndarray]:
    """Sample pixels of every photo, and keep a bounded number of them, in constant memory.

    Args:
        photos: each is looked at once, as a square of the plan's size.
        plan: of the training.
        features: describes the pixels.
        plane: of the chroma.
        per_photo: pixels drawn from each photo without repetition; all if it has fewer.
        rows: pixels that are kept of all, at most.
        seed: decides which.
        projected: whether to project the numbers that describe pixels.
        title: of the progress bar.

    Returns:
        (n, width) float32 features, or (n, described) before the projection, and (n, 2) chroma.
    """
    generator = np.random.default_rng([seed, len(photos)])
    reservoir = Reservoir(rows, generator)
    loader = PhotoLoader(photos, plan.size, _PHOTOS_AT_ONCE, augment=False, progress=plan.progress)
    for index in numbers_with_bar(len(loader), title, plan.progress):
        rgb = loader.batch(index)
        photo, place = _draw(generator, len(rgb), plan.size**2, per_photo)
        chroma = ops.convert_to_numpy(plane.of_rgb(rgb)).reshape(len(rgb), -1, 2)[photo, place]
        lightness = rgb_to_lightness(rgb) / 100.0

        def describe(
            taken: np.ndarray, batch: tuple[Any, ...] = (photo, place, chroma, lightness)
        ) -> tuple[np.ndarray, np.ndarray]:
            photo, place, chroma, lightness = batch
            photo, place = photo[taken], place[taken]
            described = features.describe(lightness, photo, place // plan.size, place % plan.size)
            numbers = features.project(described) if projected else described
            return ops.convert_to_numpy(numbers), chroma[taken]

        reservoir.offer(len(place), describe)
    features_of, chroma_of = reservoir.columns
    return features_of, chroma_of


def _draw(
    generator: np.random.Generator, photos: int, pixels: int, per_photo: int
) -> tuple[np.ndarray, np.ndarray]:
    """Different random pixels of each photo: the photos' and the pixels' numbers, int32."""
    count = min(per_photo, pixels)
    order = generator.random((photos, pixels), "float32")
    places = np.argpartition(order, count - 1, axis=1)[:, :count]
    return np.repeat(np.arange(photos, dtype="int32"), count), places.ravel().astype("int32")


def prototypes(
    features: np.ndarray, labels: np.ndarray, group: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Replace patches by the means of groups of similar ones of the same color.

    The patches of each label, (n, d) features and (n,) integers, are halved along the feature in
    which they differ most, and the halves again, as long as both have at least `group` patches
    (microaggregation, Domingo-Ferrer and Mateo-Sanz 2002). Labels with fewer are left out. No
    single patch can be read off a mean, and the table gets smaller.

    Returns:
        (m, d) float32 means, (m,) int32 labels, (m,) float32 sizes of the groups.
    """
    groups = itertools.chain.from_iterable(
        _halved(features, np.flatnonzero(labels == label), group) for label in np.unique(labels)
    )
    found = [members for members in groups if len(members) >= group]
    means = np.array([features[members].mean(axis=0) for members in found], "float32")
    return (
        means.reshape(-1, features.shape[1]),
        np.array([labels[members[0]] for members in found], "int32"),
        np.array([len(members) for members in found], "float32"),
    )


def _halved(features: np.ndarray, members: np.ndarray, group: int) -> Iterator[np.ndarray]:
    waiting = [members]
    while waiting:
        members = waiting.pop()
        if len(members) < 2 * group:
            yield members
            continue
        widest = np.ptp(features[members], axis=0).argmax()
        half = len(members) // 2
        order = np.argpartition(features[members, widest], half)
        waiting += [members[order[:half]], members[order[half:]]]

"""Patch classifiers: the color of a pixel from the lightness around it, by classical means.

After Richart and Visca, "Image colorization with neural networks": the chroma of training pixels is
clustered by a self-organizing map, the codebook (`zoo.color.codebook`); 2,500 to 3,000 pixels of
each photo are sampled and described by the luminance patch around them; a classifier learns which
cluster a patch has. In `knn_patches` (`nearest.py`) the nearest stored patches vote; `som_patches`
(`som.py`) is the small neural network over the same features. No convolution is learned: these are
what deep models have to beat.

`paper` has what the text says: UV, raw patches, every pixel. The `compact` presets are ours: ab,
patches at three scales with their contrast and the height in the photo, reduced to principal
components, and a smoothing that follows the photo's edges.
"""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from keras import ops
from scipy.spatial import cKDTree

from zoo import preprocessing
from zoo.color.bins import Bins
from zoo.color.codebook import Codebook, learn_codebook
from zoo.color.planes import PLANES, Plane
from zoo.color.spaces import Tensor, lab_to_rgb, unit_to_uint8
from zoo.colorizer import Departure
from zoo.errors import valid_choice
from zoo.models.classification.distribution import TEMPERATURE, DistributionColorizer
from zoo.models.patches.features import PatchFeatures, sample_patches
from zoo.networks.blocks import average_by
from zoo.options import OF_NETWORKS, Option
from zoo.photos.photoset import PhotoSet
from zoo.prediction import SMOOTH, Prediction
from zoo.training.config import check_fields
from zoo.training.plan import TrainingPlan

#: Patches as in the text, and patches for tests.
PAPER: dict[str, Any] = {
    "plane": "uv",
    "patch_side": 9,
    "scales": (1,),
    "context": False,
    "components": 0,
    "standardized": False,
    "stride": 1,
    "smoothing": 0,
}
TINY: dict[str, Any] = {
    "patch_side": 3,
    "scales": (1, 3),
    "samples": 200,
    "train_size": 32,
    "map_rows": 3,
    "map_columns": 3,
}
#: In what both are other than the text.
DEPARTURES = (
    Departure(
        "patches of the luminance, Y of YUV",
        "of the lightness, L / 100",
        "the lightness is what a photo keeps",
    ),
    Departure("the size of the map is not given", "16 x 16", "ours"),
    Departure(
        "the map learns from all sampled pixels",
        "from 100,000 of them at most",
        "it needs no more for 256 colors",
    ),
)

#: How many pixels the codebook and the features' statistics are learned from.
_SAMPLED = 100_000


@dataclass(frozen=True)
class PatchConfig:
    """Patches, their features and the codebook.

    Attributes:
        train_size: side of the photos' squares in px, unless `fit` is told another.
        plane: of the colors, "ab" or "uv".
        patch_side: of the patch around a pixel, in px; odd.
        scales: odd numbers; at scale s there is a patch whose points are s px apart.
        context: whether a patch's contrast and its height in the photo join the features.
        standardized: whether each number is centered and divided by its deviation over the photos;
            otherwise a patch is its lightness, L / 100.
        components: principal components that are kept; 0 keeps all numbers.
        whitening: 0 leaves the components their variances, 1 makes them equal.
        samples: pixels drawn from each photo.
        map_rows: of the codebook, at least 2.
        map_columns: of the codebook, at least 2.
        stride: distance of the pixels that are classified, in px.
        smoothing: radius, in units of the stride, of a filter that follows the photo's edges; 0 for
            none.
    """

    train_size: int = 96
    plane: str = "ab"
    patch_side: int = 7
    scales: tuple[int, ...] = (1, 3, 9)
    context: bool = True
    standardized: bool = True
    components: int = 32
    whitening: float = 0.5
    samples: int = 2750
    map_rows: int = 16
    map_columns: int = 16
    stride: int = 4
    smoothing: int = 2


def check_patches(config: PatchConfig) -> None:
    """Refuse numbers that make no patch or no map."""
    valid_choice("plane", config.plane, tuple(PLANES))
    check_fields(config, lambda v: v >= 1 and v % 2 == 1, "odd", "patch_side")
    odd = "odd numbers, one at least"
    check_fields(config, lambda v: v and all(s >= 1 and s % 2 for s in v), odd, "scales")
    check_fields(config, lambda v: v >= 1, "at least 1", "train_size", "samples", "stride")
    check_fields(config, lambda v: v >= 2, "at least 2", "map_rows", "map_columns")
    check_fields(config, lambda v: v >= 0, "at least 0", "components", "smoothing")
    check_fields(config, lambda v: 0 <= v <= 1, "from 0 to 1", "whitening")


class PatchColorizer(DistributionColorizer):
    """What both patch classifiers share: features, a codebook of colors, smoothing."""

    # A patch says little of its color: sharpened, the votes are bold and mostly wrong.
    options: ClassVar[tuple[Option, ...]] = (*OF_NETWORKS, replace(TEMPERATURE, default=1.0))

    @staticmethod
    def initial_bins(config: Any) -> Bins:
        """A map of colors around gray, until training learns them."""
        plane = PLANES[config.plane]
        sides = [
            np.linspace(low / 3, high / 3, count)
            for low, high, count in zip(
                plane.low, plane.high, (config.map_rows, config.map_columns), strict=True
            )
        ]
        colors = np.stack(np.meshgrid(*sides, indexing="ij"), axis=-1).reshape(-1, 2)
        return _codebook(config, colors.astype("float32")).as_bins(plane.low, plane.high)

    @property
    def plane(self) -> Plane:
        return PLANES[self.config.plane]

    @property
    def codebook(self) -> Codebook:
        """The self-organizing map whose units are the colors to choose from."""
        return _codebook(self.config, self.bins.centers)

    def codebook_picture(self, unit_side: int = 24) -> np.ndarray:
        """The map in color at L = 65: (H, W, 3) uint8, its units `unit_side` px apart."""
        places = self.codebook.places()
        low, high = places.min(axis=0) - 0.5, places.max(axis=0) + 0.5
        rows, columns = (
            np.arange(start, stop, 1 / unit_side) for start, stop in zip(low, high, strict=True)
        )
        # What is nearest to a unit is its hexagon.
        pixels = np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1)
        nearest = cKDTree(places).query(pixels)[1]
        lightness = np.full((len(places), 1), 65.0, "float32")
        ab = self.plane.to_ab(self.bins.centers, lightness)
        colors = unit_to_uint8(lab_to_rgb(ops.concatenate([lightness, ab], axis=-1)))
        return ops.convert_to_numpy(colors)[nearest]

    @property
    def features(self) -> PatchFeatures:
        return self.networks["colorizer"].get_layer("features")

    def feature_layer(self) -> PatchFeatures:
        config = self.config
        return PatchFeatures(
            config.patch_side,
            config.scales,
            config.context,
            config.components,
            config.stride,
            name="features",
        )

    def learn_features(self, train: PhotoSet, plan: TrainingPlan) -> None:
        """Learn the features' statistics and the codebook."""
        config = self.config
        described, chroma = sample_patches(
            train,
            plan,
            self.features,
            self.plane,
            per_photo=config.samples,
            rows=_SAMPLED,
            seed=self.seed,
            title="Learning the codebook",
        )
        self.features.fit(described, config.whitening, config.standardized)
        codebook = learn_codebook(chroma, config.map_rows, config.map_columns, seed=self.seed)
        self.set_bins(codebook.as_bins(self.plane.low, self.plane.high))

    @property
    def output_stride(self) -> int:
        return self.config.stride

    def to_ab(self, prediction: Prediction, **values: Tensor) -> Tensor:
        ab = self.colors(prediction, values[TEMPERATURE.name])
        if self.config.smoothing:
            fine = prediction.lightness / 100.0
            coarse = average_by(fine, self.output_stride)
            ab = preprocessing.guided_resize(ab, coarse, fine, self.config.smoothing, SMOOTH)
        return ab


def _codebook(config: PatchConfig, colors: np.ndarray) -> Codebook:
    return Codebook(colors, config.map_rows, config.map_columns)

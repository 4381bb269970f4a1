"""Measure whether the table of `knn_patches` gives away which photos it learned from.

If patches of training photos are nearer to stored rows than others, it does: a membership test
(Shokri et al. 2017, arXiv 1610.05820) in its simplest form.
"""

from typing import Any

import numpy as np
from keras import ops
from scipy.stats import mannwhitneyu

from zoo.color.spaces import rgb_to_lightness
from zoo.colorizer import Colorizer
from zoo.models.patches.nearest import KNNPatches
from zoo.photos.loader import PhotoLoader
from zoo.photos.photoset import PhotoSet
from zoo.preprocessing import RENDER_UNIT

#: Photos of each kind, and pixels of each photo, that are looked up.
PHOTOS, PIXELS = 200, 300

#: A photo's distance is that of this share of its pixels, whose patches are nearest to the rows.
_NEAREST = 0.05

_AT_ONCE = 2000


def membership(
    model: Colorizer, seen: PhotoSet, unseen: PhotoSet, seed: int = 0
) -> dict[str, Any] | None:
    """Measure how well distances to the stored rows tell seen photos from unseen ones.

    Returns:
        "photos", how many of each kind were looked up; "auc", the chance that a seen photo is
        nearer to the rows than an unseen one (0.5: cannot be told apart, 1: always). None for a
        model without stored rows.
    """
    if not isinstance(model, KNNPatches):
        return None
    votes = model.networks["colorizer"].get_layer("votes")
    rows = ops.convert_to_numpy(votes.table)[ops.convert_to_numpy(votes.counts) > 0]
    near, far = (_distances(model, rows, part.spread(PHOTOS), seed) for part in (seen, unseen))
    return {"photos": [len(near), len(far)], "auc": round(_chance_below(near, far), 3)}


def _distances(model: KNNPatches, rows: np.ndarray, photos: PhotoSet, seed: int) -> np.ndarray:
    """(photos,): how far the nearest of a photo's patches are from stored rows, on average."""
    size = int(model.defaults["render_factor"]) * RENDER_UNIT
    loader, found = PhotoLoader(photos, size, 1, augment=False), []
    generator = np.random.default_rng(seed)
    for index in range(len(photos)):
        places = generator.choice(size**2, min(PIXELS, size**2), replace=False).astype("int32")
        lightness = rgb_to_lightness(loader.batch(index)) / 100.0
        where = np.zeros_like(places), places // size, places % size
        described = model.features.describe(lightness, *where)
        nearest = np.sort(_nearest(ops.convert_to_numpy(model.features.project(described)), rows))
        found.append(nearest[: max(1, round(_NEAREST * len(nearest)))].mean())
    return np.array(found)


def _nearest(points: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """(n, d), (m, d) -> (n,) distances to the nearest rows."""
    half = np.square(rows).sum(axis=1) / 2
    found = []
    for start in range(0, len(points), _AT_ONCE):
        part = points[start : start + _AT_ONCE]
        best = (part @ rows.T - half).argmax(axis=1)
        found.append(np.linalg.norm(part - rows[best], axis=1))
    return np.concatenate(found)


def _chance_below(seen: np.ndarray, unseen: np.ndarray) -> float:
    return float(mannwhitneyu(unseen, seen).statistic / (len(seen) * len(unseen)))

"""How frequent colors are in photos: the fixed prior that class-rebalanced AuC weighs pixels by.

The prior is data, `prior.json`: how many pixels of many training photos are nearest to each of the
313 bins of Zhang et al. 2016. It is the same for all photos that are scored, so that a photo's
score depends on no other photo. `benchmarks.release.prior` measures it.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np

from zoo.color.prior import PAPER_STEP, paper_centers, smooth_prior
from zoo.errors import ZooError
from zoo.files import read_json

PRIOR = Path(__file__).with_name("prior.json")
#: Of the Gaussian over the bins, in Lab units (arXiv 1603.08511, section 2.2).
SIGMA = 5.0

# The table of bins reaches so many steps from gray, beyond all of sRGB's ab.
_REACH = 13
_NOWHERE = -1


@dataclass(frozen=True, eq=False)
class ColorPrior:
    """How many pixels were counted for each bin.

    Attributes:
        counts: (313,) int64, in the order of `zoo.color.prior.paper_centers`.
        photos: how many photos these are of.
        fingerprint: of those photos.
        size: the short side that larger ones were shrunk to, in px.
        described: what they are, in words.
    """

    counts: np.ndarray
    photos: int
    fingerprint: str
    size: int
    described: str

    @cached_property
    def sha256(self) -> str:
        """Of all that decides the weights: the counts and how they are smoothed."""
        decisive = {"counts": self.counts.tolist(), "sigma": SIGMA}
        return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()

    @cached_property
    def weights(self) -> np.ndarray:
        """The weight of each bin, (313,) float64: 1 / p, and 1 where all bins were as frequent.

        p is smoothed by a Gaussian and not mixed with a uniform share (arXiv 1603.08511, section
        3.1: equation 4 with lambda = 0).
        """
        share = smooth_prior(self.counts / self.counts.sum(), paper_centers(), SIGMA)
        return 1.0 / (len(share) * share)

    def pixel_weights(self, ab: np.ndarray) -> np.ndarray:
        """The weight of each pixel of (..., 2) ab by the bin that is nearest to it: (...)."""
        return self.weights[nearest_bins(ab)]

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"counts": self.counts.tolist(), "sha256": self.sha256}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "ColorPrior":
        """Rebuild what `to_json` described.

        Raises:
            ZooError: if it is damaged.
        """
        fields, digest = dict(content), content["sha256"]
        del fields["sha256"]
        made = cls(**fields | {"counts": np.array(fields["counts"], np.int64)})
        if made.sha256 != digest or made.counts.shape != paper_centers().shape[:1]:
            raise ZooError(f"{PRIOR.name} is damaged: its sha256 differs; install the zoo anew.")
        return made


@cache
def color_prior() -> ColorPrior:
    """The prior that comes with the package."""
    return ColorPrior.from_json(read_json(PRIOR))


def nearest_bins(ab: np.ndarray) -> np.ndarray:
    """Number the nearest of the 313 bins for each color, exactly: (..., 2) ab -> (...) integers.

    Ties go to either. The bins are points of a grid: where the nearest point of the grid is one of
    them, which it is for nearly every pixel, nothing else has to be looked at.

    Examples:
        >>> paper_centers()[nearest_bins(np.array([[3.0, -4.0], [24.0, 97.0]]))].tolist()
        [[0.0, 0.0], [20.0, 90.0]]
    """
    cells = np.rint(ab / PAPER_STEP).astype(np.intp).clip(-_REACH, _REACH) + _REACH
    found = _numbers_on_grid()[cells[..., 0], cells[..., 1]]
    far = found == _NOWHERE
    if far.any():
        distances = np.square(ab[far][:, None] - paper_centers()).sum(-1)
        found[far] = distances.argmin(-1)
    return found


@cache
def _numbers_on_grid() -> np.ndarray:
    """The number of the bin at each point of the grid, and `_NOWHERE` where there is none."""
    table = np.full((2 * _REACH + 1, 2 * _REACH + 1), _NOWHERE, np.intp)
    rows = (paper_centers() / PAPER_STEP).astype(np.intp) + _REACH
    table[rows[:, 0], rows[:, 1]] = np.arange(len(rows))
    return table

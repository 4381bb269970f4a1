"""Scores of a colored film beside its truth: how near the colors are, and how steady.

Flicker shows between two frames. `FilmTruth` says what the original has there: its motion, what is
hidden, what stands still. That is computed once, for any number of predictions, one `FilmScores`
each. Frames come one after the other; only the last one is kept, and four histograms.

A film that is gray everywhere is perfectly steady: read warp error, flicker and CDC beside the
colorfulness, and CDC beside that of the truth.
"""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import skimage

from zoo.card import Interval
from zoo.errors import ZooError
from zoo.metrics import scores
from zoo.metrics.aggregates import mean_of_scored
from zoo.metrics.pair import Pair
from zoo.photos.motion import Motion, warped

#: Frames are shrunk to this short side in px, or less, for optical flow and what is compared by
#: it: that is quick, and leaves less grain to follow.
FLOW_SIDE = 256
#: Frames that are so far apart are compared by CDC (Liu et al. 2021).
CDC_STEPS = (1, 2, 4)
#: In px at the size of the flow, and in L: what changes less than both stands still.
STILL_MOTION, STILL_LIGHTNESS = 0.25, 1.0

# The side of a cell of the ab histogram, and how many there are in a row: from -115 to 115.
_AB_STEP, _AB_CELLS = 10, 23


@dataclass(frozen=True, eq=False)
class Step:
    """From one frame of the original to the next.

    Attributes:
        flow: (h, w, 2) float32, where each pixel of the first frame is in the second, in px of that
            size; as `zoo.photos.motion.optical_flow`.
        visible: (h, w) bool, the pixels of the first frame that the second one shows too.
        still: (h, w) bool, those of them where nothing moves and the lightness stays.
    """

    flow: np.ndarray
    visible: np.ndarray
    still: np.ndarray

    @classmethod
    def between(cls, first: np.ndarray, second: np.ndarray) -> "Step":
        """Compare the L of two frames, (h, w) in [0, 100] each."""
        motion = Motion.between(first, second)
        calm = np.square(motion.back).sum(-1) <= STILL_MOTION**2
        steady = np.abs(second - first) <= STILL_LIGHTNESS
        return cls(motion.back, motion.seen_after, motion.seen_after & calm & steady)


@dataclass(frozen=True, eq=False)
class TrueFrame:
    """What all predictions of a frame are compared with.

    Attributes:
        pair: the original beside itself; what it knows of the truth serves all predictions.
        step: from the frame before to this one; None for the first of a shot.
        scores: of the original's own colors, by the names of `FilmScores` without "true_".
    """

    pair: Pair
    step: Step | None
    scores: dict[str, float]


class FilmTruth:
    """The original film, frame by frame; give each frame that `add` returns to all `FilmScores`."""

    def __init__(self) -> None:
        self._lab: np.ndarray | None = None
        self._cdc = {"cdc": Cdc(rgb_histograms), "cdc_ab": Cdc(ab_histogram)}

    def add(self, rgb: np.ndarray, *, cut: bool = False) -> TrueFrame:
        """Take the next frame.

        Args:
            rgb: (H, W, 3) uint8, of the same size each time.
            cut: whether a shot begins with it, so that it is not compared with those before.
        """
        pair = Pair(rgb, rgb)
        before, lab = self._lab, shrunk(pair.truth_lab)
        if before is not None and before.shape != lab.shape:
            raise ZooError(
                f"The frames of a film have one size; got one of {rgb.shape[1]} x {rgb.shape[0]} "
                "px after those of another size."
            )
        step, ab_before = None, None
        if before is not None and not cut:
            step, ab_before = Step.between(before[..., 0], lab[..., 0]), before[..., 1:]
        self._lab = lab
        found = {
            "colorfulness": pair.truth_colorfulness,
            **_steadiness(ab_before, lab[..., 1:], step),
            "cdc": self._cdc["cdc"].add(rgb, cut=step is None),
            "cdc_ab": self._cdc["cdc_ab"].add(pair.truth_lab[..., 1:], cut=step is None),
        }
        return TrueFrame(pair, step, found)


class FilmScores:
    """The scores of one colored film, frame by frame.

    `scores()` has an array for each of these, one figure a frame:

    - ciede2000: mean color difference, from 0.
    - colorfulness, true_colorfulness: from 0 (Hasler and Suesstrunk 2003).
    - warp_error, true_warp_error: of the frame before and this one: see `warp_error`.
    - flicker, true_flicker: of the same two, where the original stands still: see `still_change`.
    - cdc, true_cdc: of the frame and those 1, 2 and 4 before it, on histograms of RGB: see `Cdc`.
    - cdc_ab, true_cdc_ab: the same on histograms of ab.

    NaN marks frames without a figure: the first of a shot have none before them to be compared
    with, and often nothing stands still. "true_" is the same of the original's own colors.

    Examples:
        >>> photo = np.random.default_rng(0).integers(0, 256, (8, 9, 3), dtype=np.uint8)
        >>> truth, scores = FilmTruth(), FilmScores()
        >>> for frame in (photo, photo):
        ...     scores.add(truth.add(frame), frame)
        >>> scores.scores()["warp_error"].round(6)
        array([nan,  0.])
    """

    def __init__(self) -> None:
        self._before: np.ndarray | None = None
        self._cdc = {"cdc": Cdc(rgb_histograms), "cdc_ab": Cdc(ab_histogram)}
        self._rows: list[dict[str, float]] = []

    def add(self, truth: TrueFrame, prediction: np.ndarray) -> None:
        """Score the next frame.

        Args:
            truth: what `FilmTruth.add` returned for it.
            prediction: its colorization, (H, W, 3) uint8 RGB of the same size.
        """
        pair = truth.pair.in_other_colors(prediction)
        ab = shrunk(pair.prediction_lab[..., 1:])
        row = {
            "ciede2000": scores.ciede2000(pair),
            "colorfulness": pair.prediction_colorfulness,
            **_steadiness(self._before, ab, truth.step),
            "cdc": self._cdc["cdc"].add(prediction, cut=truth.step is None),
            "cdc_ab": self._cdc["cdc_ab"].add(pair.prediction_lab[..., 1:], cut=truth.step is None),
        }
        self._before = ab
        own = {f"true_{name}": score for name, score in truth.scores.items()}
        self._rows.append(row | own)

    def scores(self) -> dict[str, np.ndarray]:
        """The figures of each frame, (frames,) float64; NaN where there is none."""
        names = self._rows[0] if self._rows else {}
        return {name: np.array([row[name] for row in self._rows]) for name in names}

    def means(self) -> dict[str, float]:
        """The mean of each score over the frames that have one; NaN if none has.

        With "cdc_difference" and "cdc_ab_difference": what is above the original's own.
        """
        found = {name: float(mean_of_scored(one)) for name, one in self.scores().items()}
        for name in ("cdc", "cdc_ab"):
            if name in found:
                found[f"{name}_difference"] = found[name] - found[f"true_{name}"]
        return found


def _steadiness(before: np.ndarray | None, ab: np.ndarray, step: Step | None) -> dict[str, float]:
    if before is None or step is None:
        return {"warp_error": np.nan, "flicker": np.nan}
    return {
        "warp_error": warp_error(before, ab, step),
        "flicker": still_change(before, ab, step.still),
    }


# ---------------------------------------------------------------------- of two frames


def warp_error(first: np.ndarray, second: np.ndarray, step: Step) -> float:
    """Mean squared distance of ab between a frame and the next one moved back, from 0.

    Lai et al. (2018, "Learning Blind Video Temporal Consistency", the warping error among their
    metrics): over the pixels that both frames show; over all where there are none. In squared units
    of ab, summed over both channels. They take RGB in [0, 1], in which the lightness changes too,
    and a network for the flow: figures are not comparable.

    Args:
        first: (h, w, 2) ab.
        second: of the next frame.
        step: what the original does between them.
    """
    moved_back = warped(second.astype(np.float32), step.flow)
    errors = np.square(moved_back - first).sum(-1)
    return float(errors[step.visible].mean() if step.visible.any() else errors.mean())


def still_change(first: np.ndarray, second: np.ndarray, still: np.ndarray) -> float:
    """Mean distance of two frames' ab, (h, w, 2), where `still`, (h, w) bool; NaN if nowhere.

    In units of ab, from 0. This project's definition of flicker.
    """
    if not still.any():
        return np.nan
    return float(np.sqrt(np.square(second - first).sum(-1))[still].mean())


def shrunk(x: np.ndarray) -> np.ndarray:
    """Shrink (H, W) or (H, W, C) to a short side of at most `FLOW_SIDE`, by local means: float32.

    By a whole factor: the result's short side is below `FLOW_SIDE`, but above half of that.
    """
    factor = -(-min(x.shape[:2]) // FLOW_SIDE)
    if factor > 1:
        # Rows and columns that are left over are cut off: padding would darken the edge.
        rows, columns = (side // factor * factor for side in x.shape[:2])
        blocks = (factor, factor, *(1,) * (x.ndim - 2))
        x = skimage.measure.block_reduce(x[:rows, :columns], blocks, np.mean)
    return x.astype(np.float32)


# ---------------------------------------------------------------------- color distributions


class Cdc:
    """Color distribution consistency (CDC) of a film, frame by frame; lower is steadier.

    The Jensen-Shannon divergence (natural logarithm, from 0 to log 2) between the histograms of
    frames 1, 2 and 4 apart: the mean over channels and over these steps (Liu et al. 2021,
    "Temporally Consistent Video Colorization with Deep Feature Propagation and Self-Regularization
    Learning"). They take the mean over all pairs of each step. Here the three pairs that end at a
    frame make its figure, and the few pairs that end in a shot's first four frames do not count.
    """

    def __init__(self, histograms: Callable[[np.ndarray], np.ndarray]) -> None:
        self._histograms = histograms
        self._before: deque[np.ndarray] = deque(maxlen=max(CDC_STEPS))

    def add(self, frame: np.ndarray, *, cut: bool = False) -> float:
        """Take the next frame; return its figure, or NaN for the first four of a shot.

        Args:
            frame: what the function of histograms takes.
            cut: whether a shot begins with it.
        """
        if cut:
            self._before.clear()
        now, found = self._histograms(frame), np.nan
        if len(self._before) == max(CDC_STEPS):
            found = float(np.mean([divergence(self._before[-step], now) for step in CDC_STEPS]))
        self._before.append(now)
        return found


def divergence(p: np.ndarray, q: np.ndarray) -> float:
    """Jensen-Shannon divergence of (channels, bins) shares: the mean over channels, 0 to log 2."""
    middle = (p + q) / 2
    terms = [
        one * np.log(np.divide(one, middle, out=np.ones_like(one), where=one > 0)) for one in (p, q)
    ]
    return float(sum(terms).sum(-1).mean() / 2)


def rgb_histograms(rgb: np.ndarray) -> np.ndarray:
    """The share of the pixels of (H, W, 3) uint8 with each value of R, G and B: (3, 256)."""
    channels = rgb.reshape(-1, 3).T
    return np.stack([np.bincount(one, minlength=256) for one in channels]) / channels.shape[1]


def ab_histogram(ab: np.ndarray) -> np.ndarray:
    """The share of the pixels of (H, W, 2) ab in each cell of 10 x 10 units: (1, 529).

    Cells have their borders between the colors of a grid that contains (0, 0), so that gray does
    not fall into several of them by rounding.
    """
    cells = np.rint(ab / _AB_STEP).astype(np.intp) + _AB_CELLS // 2
    cells = cells.clip(0, _AB_CELLS - 1)
    numbers = (cells[..., 0] * _AB_CELLS + cells[..., 1]).ravel()
    return np.bincount(numbers, minlength=_AB_CELLS**2)[None] / numbers.size


# ---------------------------------------------------------------------- intervals


def mean_over_time(
    scores: np.ndarray,
    block: int | None = None,
    *,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """The mean of the scores of a film's frames, (n,), with a moving-block bootstrap interval.

    Neighboring frames have nearly the same score, so that frames drawn one by one would promise too
    much: stretches of frames are drawn with replacement, wherever they begin, until there are n
    (Kuensch 1989, "The Jackknife and the Bootstrap for General Stationary Observations"). Around
    the end goes on the beginning, so that all frames are drawn equally often (Politis and Romano
    1992). For a difference of two films, give the differences of their frames. The interval is
    about the choice of moments of this film, not about other films.

    Args:
        scores: in order of time; NaN is left out of each mean.
        block: the length of a stretch, in frames; the square root of n, rounded up, by default. It
            should be longer than scores remember: a second or two.
        confidence: the probability that intervals made in this way hold the true figure.
        resamples: how many times stretches are drawn.
        seed: of the draws; scores of n frames share them.
    """
    count = len(scores)
    if not count:
        raise ZooError("There are no frames to score; give at least one.")
    block = min(block or math.ceil(math.sqrt(count)), count)
    starts = np.random.default_rng(seed).integers(count, size=(resamples, -(-count // block)))
    drawn = np.array([_mean_of_blocks(scores, one, block) for one in starts])
    drawn = drawn[~np.isnan(drawn)]
    figure = float(mean_of_scored(scores))
    tail = (1 - confidence) / 2
    low, high = np.quantile(drawn, (tail, 1 - tail)) if drawn.size else (figure, figure)
    return Interval(figure, float(low), float(high))


def _mean_of_blocks(scores: np.ndarray, starts: np.ndarray, block: int) -> float:
    frames = (starts[:, None] + np.arange(block)).ravel()[: len(scores)] % len(scores)
    return float(mean_of_scored(scores[frames]))

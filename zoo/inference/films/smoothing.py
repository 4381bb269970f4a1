"""Smoothing of predictions in time, within a shot, before they become color.

What is averaged is what a `Prediction` shares: distributions over bins where the model has them,
so that the temperature makes one vivid color of the mean, and ab otherwise.
"""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from zoo.photos.motion import Motion, warped

#: Of "past": how many frames before the present one count, and how fast they are forgotten.
PAST_FRAMES, FORGETTING = 20, 0.2

#: Of "motion": what a frame counts for in the next one.
KEPT = 0.9


@dataclass(frozen=True)
class Step:
    """A frame for a `Smoothing`.

    Attributes:
        shares: (h, w, C) of the frame's prediction.
        stride: how many px of the working size a place of it has.
        first: whether a shot begins with it.
        motion: from the frame before; None where nobody asked for it, or a shot begins.
    """

    shares: np.ndarray
    stride: int
    first: bool
    motion: Motion | None = None


class Smoothing(ABC):
    """A way to smooth the frames of a film, given one after the other."""

    #: Whether it looks at the motion between frames.
    needs_motion = False

    @abstractmethod
    def smoothed(self, step: Step, ahead: Sequence[Step] = ()) -> np.ndarray:
        """The shares of a frame, smoothed.

        Args:
            step: the frame; the first of a shot starts anew.
            ahead: frames that follow in its shot.
        """

    @abstractmethod
    def state(self) -> dict[str, np.ndarray]:
        """What is remembered of the frames so far."""

    @abstractmethod
    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go on from there."""


class NoSmoothing(Smoothing):
    """Each frame for itself."""

    def smoothed(self, step: Step, ahead: Sequence[Step] = ()) -> np.ndarray:
        return step.shares

    def state(self) -> dict[str, np.ndarray]:
        return {}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        pass


class PastSmoothing(Smoothing):
    """The mean over past frames, wherever things have moved since.

    Billaut, de Rochemonteix and Thibault 2018, arXiv 1811.03120, smooth predictions over frames
    but state no formula. Ours is p_t = sum over i of p_(t - i) exp(-0.2 i), normalized, over 20
    past frames, as read in public code of the paper's.
    """

    def __init__(self) -> None:
        self._past: deque[np.ndarray] = deque(maxlen=PAST_FRAMES + 1)

    def smoothed(self, step: Step, ahead: Sequence[Step] = ()) -> np.ndarray:
        if step.first:
            self._past.clear()
        self._past.append(step.shares)
        weights = np.exp(-FORGETTING * np.arange(len(self._past)))[::-1].astype(np.float32)
        weights /= weights.sum()
        total = np.zeros_like(step.shares)
        for weight, shares in zip(weights, self._past, strict=True):
            total += weight * shares
        return total

    def state(self) -> dict[str, np.ndarray]:
        return {"past": np.stack(self._past)} if self._past else {}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        self._past.clear()
        self._past.extend(state.get("past", ()))


class MotionSmoothing(Smoothing):
    """The mean over the same spots of things in past frames, and in those ahead.

    Past predictions follow the optical flow from frame to frame, each counting `kept` of what it
    did in the frame before. Where the flows there and back disagree, the past is forgotten.
    """

    needs_motion = True

    def __init__(self, kept: float = KEPT) -> None:
        self._kept = kept
        self._mean: np.ndarray | None = None
        self._weight: np.ndarray | None = None

    def smoothed(self, step: Step, ahead: Sequence[Step] = ()) -> np.ndarray:
        mean, weight = step.shares, np.ones((*step.shares.shape[:2], 1), np.float32)
        if step.motion is not None and self._mean is not None and self._weight is not None:
            motion = step.motion
            past = _moved(self._mean, self._weight, motion.there, motion.seen_before, step.stride)
            mean, weight = _joined(mean, weight, past, self._kept)
        self._mean, self._weight = mean, weight
        if not ahead:
            return mean
        return _joined(mean, weight, _from_ahead(ahead, self._kept), self._kept)[0]

    def state(self) -> dict[str, np.ndarray]:
        if self._mean is None or self._weight is None:
            return {}
        return {"mean": self._mean, "weight": self._weight}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        self._mean, self._weight = state.get("mean"), state.get("weight")


def _from_ahead(ahead: Sequence[Step], kept: float) -> tuple[np.ndarray, np.ndarray]:
    """The mean of the frames that follow a frame, at its places, and what it counts for."""
    found: tuple[np.ndarray, np.ndarray] | None = None
    for step in reversed(ahead):
        mean, weight = step.shares, np.ones((*step.shares.shape[:2], 1), np.float32)
        if found is not None:
            mean, weight = _joined(mean, weight, found, kept)
        assert step.motion is not None
        found = _moved(mean, weight, step.motion.back, step.motion.seen_after, step.stride)
    assert found is not None
    return found


def _moved(
    mean: np.ndarray, weight: np.ndarray, flow: np.ndarray, seen: np.ndarray, stride: int
) -> tuple[np.ndarray, np.ndarray]:
    """A mean and its weight, followed to the next frame."""
    places = mean.shape[:2]
    steps = at_places(flow, places, stride) / stride
    there = warped(np.concatenate([mean, weight], -1), steps)
    share = at_places(seen[..., None].astype(np.float32), places, stride)
    return there[..., :-1], share * there[..., -1:]


def _joined(
    mean: np.ndarray, weight: np.ndarray, other: tuple[np.ndarray, np.ndarray], kept: float
) -> tuple[np.ndarray, np.ndarray]:
    """A mean with its weight, and that of a neighbor, which counts `kept` of what it did there."""
    added = kept * other[1]
    total = weight + added
    return mean + (added / total) * (other[0] - mean), total


def at_places(x: np.ndarray, places: tuple[int, int], stride: int) -> np.ndarray:
    """The means of (H, W, C) over the squares of `stride` px that the places have: (h, w, C).

    The last places may reach beyond the image, whose edges are repeated there.
    """
    height, width = (count * stride for count in places)
    padded = np.pad(x, ((0, height - x.shape[0]), (0, width - x.shape[1]), (0, 0)), mode="edge")
    blocks = padded.reshape(places[0], stride, places[1], stride, x.shape[2])
    mean: np.ndarray = blocks.mean(axis=(1, 3))
    return mean


#: By name, the default first.
SMOOTHINGS: dict[str, type[Smoothing]] = {
    "motion": MotionSmoothing,
    "past": PastSmoothing,
    "none": NoSmoothing,
}

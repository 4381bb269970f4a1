"""Motion between two frames of a film: optical flow on lightness, by OpenCV (the extra `video`)."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from zoo.errors import ZooError

#: Levels of 255 that L = 100 is for the flow.
_LEVELS = 2.55

#: Below this side OpenCV's pyramid has no level.
_LEAST_SIDE = 16


def optical_flow(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Where each pixel of `first` is in `second`.

    DIS flow (Kroeger, Timofte, Dai and Van Gool 2016, "Fast Optical Flow using Dense Inverse
    Search"), at the setting that its authors call medium.

    Args:
        first: (H, W) L in [0, 100].
        second: of the same size.

    Returns:
        (H, W, 2) float32: how far to the right and down, in pixels; nothing moves in frames whose
        short side is below 16 px.
    """
    if min(first.shape) < _LEAST_SIDE:
        return np.zeros((*first.shape, 2), np.float32)
    cv2 = require_opencv()
    method = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    one, other = (np.rint(_LEVELS * each).astype(np.uint8) for each in (first, second))
    flow: np.ndarray = method.calc(one, other, None)
    return flow


def warped(x: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """Sample (H, W, C) float32 where `flow`, (H, W, 2), points to, bilinearly.

    If `flow` is the one from a frame to another and `x` belongs to the other, the result belongs to
    the first. Outside, the edges are repeated; `points_inside` says where that is.
    """
    height, width = flow.shape[:2]
    across, down = _targets(flow)
    across, down = np.clip(across, 0, width - 1), np.clip(down, 0, height - 1)
    left, top = (
        np.minimum(place.astype(np.intp), max(side - 2, 0))
        for place, side in ((across, width), (down, height))
    )
    first = (top * width + left).ravel()
    beside, below = min(1, width - 1), width * min(1, height - 1)
    places = x.reshape(height * width, -1)
    share = (across - left).astype(np.float32).reshape(-1, 1)
    upper, lower = (
        _between(places.take(at, axis=0), places.take(at + beside, axis=0), share)
        for at in (first, first + below)
    )
    return _between(upper, lower, (down - top).astype(np.float32).reshape(-1, 1)).reshape(x.shape)


def _between(one: np.ndarray, other: np.ndarray, share: np.ndarray) -> np.ndarray:
    """So far on the way from one to the other. Both are overwritten, which saves much time."""
    other -= one
    other *= share
    one += other
    return one


def points_inside(flow: np.ndarray) -> np.ndarray:
    """Whether each pixel of (H, W, 2) flow points to one of the frame: (H, W) bool."""
    height, width = flow.shape[:2]
    across, down = _targets(flow)
    return (across >= 0) & (across <= width - 1) & (down >= 0) & (down <= height - 1)


def agreement(there: np.ndarray, back: np.ndarray) -> np.ndarray:
    """Whether the flow from one frame to another and the one back agree: (H, W) bool.

    Where they do not, the place is hidden in the other frame or the flow has failed (Ruder,
    Dosovitskiy and Brox 2016, "Artistic style transfer for videos", section 4.2, equation 5).
    """
    returned = warped(back, there)
    gap = np.square(there + returned).sum(-1)
    longest = np.square(there).sum(-1) + np.square(returned).sum(-1)
    return (gap <= 0.01 * longest + 0.5) & points_inside(there)


@dataclass(frozen=True)
class Motion:
    """The motion between a frame and the one before it in its shot.

    Attributes:
        there: (H, W, 2), the flow from the frame to the one before, in px of their size.
        back: (H, W, 2), the flow from the one before to the frame.
    """

    there: np.ndarray
    back: np.ndarray

    @classmethod
    def between(cls, before: np.ndarray, frame: np.ndarray) -> "Motion":
        """Of two frames' L, (H, W)."""
        return cls(optical_flow(frame, before), optical_flow(before, frame))

    @cached_property
    def seen_before(self) -> np.ndarray:
        """Whether each pixel of the frame was to be seen in the one before: (H, W) bool."""
        return agreement(self.there, self.back)

    @cached_property
    def seen_after(self) -> np.ndarray:
        """Whether each pixel of the one before is to be seen in the frame: (H, W) bool."""
        return agreement(self.back, self.there)


def _targets(flow: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    height, width = flow.shape[:2]
    return flow[..., 0] + np.arange(width, dtype=np.float32), flow[..., 1] + np.arange(
        height, dtype=np.float32
    )[:, None]


def require_opencv() -> Any:
    """OpenCV.

    Raises:
        ZooError: if it is not installed.
    """
    try:
        import cv2
    except ImportError as error:
        raise ZooError("Films need OpenCV; run `pip install 'colorization-zoo[video]'`.") from error
    # Frames follow each other in threads of their own.
    cv2.setNumThreads(1)
    return cv2

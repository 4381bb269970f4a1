"""Key frames: colored by somebody, and followed through their shot to other frames.

Colors of a key frame move with the optical flow, forward and backward. The farther they have come,
and the worse the flow, the more the model's own prediction counts.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from keras import ops

from zoo.color.spaces import rgb_to_lab
from zoo.errors import ZooError
from zoo.fullsize import FullSize
from zoo.photos.decoding import read_rgb, shrink
from zoo.photos.motion import Motion, warped
from zoo.preprocessing import resize

#: What colors are trusted in the next frame of what they were in the one before. On made clips more
#: is always better, but there a thing keeps its colors for good.
TRUST = 0.98
#: How many frames colors are followed back: there they count for a fortieth.
REACH = 180

#: How far the shape of a key frame may be off the film's, as a share.
_SHAPE = 0.02


@dataclass(frozen=True)
class Followed:
    """Colors that have come to a frame: ab (H, W, 2), and how far they are trusted, (H, W, 1)."""

    ab: np.ndarray
    trust: np.ndarray

    def along(self, flow: np.ndarray, seen: np.ndarray, kept: float = TRUST) -> "Followed":
        """Follow them to another frame, by the flow from there and where that can be relied on."""
        there = warped(np.concatenate([self.ab, self.trust], -1), flow)
        return Followed(there[..., :2], kept * there[..., 2:] * seen[..., None])

    def stored(self) -> "Followed":
        """The same in half of the memory."""
        return Followed(self.ab.astype(np.float16), self.trust.astype(np.float16))


def read_key_frame(path: Path, film_size: tuple[int, int], size: tuple[int, int]) -> np.ndarray:
    """The ab of a key frame at the working size: (*size, 2).

    Raises:
        ZooError: if the picture cannot be read, or has another shape than the film.
    """
    rgb = read_rgb(path)
    shape, wanted = rgb.shape[1] / rgb.shape[0], film_size[1] / film_size[0]
    if abs(shape / wanted - 1) > _SHAPE:
        raise ZooError(
            f"The key frame {path} has {rgb.shape[1]} x {rgb.shape[0]} px, and the film "
            f"{film_size[1]} x {film_size[0]}; give a colored frame of the film."
        )
    small = shrink(rgb, min(size))
    ab = resize(rgb_to_lab(small[None])[..., 1:], size)
    found: np.ndarray = ops.convert_to_numpy(ab)[0]
    return found


@dataclass
class KeyFrames:
    """The key frames of a film, while it is colored from its beginning to its end.

    Attributes:
        colors: their ab by the number of the frame, (H, W, 2) at the working size.
        first_of_shot: of a frame, the number of the first one in its shot.
        lightness: the L of frames by their numbers, (H, W), from one up to another one.
        matched: what a reference that is no frame of the film says of the first frame of a shot;
            None without one.
    """

    colors: Mapping[int, np.ndarray]
    first_of_shot: Callable[[int], int]
    lightness: Callable[[int, int], Iterable[np.ndarray]]
    matched: Callable[[FullSize], Followed] | None = None
    _forward: Followed | None = None
    _backward: dict[int, Followed] = field(default_factory=dict)

    def mixed(
        self, number: int, ab: np.ndarray, motion: Motion | None, frame: FullSize
    ) -> np.ndarray:
        """The ab of a frame, (H, W, 2), with the colors that have come there.

        Args:
            number: of the frame.
            ab: of the model.
            motion: from the frame before; None where a shot begins.
            frame: at full size.
        """
        self._forward = self._moved_on(number, motion, frame)
        backward = self._from_ahead(number)
        for followed in (self._forward, backward):
            if followed is not None:
                ab = ab + followed.trust * (followed.ab - ab)
        return ab

    def state(self) -> dict[str, np.ndarray]:
        """What has come to the last frame."""
        if self._forward is None:
            return {}
        return {"key_ab": self._forward.ab, "key_trust": self._forward.trust}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go on from there."""
        known = "key_ab" in state
        self._forward = Followed(state["key_ab"], state["key_trust"]) if known else None

    def _moved_on(self, number: int, motion: Motion | None, frame: FullSize) -> Followed | None:
        if number in self.colors:
            ab = self.colors[number]
            return Followed(ab, np.ones((*ab.shape[:2], 1), np.float32))
        if motion is None:
            return None if self.matched is None else self.matched(frame)
        if self._forward is None:
            return None
        return self._forward.along(motion.there, motion.seen_before)

    def _from_ahead(self, number: int) -> Followed | None:
        """What comes from the next key frame of the shot; where one is, it has its own colors."""
        if number in self.colors:
            return None
        if number not in self._backward:
            self._backward = self._followed_back(number)
        return self._backward.pop(number, None)

    def _followed_back(self, number: int) -> dict[int, Followed]:
        """The colors of the next key frame, at the frames before it from `number` on."""
        later = [key for key in self.colors if key > number]
        if not later:
            return {}
        key = min(later)
        if self.first_of_shot(key) > number or key - number > REACH:
            return {}
        ab, found = self.colors[key], {}
        followed = Followed(ab, np.ones((*ab.shape[:2], 1), np.float32))
        frames = list(self.lightness(number, key + 1))
        for place in range(len(frames) - 1, 0, -1):
            motion = Motion.between(frames[place - 1], frames[place])
            followed = followed.along(motion.back, motion.seen_after)
            found[number + place - 1] = followed.stored()
        return found

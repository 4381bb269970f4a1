"""Clips made of still color photos: cuts, fades, flashes and the motion of each frame are known.

A shot is a window that wanders over a photo, back and forth, and grows and shrinks on the way; some
have something that passes in front. Shots follow each other by cuts, by fades through black or by
dissolves. What old film and cameras add comes on top: flashes, flicker, grain and scratches.

Every frame is a pure function of the photos, the seed, the recipe and its number, so that clips of
any length take no memory and may be read in any order.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

# Keep the random numbers of one seed apart.
_SHOTS, _FLASHES, _FLICKER, _GRAIN = range(4)

#: Left, top, right, bottom, in pixels of the photo.
Rectangle = tuple[float, float, float, float]


@dataclass(frozen=True)
class Recipe:
    """What a made film has; ranges hold the least and the greatest value, drawn between.

    Attributes:
        shots: how many.
        length: of a shot, in frames.
        speed: of the window at its fastest, as the share of its width in a frame; drawn
            logarithmically.
        passing: the share of shots with something that passes in front.
        fades: the share of transitions that are fades through black.
        dissolves: the share that are dissolves; the others are cuts.
        half: half the length of a fade or dissolve, in frames; at most a third of a shot beside it.
        flashes: the share of shots with a flash of 1 to 4 frames, bright or dark.
        flicker: the greatest standard deviation of each frame's gain and of its gamma, both around
            1. Each film has its own, between 0 and this.
        grain: the greatest standard deviation of the grain, in levels of 255, likewise.
        scratches: the greatest number of bright lines from top to bottom that a frame has, 1 px
            wide, each frame its own.
    """

    shots: int = 6
    length: tuple[int, int] = (20, 60)
    speed: tuple[float, float] = (0.001, 0.05)
    passing: float = 0.3
    fades: float = 0.15
    dissolves: float = 0.1
    half: tuple[int, int] = (3, 12)
    flashes: float = 0.4
    flicker: float = 0.1
    grain: float = 12.0
    scratches: int = 2


@dataclass(frozen=True)
class Transition:
    """How a shot follows another: its first frame is `at`, and all before `start` is the other's.

    Frames from `start` up to `stop`, without it, are mixed or darkened; `at` is their middle. Cuts
    have none.
    """

    kind: str
    at: int
    start: int
    stop: int


@dataclass(frozen=True)
class Flash:
    """Frames from `start` up to `stop`, without it, are pulled to a gray by a share of 0 to 1."""

    start: int
    stop: int
    gray: float
    share: float


@dataclass(frozen=True, eq=False)
class _Passer:
    """Something elliptic in front; places and speed are in pixels of the frame."""

    picture: np.ndarray
    mask: np.ndarray
    top: int
    left: float
    speed: float

    def place(self, number: int) -> int:
        return round(self.left + self.speed * number)


@dataclass(frozen=True, eq=False)
class _Shot:
    """A window goes from one rectangle of a photo to another, and back; `period` frames a way."""

    photo: Image.Image
    ends: tuple[Rectangle, Rectangle]
    period: float
    passer: _Passer | None

    def rectangle(self, number: int) -> Rectangle:
        """Of the shot's frame of this number; any number, also before the first frame."""
        way = 0.5 - 0.5 * math.cos(math.pi * number / self.period)
        left, top, right, bottom = (
            (1 - way) * one + way * other for one, other in zip(*self.ends, strict=True)
        )
        return left, top, right, bottom

    def frame(self, number: int, size: tuple[int, int]) -> np.ndarray:
        box = self.rectangle(number)
        picture = np.array(self.photo.resize(size[::-1], Image.Resampling.BILINEAR, box))
        front = self.front(number, size)
        if self.passer is not None and front is not None:
            rows, columns, shown = front
            mask = self.passer.mask[:, shown]
            picture[rows, columns][mask] = self.passer.picture[:, shown][mask]
        return picture

    def front(self, number: int, size: tuple[int, int]) -> tuple[slice, slice, slice] | None:
        """Rows and columns of the frame where the passer is, and its own columns that are there."""
        if self.passer is None:
            return None
        (height, width), left = self.passer.mask.shape, self.passer.place(number)
        first, last = max(left, 0), min(left + width, size[1])
        if first >= last:
            return None
        rows = slice(self.passer.top, self.passer.top + height)
        return rows, slice(first, last), slice(first - left, last - left)


@dataclass(frozen=True, eq=False)
class MadeFilm:
    """A clip made of photos, with its truth.

    Args:
        photos: (h, w, 3) uint8 RGB each, at least 2; neighboring shots show different ones.
        seed: decides all that is drawn.
        recipe: what to draw from.
        size: height and width of a frame, in px.

    Attributes:
        starts: the number of each shot's first frame, 0 first; in the middle of a fade or dissolve.
        transitions: one for each shot but the first.
        flashes: in order of time.
        frames: how many.

    Examples:
        >>> noise = np.random.default_rng(0).integers(0, 256, (2, 64, 96, 3), dtype=np.uint8)
        >>> film = MadeFilm(list(noise), seed=0, recipe=Recipe(shots=3), size=(36, 64))
        >>> len(film.starts), film[0].shape
        (3, (36, 64, 3))
    """

    photos: Sequence[np.ndarray]
    seed: int = 0
    recipe: Recipe = Recipe()
    size: tuple[int, int] = (72, 128)
    starts: tuple[int, ...] = field(init=False)
    transitions: tuple[Transition, ...] = field(init=False)
    flashes: tuple[Flash, ...] = field(init=False)
    frames: int = field(init=False)
    _shots: tuple[_Shot, ...] = field(init=False)

    def __post_init__(self) -> None:
        rng, recipe = np.random.default_rng([self.seed, _SHOTS]), self.recipe
        lengths = rng.integers(recipe.length[0], recipe.length[1] + 1, recipe.shots)
        starts = (0, *np.cumsum(lengths).tolist())
        transitions = tuple(
            _transition(rng, recipe, at, int(lengths[number : number + 2].min()))
            for number, at in enumerate(starts[1:-1])
        )
        made = {
            "starts": starts[:-1],
            "frames": starts[-1],
            "transitions": transitions,
            "flashes": self._draw_flashes(starts, transitions),
            "_shots": tuple(self._draw_shot(rng, number) for number in self._draw_photos(rng)),
        }
        for name, value in made.items():
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        return self.frames

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[number] for number in range(self.frames))

    def __getitem__(self, number: int) -> np.ndarray:
        """The frame of this number, (H, W, 3) uint8 RGB."""
        if not 0 <= number < self.frames:
            raise IndexError(number)
        picture = self.clean(number).astype(np.float32)
        for flash in self.flashes:
            if flash.start <= number < flash.stop:
                picture += flash.share * (flash.gray - picture)
        return np.rint(np.clip(self._aged(picture, number), 0, 255)).astype(np.uint8)

    def clean(self, number: int) -> np.ndarray:
        """The frame of this number without flashes and what old film adds: (H, W, 3) uint8 RGB."""
        shot = self.shot_of(number)
        picture = self._of_shot(shot, number)
        for other, change in enumerate(self.transitions, start=1):
            if not change.start <= number < change.stop:
                continue
            share = (number + 0.5 - change.start) / (change.stop - change.start)
            if change.kind == "fade":
                mixed = abs(2 * share - 1) * picture.astype(np.float32)
            else:
                before, after = (
                    self._of_shot(one, number).astype(np.float32) for one in (other - 1, other)
                )
                mixed = (1 - share) * before + share * after
            picture = np.rint(mixed).astype(np.uint8)
        return picture

    def shot_of(self, number: int) -> int:
        """Which shot a frame belongs to, from 0."""
        return int(np.searchsorted(self.starts, number, side="right")) - 1

    def rectangle(self, number: int) -> Rectangle:
        """What of its photo a frame shows, before anything passes in front."""
        shot = self.shot_of(number)
        return self._shots[shot].rectangle(number - self.starts[shot])

    def motion(self, number: int) -> np.ndarray | None:
        """Where each pixel of a frame is in the next one, as `zoo.photos.motion.optical_flow` says.

        (H, W, 2) float32, also of pixels that leave the frame or are hidden in the next one. None
        where the next frame belongs to another shot.
        """
        shot = self.shot_of(number)
        if number + 1 >= self.frames or self.shot_of(number + 1) != shot:
            return None
        one, other = self.rectangle(number), self.rectangle(number + 1)
        axes = []
        for axis, side in enumerate(self.size[::-1]):
            low, high = one[axis], one[axis + 2]
            place = low + (np.arange(side) + 0.5) * (high - low) / side
            low, high = other[axis], other[axis + 2]
            axes.append((place - low) * side / (high - low) - 0.5 - np.arange(side))
        flow = np.stack(np.broadcast_arrays(axes[0], axes[1][:, None]), axis=-1)
        self._move_front(flow, shot, number - self.starts[shot])
        return flow.astype(np.float32)

    def _move_front(self, flow: np.ndarray, shot: int, number: int) -> None:
        """Put the motion of what passes in front into (H, W, 2) `flow`."""
        drawn = self._shots[shot]
        front = drawn.front(number, self.size)
        if drawn.passer is not None and front is not None:
            step = drawn.passer.place(number + 1) - drawn.passer.place(number)
            rows, columns, shown = front
            flow[rows, columns][drawn.passer.mask[:, shown]] = step, 0

    def _of_shot(self, shot: int, number: int) -> np.ndarray:
        return self._shots[shot].frame(number - self.starts[shot], self.size)

    def _aged(self, picture: np.ndarray, number: int) -> np.ndarray:
        """Add flicker, grain and scratches to (H, W, 3) float32 in [0, 255]."""
        amounts = np.random.default_rng([self.seed, _FLICKER]).uniform(size=2)
        rng = np.random.default_rng([self.seed, _GRAIN, number])
        gain, gamma = np.exp(amounts[0] * self.recipe.flicker * rng.standard_normal(2))
        if self.recipe.flicker:
            picture = gain * 255 * (picture / 255) ** gamma
        if self.recipe.grain:
            # Of film, hence the same in all channels.
            noise = rng.standard_normal((*self.size, 1), dtype=np.float32)
            picture = picture + amounts[1] * self.recipe.grain * noise
        lines = rng.integers(0, self.size[1], rng.integers(0, self.recipe.scratches + 1))
        picture[:, lines] = 255
        return picture

    def _draw_photos(self, rng: np.random.Generator) -> list[int]:
        """The photo of each shot by number; neighbors differ."""
        steps = rng.integers(1, len(self.photos), self.recipe.shots)
        return (np.cumsum(steps) % len(self.photos)).tolist()

    def _draw_shot(self, rng: np.random.Generator, number: int) -> _Shot:
        photo = self.photos[number]
        ends = _window(rng, photo.shape[:2], self.size), _window(rng, photo.shape[:2], self.size)
        way = max(
            abs(one - other) / (ends[0][2] - ends[0][0]) for one, other in zip(*ends, strict=True)
        )
        speed = np.exp(rng.uniform(*np.log(self.recipe.speed)))
        passer = None
        if rng.uniform() < self.recipe.passing:
            passer = _passer(rng, self.photos[number - 1], self.size)
        return _Shot(_picture(photo), ends, max(1.0, math.pi / 2 * way / speed), passer)

    def _draw_flashes(
        self, starts: tuple[int, ...], transitions: tuple[Transition, ...]
    ) -> tuple[Flash, ...]:
        """At most one a shot, with some frames of the shot alone before and after it."""
        rng = np.random.default_rng([self.seed, _FLASHES])
        margin, flashes = 6, []
        firsts = [0, *(change.stop for change in transitions)]
        lasts = [*(change.start for change in transitions), starts[-1]]
        for first, last in zip(firsts, lasts, strict=True):
            wanted, bright, share, place = rng.uniform(size=4)
            length = int(rng.integers(1, 5))
            room = last - first - 2 * margin - length
            if wanted < self.recipe.flashes and room > 0:
                start = first + margin + int(place * room)
                gray = 255.0 if bright < 0.6 else 0.0
                flashes.append(Flash(start, start + length, gray, 0.5 + 0.5 * share))
        return tuple(flashes)


def _transition(rng: np.random.Generator, recipe: Recipe, at: int, shorter: int) -> Transition:
    kind = rng.uniform()
    half = min(int(rng.integers(recipe.half[0], recipe.half[1] + 1)), shorter // 3)
    if kind < recipe.fades:
        return Transition("fade", at, at - half, at + half)
    if kind < recipe.fades + recipe.dissolves:
        return Transition("dissolve", at, at - half, at + half)
    return Transition("cut", at, at, at)


def _window(rng: np.random.Generator, photo: tuple[int, int], size: tuple[int, int]) -> Rectangle:
    """Draw a rectangle of the frame's aspect in the photo, 0.5 to 0.9 as long as the longest."""
    scale = rng.uniform(0.5, 0.9) * min(photo[0] / size[0], photo[1] / size[1])
    height, width = scale * size[0], scale * size[1]
    top, left = rng.uniform(0, photo[0] - height), rng.uniform(0, photo[1] - width)
    return left, top, left + width, top + height


def _passer(rng: np.random.Generator, photo: np.ndarray, size: tuple[int, int]) -> _Passer:
    height = max(2, int(rng.uniform(0.4, 0.8) * size[0]))
    width = max(2, int(rng.uniform(0.15, 0.35) * size[1]))
    box = _window(rng, photo.shape[:2], (height, width))
    picture = _picture(photo).resize((width, height), Image.Resampling.BILINEAR, box)
    down, across = (np.linspace(-1, 1, side) for side in (height, width))
    mask = np.square(down)[:, None] + np.square(across) <= 1
    speed = rng.uniform(0.01, 0.06) * size[1]
    top = int(rng.integers(0, size[0] - height + 1))
    if rng.uniform() < 0.5:
        return _Passer(np.array(picture), mask, top, -width, speed)
    return _Passer(np.array(picture), mask, top, size[1], -speed)


def _picture(photo: np.ndarray) -> Image.Image:
    return Image.fromarray(photo)

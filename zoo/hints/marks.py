"""What somebody says of a photo's colors: a record that goes to JSON and back.

A hint says chroma alone: the photo keeps its lightness, and where the gamut has no such color at
it, the color gets paler, as everywhere. Marks say it of places, the other fields of the whole photo
(`zoo.hints.whole_photo`). Places are in the photo's pixels, x to the right and y
down; (0, 0) is the middle of the pixel at the top left. `docs/hints.md` has the JSON.
"""

import dataclasses
import json
import math
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np

from zoo.errors import ZooError, nearest
from zoo.files import read_json, write_json

#: The version of the JSON that this code reads and writes.
VERSION = 1

#: "#rrggbb", of which the chroma counts; a and b of CIE Lab; or "gray", which is (0, 0).
Color = str | tuple[float, float]

#: x and y.
Place = tuple[float, float]

#: No color of sRGB has a or b beyond.
_MOST_CHROMA = 128.0
#: More than any photo has on a side.
_MOST_PX = 1_000_000
_HEX = re.compile(r"#[0-9a-fA-F]{6}")
GRAY = "gray"
#: Chroma that is none, from a color of 8 bits a channel.
_ROUNDING = 0.05


class Mark(ABC):
    """A place or part of the photo with a color."""

    color: Color

    @property
    def reach(self) -> float:
        """How far, in px, the mark goes beyond its places."""
        return 0.0

    @property
    @abstractmethod
    def places(self) -> tuple[Place, ...]:
        """What has to lie inside of the photo; the mark is within `reach` of the box around it."""

    @abstractmethod
    def holds(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Whether places lie on the mark: two arrays that broadcast -> bool."""

    def parts(self) -> "Iterator[Mark]":
        """Marks that are this one together, and whose boxes are small."""
        yield self

    def spine(self, step: float) -> np.ndarray:
        """Places to be marked however small the mark is: (n, 2) x and y, at most `step` apart."""
        return np.empty((0, 2))


@dataclass(frozen=True)
class Point(Mark):
    """A disc of one color.

    Attributes:
        x: of its middle, in px.
        y: likewise.
        color: "#rrggbb", (a, b) or "gray".
        radius: in px, at least 0; 0 marks a single pixel.
    """

    x: float
    y: float
    color: Color
    radius: float = 0.0

    def __post_init__(self) -> None:
        _set(self, x=_number(self.x, "x"), y=_number(self.y, "y"), color=_color(self.color))
        _set(self, radius=_at_least_0(self.radius, "radius"))

    @property
    def places(self) -> tuple[Place, ...]:
        return ((self.x, self.y),)

    @property
    def reach(self) -> float:
        return self.radius

    def holds(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return (x - self.x) ** 2 + (y - self.y) ** 2 <= self.radius**2

    def spine(self, step: float) -> np.ndarray:
        return np.array(self.places)


@dataclass(frozen=True)
class Stroke(Mark):
    """A line of one color from vertex to vertex, with round ends.

    Attributes:
        vertices: (x, y) each, in px; at least one.
        color: "#rrggbb", (a, b) or "gray".
        width: in px, at least 0.
    """

    vertices: tuple[Place, ...]
    color: Color
    width: float = 1.0

    def __post_init__(self) -> None:
        _set(self, vertices=_places(self.vertices, 1), color=_color(self.color))
        _set(self, width=_at_least_0(self.width, "width"))

    @property
    def places(self) -> tuple[Place, ...]:
        return self.vertices

    def _segments(self) -> list[tuple[Place, Place]]:
        return list(zip(self.vertices, self.vertices[1:] or self.vertices, strict=False))

    def holds(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        found = np.zeros(np.broadcast_shapes(x.shape, y.shape), bool)
        for (x0, y0), (x1, y1) in self._segments():
            length = (x1 - x0) ** 2 + (y1 - y0) ** 2
            along = ((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / (length or 1.0)
            along = np.clip(along, 0.0, 1.0)
            across = (x - x0 - along * (x1 - x0)) ** 2 + (y - y0 - along * (y1 - y0)) ** 2
            found |= across <= (self.width / 2) ** 2
        return found

    def parts(self) -> "Iterator[Mark]":
        for segment in self._segments():
            yield Stroke(segment, self.color, self.width)

    @property
    def reach(self) -> float:
        return self.width / 2

    def spine(self, step: float) -> np.ndarray:
        counts = [math.ceil(math.dist(*ends) / step) + 1 for ends in self._segments()]
        pairs = zip(self._segments(), counts, strict=True)
        return np.concatenate([np.linspace(start, end, count) for (start, end), count in pairs])


@dataclass(frozen=True)
class GrayRegion(Mark):
    """A polygon that stays gray.

    Attributes:
        vertices: (x, y) each, in px; at least three. The last one is joined to the first.
    """

    vertices: tuple[Place, ...]

    def __post_init__(self) -> None:
        _set(self, vertices=_places(self.vertices, 3))

    @property
    def color(self) -> Color:  # type: ignore[override]
        return GRAY

    @property
    def places(self) -> tuple[Place, ...]:
        return self.vertices

    def holds(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        inside = np.zeros(np.broadcast_shapes(x.shape, y.shape), bool)
        following = (*self.vertices[1:], self.vertices[0])
        for (x0, y0), (x1, y1) in zip(self.vertices, following, strict=True):
            if y0 != y1:
                crossing = x0 + (y - y0) * (x1 - x0) / (y1 - y0)
                inside ^= ((y0 > y) != (y1 > y)) & (x < crossing)
        return inside


@dataclass(frozen=True)
class Area(Mark):
    """Pixels of one color that hang together, as they were painted.

    Attributes:
        runs: (y, first x, last x) each, in whole px, both ends included.
        color: "#rrggbb", (a, b) or "gray".
    """

    runs: tuple[tuple[int, int, int], ...]
    color: Color

    def __post_init__(self) -> None:
        _set(self, runs=_runs(self.runs), color=_color(self.color))

    @property
    def places(self) -> tuple[Place, ...]:
        return tuple((x, y) for y, *ends in self.runs for x in ends)

    @cached_property
    def _pixels(self) -> tuple[np.ndarray, int, int]:
        """A picture of the area, and its first row and column."""
        y, start, end = np.array(self.runs).T
        picture = np.zeros((y.max() - y.min() + 1, end.max() - start.min() + 1), bool)
        for row, first, last in self.runs:
            picture[row - y.min(), first - start.min() : last - start.min() + 1] = True
        return picture, int(y.min()), int(start.min())

    def holds(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        picture, top, left = self._pixels
        column, row = (np.rint(one).astype(int) - first for one, first in ((x, left), (y, top)))
        height, width = picture.shape
        inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
        return inside & picture[row.clip(0, height - 1), column.clip(0, width - 1)]


_KINDS: dict[str, Any] = {
    "points": Point,
    "strokes": Stroke,
    "gray_regions": GrayRegion,
    "areas": Area,
}
_OF_WHOLE_PHOTO = ("palette", "mean_color", "saturation", "gray_stays_gray")


@dataclass(frozen=True)
class Hints:
    """What somebody says of a photo's colors.

    Attributes:
        points: discs of one color.
        strokes: lines of one color.
        gray_regions: polygons that stay gray.
        areas: painted pixels.
        palette: colors that the whole photo should have more of, "#rrggbb", (a, b) or "gray" each.
        mean_color: the mean color of the whole photo, likewise; None leaves it.
        saturation: the mean chroma of the whole photo, the root of a² + b², from 0 to 128; None
            leaves it.
        gray_stays_gray: whether what the model takes for nearly gray becomes neutral, and takes no
            part in what is said of the whole photo.
        size: width and height in px of the photo that they are for; None where nobody has said.

    Raises:
        ZooError: on a wrong value, or if what is said of the whole photo cannot be true at once.

    Examples:
        >>> hints = Hints(points=(Point(40, 30, "#a03020", radius=4),))
        >>> Hints.from_json(hints.to_json()) == hints
        True
    """

    points: tuple[Point, ...] = ()
    strokes: tuple[Stroke, ...] = ()
    gray_regions: tuple[GrayRegion, ...] = ()
    areas: tuple[Area, ...] = ()
    palette: tuple[Color, ...] = ()
    mean_color: Color | None = None
    saturation: float | None = None
    gray_stays_gray: bool = False
    size: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        for name, kind in _KINDS.items():
            given = getattr(self, name)
            if not isinstance(given, list | tuple) or not all(isinstance(m, kind) for m in given):
                raise ZooError(f"{name} must be {kind.__name__}s in a list; got {given!r}.")
            _set(self, **{name: tuple(given)})
        _set(self, palette=_palette(self.palette), gray_stays_gray=_yes_or_no(self.gray_stays_gray))
        if self.mean_color is not None:
            _set(self, mean_color=_color(self.mean_color, "mean_color"))
        if self.saturation is not None:
            _set(self, saturation=_saturation(self.saturation))
        if self.size is not None:
            _set(self, size=_size(self.size))
        self._require_possible()

    def _require_possible(self) -> None:
        """Refuse what cannot be true of one photo: a mean has no more chroma than what it is of."""
        if self.saturation is not None and self.mean_color is not None:
            least = _chroma(self.mean_color)
            if least > self.saturation + _ROUNDING:
                raise ZooError(
                    f"mean_color {named(self.mean_color)} has a chroma of {least:.1f}, more than "
                    f"the saturation, {self.saturation:g}, allows; raise that, or choose a paler "
                    "color."
                )
        if not self.palette:
            return
        colorful = max(map(_chroma, self.palette)) > _ROUNDING
        if colorful and self.saturation == 0:
            raise ZooError(
                "The palette asks for colors and a saturation of 0 for none; leave one of them out."
            )
        wanted = (self.saturation or 0) > 0 or (
            self.mean_color is not None and _chroma(self.mean_color) > _ROUNDING
        )
        if wanted and not colorful:
            raise ZooError(
                "The palette has gray alone, and mean_color or saturation asks for colors; leave "
                "one of them out."
            )

    @property
    def says_of_whole_photo(self) -> bool:
        """Whether anything is said beside marks."""
        said = self.mean_color is not None or self.saturation is not None
        return bool(self.palette) or said or self.gray_stays_gray

    @property
    def marks(self) -> tuple[Mark, ...]:
        """All of them."""
        return (*self.points, *self.strokes, *self.gray_regions, *self.areas)

    def with_others(self, others: "Hints") -> "Hints":
        """These and others of the same photo.

        Palettes are joined.

        Raises:
            ZooError: if they say that their photos have different sizes, or different things of the
                whole photo.
        """
        if self.size and others.size and self.size != others.size:
            raise ZooError(
                f"One of the hints is for a photo of {_px(self.size)}, the other for one of "
                f"{_px(others.size)}; give hints of the same photo."
            )
        lists = {name: getattr(self, name) + getattr(others, name) for name in (*_KINDS, "palette")}
        return Hints(
            **lists,
            mean_color=_agreed("mean_color", self.mean_color, others.mean_color),
            saturation=_agreed("saturation", self.saturation, others.saturation),
            gray_stays_gray=self.gray_stays_gray or others.gray_stays_gray,
            size=self.size or others.size,
        )

    def without_marks(self) -> "Hints":
        """What is said of the whole photo alone."""
        return dataclasses.replace(self, points=(), strokes=(), gray_regions=(), areas=())

    def require_within(self, height: int, width: int) -> None:
        """Refuse hints of another photo.

        Raises:
            ZooError: if a mark lies outside of a photo of this size, or they are for one of
                another size.
        """
        if self.size not in (None, (width, height)):
            raise ZooError(
                f"The hints are for a photo of {_px(self.size)}, and this one has "
                f"{_px((width, height))}; give those of this photo."
            )
        for mark in self.marks:
            for x, y in mark.places:
                if not (0 <= x <= width - 1 and 0 <= y <= height - 1):
                    raise ZooError(
                        f"A hint is at ({x:g}, {y:g}), outside of the photo, which has "
                        f"{_px((width, height))}; x may be 0 to {width - 1} and y 0 to "
                        f"{height - 1}."
                    )

    # ------------------------------------------------------------------ JSON

    def to_json(self) -> dict[str, Any]:
        """What goes into a JSON file: what says nothing is left out."""
        content: dict[str, Any] = {"version": VERSION}
        if self.size is not None:
            content["size"] = list(self.size)
        for name in _KINDS:
            if marks := getattr(self, name):
                content[name] = [dataclasses.asdict(mark) for mark in marks]
        for name in _OF_WHOLE_PHOTO:
            said = getattr(self, name)
            if said or (name == "saturation" and said is not None):
                content[name] = said
        return json.loads(json.dumps(content))

    @classmethod
    def from_json(cls, content: Any, source: str = "the hints") -> Self:
        """Read what `to_json` gives; `source` is its place, for messages.

        Raises:
            ZooError: on another version, an unknown or missing field, or a wrong value.
        """
        fields = _fields(content, ("version", "size", *_KINDS, *_OF_WHOLE_PHOTO), source)
        if (version := fields.pop("version", None)) != VERSION:
            raise ZooError(
                f'In {source} the version must be {VERSION}, as in "version": {VERSION}; '
                f"got {version!r}."
            )
        for name in _KINDS.keys() & fields.keys():
            if not isinstance(fields[name], list):
                raise ZooError(f"In {source} {name} must be a list; got {fields[name]!r}.")
            fields[name] = tuple(
                _mark(_KINDS[name], one, f"{source}, {name}[{number}]")
                for number, one in enumerate(fields[name])
            )
        try:
            return cls(**fields)
        except ZooError as error:
            raise ZooError(f"In {source} {error}") from error

    @classmethod
    def read(cls, path: str | os.PathLike) -> Self:
        """Read a JSON file.

        Raises:
            ZooError: as `from_json`, or if there is no such file.
        """
        return cls.from_json(read_json(path), os.fspath(path))

    def write(self, path: str | os.PathLike) -> None:
        """Write a JSON file, atomically."""
        write_json(path, self.to_json())


# ---------------------------------------------------------------------- what may be given


def _mark(kind: Any, content: Any, place: str) -> Mark:
    known = {field.name: field.default for field in dataclasses.fields(kind)}
    fields = _fields(content, tuple(known), place)
    missing = [name for name in known if known[name] is dataclasses.MISSING and name not in fields]
    if missing:
        raise ZooError(f"In {place} the field {missing[0]} is missing; add it.")
    try:
        return kind(**fields)
    except ZooError as error:
        raise ZooError(f"In {place} {error}") from error


def _fields(content: Any, known: tuple[str, ...], place: str) -> dict[str, Any]:
    if not isinstance(content, Mapping):
        raise ZooError(f"In {place} there must be an object, as in {{...}}; got {content!r}.")
    for name in content:
        if name not in known:
            raise ZooError(
                f"In {place} there is an unknown field {name!r}{nearest(name, known)}; leave it "
                f"out, or use one of: {', '.join(known)}."
            )
    return dict(content)


def _set(record: Any, **values: Any) -> None:
    """Set fields of a frozen record while it is made."""
    for name, value in values.items():
        object.__setattr__(record, name, value)


def _number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise ZooError(f"{name} must be a number; got {value!r}.")
    try:
        number = float(value)
    except OverflowError:  # a whole number of thousands of digits
        number = math.inf
    if not math.isfinite(number):
        raise ZooError(f"{name} must be finite; got {value!r}.")
    return number


def _at_least_0(value: Any, name: str) -> float:
    number = _number(value, name)
    if number < 0:
        raise ZooError(f"{name} must be at least 0 px; got {value!r}.")
    if number > _MOST_PX:
        raise ZooError(f"{name} must be at most {_MOST_PX:,} px; got {value!r}.")
    return number


def named(color: Color) -> str:
    """A color in a message."""
    return color if isinstance(color, str) else f"ab ({color[0]:g}, {color[1]:g})"


def _chroma(color: Color) -> float:
    """The root of a² + b²."""
    if color == GRAY:
        return 0.0
    if isinstance(color, tuple):
        return math.hypot(*color)
    # Not by `zoo.color.spaces`: mistakes are told before Keras is loaded.
    from skimage.color import rgb2lab

    _, a, b = rgb2lab(np.array(list(bytes.fromhex(color[1:]))) / 255)
    return math.hypot(a, b)


def _palette(value: Any) -> tuple[Color, ...]:
    if not isinstance(value, list | tuple):
        raise ZooError(f"palette must be a list of colors; got {value!r}.")
    return tuple(_color(one, "each color of the palette") for one in value)


def _yes_or_no(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ZooError(f"gray_stays_gray must be true or false; got {value!r}.")
    return value


def _saturation(value: Any) -> float:
    if not 0 <= _number(value, "saturation") <= _MOST_CHROMA:
        raise ZooError(f"saturation must be from 0 to {_MOST_CHROMA:g}; got {value!r}.")
    return float(value)


def _agreed(name: str, first: Any, second: Any) -> Any:
    """What one of two hints says, or both alike."""
    if None not in (first, second) and first != second:
        raise ZooError(
            f"One of the hints has the {name} {first!r}, the other {second!r}; leave one out."
        )
    return second if first is None else first


def _color(value: Any, name: str = "color") -> Color:
    """A color in the form that is kept."""
    if isinstance(value, str) and (_HEX.fullmatch(value) or value == GRAY):
        return value.lower()
    if isinstance(value, list | tuple) and len(value) == 2:
        a, b = (_number(part, "color") for part in value)
        if max(abs(a), abs(b)) <= _MOST_CHROMA:
            return a, b
    raise ZooError(
        f'{name} must be "#rrggbb", [a, b] from {-_MOST_CHROMA:g} to {_MOST_CHROMA:g}, or '
        f'"{GRAY}"; got {value!r}.'
    )


def _places(value: Any, least: int) -> tuple[Place, ...]:
    if not isinstance(value, list | tuple) or len(value) < least:
        raise ZooError(f"vertices must be a list of at least {least} [x, y]; got {value!r}.")
    for one in value:
        if not isinstance(one, list | tuple) or len(one) != 2:
            raise ZooError(f"vertices must be [x, y] each; got {one!r}.")
    return tuple((_number(x, "x"), _number(y, "y")) for x, y in value)


def _runs(value: Any) -> tuple[tuple[int, int, int], ...]:
    rows = value if isinstance(value, list | tuple) else ()
    for one in rows:
        whole = isinstance(one, list | tuple) and all(type(part) is int for part in one)
        if not whole or len(one) != 3 or one[1] > one[2]:
            raise ZooError(f"runs must be [y, first x, last x] in whole px; got {one!r}.")
    if not rows:
        raise ZooError(f"runs must be a list of at least one [y, first x, last x]; got {value!r}.")
    return tuple((y, first, last) for y, first, last in rows)


def _size(value: Any) -> tuple[int, int]:
    if isinstance(value, list | tuple) and len(value) == 2:
        width, height = value
        if type(width) is type(height) is int and min(width, height) > 0:
            return width, height
    raise ZooError(f"size must be [width, height] in whole px; got {value!r}.")


def _px(size: tuple[int, int] | None) -> str:
    assert size is not None
    return f"{size[0]} x {size[1]} px"

"""A photo whose colors another one takes: which way, and how they come to the photo's full size.

Every method sees the photo at a short side of 256 px and says other colors than the model's. What
is enlarged is the difference, along the edges of the photo's own lightness, so that the model's
detail stays where nothing is transferred. Lightness is the photo's at every pixel.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from keras import ops
from PIL import Image

from zoo.errors import ZooError, valid_choice
from zoo.fullsize import FullSize
from zoo.hints.following import Follower, enlarged
from zoo.hints.marks import Hints
from zoo.inputs import LIGHTNESS, Whole, inputs_of_photos
from zoo.networks.features import DEFAULT, NAMES
from zoo.options import OWN_STRENGTH, RENDER_FACTOR
from zoo.photos.decoding import PhotoSource, read_photo, read_rgb
from zoo.photos.photoset import gray_or_toned
from zoo.preprocessing import resize, working_size
from zoo.transfer.match import Match
from zoo.transfer.reinhard import Reinhard
from zoo.transfer.style import ITERATIONS, Style
from zoo.transfer.welsh import Box, Swatch, Welsh

if TYPE_CHECKING:
    from zoo.colorizer import Colorizer

#: The ways there are; the first is the one of `zoo.transfer_color` unless another is asked for.
METHODS = ("match", "reinhard", "welsh", "style")

#: The render factor of the size at which colors are transferred: a short side of 256 px.
_FACTOR = 16
#: Differences of colors are enlarged along edges up to so many pixels, and from there bilinearly.
_MOST_PIXELS = 2**19
#: References with a shorter side say nothing of textures or of statistics.
_LEAST_SIDE = 16


@dataclass(frozen=True, eq=False)
class Reference:
    """A photo in color, and how its colors go over.

    Attributes:
        rgb: (H, W, 3) uint8 sRGB.
        method: one of `METHODS`.
        swatches: pairs of regions that belong together; of "welsh" alone, and of a single photo.
        iterations: of L-BFGS, at least 1; of "style" alone, 60 where None.
        features: the network that "style" compares, as `zoo.networks.features` has it; the zoo's
            encoder where None.

    Raises:
        ZooError: if the reference is gray or has a side of less than 16 px, or what is asked for
            does not fit the method.
    """

    rgb: np.ndarray
    method: str = METHODS[0]
    swatches: tuple[Swatch, ...] = ()
    iterations: int | None = None
    features: str | None = None

    def __post_init__(self) -> None:
        valid_choice("way to transfer colors", self.method, METHODS)
        _refuse_others("swatches", self.swatches, self.method, "welsh")
        _refuse_others("iterations", self.iterations, self.method, "style")
        _refuse_others("features", self.features, self.method, "style")
        if self.iterations is not None and self.iterations < 1:
            raise ZooError(f"Style transfer takes at least 1 iteration; got {self.iterations}.")
        if self.features is not None:
            valid_choice("network of features", self.features, NAMES)
        height, width = self.rgb.shape[:2]
        if min(height, width) < _LEAST_SIDE:
            raise ZooError(
                f"The reference has {width} x {height} px; give one with sides of at least "
                f"{_LEAST_SIDE} px."
            )
        if gray_or_toned(self.rgb)[0]:
            raise ZooError("The reference is gray, so it has no colors to give; give one in color.")

    @classmethod
    def read(cls, source: PhotoSource, method: str = METHODS[0], **settings: Any) -> "Reference":
        """Read a reference as any photo, its transparent parts on white.

        Raises:
            ZooError: if it cannot be read, or as for the class.
        """
        return cls(read_rgb(source), method, **settings)

    def recolored(
        self, ab: np.ndarray, photo: Whole, told: Callable[[], None] = lambda: None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Let the reference change a photo's colors.

        Args:
            ab: (1, h, w, 2), of a model, or zeros.
            photo: at full size.
            told: called after each iteration of "style".

        Returns:
            (1, H, W, 2) ab and (1, H, W, 1) L in [0, 100] of that size: the photo's own, or about
            2**19 px if it is larger.

        Raises:
            ZooError: if a swatch lies outside of its picture, or weights are not at hand.
        """
        coarse, fine = (photo.working_lightness(size) for size in _sizes(photo.size))
        before = _resized(ab, coarse.shape[1:3])
        further: dict[str, Any] = {}
        if self.method == "welsh":
            further["swatches"] = self._regions(photo.size, coarse.shape[1:3])
        if self.method == "style":
            further["told"] = told
        offsets = self._way(coarse[0, ..., 0], before[0], **further)[None] - before
        if not offsets.any():  # nothing in common: the model's answer, to the bit
            return ab, photo.working_lightness(ab.shape[1:3])
        return _resized(ab, fine.shape[1:3]) + enlarged(offsets, coarse, fine), fine

    def key_frame(self, frame: Whole, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """What "match" says of a frame of a film.

        Args:
            frame: at full size.
            size: height and width wanted.

        Returns:
            (*size, 2) ab, and (*size, 1) from 0 to 1, how far they are to be believed in.
        """
        assert isinstance(self._way, Match)
        coarse, _ = _sizes(frame.size)
        plane = frame.working_lightness(coarse)[0, ..., 0]
        ab, trust = (_resized(one[None], size)[0] for one in self._way.everywhere(plane))
        return ab, trust

    @property
    def steps(self) -> int:
        """How often `recolored` tells that it has come further, at most."""
        return 0 if self.method != "style" else self.iterations or ITERATIONS

    @cached_property
    def _small(self) -> np.ndarray:
        size = working_size(self.rgb.shape[0], self.rgb.shape[1], _FACTOR)
        return np.array(Image.fromarray(self.rgb).resize(size[::-1], Image.Resampling.LANCZOS))

    @cached_property
    def _way(self) -> Callable[..., np.ndarray]:
        """From L, (h, w), and ab, (h, w, 2), to other ab."""
        if self.method == "style":
            return Style(self._small, self.features or DEFAULT, self.iterations or ITERATIONS)
        ways: dict[str, Callable[[np.ndarray], Callable[..., np.ndarray]]]
        ways = {"match": Match, "reinhard": Reinhard, "welsh": Welsh}
        return ways[self.method](self._small)

    def _regions(
        self, photo: tuple[int, int], seen: tuple[int, int]
    ) -> Sequence[tuple[tuple[slice, slice], tuple[slice, slice]]]:
        """The swatches at the sizes at which colors are transferred."""
        own, small = self.rgb.shape[:2], self._small.shape[:2]
        for swatch in self.swatches:
            swatch.require_within(photo, own)
        return [
            (_scaled(one.photo, photo, seen), _scaled(one.reference, own, small))
            for one in self.swatches
        ]


def transfer_color(
    photo: PhotoSource,
    reference: PhotoSource,
    method: str = METHODS[0],
    *,
    model: "Colorizer | None" = None,
    swatches: Sequence[Swatch] = (),
    iterations: int | None = None,
    features: str | None = None,
    hints: Hints | None = None,
    progress: bool = False,
    **options: Any,
) -> np.ndarray:
    """Color a photo with the colors of another one.

    Args:
        photo: a file, its bytes, a Pillow image or an array, of any size and mode; its colors do
            not count.
        reference: likewise, in color.
        method: "match" takes colors from places that look alike, and leaves the others to the
            model; "reinhard" shifts and stretches the model's colors to the statistics of the
            reference's; "welsh" goes by luminance and texture, and "style" by neural style
            transfer, which starts from the model's colors and takes a minute on two cores.
        model: whose colors the transfer starts from; gray without one.
        swatches: pairs of regions that belong together, for "welsh".
        iterations: of "style"; 60 where None.
        features: the network of "style": "efficientnet_lite0" (the zoo's encoder) where None;
            "keras:VGG19", "keras:VGG16", "hed"; see `zoo.networks.features`.
        hints: colors that somebody says; they win at their marks, and what is said of the whole
            photo is said of the model's colors.
        progress: show a progress bar for "style".
        **options: of the model, see `model.options`.

    Returns:
        uint8 of the photo's own size: (H, W, 3), or (H, W, 4) where the photo has alpha.

    Raises:
        ZooError: if a photo cannot be read, the reference is gray or too small, or what is asked
            for does not fit the method.
    """
    if model is None and options:
        raise ZooError(f"The option {next(iter(options))} is of a model; give one by model=MODEL.")
    how = Reference.read(
        reference, method, swatches=tuple(swatches), iterations=iterations, features=features
    )
    if model is None and hints is not None and hints.says_of_whole_photo:
        raise ZooError(
            "What hints say of the whole photo is for a model's colors; give one by model=MODEL."
        )
    read = read_photo(photo)
    whole = FullSize(read.rgb[None])
    if hints is not None:
        hints.require_within(*whole.size)  # before the networks run
    ab = np.zeros((1, 1, 1, 2), np.float32)
    if model is not None:
        factor = int(model.resolve_options(options)[RENDER_FACTOR.name])
        inputs = inputs_of_photos(model.inputs, whole, factor)
        inputs = model.told(inputs, hints, whole.size)
        prediction = model.predict(inputs, **options)
        first = None if hints is None else hints.without_marks()
        (ab,) = model.colored(prediction, first, inputs[LIGHTNESS.name], whole.size, **options)
    with progress_bar(how.steps if progress else 0) as told:
        ab, lightness = how.recolored(ab, whole, told)
    if hints is not None:
        strength = OWN_STRENGTH.default
        if model is not None:
            strength = model.resolve_options(options)[OWN_STRENGTH.name]
        ab = Follower(lightness[0, ..., 0], hints, whole.size, strength)(ab[0])[None]
    colored = whole.merge(ab)[0]
    return colored if read.alpha is None else np.dstack([colored, read.alpha])


@contextmanager
def progress_bar(steps: int) -> Iterator[Callable[[], None]]:
    """Show a bar of so many steps, none for 0, with what to call after each of them."""
    if not steps:
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task("Transferring the style", total=steps)
        yield lambda: bar.advance(task)
        bar.update(task, completed=steps)  # it may have come to its end sooner


def _refuse_others(name: str, given: Any, method: str, taker: str) -> None:
    """Refuse a setting of another method."""
    if given and method != taker:
        raise ZooError(f"The {name} are of the method {taker}, not of {method}; leave them out.")


def _sizes(photo: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
    """The size at which colors are transferred, and the one up to which they follow edges."""
    shrink = max(1.0, math.sqrt(math.prod(photo) / _MOST_PIXELS))
    height, width = (max(1, round(side / shrink)) for side in photo)
    return working_size(*photo, _FACTOR), (height, width)


def _resized(ab: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    found: np.ndarray = ops.convert_to_numpy(resize(ab, (size[0], size[1])))
    return found


def _scaled(box: Box, whole: tuple[int, ...], seen: tuple[int, ...]) -> tuple[slice, slice]:
    """Rows and columns of a region at another size of its picture; at least one each."""
    x, y, across, down = box
    return _part(y, down, whole[0], seen[0]), _part(x, across, whole[1], seen[1])


def _part(start: int, count: int, whole: int, seen: int) -> slice:
    first = min(start * seen // whole, seen - 1)
    return slice(first, max(first + 1, round((start + count) * seen / whole)))

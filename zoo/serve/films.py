"""Films: what is checked of an uploaded one, and coloring it by the code of `zoo colorize`."""

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from zoo.errors import ZooError
from zoo.inference.films.coloring import colorize_video
from zoo.inference.films.encoding import DEFAULT_CODEC
from zoo.inference.films.plan import FilmSettings
from zoo.networks.runner import PlainRunner
from zoo.photos.decoding import PhotoError, write_photo
from zoo.photos.film import Film, exact, moving_stream, open_film, require_pyav
from zoo.photos.motion import require_opencv
from zoo.serve.film_formats import FILM_FORMATS
from zoo.serve.intake import too_many_bytes
from zoo.serve.refusals import Refusal
from zoo.serve.settings import Limits

if TYPE_CHECKING:
    from zoo.colorizer import Colorizer

#: So often at most others are told how far a film is, in seconds.
_TELLING = 0.5
#: The codecs of containers that cannot hold the usual one.
_CODECS = {"WEBM": "vp9"}


# ---------------------------------------------------------------------- taking films


class CheckedFilm(NamedTuple):
    """What was found of a film.

    Attributes:
        width: in px, upright.
        height: likewise.
        frames: how many it seems to have: some may not be decoded.
        seconds: how long it seems to be.
    """

    width: int
    height: int
    frames: int
    seconds: float


def require_films() -> None:
    """Refuse films where they cannot be read.

    Raises:
        Refusal: 501 without the extra `video`.
    """
    try:
        require_pyav()
        require_opencv()
    except ZooError as error:
        raise Refusal(
            501, "This server takes photos alone; films need its extra video: install it there."
        ) from error


def check_film(path: Path, film_format: str, limits: Limits, picture: Path) -> CheckedFilm:
    """Check a film: first what it says of itself, then whether its first frame can be decoded.

    Args:
        path: of the file.
        film_format: one of `FILM_FORMATS`, by its first bytes.
        limits: on bytes, pixels and frames.
        picture: the PNG file to write the first frame to.

    Raises:
        Refusal: 413 for too much, 415 for what is no film that can be colored.
    """
    if path.stat().st_size > limits.film_bytes:
        raise too_many_bytes(limits.film_bytes)
    frames, seconds = _length(path, film_format, limits)
    try:
        with Film(path) as film:
            first = next(iter(film.walk()), None)
            if first is None:
                raise _no_film("it has no frame that can be decoded")
            write_photo(picture, film.rgb(first))
            height, width = film.size
    except PhotoError as error:
        raise _no_film(error.reason) from error
    return CheckedFilm(width, height, frames, seconds)


def _length(path: Path, film_format: str, limits: Limits) -> tuple[int, float]:
    """How many frames a film has and how many seconds, by its packets; nothing is decoded.

    What a file says of that itself is not relied on.
    """
    av = require_pyav()
    try:
        with open_film(path) as container:
            if FILM_FORMATS[film_format].reader not in container.format.name.split(","):
                raise _no_film("it is another file than it begins as")
            stream = moving_stream(container)
            if stream is None or stream.codec_context is None:
                raise _no_film("it has no video stream that can be decoded")
            _require_size(stream.codec_context, limits)
            return _counted(container, stream, limits)
    except (av.FFmpegError, OSError) as error:
        raise _no_film("it is damaged, or of a kind that is not known") from error


def _require_size(context: Any, limits: Limits) -> None:
    width, height = context.width, context.height
    if width * height > limits.frame_pixels:
        most = f"{limits.frame_pixels / 1e6:.3g} million px"
        raise Refusal(
            413, f"Its frames have {width} x {height} px, and {most} are taken; make it smaller."
        )


def _counted(container: Any, stream: Any, limits: Limits) -> tuple[int, float]:
    """The number of packets of a stream, and the seconds from the first to the last."""
    av, count, times = require_pyav(), 0, []
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except (StopIteration, av.FFmpegError):  # of a film that is cut short there is no more
            break
        if packet.size:
            count += 1
        if packet.pts is not None:
            times.append(packet.pts)
        if count > limits.frames:
            raise Refusal(
                413, f"The film has more than {limits.frames:,} frames; cut it into pieces."
            )
    if not times:
        rate = exact(stream.average_rate)
        return count, float(count / rate) if rate else 0.0
    return count, float((max(times) - min(times)) * exact(stream.time_base))


def _no_film(reason: str) -> Refusal:
    return Refusal(
        415, f"The film cannot be read: {reason}; give another copy, best as MP4 with H.264."
    )


# ---------------------------------------------------------------------- coloring them


def film_settings(given: Mapping[str, Any], film_format: str) -> dict[str, Any]:
    """What was chosen of `FilmSettings`, checked, with a codec that the film's container holds.

    Raises:
        ZooError: if a value is none of those that are valid.
    """
    chosen = {"codec": _CODECS.get(film_format, DEFAULT_CODEC), **given}
    FilmSettings(**chosen)
    return chosen


class Stopped(Exception):
    """The coloring of a film has been stopped; what is finished of it stays."""


class FilmRun:
    """Watches the coloring of a film: how far it is, and whether it shall stop.

    Args:
        changed: is called when it has come further, not too often.

    Attributes:
        done: how many frames are colored.
        frames: of how many; None while they are counted.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self.done = 0
        self.frames: int | None = None
        self._changed = changed
        self._stopped = threading.Event()
        self._begun: tuple[float, int] | None = None
        self._at = self._told = 0.0

    def stop(self) -> None:
        """Let it end soon, from any thread."""
        self._stopped.set()

    def __call__(self, done: int, frames: int | None) -> None:
        """Hear how far it is; see `zoo.inference.films.plan.Watch`.

        Raises:
            Stopped: if it shall end.
        """
        if self._stopped.is_set():
            raise Stopped
        self._at = time.monotonic()
        if frames is not None and self._begun is None:
            self._begun = self._at, done
        self.done, self.frames = done, frames
        if self._at - self._told >= _TELLING:
            self._told = self._at
            self._changed()

    @property
    def estimate(self) -> float | None:
        """Seconds until it is done, by its pace so far; None before that is known."""
        if self._begun is None or self.frames is None or self.done <= self._begun[1]:
            return None
        pace = (self._at - self._begun[0]) / (self.done - self._begun[1])
        return max(0.0, pace * (self.frames - self.done) - (time.monotonic() - self._at))


def color_film(
    model: "Colorizer",
    source: Path,
    target: Path,
    settings: FilmSettings,
    options: Mapping[str, Any],
    run: FilmRun,
) -> list[str]:
    """Color a film into a file, whole or not at all; what an earlier run has finished is taken.

    Returns:
        What its owner should know, a sentence each.

    Raises:
        ZooError: if it cannot be read.
        Stopped: if `run` shall stop.
    """
    # A plain one is for single photos.
    runner = None if isinstance(model.runner, PlainRunner) else model.runner
    try:
        made = colorize_video(
            source, target, model, settings=settings, watch=run, runner=runner, **options
        )
    except PhotoError as error:  # whose name is a path
        name = "the film" if error.name == str(source) else "the reference"
        raise PhotoError(name, error.reason, "give another one") from error
    except ZooError as error:
        raise ZooError(str(error).replace(str(source), "The film")) from error.__cause__
    notes = list(made.notes)
    if made.repeated:
        notes.append(f"{made.repeated:,} frames could not be decoded; those before stand for them.")
    return notes

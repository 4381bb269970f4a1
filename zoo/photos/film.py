"""Reading films, by PyAV (the extra `video`): upright frames in sRGB, each with its own time.

A film is gone through once to learn the time of every frame; after that frames are read by number,
forward, from anywhere. A frame that cannot be decoded is the one before it once more. What a file
says of its length, its rate and how many frames it has is not relied on.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from zoo.errors import ZooError
from zoo.photos.decoding import PhotoError

if TYPE_CHECKING:
    import av

FILM_SUFFIXES = (
    *(".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts"),
    *(".wmv", ".flv", ".ogv", ".3gp"),
)

#: As FFmpeg numbers what YUV may mean (ITU-T H.273): matrices and ranges.
BT709, BT601, LIMITED, FULL = 1, 5, 1, 2
_MATRICES = (BT709, 4, BT601, 6, 7, 9)
#: From this height on a film that states no matrix has that of high definition.
_HIGH_DEFINITION = 720

#: Reading goes back this many frames more than it must: some refer to others across key frames.
_RUN_UP = 50

#: How Matroska states when a stream ends.
_CLOCK = re.compile(r"(\d+):(\d+):(\d+(?:\.\d+)?)")

#: What FFmpeg calls the containers of `FILM_SUFFIXES`, and no others. Playlists and lists of files
#: are none of them: whoever made such a file would choose which files and addresses are opened.
_CONTAINERS = (
    *("mov", "matroska", "webm", "avi", "mpeg", "mpegvideo", "mpegts", "asf", "flv", "ogg", "nut"),
    # Subtitles inside of AVI.
    *("srt", "ass"),
)
#: Frames of more pixels are not decoded, wherever in a film they come.
_MOST_PIXELS = 2**26
_DECODING = {"max_pixels": str(_MOST_PIXELS)}
_READING = {
    "format_whitelist": ",".join(_CONTAINERS),
    "protocol_whitelist": "file",
    # FFmpeg decodes some frames already to know what streams there are.
    **_DECODING,
}

_ANOTHER = "give another copy of the film"


def require_pyav() -> Any:
    """PyAV.

    Raises:
        ZooError: if it is not installed.
    """
    try:
        import av
    except ImportError as error:
        raise ZooError(
            "Films need PyAV and OpenCV; run `pip install 'colorization-zoo[video]'`."
        ) from error
    return av


def open_film(path: Path) -> Any:
    """A container of PyAV's for reading; its tags may be in any encoding.

    No other file is opened, whatever this one names.

    Raises:
        av.FFmpegError, OSError: as `av.open`.
    """
    av = require_pyav()
    # From PyAV 19 on this is settled, and no longer an option.
    old = int(av.__version__.split(".")[0]) < 19
    tags = {"metadata_errors": "replace"} if old else {}
    return av.open(str(path), options=_READING, **tags)


def exact(value: Any) -> Fraction:
    """A fraction of FFmpeg's, which is of another class in each edition of PyAV; 0 for none."""
    return Fraction(value.numerator, value.denominator) if value else Fraction(0)


def is_film(path: Path) -> bool:
    """Whether a file's name is that of a film."""
    return path.suffix.lower() in FILM_SUFFIXES


@dataclass(frozen=True)
class Timeline:
    """When the frames of a film are shown, of the whole of it or of a part.

    Attributes:
        times: in units of the film's time base, ascending.
        missing: the numbers of frames that cannot be decoded.
        cut_short: whether the file ends, or cannot be read on, before its stated end.
        origin: the time of the whole film's first frame.
    """

    times: tuple[int, ...]
    missing: tuple[int, ...] = ()
    cut_short: bool = False
    origin: int = 0


class Film:
    """A film in a file; use it in a `with` statement.

    Args:
        path: of the file.

    Attributes:
        size: height and width, upright.
        rate: average frames a second.
        time_base: the unit of times, in seconds.
        aspect: width of a pixel divided by its height, upright.
        notes: what is not kept, a sentence each.

    Raises:
        PhotoError: if the file cannot be read, or has no pictures that move.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._open()
        context = self._stream.codec_context
        self._turns, self._interlaced = self._first_look()
        size = (context.height, context.width)
        self.size: tuple[int, int] = size if self._turns % 2 == 0 else size[::-1]
        stated = self._stream.average_rate or self._stream.guessed_rate
        self.rate = exact(stated) or Fraction(25)
        self.time_base = exact(self._stream.time_base)
        aspect = exact(self._stream.sample_aspect_ratio) or Fraction(1)
        self.aspect = aspect if self._turns % 2 == 0 else 1 / aspect
        self.notes = self._noted()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._container.close()

    def walk(self, start: float = 0.0, end: float | None = None) -> "Walk":
        """Go through the film once, as one iterates; see `Walk`.

        Args:
            start: seconds after the first frame; frames before that are left out.
            end: seconds after the first frame; the frame there and later ones are left out.
        """
        return Walk(self, start, end)

    def timeline(self, start: float = 0.0, end: float | None = None) -> Timeline:
        """Go through the film once, for its times alone; errors as `Walk.timeline`."""
        walk = self.walk(start, end)
        for _ in walk:
            pass
        return walk.timeline()

    def frames(self, timeline: Timeline, first: int = 0) -> Iterator["av.VideoFrame"]:
        """The frames of a timeline, from number `first` on."""
        missing = frozenset(timeline.missing)
        start = first
        while start in missing:
            start -= 1
        found = self._decoded_from(timeline, start)
        frame = None
        for number in range(start, len(timeline.times)):
            time = timeline.times[number]
            if number not in missing or frame is None:
                frame = next((one for shown, one in found if shown >= time), frame)
            if frame is None:
                raise self._unreadable("it cannot be read again", _ANOTHER)
            if number >= first:
                yield frame

    def rgb(self, frame: "av.VideoFrame", size: tuple[int, int] | None = None) -> np.ndarray:
        """An upright frame as (H, W, 3) uint8 sRGB, squeezed to `size` where one is given."""
        return self._upright(frame, "rgb24", size)

    def luma(self, frame: "av.VideoFrame", size: tuple[int, int] | None = None) -> np.ndarray:
        """Its luma alone, (H, W) uint8."""
        return self._upright(frame, "gray", size)

    # ------------------------------------------------------------------ inside

    def decoded(self) -> Iterator[tuple[Any, list["av.VideoFrame"], bool]]:
        """Each packet from here on, with the frames that it completes and whether it is sound.

        Ends where the file does, or where it cannot be read on.
        """
        av = require_pyav()
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except (av.FFmpegError, OSError):
                yield None, [], False
                return
            try:
                yield packet, list(packet.decode()), True
            except (av.FFmpegError, ValueError):  # the latter of a decoder that did not open
                yield packet, [], False

    def _open(self) -> None:
        av = require_pyav()
        try:
            self._container = open_film(self.path)
        except FileNotFoundError as error:
            raise self._unreadable("there is no such file", "check the path") from error
        except (av.FFmpegError, OSError) as error:
            raise self._unreadable("not a film, or damaged", _ANOTHER) from error
        self._stream: Any = moving_stream(self._container)
        if self._stream is None:
            self._container.close()
            raise self._unreadable("it has no video stream", "give a file with moving pictures")
        context = self._stream.codec_context
        if context is None or context.codec is None:
            self._container.close()
            raise self._unreadable("nothing here decodes its video stream", "convert it to H.264")
        if context.width < 1:
            self._container.close()
            raise self._unreadable("its video stream is damaged", _ANOTHER)
        self._stream.thread_type = "AUTO"
        context.options = dict(_DECODING)

    def _first_look(self) -> tuple[int, bool]:
        """How often frames are to be turned left by 90 degrees, and whether they are interlaced."""
        for _, frames, _ in self.decoded():
            if frames:
                return round(frames[0].rotation / 90) % 4, bool(frames[0].interlaced_frame)
        return 0, False

    def _noted(self) -> list[str]:
        context, notes = self._stream.codec_context, []
        components = context.format.components if context.format is not None else ()
        if any(one.bits > 8 for one in components):
            notes.append("It has more than 8 bits a channel; the colored film has 8.")
        if any(one.is_alpha for one in components):
            notes.append("Its transparency is left out.")
        if self._interlaced:
            notes.append(
                "It is interlaced, and each frame is colored as it is stored; deinterlace it first "
                "for smoother motion."
            )
        return notes

    def _unreadable(self, reason: str, remedy: str) -> PhotoError:
        return PhotoError(str(self.path), reason, remedy)

    def stated_length(self) -> Fraction | None:
        """Seconds that the film lasts, about, as the file says; None where it does not."""
        if self._stream.duration is not None:
            return self._stream.duration * self.time_base
        length = self._container.duration  # in microseconds
        return None if length is None else Fraction(length, 1_000_000)

    def stated_end(self) -> Fraction | None:
        """Seconds on the film's own clock at which its pictures end, as the file says; or None."""
        stream = self._stream
        if stream.duration is not None:
            return ((stream.start_time or 0) + stream.duration) * self.time_base
        if tag := _CLOCK.fullmatch(stream.metadata.get("DURATION", "")):  # in Matroska
            hours, minutes, seconds = map(Fraction, tag.groups())
            return 3600 * hours + 60 * minutes + seconds
        # The file's length is that of its longest stream: of sound, maybe.
        alone = len(self._container.streams) == 1
        return self.stated_length() if alone else None

    def rewind(self) -> None:
        """Go back to the beginning."""
        self._container.close()
        self._open()

    def _decoded_from(
        self, timeline: Timeline, number: int
    ) -> Iterator[tuple[int, "av.VideoFrame"]]:
        """Frames with their times, from one at or before `number` on."""
        if number <= _RUN_UP:
            self.rewind()
        else:
            found = self._after_seek(timeline, number)
            if found is not None:
                yield from found
                return
            self.rewind()
        yield from self._timed(0)

    def _after_seek(
        self, timeline: Timeline, number: int
    ) -> Iterator[tuple[int, "av.VideoFrame"]] | None:
        """The same by the file's own index; None where that leads astray."""
        av = require_pyav()
        wanted = timeline.times[number - _RUN_UP]
        try:
            self._container.seek(wanted, stream=self._stream)
        except (av.FFmpegError, OSError):
            return None
        found = self._timed(None)
        reached = next(found, None)
        if reached is None or reached[0] > timeline.times[number]:
            return None
        return chain([reached], found)

    def _timed(self, count: int | None) -> Iterator[tuple[int, "av.VideoFrame"]]:
        """Frames with their times; `count` are before them, or one does not know."""
        for _, frames, _ in self.decoded():
            for frame in frames:
                time = self.time_of(frame, count)
                if count is not None:
                    count += 1
                if time is not None:
                    yield time, frame

    def time_of(self, frame: "av.VideoFrame", count: int | None) -> int | None:
        """A frame's time; where it has none, that of the `count`-th at the average rate."""
        if frame.pts is not None:
            return int(frame.pts)
        return None if count is None else round(count / self.rate / self.time_base)

    def _upright(
        self, frame: "av.VideoFrame", kind: str, size: tuple[int, int] | None
    ) -> np.ndarray:
        height, width = self.size if size is None else size
        if self._turns % 2:
            height, width = width, height
        matrix = int(frame.colorspace)
        if matrix not in _MATRICES:
            matrix = BT709 if frame.height >= _HIGH_DEFINITION else BT601
        plain = frame.reformat(
            width=width,
            height=height,
            format=kind,
            src_colorspace=matrix,
            dst_colorspace=matrix,
            src_color_range=int(frame.color_range) or None,
            dst_color_range=FULL,
            interpolation="BICUBIC" if size is None else "AREA",
        )
        return np.ascontiguousarray(np.rot90(plain.to_ndarray(), self._turns))


class Walk:
    """A way through a film: its frames, with the one before in the place of one that is missing."""

    def __init__(self, film: Film, start: float, end: float | None) -> None:
        self._film, self._start, self._end = film, start, end
        self._times: list[int] = []
        self._missing: list[int] = []
        self._cut_short = False
        self._first: int | None = None
        self._latest = 0
        self._count = 0
        self._expected: list[int] = []
        self._errors = 0
        self._last: av.VideoFrame | None = None
        self._ready: list[av.VideoFrame] = []

    @property
    def passed(self) -> float:
        """Seconds of the film that have been gone through."""
        return float(self._latest * self._film.time_base)

    def timeline(self) -> Timeline:
        """What was found, once the film has been gone through.

        Raises:
            PhotoError: if there is no frame that can be decoded.
            ZooError: if there is none between start and end.
        """
        if self._first is None:
            reason = "it has no frame that can be decoded"
            raise PhotoError(str(self._film.path), reason, _ANOTHER)
        if not self._times:
            raise ZooError(
                f"{self._film.path} has no frame in the part that was asked for; it is "
                f"{self.passed:.1f} s long: give another start or end."
            )
        return Timeline(tuple(self._times), tuple(self._missing), self._cut_short, self._first)

    def __iter__(self) -> Iterator["av.VideoFrame"]:
        self._film.rewind()
        for packet, frames, sound in self._film.decoded():
            self._cut_short = packet is None
            self._errors += not sound
            if packet is not None and packet.pts is not None and not packet.is_discard:
                self._expected.append(int(packet.pts))
            for frame in frames:
                self._take(frame)
            yield from self._ready
            self._ready.clear()
            if self._end is not None and self.passed > self._end:
                return
        if self._last is None:
            return
        self._fill(None)
        yield from self._ready
        stated = self._film.stated_end()
        last = (self._first or 0) + self._latest
        late = stated is not None and stated - last * self._film.time_base > 1
        self._cut_short = self._cut_short or late

    def _take(self, frame: "av.VideoFrame") -> None:
        time = self._film.time_of(frame, self._count)
        self._count += 1
        if time is None or (self._first is not None and time <= self._latest + self._first):
            return  # shown never, or twice
        if self._first is None:
            self._first, self._errors = time, 0
            self._expected = [one for one in self._expected if one >= time]
        else:
            self._fill(time)
        self._last, self._latest = frame, time - self._first
        self._count_in(time)

    def _fill(self, until: int | None) -> None:
        """Put the last frame in the place of those that should have come since.

        Decoders work on several frames at a time, and complain of one that is broken when they are
        given a later one. So frames are missing that a packet was of and that never came, at most
        one for each complaint: of two fields, each with a packet of its own, one frame is made.
        """
        assert self._first is not None
        after = self._latest + self._first
        for time in sorted(self._expected):
            if time <= after or (until is not None and time >= until) or not self._errors:
                continue
            self._errors -= 1
            if self._count_in(time):
                self._missing.append(len(self._times) - 1)
        self._expected = [one for one in self._expected if until is not None and one > until]

    def _count_in(self, time: int) -> bool:
        assert self._first is not None
        assert self._last is not None
        # A microsecond less: 0.2 s is less than the number that stands for it.
        seconds = float((time - self._first) * self._film.time_base) + 1e-6
        if seconds < self._start or (self._end is not None and seconds >= self._end):
            return False
        self._times.append(time)
        self._ready.append(self._last)
        return True


def moving_stream(container: Any) -> Any | None:
    """The stream of a container that has the pictures; None without one."""
    return next((one for one in container.streams.video if not _is_still(one)), None)


def _is_still(stream: Any) -> bool:
    """Whether a video stream is but a picture, as the cover of a record is."""
    import av

    return bool(stream.disposition & av.stream.Disposition.attached_pic)

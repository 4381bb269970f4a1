"""Writing films, by PyAV (the extra `video`).

A film is encoded in parts, each a file of its own that is there whole or not at all, so that a
stopped run can go on. At the end their packets are joined, and sound and subtitles of the original
are copied to them as they are.
"""

import heapq
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np

from zoo.errors import ZooError
from zoo.files import atomic_path
from zoo.photos.film import BT709, FULL, LIMITED, Film, exact, open_film, require_pyav

#: The format of the parts: it keeps times as they are, whatever their unit and the codec.
_PART_FORMAT = "nut"

#: What FFmpeg calls the transfer function of sRGB and of gray without chroma.
_TRANSFER = BT709


@dataclass(frozen=True)
class Codec:
    """A way to encode a film.

    Attributes:
        encoder: its name in FFmpeg.
        options: for the encoder.
        even: the pixel format where both sides are even.
        odd: the one for other sizes.
        suffixes: of the files that hold it; the first one where the original's is none of them.
    """

    encoder: str
    options: dict[str, str] = field(default_factory=dict)
    even: str = "yuv420p"
    odd: str = "yuv444p"
    suffixes: tuple[str, ...] = (".mkv", ".mp4", ".m4v", ".mov")

    def pixel_format(self, height: int, width: int) -> str:
        return self.odd if height % 2 or width % 2 else self.even


#: By name. Qualities are those that are called visually lossless, at speeds near the networks'. Of
#: H.264 without its tricks for the eye, which move gray levels and make colors flicker.
CODECS = {
    "h264": Codec("libx264", {"crf": "18", "preset": "veryfast", "tune": "psnr"}),
    "h265": Codec("libx265", {"crf": "20", "preset": "veryfast", "x265-params": "log-level=none"}),
    "vp9": Codec(
        "libvpx-vp9",
        {"crf": "24", "b": "0", "deadline": "realtime", "cpu-used": "6"},
        odd="yuv420p",
        suffixes=(".webm", ".mkv", ".mp4"),
    ),
    "ffv1": Codec("ffv1", even="bgr0", odd="bgr0", suffixes=(".mkv",)),
}
DEFAULT_CODEC = "h264"
#: Those in whose streams stands how wide a pixel is for its height.
STATE_ASPECT = ("h264", "h265")


@dataclass(frozen=True)
class Look:
    """What all parts of a film have in common.

    Attributes:
        size: height and width.
        rate: average frames a second.
        time_base: the unit of times, in seconds.
        aspect: width of a pixel divided by its height.
        codec: how it is encoded.
    """

    size: tuple[int, int]
    rate: Fraction
    time_base: Fraction
    aspect: Fraction
    codec: Codec


class PartWriter:
    """A part of a film while it is written; see `open_part`."""

    def __init__(self, container: Any, look: Look) -> None:
        self._container, self._look = container, look
        self._stream = _video_stream(container, look)
        self._format = self._stream.pix_fmt

    def write(self, rgb: np.ndarray, time: int) -> None:
        """Add a frame, (H, W, 3) uint8 sRGB, that is shown at `time` in units of the time base."""
        av = require_pyav()
        frame = av.VideoFrame.from_ndarray(rgb, "rgb24").reformat(
            format=self._format,
            src_colorspace=BT709,
            dst_colorspace=BT709,
            src_color_range=FULL,
            dst_color_range=LIMITED,
            interpolation="BICUBIC",
        )
        frame.pts, frame.time_base = time, self._look.time_base
        self._container.mux(self._stream.encode(frame))

    def finish(self) -> None:
        """Write what the encoder has kept back."""
        self._container.mux(self._stream.encode(None))


@contextmanager
def open_part(path: Path, look: Look, kind: str = _PART_FORMAT) -> Iterator[PartWriter]:
    """Write a part of a film; the file is there only after the block has ended without an error.

    `kind` is what FFmpeg calls the format of the file.
    """
    av = require_pyav()
    with (
        atomic_path(path) as temporary,
        _spoken(path),
        av.open(str(temporary), "w", format=kind) as container,
    ):
        writer = PartWriter(container, look)
        yield writer
        writer.finish()


def _video_stream(container: Any, look: Look) -> Any:
    stream = container.add_stream(look.codec.encoder, rate=look.rate, options=look.codec.options)
    height, width = look.size
    stream.width, stream.height = width, height
    stream.pix_fmt = look.codec.pixel_format(height, width)
    context = stream.codec_context
    stream.time_base = context.time_base = look.time_base
    context.sample_aspect_ratio = look.aspect
    # Frames are stored in the order in which they are shown: so parts can be put in a row.
    context.max_b_frames = 0
    context.color_range, context.colorspace = LIMITED, BT709
    context.color_primaries = context.color_trc = _TRANSFER
    return stream


@dataclass(frozen=True)
class Span:
    """A part of the original, in seconds of its own clock; None for as far as it goes."""

    start: Fraction | None = None
    end: Fraction | None = None


def join(
    parts: Sequence[Path], times: Sequence[int], film: Film, target: Path, span: Span
) -> list[str]:
    """Make the film of its parts, with sound and subtitles of the original.

    Args:
        parts: the files, in order.
        times: of all their frames, in units of the film's time base.
        film: the original.
        target: the file to write, atomically.
        span: which part of the original it is; it begins at the time 0 where that has a start.

    Returns:
        What had to be left out, a sentence each.
    """
    av = require_pyav()
    left_out: list[str] = []
    with atomic_path(target) as temporary, _spoken(target), ExitStack() as stack:
        original = stack.enter_context(open_film(film.path))
        made = stack.enter_context(av.open(str(temporary), "w"))
        made.metadata.update(original.metadata)
        with av.open(str(parts[0])) as first:
            video = made.add_stream_from_template(first.streams.video[0])
        copied = {}
        for stream in original.streams:
            if stream.type not in ("audio", "subtitle"):
                continue
            try:
                copied[stream.index] = made.add_stream_from_template(stream)
            except (ValueError, av.FFmpegError):
                left_out.append(_sentence(stream, target))
        shift = span.start or Fraction(0)
        pictures = _joined(parts, times, film.time_base, shift, video)
        others = _copied(original, copied, span, shift)
        for _, packet in heapq.merge(pictures, others, key=itemgetter(0)):
            made.mux_one(packet)
    return left_out


def _sentence(stream: Any, target: Path) -> str:
    kind = "subtitles" if stream.type == "subtitle" else "sound"
    name = stream.codec_context.name if stream.codec_context else "of an unknown kind"
    where = f" ({stream.language})" if stream.language else ""
    return (
        f"The {kind} {name}{where} cannot be in a file {target.suffix} and are left out; save the "
        "film as .mkv to keep them."
    )


def _joined(
    parts: Sequence[Path], times: Sequence[int], unit: Fraction, shift: Fraction, stream: Any
) -> Iterator[tuple[Fraction, Any]]:
    """The packets of all parts with their times in seconds."""
    av = require_pyav()
    ends = iter([*times[1:], 2 * times[-1] - times[-2] if len(times) > 1 else times[-1] + 1])
    for part in parts:
        with av.open(str(part)) as container:
            for packet in container.demux(container.streams.video[0]):
                if packet.size:
                    seconds = packet.pts * exact(packet.time_base)
                    packet.time_base = unit
                    start = round(seconds / unit)
                    packet.duration = next(ends) - start
                    packet.pts = packet.dts = start - round(shift / unit)
                    packet.stream = stream
                    yield seconds - shift, packet


def _copied(
    original: Any, copied: dict[int, Any], span: Span, shift: Fraction
) -> Iterator[tuple[Fraction, Any]]:
    """The packets of sound and subtitles within the span, with their times in seconds."""
    av = require_pyav()
    if not copied:
        return
    streams = [stream for stream in original.streams if stream.index in copied]
    packets = original.demux(streams)
    while True:
        try:
            packet = next(packets)
        except (StopIteration, av.FFmpegError):
            return  # of a film that is cut short there is no more
        if not packet.size or packet.pts is None:
            continue
        seconds = packet.pts * exact(packet.time_base)
        after = span.end is not None and seconds >= span.end
        if after or (span.start is not None and seconds < span.start):
            continue
        back = round(shift / exact(packet.time_base))
        packet.pts -= back
        if packet.dts is not None:
            packet.dts -= back
        packet.stream = copied[packet.stream.index]
        yield seconds - shift, packet


@contextmanager
def _spoken(place: Path) -> Iterator[None]:
    """Turn what FFmpeg says of writing there into a sentence with advice."""
    av = require_pyav()
    try:
        yield
    except OSError:
        raise
    except (av.FFmpegError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ZooError(
            f"Cannot write {place}: {reason}; save the film as .mkv, or choose another --codec."
        ) from error


def part_paths(folder: Path, count: int) -> list[Path]:
    """The files of a film's parts."""
    return [folder / f"{number:06d}.{_PART_FORMAT}" for number in range(count)]

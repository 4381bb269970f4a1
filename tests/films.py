"""Small films for tests, made by PyAV."""

from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import numpy as np
from PIL import Image


def moving(count, height=32, width=48, seed=0):
    """Frames of a colored picture that moves to the left, (count, height, width, 3) uint8."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(
        0, 256, (height // 3 + 1, (width + 2 * count) // 3 + 1, 3), dtype=np.uint8
    )
    wide = Image.fromarray(coarse).resize((width + 2 * count, height), Image.Resampling.BICUBIC)
    still = np.array(wide)
    return np.stack([still[:, 2 * n : 2 * n + width] for n in range(count)])


def make_film(
    path: Path,
    frames,
    *,
    codec="ffv1",
    pixels="bgr0",
    times=None,
    unit=Fraction(1, 1000),
    rate=25,
    options=None,
    tags=(0, 2),
    turned=0,
    sound=False,
    aspect=None,
    title=None,
):
    """Write frames, (n, H, W, 3) uint8 sRGB, as a film.

    `tags` are the range and the matrix that it states: unspecified by default. `sound` is a tone.
    """
    full = pixels in ("bgr0", "rgb24", "gray", "yuvj420p", "bgra", "gbrp")
    with av.open(str(path), "w") as container:
        if title:
            container.metadata["title"] = title
        stream = container.add_stream(codec, rate=Fraction(rate), options=options or {})
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = pixels
        stream.time_base = stream.codec_context.time_base = unit
        stream.codec_context.color_range, stream.codec_context.colorspace = tags
        if aspect:
            stream.codec_context.sample_aspect_ratio = Fraction(aspect)
        if turned:
            stream.set_display_rotation(turned)
        heard = (
            container.add_stream("aac" if sound is True else sound, rate=8000) if sound else None
        )
        for number, rgb in enumerate(frames):
            matrix = tags[1] if tags[1] in (1, 5) else 5
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), "rgb24").reformat(
                format=pixels,
                src_colorspace=matrix,
                dst_colorspace=matrix,
                src_color_range=2,
                dst_color_range=2 if full or tags[0] == 2 else 1,
            )
            frame.pts = times[number] if times is not None else round(number / rate / unit)
            frame.time_base = unit
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if heard is not None:
            seconds = len(frames) / rate
            for packet in _tone(heard, seconds):
                container.mux(packet)
    return path


def film_bytes(frames, suffix=".mkv", **said) -> bytes:
    """The file of a film as `make_film` writes it."""
    with TemporaryDirectory() as folder:
        return make_film(Path(folder) / f"film{suffix}", frames, **said).read_bytes()


def _tone(stream, seconds):
    samples = np.sin(np.arange(int(8000 * seconds)) * 0.3).astype(np.float32)
    step = stream.codec_context.frame_size or 1024
    for start in range(0, len(samples), step):
        block = samples[None, start : start + step]
        frame = av.AudioFrame.from_ndarray(block, "fltp", "mono")
        frame.sample_rate, frame.pts = 8000, start
        yield from stream.encode(frame)
    yield from stream.encode(None)


def read_film(path):
    """The frames of a film, (n, H, W, 3), and their times in seconds."""
    from zoo.photos.film import Film

    with Film(Path(path)) as film:
        timeline = film.timeline()
        frames = np.stack([film.rgb(frame) for frame in film.frames(timeline)])
        return frames, [float(time * film.time_base) for time in timeline.times]

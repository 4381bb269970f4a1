"""Reading films: times, numbers, colors, and files that are broken."""

from fractions import Fraction

import av
import numpy as np
import pytest
from films import make_film, moving, read_film

from zoo.errors import ZooError
from zoo.photos import film as film_module
from zoo.photos.decoding import PhotoError
from zoo.photos.film import Film, is_film


def test_frames_have_their_own_times(tmp_path):
    times = [0, 40, 80, 85, 300, 1000]
    frames, found = read_film(make_film(tmp_path / "a.mkv", moving(6), times=times))
    assert found == [time / 1000 for time in times]
    np.testing.assert_array_equal(frames, moving(6))


def test_frames_are_found_by_their_numbers(tmp_path):
    """Also far behind the beginning, among frames that refer to others before and behind them."""
    options = {"g": "30", "bf": "3", "crf": "30"}
    path = make_film(
        tmp_path / "a.mp4", moving(150), codec="libx264", pixels="yuv420p", options=options
    )
    with Film(path) as film:
        timeline = film.timeline()
        assert len(timeline.times) == 150
        every = [film.rgb(frame) for frame in film.frames(timeline)]
        for first in (0, 1, 49, 60, 61, 97, 149):
            found = film.rgb(next(film.frames(timeline, first)))
            np.testing.assert_array_equal(found, every[first])


@pytest.mark.parametrize(
    ("start", "end", "expected"), [(0, 0.2, 5), (0.2, None, 15), (0.1, 0.3, 5)]
)
def test_a_part_is_what_is_asked_for(tmp_path, start, end, expected):
    path = make_film(tmp_path / "a.mkv", moving(20), times=[40 * n for n in range(20)])
    with Film(path) as film:
        assert len(film.timeline(start, end).times) == expected


def test_there_is_nothing_behind_the_end(tmp_path):
    with (
        Film(make_film(tmp_path / "a.mkv", moving(5))) as film,
        pytest.raises(ZooError, match=r"no frame in the part.*0\.2 s long: give another"),
    ):
        film.timeline(start=10)


@pytest.mark.parametrize("turned", [90, 180, 270])
def test_frames_are_upright(tmp_path, turned):
    """As a phone stores them: turned, with a note how to show them."""
    if not hasattr(av.video.stream.VideoStream, "set_display_rotation"):
        pytest.skip("this PyAV writes no rotation")
    shown, aspect = moving(3), Fraction(4, 3)
    stored = np.rot90(shown, turned // 90, axes=(2, 1))
    path = make_film(
        tmp_path / "a.mp4",
        stored,
        codec="libx264rgb",
        pixels="rgb24",
        options={"crf": "0"},
        turned=turned,
        aspect=aspect,
    )
    with Film(path) as film:
        assert film.size == (32, 48)
        assert film.aspect == (aspect if turned == 180 else 1 / aspect)
    np.testing.assert_array_equal(read_film(path)[0], shown)


@pytest.mark.parametrize("tags", [(1, 1), (1, 5), (2, 1), (2, 5), (0, 2)])
@pytest.mark.parametrize("codec", ["ffv1", "libx264"])
def test_a_gray_ramp_is_the_same_gray(tmp_path, tags, codec):
    ramp = np.tile(np.arange(256, dtype=np.uint8)[None, None, :, None], (2, 16, 1, 3))
    options = {"crf": "1"} if codec == "libx264" else {}
    path = make_film(
        tmp_path / "a.mkv", ramp, codec=codec, pixels="yuv420p", tags=tags, options=options
    )
    found = read_film(path)[0].astype(int)
    assert np.abs(found - ramp).max() <= 2
    assert np.ptp(found, axis=-1).max() <= 2


def test_stated_matrices_are_taken(tmp_path):
    """And by default that of standard definition, of films that are not high."""
    colors = moving(1)
    for tags in ((1, 1), (1, 5), (0, 2)):
        path = make_film(tmp_path / "a.mkv", colors, pixels="yuv444p", tags=tags)
        assert np.abs(read_film(path)[0].astype(int) - colors).max() <= 3


def test_gray_films_have_no_color(tmp_path):
    path = make_film(tmp_path / "a.mkv", moving(3), codec="ffv1", pixels="gray")
    assert np.ptp(read_film(path)[0], axis=-1).max() == 0


@pytest.mark.parametrize(
    ("pixels", "note"), [("yuv420p10le", "more than 8 bits"), ("bgra", "transparency")]
)
def test_what_is_not_kept_is_said(tmp_path, pixels, note):
    with Film(make_film(tmp_path / "a.mkv", moving(2), pixels=pixels)) as film:
        assert len(film.notes) == 1
        assert note in film.notes[0]


def test_interlaced_films_are_told_of(tmp_path):
    options = {"flags": "+ilme+ildct", "x264-params": "tff=1"}
    path = make_film(
        tmp_path / "a.mkv", moving(4), codec="libx264", pixels="yuv420p", options=options
    )
    with Film(path) as film:
        assert any("interlaced" in note for note in film.notes)


def test_a_frame_that_cannot_be_decoded_is_the_one_before(tmp_path):
    path = make_film(tmp_path / "a.avi", moving(12), codec="mjpeg", pixels="yuvj420p")
    with av.open(str(path)) as container:
        packet = [p for p in container.demux(video=0) if p.size][5]
        broken, payload = packet.pos, bytes(packet)
    data = bytearray(path.read_bytes())
    place = data.index(payload, broken)
    data[place : place + len(payload)] = bytes(len(payload))
    path.write_bytes(data)
    with Film(path) as film:
        timeline = film.timeline()
    frames, _ = read_film(path)
    assert timeline.missing == (5,)
    assert len(frames) == 12
    np.testing.assert_array_equal(frames[5], frames[4])
    assert np.abs(frames[6].astype(int) - frames[5]).max() > 0


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".nut"])
@pytest.mark.parametrize("sound", [False, True])
def test_pictures_that_begin_late_or_end_before_the_sound_are_not_cut_short(
    tmp_path, suffix, sound
):
    stored = {"codec": "mpeg4", "pixels": "yuv420p"}
    times = [1500 + 40 * n for n in range(25)]
    path = make_film(
        tmp_path / f"a{suffix}", moving(25), times=times, rate=5, sound=sound, **stored
    )
    with Film(path) as film:
        assert not film.timeline().cut_short
        assert film.stated_length() >= 0.9


@pytest.mark.parametrize("suffix", [".mkv", ".avi"])
def test_a_film_that_is_cut_short_ends_where_it_does(tmp_path, suffix):
    path = make_film(tmp_path / f"a{suffix}", moving(100), codec="mjpeg", pixels="yuvj420p")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with Film(path) as film:
        timeline = film.timeline()
    assert timeline.cut_short or suffix == ".avi"  # which says at its end how long it is
    assert 30 < len(timeline.times) < 90


def test_files_that_are_no_films(tmp_path):
    not_one, empty = tmp_path / "a.mp4", tmp_path / "b.mp4"
    not_one.write_bytes(b"This is no film." * 100)
    empty.write_bytes(b"")
    missing, truncated = (
        tmp_path / "c.mp4",
        make_film(tmp_path / "d.mp4", moving(5), codec="libx264", pixels="yuv420p"),
    )
    truncated.write_bytes(truncated.read_bytes()[:-200])  # what is where stands at its end
    for path, reason in (
        (not_one, "not a film, or damaged"),
        (empty, "not a film, or damaged"),
        (missing, "no such file"),
        (truncated, "not a film, or damaged"),
    ):
        with pytest.raises(PhotoError, match=reason):
            Film(path)


@pytest.mark.parametrize(
    "text",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nother.ts\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile other.ts\n",
    ],
    ids=["playlist", "list"],
)
def test_files_that_name_other_files_open_none(tmp_path, text):
    """FFmpeg alone would: the other file is a film, and lies beside them."""
    mpeg = {"codec": "mpeg2video", "pixels": "yuv420p", "unit": Fraction(1, 25)}
    make_film(tmp_path / "other.ts", moving(3), **mpeg)
    path = tmp_path / ("list.m3u8" if text.startswith("#") else "list.ffconcat")
    path.write_text(text)
    with av.open(str(path)) as opened:
        assert opened.streams.video
    with pytest.raises(PhotoError, match="not a film, or damaged"):
        Film(path)


def test_codecs_that_nothing_decodes_are_told(tmp_path):
    path = make_film(tmp_path / "film.mp4", moving(3), codec="libx264", pixels="yuv420p")
    path.write_bytes(path.read_bytes().replace(b"avc1", b"zzz1"))
    with pytest.raises(PhotoError, match="nothing here decodes its video stream"):
        Film(path)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_frames_of_too_many_pixels_are_not_decoded(tmp_path, monkeypatch, suffix):
    path = make_film(tmp_path / f"film{suffix}", moving(3), codec="libx264", pixels="yuv420p")
    assert read_film(path)[0].shape == (3, 32, 48, 3)
    monkeypatch.setattr(film_module, "_DECODING", {"max_pixels": str(32 * 47)})
    with pytest.raises(PhotoError):
        read_film(path)


def test_sound_alone_is_no_film(tmp_path):
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(PhotoError, match="no video stream"):
        Film(path)


def test_no_frame_can_be_decoded(tmp_path):
    path = make_film(tmp_path / "a.mkv", moving(3), codec="mjpeg", pixels="yuvj420p")
    with av.open(str(path)) as container:
        payloads = [bytes(p) for p in container.demux(video=0) if p.size]
    data = path.read_bytes()
    for payload in payloads:
        data = data.replace(payload, bytes(len(payload)))
    path.write_bytes(data)
    with Film(path) as film, pytest.raises(PhotoError, match="no frame that can be decoded"):
        film.timeline()


@pytest.mark.parametrize("shape", [(1, 1), (1, 3), (33, 47)])
def test_any_size_is_read(tmp_path, shape):
    frames = moving(2, *shape)
    np.testing.assert_array_equal(read_film(make_film(tmp_path / "a.mkv", frames))[0], frames)


def test_films_are_known_by_their_suffix(tmp_path):
    assert is_film(tmp_path / "A.MP4")
    assert not is_film(tmp_path / "a.jpg")

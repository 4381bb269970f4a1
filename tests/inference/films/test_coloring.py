"""Films in color, from file to file."""

import signal
import subprocess
import sys
from fractions import Fraction
from functools import lru_cache

import av
import numpy as np
import pytest
from films import make_film, moving, read_film
from PIL import Image

import zoo
from zoo.errors import ZooError
from zoo.inference.films import coloring, encoding
from zoo.inference.films import plan as planning
from zoo.inference.films.plan import FilmSettings
from zoo.photos.decoding import PhotoError
from zoo.photos.film import Film

#: So that colors are there as they were made.
LOSSLESS = {"codec": "ffv1"}


@lru_cache
def model(name="zhang:tiny"):
    """A model; by default an untrained one, which colors in some way."""
    return zoo.create_model(name) if ":" in name else zoo.load_model(name)


def scenes(*counts):
    """Scenes of so many frames each, with cuts between them."""
    return np.concatenate([moving(count, seed=n) for n, count in enumerate(counts)])


@pytest.fixture
def film(tmp_path):
    """Two shots, 20 and 13 frames."""
    return make_film(tmp_path / "film.mkv", scenes(20, 13))


def color(film, out, name="zhang:tiny", **settings):
    made = zoo.colorize_video(film, out, model(name), settings=FilmSettings(**settings))
    return made, read_film(out)[0]


@pytest.mark.parametrize("name", ["zhang:tiny", "mse_regression:tiny", "fusion:tiny"])
def test_frame_by_frame_is_what_photos_get(film, tmp_path, name):
    made, frames = color(film, tmp_path / "out.mkv", name, smoothing="none", **LOSSLESS)
    assert (made.frames, made.shots, made.repeated, made.notes) == (33, 2, 0, ())
    expected = np.stack([model(name).colorize(frame) for frame in read_film(film)[0]])
    # The networks see several frames together, which moves the last digit.
    assert np.abs(frames.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("smoothing", ["motion", "past"])
def test_smoothing_begins_anew_with_each_shot(film, tmp_path, smoothing):
    second = make_film(tmp_path / "second.mkv", scenes(20, 13)[20:])
    given = {"smoothing": smoothing, **LOSSLESS}
    _, whole = color(film, tmp_path / "a.mkv", "zhang", **given)
    _, alone = color(second, tmp_path / "b.mkv", "zhang", **given)
    _, plain = color(film, tmp_path / "c.mkv", "zhang", smoothing="none", **LOSSLESS)
    np.testing.assert_array_equal(whole[20:], alone)
    assert np.abs(whole[0].astype(int) - plain[0]).max() <= 1
    assert np.abs(whole[10].astype(int) - plain[10]).max() > 1


def test_each_frame_keeps_its_lightness(film, tmp_path):
    from skimage.color import rgb2lab

    _, frames = color(film, tmp_path / "out.mkv", "zhang", **LOSSLESS)
    off = rgb2lab(frames)[..., 0] - rgb2lab(read_film(film)[0])[..., 0]
    assert np.abs(off).max() < 1


class Stopped(Exception):
    """As if the process had been killed."""


@pytest.mark.parametrize(("smoothing", "ahead"), [("none", 0), ("past", 0), ("motion", 5)])
def test_a_stopped_run_ends_as_an_undisturbed_one(tmp_path, monkeypatch, smoothing, ahead):
    """Stopped in the first part, and in the third one, which goes on with a shot."""
    monkeypatch.setattr(planning, "LONGEST_PART", 10)
    film = make_film(tmp_path / "film.mkv", scenes(24, 3))
    key = tmp_path / "key.png"
    Image.fromarray(255 - moving(24)[5]).save(key)
    given = {"smoothing": smoothing, "look_ahead": ahead, "key_frames": {0.2: key}, **LOSSLESS}
    _, expected = color(film, tmp_path / "whole.mkv", "zhang", **given)
    write, written = encoding.PartWriter.write, []
    for stop in (5, 27):

        def stopping(self, rgb, time, stop=stop):
            written.append(time)
            if len(written) == stop:
                raise Stopped
            write(self, rgb, time)

        monkeypatch.setattr(encoding.PartWriter, "write", stopping)
        with pytest.raises(Stopped):
            color(film, tmp_path / "out.mkv", "zhang", **given)
        assert not (tmp_path / "out.mkv").exists()
    monkeypatch.setattr(encoding.PartWriter, "write", write)
    kept = sorted(path.name for path in (tmp_path / ".out.mkv.unfinished").glob("*.nut"))
    assert kept == ["000000.nut", "000001.nut"]
    _, found = color(film, tmp_path / "out.mkv", "zhang", **given)
    np.testing.assert_array_equal(found, expected)
    assert not list(tmp_path.glob(".*"))


def test_who_watches_hears_of_each_piece_and_may_stop_it(film, tmp_path, monkeypatch):
    """The shots have 20 and 13 frames, the parts 10, 10, 10 and 3; pieces have up to 8."""
    monkeypatch.setattr(planning, "LONGEST_PART", 10)
    told = []

    def watch(done, frames):
        told.append((done, frames))
        if done == stop:
            raise Stopped

    stop = 18
    with pytest.raises(Stopped):
        zoo.colorize_video(film, tmp_path / "out.mkv", model("gray"), watch=watch)
    assert told == [*[(0, None)] * 33, (8, 33), (10, 33), (18, 33)]
    told.clear()
    stop = None
    zoo.colorize_video(film, tmp_path / "out.mkv", model("gray"), watch=watch)
    # What was done stays: the first part, and the second one if it was on its way already.
    assert told in [[(done, 33) for done in (*first, 28, 30, 33)] for first in ((18, 20), ())]


_KILLED = """
import os, signal, sys
import zoo
from zoo.inference.films import encoding, plan

plan.LONGEST_PART = 12
write, written = encoding.PartWriter.write, []

def killing(self, rgb, time):
    write(self, rgb, time)
    written.append(time)
    if len(written) == 17:
        os.kill(os.getpid(), signal.SIGKILL)

encoding.PartWriter.write = killing
settings = plan.FilmSettings(codec="ffv1")
zoo.colorize_video(sys.argv[1], sys.argv[2], "mse_regression", settings=settings)
"""


def test_a_killed_run_goes_on_behind_the_last_finished_part(tmp_path, monkeypatch):
    monkeypatch.setattr(planning, "LONGEST_PART", 12)
    film, out = make_film(tmp_path / "film.mkv", scenes(30, 6)), tmp_path / "out.mkv"
    killed = subprocess.run([sys.executable, "-c", _KILLED, str(film), str(out)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not out.exists()
    kept = sorted(path.name for path in (tmp_path / ".out.mkv.unfinished").glob("[0-9]*.nut"))
    assert kept == ["000000.nut"]
    before = (tmp_path / ".out.mkv.unfinished" / kept[0]).stat().st_mtime_ns
    joined = []

    def join(parts, *given):
        joined.append(parts[0].stat().st_mtime_ns)
        return encoding.join(parts, *given)

    monkeypatch.setattr(coloring, "join", join)
    _, found = color(film, out, "mse_regression", **LOSSLESS)
    assert joined == [before]
    _, expected = color(film, tmp_path / "whole.mkv", "mse_regression", **LOSSLESS)
    np.testing.assert_array_equal(found, expected)
    assert not list(tmp_path.glob(".*"))


def test_what_is_finished_of_other_settings_is_not_taken(film, tmp_path, monkeypatch):
    def refuse(*given):
        raise Stopped

    monkeypatch.setattr("zoo.inference.films.coloring.join", refuse)
    for smoothing in ("past", "none"):
        with pytest.raises(Stopped):
            color(film, tmp_path / "out.mkv", smoothing=smoothing, **LOSSLESS)
    monkeypatch.undo()
    _, found = color(film, tmp_path / "out.mkv", smoothing="none", **LOSSLESS)
    _, expected = color(film, tmp_path / "b.mkv", smoothing="none", **LOSSLESS)
    np.testing.assert_array_equal(found, expected)


def test_a_key_frame_has_its_colors_and_gives_them_to_its_shot(film, tmp_path):
    true = scenes(20, 13)
    key = tmp_path / "key.png"
    Image.fromarray(true[8]).save(key)
    given = {"smoothing": "none", **LOSSLESS}
    _, plain = color(film, tmp_path / "a.mkv", **given)
    _, keyed = color(film, tmp_path / "b.mkv", key_frames={8 / 25: key}, **given)

    def error(frames):
        return np.abs(frames.astype(float) - true).mean(axis=(1, 2, 3))

    before, after = error(plain), error(keyed)
    assert after[8] < 0.2 * before[8]
    assert (after[5:12] < 0.6 * before[5:12]).all()
    assert after[8] < after[10] < after[19]
    np.testing.assert_array_equal(keyed[20:], plain[20:])


def test_a_reference_that_is_no_frame_is_matched_at_the_first_frame_of_a_shot(film, tmp_path):
    true = scenes(20, 13)
    other = tmp_path / "reference.png"
    Image.fromarray(true[0][:, :32]).save(other)
    given = {"smoothing": "none", **LOSSLESS}
    _, plain = color(film, tmp_path / "a.mkv", **given)
    _, told = color(film, tmp_path / "b.mkv", reference=other, **given)

    def error(frames):
        return np.abs(frames.astype(float) - true).mean(axis=(1, 2, 3))

    before, after = error(plain), error(told)
    assert (after[:6] < 0.8 * before[:6]).all()
    assert after[0] < after[19]


@pytest.mark.parametrize(
    ("time", "size", "sentence"),
    [(9.0, (48, 32), "no frame at 9 s"), (0.1, (40, 40), "40 x 40 px, and the film 48 x 32")],
)
def test_key_frames_that_do_not_fit(film, tmp_path, time, size, sentence):
    key = tmp_path / "key.png"
    Image.new("RGB", size).save(key)
    with pytest.raises(ZooError, match=sentence):
        color(film, tmp_path / "out.mkv", key_frames={time: key})


@pytest.mark.parametrize(
    ("codec", "suffix"), [("h264", ".mp4"), ("h265", ".mkv"), ("vp9", ".webm"), ("ffv1", ".mkv")]
)
@pytest.mark.parametrize("shape", [(48, 256), (33, 255)])
def test_a_gray_ramp_stays_the_same_gray(tmp_path, codec, suffix, shape):
    row = np.linspace(0, 255, shape[1]).round().astype(np.uint8)
    ramp = np.tile(row[None, None, :, None], (4, shape[0], 1, 3))
    film = make_film(tmp_path / "film.mkv", ramp)
    made, frames = color(film, tmp_path / f"out{suffix}", "gray", codec=codec)
    assert made.frames == 4
    assert np.abs(frames.astype(int) - ramp).max() <= 2
    if codec != "ffv1":
        with av.open(str(made.target)) as container:
            context = container.streams.video[0].codec_context
            assert (context.color_range, context.colorspace) == (1, 1)  # limited, BT.709


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_times_aspect_and_rate_stay(tmp_path, suffix):
    times = [0, 40, 80, 85, 300, 1000, 1040]
    stored = {"codec": "libx264", "pixels": "yuv420p", "aspect": Fraction(4, 3)}
    film = make_film(tmp_path / "film.mkv", moving(7), times=times, **stored)
    made, _ = color(film, tmp_path / f"out{suffix}", "gray")
    assert made.notes == ()
    assert read_film(made.target)[1] == [time / 1000 for time in times]
    with Film(made.target) as found:
        assert found.aspect == Fraction(4, 3)
    made, _ = color(film, tmp_path / "other.mkv", "gray", **LOSSLESS)
    assert "not square, which a film in ffv1 does not state" in made.notes[0]


def heard(path):
    """The packets of sound: their bytes and their times in seconds."""
    with av.open(str(path)) as container:
        packets = [p for p in container.demux(container.streams.audio[0]) if p.size]
        return [(bytes(p), float(p.pts * p.time_base)) for p in packets]


def test_tags_in_another_encoding_do_no_harm(tmp_path):
    film = make_film(tmp_path / "film.mkv", moving(3), title="a caf\u00e9")
    stored = film.read_bytes()
    assert stored.count("a caf\u00e9".encode()) == 1
    film.write_bytes(stored.replace("a caf\u00e9".encode(), b"a cafe\xe9"))  # Latin-1
    made, frames = color(film, tmp_path / "out.mkv", "gray")
    assert len(frames) == 3
    assert b"a cafe" in made.target.read_bytes()


def test_sound_is_copied_as_it_is(tmp_path):
    film = make_film(
        tmp_path / "film.mp4", moving(50), codec="libx264", pixels="yuv420p", sound=True
    )
    made, _ = color(film, tmp_path / "out.mp4", "gray")
    assert heard(made.target) == heard(film)
    made, frames = color(film, tmp_path / "part.mp4", "gray", start=0.8, end=1.2)
    assert len(frames) == 10
    part = [payload for payload, time in heard(film) if 0.8 <= time < 1.2]
    assert [payload for payload, _ in heard(made.target)] == part
    assert read_film(made.target)[1] == pytest.approx([n / 25 for n in range(10)])
    assert 0 <= heard(made.target)[0][1] < 0.13


def with_subtitles(film, path):
    """The film with a line of text, as SRT."""
    text = path.with_suffix(".srt")
    text.write_text("1\n00:00:00,200 --> 00:00:00,400\nHello\n", encoding="utf-8")
    with av.open(str(film)) as one, av.open(str(text)) as other, av.open(str(path), "w") as made:
        streams = [made.add_stream_from_template(source.streams[0]) for source in (one, other)]
        for source, stream in zip((one, other), streams, strict=True):
            for packet in source.demux(source.streams[0]):
                if packet.size:
                    packet.stream = stream
                    made.mux(packet)
    return path


def test_subtitles_are_copied_where_the_file_can_hold_them(film, tmp_path):
    source = with_subtitles(film, tmp_path / "titled.mkv")
    made, _ = color(source, tmp_path / "out.mkv", "gray")
    assert made.notes == ()
    with av.open(str(made.target)) as container:
        (packet,) = (p for p in container.demux(subtitles=0) if p.size)
        assert bytes(packet) == b"Hello"
    made, _ = color(source, tmp_path / "out.mp4", "gray")
    assert len(made.notes) == 1
    assert "The subtitles srt cannot be in a file .mp4" in made.notes[0]
    assert "save the film as .mkv" in made.notes[0]


def test_a_preview_shows_gray_at_the_left(film, tmp_path):
    _, frames = color(film, tmp_path / "a.mkv", **LOSSLESS)
    _, both = color(film, tmp_path / "b.mkv", preview=True, **LOSSLESS)
    np.testing.assert_array_equal(both[:, :, 48:], frames)
    assert np.ptp(both[:, :, :48], axis=-1).max() == 0


def test_frames_that_cannot_be_decoded_are_counted(tmp_path):
    film = make_film(tmp_path / "film.avi", moving(12), codec="mjpeg", pixels="yuvj420p")
    with av.open(str(film)) as container:
        payload = bytes([p for p in container.demux(video=0) if p.size][5])
    film.write_bytes(film.read_bytes().replace(payload, bytes(len(payload))))
    made, frames = color(film, tmp_path / "out.mkv", "gray", **LOSSLESS)
    assert (made.frames, made.repeated) == (12, 1)
    np.testing.assert_array_equal(frames[5], frames[4])


def test_a_film_that_is_cut_short_is_colored_as_far_as_it_goes(tmp_path):
    film = make_film(tmp_path / "film.mkv", moving(100), codec="mjpeg", pixels="yuvj420p")
    film.write_bytes(film.read_bytes()[: film.stat().st_size // 2])
    made, frames = color(film, tmp_path / "out.mkv", "gray")
    assert len(frames) == made.frames < 100
    assert made.notes == ("The film is cut short; what there is of it is colored.",)


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (33, 47)])
def test_any_size_is_colored(tmp_path, shape):
    film = make_film(tmp_path / "film.mkv", moving(3, *shape))
    _, frames = color(film, tmp_path / "out.mp4")
    assert frames.shape == (3, *shape, 3)


def test_places_that_cannot_be_written(film, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    with pytest.raises(ZooError, match="Cannot write"):
        color(film, blocked / "out.mkv", "gray")
    with pytest.raises(ZooError, match="is the film itself"):
        color(film, film, "gray")
    with pytest.raises(ZooError, match=r"cannot be in .*out\.gif; name it"):
        color(film, tmp_path / "out.gif", "gray")


def test_a_full_disk_is_said_and_what_is_finished_stays(film, tmp_path, monkeypatch):
    """FFmpeg says so when a packet is written."""
    encode, calls = encoding.PartWriter.write, []

    def full(self, rgb, time):
        calls.append(time)
        if len(calls) > 25:  # in the second shot
            raise OSError(28, "No space left on device")
        encode(self, rgb, time)

    monkeypatch.setattr(encoding.PartWriter, "write", full)
    with pytest.raises(ZooError, match="No space left on device; choose a folder"):
        color(film, tmp_path / "out.mkv", "gray", **LOSSLESS)
    assert [p.name for p in (tmp_path / ".out.mkv.unfinished").glob("*.nut")] == ["000000.nut"]


def test_a_film_that_is_none_leaves_nothing_behind(tmp_path):
    film = tmp_path / "film.mp4"
    film.write_bytes(b"no film")
    with pytest.raises(PhotoError, match="not a film, or damaged"):
        color(film, tmp_path / "out.mp4", "gray")
    assert list(tmp_path.iterdir()) == [film]


def test_memory_does_not_grow_with_the_number_of_frames(tmp_path):
    import tracemalloc

    def peak(count):
        frames = np.concatenate([scenes(25, 25)] * (count // 50))
        film = make_film(tmp_path / f"{count}.mkv", frames, codec="mjpeg", pixels="yuvj420p")
        del frames
        tracemalloc.start()
        zoo.colorize_video(film, tmp_path / f"out{count}.mkv", model("gray"))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(50)  # what is kept for good
    assert peak(200) < 1.05 * peak(100)


def test_a_film_without_frames_leaves_nothing_behind(tmp_path):
    film = make_film(tmp_path / "film.mkv", moving(3), codec="mjpeg", pixels="yuvj420p")
    with av.open(str(film)) as container:
        payloads = [bytes(p) for p in container.demux(video=0) if p.size]
    data = film.read_bytes()
    for payload in payloads:
        data = data.replace(payload, bytes(len(payload)))
    film.write_bytes(data)
    with pytest.raises(PhotoError, match="no frame that can be decoded"):
        color(film, tmp_path / "out.mkv", "gray")
    assert list(tmp_path.iterdir()) == [film]


def test_key_frames_are_at_times_of_the_whole_film(film, tmp_path):
    """Of a part that begins between two frames, too."""
    true, key = scenes(20, 13), tmp_path / "key.png"
    Image.fromarray(true[8]).save(key)
    given = {"smoothing": "none", "start": 0.17, **LOSSLESS}
    _, frames = color(film, tmp_path / "b.mkv", key_frames={8 / 25: key}, **given)
    error = np.abs(frames.astype(float) - true[5:]).mean(axis=(1, 2, 3))
    assert error[:15].argmin() == 8 - 5

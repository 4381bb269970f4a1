"""Frames of films to learn from: which are taken, how they are kept, and what is told."""

import shutil
import signal
import subprocess
import sys
import warnings
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from films import make_film, moving
from PIL import Image

from zoo.errors import TrainingWarning, ZooError
from zoo.photos import film_frames
from zoo.photos.decoding import PhotoError
from zoo.photos.film import Film
from zoo.photos.film_frames import read_frames


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A cache of each test's own."""
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def stills(count, length, height=32, width=48):
    """Scenes in which nothing moves, (count, length, height, width, 3)."""
    scenes = np.stack([moving(1, height, width, seed)[0] for seed in range(count)])
    return np.repeat(scenes[:, None], length, axis=1)


def joined(scenes):
    return scenes.reshape(-1, *scenes.shape[2:])


def numbers(photos):
    """Which frames of the film the photos are."""
    return [int(photo.path.stem) for photo in photos]


def random_times(count, seed=0):
    """In milliseconds, some close together and some far apart, some at the end of a stretch."""
    steps = np.random.default_rng(seed).choice([1, 20, 33, 50, 100, 250], count - 1)
    return [0, *np.cumsum(steps).tolist()]


def test_a_scene_in_which_nothing_moves_gives_one_frame(tmp_path):
    scenes = stills(5, 14)
    photos = read_frames(make_film(tmp_path / "a.mkv", joined(scenes)))
    assert len(photos) == 5
    for photo, scene in zip(photos, scenes, strict=True):
        np.testing.assert_array_equal(photo.read(), scene[0])


def test_grain_and_flicker_of_old_film_make_no_other_frame(tmp_path):
    rng = np.random.default_rng(0)
    scenes = 40 + 0.6 * stills(3, 20, 128, 192)
    brightness = rng.uniform(0.9, 1.1, (3, 20, 1, 1, 1))
    grain = rng.normal(0, 15, (3, 20, 128, 192, 1))
    old = np.clip(scenes * brightness + grain, 0, 255).astype(np.uint8)
    photos = read_frames(make_film(tmp_path / "a.mkv", joined(old)))
    assert [number // 20 for number in numbers(photos)] == [0, 1, 2]


def test_what_moves_slowly_is_another_picture_in_the_end(tmp_path):
    """Frames are compared with the last that was taken, not with the one before."""
    picture = moving(1, 120, 240)[0]
    slow = np.stack([np.roll(picture, number, axis=1) for number in range(60)])
    photos = read_frames(make_film(tmp_path / "a.mkv", slow, rate=10))
    assert 5 < len(photos) < 40
    assert np.diff(numbers(photos)).max() < 10


def test_the_same_picture_in_other_colors_is_another_one(tmp_path):
    planes = (90 + 0.3 * moving(1, 32, 48)[0]).astype(np.uint8).transpose(2, 0, 1)
    luma, *chroma = map(Image.fromarray, map(np.ascontiguousarray, planes))
    pictures = [Image.merge("YCbCr", (luma, *order)) for order in (chroma, chroma[::-1])]
    rgb = np.stack([np.array(picture.convert("RGB")) for picture in pictures])
    scenes = np.repeat(rgb[:, None], 10, axis=1)
    assert len(read_frames(make_film(tmp_path / "a.mkv", joined(scenes)))) == 2


@pytest.mark.parametrize("seed", [0, 1])
def test_each_tenth_of_a_second_gives_one_frame(tmp_path, seed):
    """Whatever the rate is: here every frame is a picture of its own."""
    frames, times = joined(stills(60, 1)), random_times(60, seed)
    photos = read_frames(make_film(tmp_path / "a.mkv", frames, times=times))
    stretches = [times[number] // 100 for number in numbers(photos)]
    assert stretches == sorted({time // 100 for time in times})
    for photo, number in zip(photos, numbers(photos), strict=True):
        np.testing.assert_array_equal(photo.read(), frames[number])


def test_times_count_from_the_first_frame(tmp_path):
    frames = joined(stills(4, 1))
    path = make_film(tmp_path / "a.mkv", frames, times=[590, 610, 680, 700])
    assert numbers(read_frames(path))[1:] == [3]


def test_each_frame_of_a_tenth_is_as_likely(tmp_path):
    """50 frames a second: which of five is taken is drawn at random, but the same each time."""
    frames = joined(stills(1000, 1, 8, 12))
    path = make_film(tmp_path / "a.mkv", frames, rate=50)
    photos = read_frames(path)
    assert len(photos) == 200
    places = Counter(number % 5 for number in numbers(photos))
    assert all(15 < places[place] < 65 for place in range(5))


def test_a_film_gives_the_same_frames_again(tmp_path, cache):
    path = make_film(tmp_path / "a.mkv", moving(40), rate=50)
    photos = read_frames(path)
    shutil.rmtree(cache)
    assert read_frames(path) == photos


def test_the_second_reading_decodes_nothing_again(tmp_path, monkeypatch):
    path = make_film(tmp_path / "a.mkv", moving(20))
    photos = read_frames(path)
    monkeypatch.delattr(Film, "walk")
    assert read_frames(path) == photos
    renamed = read_frames(path.rename(tmp_path / "b.mkv"))
    assert renamed.fingerprint == photos.fingerprint
    assert [photo.label for photo in (photos[0], renamed[0])] == ["a", "b"]
    assert [photo.name.split("/")[0] for photo in (photos[0], renamed[0])] == ["a.mkv", "b.mkv"]


def test_other_ways_to_sample_are_kept_apart(tmp_path, monkeypatch):
    path = make_film(tmp_path / "a.mkv", moving(4, 64, 80))
    before = read_frames(path)
    monkeypatch.setattr(film_frames, "SHORT_SIDE", 32)
    assert [photo.read().shape for photo in (before[0], read_frames(path)[0])] == [
        (64, 80, 3),
        (32, 40, 3),
    ]


@pytest.mark.parametrize(
    ("size", "kept"), [((300, 420), (256, 358)), ((420, 300), (358, 256)), ((20, 301), (20, 301))]
)
def test_large_frames_are_shrunk_and_small_ones_stay(tmp_path, size, kept):
    photos = read_frames(make_film(tmp_path / "a.mkv", moving(2, *size)))
    assert photos[0].read().shape == (*kept, 3)


def test_of_a_partly_colored_film_only_the_colored_scenes_are_taken(tmp_path):
    scenes = stills(6, 10)
    gray = scenes[1::2].mean(-1, keepdims=True)
    scenes[1::2] = gray
    scenes[5] = np.clip(gray[2] * [1.1, 0.95, 0.75], 0, 255)  # toned
    path = make_film(tmp_path / "a.mkv", joined(scenes))
    for _ in range(2):  # the second time from the cache
        with pytest.warns(TrainingWarning, match=r"12 of 24 frames .*a\.mkv have no color"):
            photos = read_frames(path)
        assert [number // 10 for number in numbers(photos)] == [0, 2, 4]
        assert len(photos.color_only()) == 3


def test_a_film_without_color_is_refused(tmp_path, cache):
    path = make_film(tmp_path / "a.mkv", moving(8)[..., :1].repeat(3, -1))
    with pytest.raises(PhotoError, match=r"a\.mkv: none of its frames has color; give a film"):
        read_frames(path)
    assert list(cache.rglob("*.*")) == []


def test_a_shot_is_a_group(tmp_path):
    scenes = np.stack([moving(25, 128, 240, seed) for seed in range(8)])
    path = make_film(tmp_path / "a.mkv", joined(scenes))
    photos = read_frames(path)
    shots = [number // 25 for number in numbers(photos)]
    assert Counter(shots).most_common()[-1][1] > 1  # there is something to divide
    groups = [photo.group for photo in photos]
    assert len(set(zip(shots, groups, strict=True))) == len(set(shots)) == len(set(groups)) == 8
    for share in (0.2, 0.5, 0.8):
        parts = photos.split(val=share)
        seen = [{photo.group for photo in part} for part in parts.values()]
        assert not set.intersection(*seen)


def test_shots_of_two_films_are_not_the_same_group(tmp_path):
    sets = [
        read_frames(make_film(tmp_path / f"{seed}.mkv", moving(6, seed=seed))) for seed in (0, 1)
    ]
    assert sets[0][0].group != sets[1][0].group


def test_a_reading_that_was_killed_is_begun_anew(tmp_path, cache):
    path = make_film(tmp_path / "a.mkv", joined(stills(12, 3)), rate=30)
    code = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from PIL import Image\n"
        "from zoo.photos.film_frames import read_frames\n"
        "save, saved = Image.Image.save, []\n"
        "def dying(image, *rest, **more):\n"
        "    saved.append(save(image, *rest, **more))\n"
        "    if len(saved) == 5: os.kill(os.getpid(), signal.SIGKILL)\n"
        "Image.Image.save = dying\n"
        "read_frames(Path(sys.argv[1]))\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(list(cache.rglob("*.png"))) == 5
    photos = read_frames(path)
    assert len(photos) == 12
    assert not photos.skipped


def test_an_interruption_leaves_nothing(tmp_path, cache, monkeypatch):
    def interrupted(*_arguments, **_more):
        raise KeyboardInterrupt

    path = make_film(tmp_path / "a.mkv", moving(6))
    monkeypatch.setattr(Image.Image, "save", interrupted)
    with pytest.raises(KeyboardInterrupt):
        read_frames(path)
    assert [one.name for one in cache.rglob("*")] == ["films"]


def test_two_may_read_a_film_at_the_same_time(tmp_path):
    path = make_film(tmp_path / "a.mkv", moving(200))
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(read_frames, [path] * 2)
    assert one == other


def test_files_that_are_gone_from_the_cache(tmp_path):
    """A frame is named; without the record of what was taken, the film is read again."""
    path = make_film(tmp_path / "a.mkv", joined(stills(4, 5)))
    photos = read_frames(path)
    photos[1].path.unlink()
    left = read_frames(path)
    assert len(left) == 3
    assert f"1 file skipped: {photos[1].name} (no such file)" in left.summary()
    (photos[0].path.parent / "film.json").unlink()
    assert read_frames(path) == photos


def test_a_cache_that_cannot_be_written(tmp_path, cache):
    path = make_film(tmp_path / "a.mkv", moving(4))
    cache.write_text("no folder")
    with pytest.raises(ZooError, match=r"Cannot write frames of .*a\.mkv into .*films .*ZOO_CACHE"):
        read_frames(path)


def test_a_film_that_is_cut_short_gives_what_there_is_and_says_so(tmp_path):
    path = make_film(tmp_path / "a.mkv", moving(100), codec="mjpeg", pixels="yuvj420p")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.warns(TrainingWarning, match=r"a\.mkv is cut short: only its first [12]\.\d s"):
        assert len(read_frames(path)) > 5


def test_a_whole_colored_film_says_nothing(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_frames(make_film(tmp_path / "a.mkv", moving(6)))


def test_what_cannot_be_read_is_said_in_a_sentence(tmp_path, monkeypatch):
    truncated = make_film(tmp_path / "a.mp4", moving(5), codec="libx264", pixels="yuv420p")
    truncated.write_bytes(truncated.read_bytes()[:-200])
    with pytest.raises(PhotoError, match=r"a\.mp4: not a film, or damaged; give another copy"):
        read_frames(truncated)
    with pytest.raises(PhotoError, match="there is no such file; check the path"):
        read_frames(tmp_path / "none.mp4")
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(ZooError, match=r"colorization-zoo\[video\]"):
        read_frames(truncated)

"""Where shots begin, in films whose shots are known."""

import gc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from zoo.photos import shots
from zoo.photos.shots import THUMBNAIL, first_frames, thumbnail


def scene(seed, height=32, width=48):
    """A picture with details of several sizes, (height, width) in [50, 200]."""
    rng = np.random.default_rng(seed)
    parts = [ndimage.gaussian_filter(rng.normal(size=(height, width)), s) * s for s in (1, 2, 5)]
    x = sum(parts)
    return (50 + 150 * (x - x.min()) / np.ptp(x)).astype(np.float32)


def still(*lengths, first_seed=0):
    """A film of scenes that do not move, a frame each."""
    return [scene(first_seed + n) for n, length in enumerate(lengths) for _ in range(length)]


def starts(film):
    return list(first_frames(film))


def test_films_without_boundaries():
    assert starts([]) == []
    assert starts([scene(0)]) == [0]
    assert starts(still(40)) == [0]
    assert starts([np.full(THUMBNAIL, 90.0, np.float32)] * 40) == [0]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(5, 15), min_size=1, max_size=4), st.integers(0, 10**6))
def test_cuts_whatever_the_brightness_and_contrast_of_each_frame(lengths, seed):
    rng = np.random.default_rng(seed)
    film = still(*lengths, first_seed=seed % 1000)
    flickering = [rng.uniform(0.3, 1.7) * frame + rng.uniform(-40, 40) for frame in film]
    expected = [0, *np.cumsum(lengths)[:-1].tolist()]
    assert starts(film) == expected
    assert starts(flickering) == expected


def test_shots_that_are_shorter_are_not_told_apart():
    assert starts(still(8, 4, 8)) == [0, 8]
    assert starts(still(4, 20)) == [0]


def test_a_film_in_reverse_and_one_in_which_each_frame_comes_twice():
    film = still(8, 12, 9)
    assert starts(film) == [0, 8, 20]
    assert starts(film[::-1]) == [0, 9, 21]
    assert starts([frame for frame in film for _ in range(2)]) == [0, 16, 40]


@pytest.mark.parametrize("length", [1, 2, 3, 4])
@pytest.mark.parametrize("kind", ["white", "black", "grayish", "strange"])
def test_flashes_are_no_cuts(length, kind):
    film = still(20, 20)
    flash = {
        "white": np.full(THUMBNAIL, 255.0, np.float32),
        "black": np.zeros(THUMBNAIL, np.float32),
        "grayish": 0.1 * film[0] + 220,
        "strange": scene(9),
    }[kind]
    film[8 : 8 + length] = [flash] * length
    assert starts(film) == [0, 20]


def test_pans_zooms_grain_and_scratches_are_no_cuts():
    rng = np.random.default_rng(0)
    wide = scene(1, 80, 220)
    pan = [wide[10:42, 3 * n : 3 * n + 48] for n in range(50)]
    zoom = [
        thumbnail(ndimage.zoom(wide, 1 + 0.03 * n, order=1)[:80, :120][: 80 - n, : 120 - n])
        for n in range(30)
    ]
    old = [frame + rng.normal(0, 8, frame.shape).astype(np.float32) for frame in still(40)]
    for frame in old:
        frame[:, rng.integers(48)] = 255
    assert starts(pan) == [0]
    assert starts(zoom) == [0]
    assert starts(old) == [0]


@pytest.mark.parametrize(("half", "black"), [(3, 0), (8, 0), (8, 6), (8, 30)])
def test_a_fade_through_black_is_one_boundary_in_its_middle(half, black):
    down = (half - np.arange(half)) / (half + 1)
    gains = [1.0] * 20 + [*down] + [0.0] * black + [*down[::-1]] + [1.0] * 20
    film = [gain * scene(n >= len(gains) // 2) for n, gain in enumerate(gains)]
    first, boundary = starts(film)
    assert first == 0
    assert abs(boundary - len(film) // 2) <= 2
    assert starts([gain * scene(0) for gain in gains]) == [0]


@pytest.mark.parametrize("half", [3, 6, 10])
def test_a_dissolve_is_one_boundary_near_its_middle(half):
    shares = np.clip((np.arange(60) + 0.5 - (30 - half)) / (2 * half), 0, 1)
    found = starts([(1 - share) * scene(0) + share * scene(1) for share in shares])
    assert len(found) == 2
    assert abs(found[1] - 30) <= 3


def test_black_at_the_ends_is_no_shot():
    black = [np.zeros(THUMBNAIL, np.float32)] * 12
    assert starts(black + still(20) + black) == [0]
    assert starts(black) == [0]


def test_numbers_come_soon_and_few_frames_are_kept():
    taken, kept = 0, []

    def film():
        nonlocal taken
        for frame in still(*[30] * 6):
            taken += 1
            if taken % 60 == 0:
                kept.append(sum(isinstance(one, shots._Frame) for one in gc.get_objects()))
            yield frame

    late = [taken - number for number in first_frames(film())]
    assert len(late) == 6
    assert max(late) <= 26
    assert max(kept) <= 45


def test_a_thumbnail_is_an_area_mean():
    luma = np.random.default_rng(0).integers(0, 256, (64, 144), dtype=np.uint8)
    expected = luma.reshape(32, 2, 48, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(thumbnail(luma), expected, rtol=1e-5)


@given(st.integers(1, 90), st.integers(1, 90), st.integers(0, 10**6))
def test_a_thumbnail_of_any_size_keeps_the_mean(height, width, seed):
    luma = np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)
    small = thumbnail(luma)
    assert small.shape == THUMBNAIL
    assert small.mean() == pytest.approx(luma.mean(), rel=1e-4)

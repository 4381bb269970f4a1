"""Made films show what they say they show."""

import numpy as np
import pytest
from scipy import ndimage

from benchmarks.films.made import MadeFilm, Recipe, Transition
from zoo.photos.samples import sample_photos

SIZE = (40, 64)
CLEAN = Recipe(shots=4, passing=0, flashes=0, flicker=0, grain=0, scratches=0)


def photos():
    """Smooth photos, so that ways to interpolate differ little."""
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(4, 90, 140, 3))
    smooth = ndimage.gaussian_filter(noise, (0, 4, 4, 0))
    low, high = smooth.min(), smooth.max()
    return list(np.rint(255 * (smooth - low) / (high - low)).astype(np.uint8))


PHOTOS = photos()


def films(recipe, count=6, size=SIZE):
    return [MadeFilm(PHOTOS, seed, recipe, size) for seed in range(count)]


def test_a_seed_decides_everything():
    recipe = Recipe(shots=2)
    one, same, other = (MadeFilm(PHOTOS, seed, recipe, SIZE) for seed in (3, 3, 4))
    assert one.transitions == same.transitions
    assert one.starts != other.starts
    for number, frame in enumerate(one):
        assert frame.dtype == np.uint8
        np.testing.assert_array_equal(frame, same[number])
    assert len(one) == number + 1
    with pytest.raises(IndexError):
        one[len(one)]


def test_frames_are_their_rectangles_of_a_photo():
    for film in films(CLEAN):
        mixed = {n for change in film.transitions for n in range(change.start, change.stop)}
        pure = sorted(set(range(len(film))) - mixed)
        for number in (pure[0], pure[len(pure) // 2], pure[-1]):
            left, top, right, bottom = film.rectangle(number)
            rows = top + (np.arange(SIZE[0]) + 0.5) * (bottom - top) / SIZE[0] - 0.5
            columns = left + (np.arange(SIZE[1]) + 0.5) * (right - left) / SIZE[1] - 0.5
            places = np.meshgrid(rows, columns, indexing="ij")
            crops = [
                ndimage.map_coordinates(photo[..., 1].astype(float), places, order=1)
                for photo in PHOTOS
            ]
            errors = [np.abs(film[number][..., 1] - crop).max() for crop in crops]
            assert sorted(errors)[0] <= 5 < sorted(errors)[1]


def test_motion_brings_the_next_frame_back():
    moved = 0.0
    for film in films(CLEAN):
        assert film.motion(film.starts[1] - 1) is None
        number = 5
        flow = film.motion(number)
        moved = max(moved, np.abs(flow).max())
        rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
        places = [rows + flow[..., 1], columns + flow[..., 0]]
        back = ndimage.map_coordinates(film[number + 1][..., 0].astype(float), places, order=1)
        inside = ndimage.map_coordinates(np.ones(SIZE), places, order=1, cval=0) == 1
        assert inside.mean() > 0.7
        assert np.abs(back - film[number][..., 0])[inside].max() <= 6
    assert moved > 1


def test_what_passes_in_front_moves_by_itself():
    recipe = Recipe(**vars(CLEAN) | {"passing": 1.0, "shots": 2, "speed": (1e-9, 2e-9)})
    seen = 0
    for film in films(recipe):
        number = 8
        flow = film.motion(number)
        front = np.abs(flow[..., 0]) > 0.3
        seen += front.any()
        if front.any():
            assert len(np.unique(flow[front])) <= 2
            rows, columns = np.nonzero(front)
            targets = columns + flow[front][:, 0].astype(int)
            inside = (targets >= 0) & (targets < SIZE[1])
            np.testing.assert_array_equal(
                film[number + 1][rows[inside], targets[inside]],
                film[number][rows[inside], columns[inside]],
            )
    assert seen


@pytest.mark.parametrize("kind", ["cut", "fade", "dissolve"])
def test_transitions_are_where_they_are_said_to_be(kind):
    shares = {"fades": float(kind == "fade"), "dissolves": float(kind == "dissolve")}
    for film in films(Recipe(**vars(CLEAN) | shares), count=2):
        assert [change.kind for change in film.transitions] == [kind] * 3
        assert tuple(change.at for change in film.transitions) == film.starts[1:]
        for change in film.transitions:
            check_transition(film, change)


def check_transition(film, change: Transition):
    if change.kind == "cut":
        assert change.start == change.stop == change.at
        return
    assert change.at - change.start == change.stop - change.at
    assert change.stop - change.start >= 6
    half = change.at - change.start
    if change.kind == "fade":
        means = [film[number].mean() for number in range(change.start, change.stop)]
        gains = np.abs(2 * (np.arange(2 * half) + 0.5) / (2 * half) - 1)
        np.testing.assert_allclose(means, gains * 127, atol=30)
        assert means[half - 1] + means[half] < means[0]
        return
    shot = film.shot_of(change.at)
    for number in (change.start, change.at, change.stop - 1):
        share = (number + 0.5 - change.start) / (2 * half)
        parts = [film._of_shot(one, number).astype(float) for one in (shot - 1, shot)]
        expected = (1 - share) * parts[0] + share * parts[1]
        np.testing.assert_allclose(film[number], expected, atol=0.51)


def test_flashes_are_where_they_are_said_to_be():
    recipe = Recipe(**vars(CLEAN) | {"flashes": 1.0})
    for film in films(recipe, count=3):
        assert film.flashes
        flashing = {n for flash in film.flashes for n in range(flash.start, flash.stop)}
        for number in range(len(film)):
            same = np.array_equal(film[number], film.clean(number))
            assert same == (number not in flashing)
        for flash in film.flashes:
            assert 1 <= flash.stop - flash.start <= 4
            assert film.shot_of(flash.start - 6) == film.shot_of(flash.stop + 5)


def test_old_film_is_noise_on_the_same_pictures():
    recipe = Recipe(**vars(CLEAN) | {"grain": 9.0, "flicker": 0.1, "scratches": 2, "shots": 1})
    film = MadeFilm(PHOTOS, 5, recipe, SIZE)
    changes = [film[n].astype(float) - film.clean(n) for n in range(len(film))]
    assert np.std([np.median(change) for change in changes]) > 0.5
    assert np.median(changes[0].std(axis=(0, 1))) > 1
    # The grain is that of film: all channels have the same.
    levels = film[3].astype(float) - film.clean(3)
    assert np.corrcoef(levels[..., 0].ravel(), levels[..., 1].ravel())[0, 1] > 0.8


def test_photos_of_the_package_serve():
    pictures = [photo.read(128) for photo in sample_photos("test")]
    film = MadeFilm(pictures, seed=0, recipe=Recipe(shots=2), size=(36, 64))
    assert film[0].shape == (36, 64, 3)

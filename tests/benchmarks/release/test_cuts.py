"""How detectors of shots are counted, and that the package's own is good at made films."""

import numpy as np
import pytest

from benchmarks.films.made import Flash, MadeFilm, Recipe, Transition
from benchmarks.release.cuts import Counts, count_all, detectors, normalized, own
from zoo.photos.samples import sample_photos


def test_the_packages_own_finds_what_is_made():
    pictures = [photo.read(128) for photo in sample_photos("all")]
    recipe = Recipe(shots=5, dissolves=0)
    films = [MadeFilm(pictures, seed, recipe) for seed in range(4)]
    found = count_all(films, {"own": own})["own"]
    assert sum(found.present.values()) == 16
    assert sum(found.right.values()) >= 15
    assert found.found <= 17
    assert found.taken_for_cuts == 0


def test_counting_by_hand():
    film = type("Film", (), {})()
    film.transitions = (
        Transition("cut", 20, 20, 20),
        Transition("fade", 50, 45, 55),
        Transition("cut", 80, 80, 80),
    )
    film.flashes = (Flash(65, 67, 255.0, 1.0), Flash(90, 91, 255.0, 1.0))
    counts = Counts()
    counts.add(film, [0, 21, 43, 50, 66, 82])
    assert counts.found == 5
    assert counts.right == {"cut": 1, "fade": 1, "dissolve": 0}
    assert counts.present == {"cut": 2, "fade": 1, "dissolve": 0}
    assert (counts.taken_for_cuts, counts.flashes) == (1, 2)
    assert counts.row() == ["0.400", "0.500", "1.000", "–", "1 / 2"]


def test_scenedetect_is_called_as_it_wants_to_be():
    pytest.importorskip("scenedetect")
    rng = np.random.default_rng(0)
    scenes = [np.full((36, 64), 250, np.uint8), np.full((36, 64), 20, np.uint8)]
    film = [scenes[number >= 30] + rng.integers(0, 5, (36, 64), np.uint8) for number in range(60)]
    for name in ("ContentDetector", "AdaptiveDetector", "HistogramDetector"):
        assert list(detectors()[name](film)) == [30], name


def test_normalized_frames_have_one_mean_and_contrast():
    luma = np.random.default_rng(0).integers(80, 120, (36, 64), dtype=np.uint8)
    assert normalized(luma).mean() == pytest.approx(128, abs=1)
    assert normalized(luma).std() == pytest.approx(50, abs=1)
    assert (normalized(np.full((5, 5), 9, np.uint8)) == 128).all()

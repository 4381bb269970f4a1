import numpy as np
import pytest

from zoo.photos import degrade
from zoo.photos.aging import Aging, draw_kinds
from zoo.photos.loader import Samples


def samples(numbers, seed=0):
    """Photos of 24 px with these numbers; equal numbers are equal photos."""
    rgb = [np.random.default_rng(n).integers(0, 256, (24, 24, 3), dtype=np.uint8) for n in numbers]
    places = np.arange(len(numbers))
    return Samples(np.stack(rgb), places, places > 0, np.array(numbers), seed)


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_so_many_photos_change(share):
    changes = Aging(share)(samples(range(400)))
    assert changes.shape == (400, 24, 24, 1)
    assert changes.dtype == np.float32
    changed = np.mean((changes != 0).any(axis=(1, 2, 3)))
    assert changed == pytest.approx(share, abs=0.06 if 0 < share < 1 else 0)


def test_the_change_follows_from_seed_and_number_alone():
    together = Aging(0.7)(samples([3, 8, 5, 4_000_000_000]))
    for row, number in enumerate([3, 8, 5, 4_000_000_000]):
        np.testing.assert_array_equal(Aging(0.7)(samples([number]))[0], together[row])
    assert (Aging(0.7)(samples([3, 8, 5], seed=1)) != together[:3]).any()


def test_changed_lightness_stays_in_its_range():
    batch = samples(range(100))
    seen = degrade.lightness_of(batch.rgb)[..., None] + Aging(1.0)(batch)
    assert seen.min() > -1e-4
    assert seen.max() < 100.001


def test_each_kind_comes_to_a_third_of_the_photos_and_in_order():
    drawn = [draw_kinds(np.random.default_rng(n)) for n in range(600)]
    assert min(map(len, drawn)) == 1
    names = [[kind.function.__name__ for kind in kinds] for kinds in drawn]
    order = ["vignette", "blur", "grain", "gamma", "contrast"]
    order += ["fade", "scratches", "sharpen", "jpeg"]
    for kinds in names:
        assert kinds == sorted(kinds, key=order.index)
    for name in order:
        assert np.mean([name in kinds for kinds in names]) == pytest.approx(1 / 3, abs=0.06)
    found = [kind.settings for kinds in drawn for kind in kinds if kind.function is degrade.jpeg]
    settings = [one["quality"] for one in found]
    assert min(settings) >= 20
    assert max(settings) <= 80
    assert len(set(settings)) > 30
    assert all(isinstance(one, int) for one in settings)

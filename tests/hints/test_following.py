"""Colors that follow hints, behind models: at the marks, around them, and far away."""

import numpy as np
import pytest

import zoo
from zoo.errors import ZooError
from zoo.fullsize import FullSize
from zoo.hints import following
from zoo.hints.following import Follower
from zoo.hints.marks import GrayRegion, Hints, Point, Stroke
from zoo.models.levin import Levin

RED = (60.0, 40.0)


@pytest.fixture(scope="module")
def photo():
    """Dark at the left, light at the right, both with some texture."""
    rng = np.random.default_rng(0)
    gray = np.where(np.arange(96) < 48, 60, 180)[None] + rng.integers(0, 8, (64, 96))
    return np.repeat(gray[..., None].astype(np.uint8), 3, axis=2)


@pytest.fixture(scope="module")
def regression():
    return zoo.create_model("mse_regression:tiny")


def exact(photo, y, x, ab):
    """What the gamut allows of a color at a pixel."""
    asked = np.full((1, 1, 1, 2), ab, np.float32)
    return FullSize(photo[None, y : y + 1, x : x + 1]).merge(asked)[0, 0, 0].astype(int)


@pytest.mark.parametrize("name", ["levin", "mse_regression:tiny", "zhang:tiny"])
def test_marks_are_obeyed_and_the_other_side_of_an_edge_is_not_touched(photo, name):
    model = zoo.create_model(name)
    plain = model.colorize(photo).astype(int)
    hints = Hints(points=(Point(20, 30, RED, 4),), strokes=(Stroke(((5, 5), (30, 10)), "gray", 4),))
    colored = model.colorize(photo, hints=hints).astype(int)
    for y, x, ab in ((30, 20, RED), (28, 22, RED), (5, 5, (0, 0)), (10, 30, (0, 0))):
        assert np.abs(colored[y, x] - exact(photo, y, x, ab)).max() <= 2
    assert np.abs(colored - plain)[:, 60:].max() <= 1
    # Near the mark, on its side of the edge, colors turn to it.
    assert (colored[38:44, 16:24, 0] - plain[38:44, 16:24, 0] > 8).all()


def test_no_hints_are_the_same_bits(photo, regression):
    plain = regression.colorize(photo)
    np.testing.assert_array_equal(regression.colorize(photo, hints=Hints()), plain)
    np.testing.assert_array_equal(regression.colorize(photo, own_strength=50), plain)
    levin = zoo.create_model("levin")
    np.testing.assert_array_equal(levin.colorize(photo), zoo.create_model("gray").colorize(photo))


def test_the_model_s_own_colors_hold_out_more_the_stronger_they_are(photo, regression):
    plain = regression.colorize(photo).astype(int)
    hints = Hints(points=(Point(20, 30, RED, 2),))
    values = [{"own_strength": value} for value in (1, 30, 1000)]
    found = regression.colorize_variants(photo[None], values, hints=hints)
    changes = [np.abs(one[0].astype(int) - plain)[:, :40].mean() for one in found]
    assert changes == sorted(changes, reverse=True)
    assert changes[0] > 5 * changes[-1] > 0


def test_strokes_alone_color_their_region_and_leave_the_other_gray(photo):
    hints = Hints(strokes=(Stroke(((5, 32), (40, 32)), RED, 3),))
    lightness = FullSize(photo[None]).working_lightness((64, 96))[0, ..., 0]
    (strength,) = (one.default for one in Levin.options if one.name == "own_strength")
    ab = Follower(lightness, hints, (64, 96), strength)(np.zeros((64, 96, 2), np.float32))
    np.testing.assert_allclose(ab[:, :46], np.broadcast_to(RED, (64, 46, 2)), atol=2)
    assert np.abs(ab[:, 50:]).max() < 2


def test_what_spreads_is_the_difference_to_the_model_s_own_colors():
    own = np.random.default_rng(0).normal(0, 20, (12, 16, 2)).astype(np.float32)
    moved = own + np.array([10, -5], np.float32)
    points = tuple(Point(x, y, tuple(moved[y, x].tolist())) for x, y in ((3, 4), (12, 8)))
    found = Follower(np.full((12, 16), 50.0), Hints(points=points), (12, 16), 0.0)(own)
    np.testing.assert_allclose(found, moved, atol=1e-3)


def test_gray_regions_stay_gray(photo, regression):
    region = GrayRegion(((10, 10), (40, 10), (40, 50), (10, 50)))
    colored = regression.colorize(photo, hints=Hints(gray_regions=(region,))).astype(int)
    inside = colored[14:47, 14:37]
    assert np.ptp(inside, axis=-1).max() <= 2


def test_large_sizes_are_solved_small_and_keep_their_marks(photo, monkeypatch):
    rng = np.random.default_rng(1)
    lightness = FullSize(photo[None]).working_lightness((128, 192))[0, ..., 0]
    own = rng.normal(0, 3, (128, 192, 2)).astype(np.float32)
    hints = Hints(points=(Point(20, 30, RED, 3), Point(80, 30, (-30, 5), 3)))
    whole = Follower(lightness, hints, (64, 96), 1.0)(own)
    monkeypatch.setattr(following, "_MOST_PIXELS", 64 * 96)
    coarse = Follower(lightness, hints, (64, 96), 1.0)(own)
    assert (coarse != whole).mean() > 0.5
    marked = (whole == RED).all(axis=-1)
    assert marked.sum() > 100
    np.testing.assert_array_equal(coarse[marked], whole[marked])
    assert np.abs(coarse - whole)[:, 100:].mean() < 2
    assert np.abs(coarse - whole).mean() < 4
    assert np.abs(whole - own).mean() > 10


def test_hints_that_cannot_be_followed(photo, regression):
    for hints, told in (
        (Hints(points=(Point(96, 3, RED),)), "outside of the photo"),
        (Hints(size=(64, 96)), "this one has 96 x 64 px"),
        (Hints(points=(Point(9, 3, RED), Point(9, 3, "gray"))), "different colors at"),
    ):
        with pytest.raises(ZooError, match=told):
            regression.colorize(photo, hints=hints)
    with pytest.raises(ZooError, match=r"own_strength .* must be a number from 0 to 1000"):
        regression.colorize(photo, own_strength=-1)


def test_exports_take_no_hints(regression, tmp_path):
    with pytest.raises(ZooError, match="Exported models take no hints, and no own_strength"):
        regression.export(tmp_path / "exported", own_strength=3)

"""Hints at the size that networks see."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.color import rgb2lab

from zoo.errors import ZooError
from zoo.hints.marks import Area, GrayRegion, Hints, Point, Stroke
from zoo.hints.placing import placed


def test_colors_are_chroma_alone():
    colors = ("#a03020", "#ff0000", (12.5, -30.25), "gray")
    points = tuple(Point(8 * n + 2, 5, color) for n, color in enumerate(colors))
    ab, marked = placed(Hints(points=points), (10, 40), (10, 40))
    assert np.argwhere(marked).tolist() == [[5, 8 * n + 2] for n in range(4)]
    for n, rgb in enumerate(([160, 48, 32], [255, 0, 0])):
        expected = rgb2lab(np.array(rgb, np.uint8)[None, None])[0, 0, 1:]
        np.testing.assert_allclose(ab[5, 8 * n + 2], expected, atol=2e-2)
    assert ab[5, 18].tolist() == [12.5, -30.25]
    assert ab[5, 26].tolist() == [0, 0]
    assert not ab[~marked].any()
    assert ab.dtype == np.float32


@settings(deadline=None, max_examples=40)
@given(
    x=st.integers(0, 99),
    y=st.integers(0, 59),
    radius=st.sampled_from([0, 0.4, 3, 20]),
    size=st.tuples(st.integers(1, 130), st.integers(1, 130)),
)
def test_every_mark_covers_a_pixel_near_it(x, y, radius, size):
    area = Area(((y, x, x),), "gray")
    corner = min(max(x - 1, 0), 97), min(max(y - 1, 0), 57)
    region = GrayRegion((corner, (corner[0] + 1, corner[1]), (corner[0], corner[1] + 1)))
    for hints in (
        Hints(points=(Point(x, y, (5, 6), radius),)),
        Hints(strokes=(Stroke(((x, y),), (5, 6), 2 * radius),)),
        Hints(areas=(area,)),
        Hints(gray_regions=(region,)),
    ):
        ab, marked = placed(hints, size, (60, 100))
        places = np.argwhere(marked)
        assert len(places)
        assert (ab[marked] == ([0, 0] if hints.areas or hints.gray_regions else [5, 6])).all()
        middle = (np.array([y, x]) + 0.5) * size / (60, 100)
        allowed = (radius + 3) * np.array(size) / (60, 100) + 1
        assert (np.abs(places + 0.5 - middle) <= allowed).all()


def test_a_thin_stroke_has_no_gaps():
    hints = Hints(strokes=(Stroke(((0, 0), (399, 299)), (5, 6), 0),))
    _, marked = placed(hints, (30, 40), (300, 400))
    places = np.argwhere(marked)
    assert (marked.any(axis=0)).all()
    assert (marked.any(axis=1)).all()
    assert len(places) <= 70


def test_a_mirrored_photo_has_mirrored_marks():
    def marks(turn):
        points = (Point(turn(30), 20, (5, 6), 7),)
        strokes = (Stroke(((turn(60), 5), (turn(80), 50)), (7, 8), 5),)
        region = GrayRegion(((turn(5), 40), (turn(20), 40), (turn(12), 55)))
        return placed(Hints(points, strokes, (region,)), (20, 33), (60, 100))[0]

    np.testing.assert_array_equal(marks(lambda x: 99 - x)[:, ::-1], marks(lambda x: x))


def test_different_colors_at_one_place():
    first, second = Point(30, 20, "#ff0000", 3), Stroke(((20, 10), (40, 30)), (5, -6), 4)
    told = r"different colors at \(\d+, \d+\), #ff0000 and ab \(5, -6\); take one"
    with pytest.raises(ZooError, match=told):
        placed(Hints(points=(first,), strokes=(second,)), (60, 100), (60, 100))
    gray = GrayRegion(((25, 15), (35, 15), (35, 25), (25, 25)))
    with pytest.raises(ZooError, match=r"\(\d+, \d+\), #ff0000 and gray; take one"):
        placed(Hints(points=(first,), gray_regions=(gray,)), (60, 100), (60, 100))
    # One color twice is no contradiction.
    twice = Hints(points=(first, Point(31, 20, "#ff0000", 3)))
    assert placed(twice, (60, 100), (60, 100))[1].sum() > 29


def test_different_colors_too_close_together():
    hints = Hints(points=(Point(30, 20, "#ff0000"), Point(32, 20, "#0000ff")))
    assert placed(hints, (60, 100), (60, 100))[1].sum() == 2
    with pytest.raises(ZooError, match=r"in one pixel at \(3\d, \d+\).*raise the option render_"):
        placed(hints, (6, 10), (60, 100))


def test_a_mark_outside_of_the_photo():
    with pytest.raises(ZooError, match="outside of the photo"):
        placed(Hints(points=(Point(100, 20, "gray"),)), (6, 10), (60, 100))

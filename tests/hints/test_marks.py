"""The record of hints: JSON and back, and what is refused."""

import json

import numpy as np
import pytest
from doc_pages import DOCS, blocks
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.errors import ZooError
from zoo.hints.marks import Area, GrayRegion, Hints, Point, Stroke

numbers = st.floats(0, 1e4)
places = st.tuples(numbers, numbers)
colors = st.one_of(
    st.just("gray"),
    st.integers(0, 2**24 - 1).map(lambda value: f"#{value:06x}"),
    st.tuples(st.floats(-128, 128), st.floats(-128, 128)),
)
whole = st.integers(0, 9999)
runs = st.tuples(whole, whole, whole).map(lambda run: (run[0], min(run[1:]), max(run[1:])))


def lists(of, least=0):
    return st.lists(of, min_size=least, max_size=4).map(tuple)


many = st.builds(
    Hints,
    points=lists(st.builds(Point, numbers, numbers, colors, numbers)),
    strokes=lists(st.builds(Stroke, lists(places, 1), colors, numbers)),
    gray_regions=lists(st.builds(GrayRegion, lists(places, 3))),
    areas=lists(st.builds(Area, lists(runs, 1), colors)),
    size=st.none() | st.tuples(st.integers(1, 9999), st.integers(1, 9999)),
)


@settings(deadline=None, max_examples=60)
@given(many)
def test_json_and_back(hints):
    assert Hints.from_json(json.loads(json.dumps(hints.to_json(), allow_nan=False))) == hints


def test_a_file_and_back(tmp_path):
    hints = Hints(points=(Point(3, 4, "#A03020"),), size=(20, 10))
    hints.write(tmp_path / "hints.json")
    assert Hints.read(tmp_path / "hints.json") == hints
    point = {"x": 3.0, "y": 4.0, "color": "#a03020", "radius": 0.0}
    assert hints.to_json() == {"version": 1, "size": [20, 10], "points": [point]}
    # What has a default may be left out.
    short = {"version": 1, "points": [{"x": 3, "y": 4, "color": "gray"}]}
    assert Hints.from_json(short) == Hints(points=(Point(3, 4, "gray"),))


def test_the_page_s_json_is_read():
    said = [one.code for one in blocks(DOCS / "hints.md") if one.language == "json"]
    marks, whole = (Hints.from_json(json.loads(one)) for one in said)
    assert marks.size == (600, 400)
    assert len(marks.marks) == 3
    marks.require_within(400, 600)
    assert whole.says_of_whole_photo
    assert whole.to_json() == json.loads(said[1])


POINT = {"x": 3, "y": 4, "color": "#a03020"}
STROKE = {"vertices": [[1, 2]], "color": "gray"}
WRONG = [
    ([1], "there must be an object"),
    ({}, "the version must be 1.*got None"),
    ({"version": 2}, "the version must be 1.*got 2"),
    ({"version": 1, "point": []}, "unknown field 'point' .did you mean 'points'"),
    ({"version": 1, "points": {}}, "points must be a list"),
    ({"version": 1, "size": [5]}, r"size must be \[width, height\]"),
    ({"version": 1, "points": [5]}, r"points\[0\] there must be an object"),
    (
        {"version": 1, "points": [POINT, {"x": 3, "y": 4}]},
        r"points\[1\] the field color is missing",
    ),
    ({"version": 1, "points": [POINT | {"colour": 1}]}, "unknown field 'colour'.*'color'"),
    ({"version": 1, "points": [POINT | {"x": "3"}]}, r"points\[0\] x must be a number; got '3'"),
    ({"version": 1, "points": [POINT | {"y": True}]}, "y must be a number; got True"),
    ({"version": 1, "points": [POINT | {"x": float("inf")}]}, "x must be finite"),
    ({"version": 1, "points": [POINT | {"radius": -1}]}, "radius must be at least 0 px"),
    ({"version": 1, "points": [POINT | {"color": "red"}]}, "color must be \"#rrggbb\".*got 'red'"),
    ({"version": 1, "points": [POINT | {"color": "#12345"}]}, "color must be"),
    ({"version": 1, "points": [POINT | {"color": [5, 200]}]}, "color must be.*-128 to 128"),
    ({"version": 1, "strokes": [STROKE | {"vertices": []}]}, "list of at least 1"),
    ({"version": 1, "strokes": [STROKE | {"vertices": [[1, 2, 3]]}]}, r"must be \[x, y\] each"),
    ({"version": 1, "strokes": [STROKE | {"width": -2}]}, "width must be at least 0 px"),
    ({"version": 1, "gray_regions": [{"vertices": [[1, 2], [3, 4]]}]}, "list of at least 3"),
    ({"version": 1, "areas": [{"color": "gray", "runs": []}]}, "at least one"),
    ({"version": 1, "areas": [{"color": "gray", "runs": [[1, 5, 4]]}]}, "in whole px"),
]


@pytest.mark.parametrize(("content", "told"), WRONG)
def test_what_is_no_hint_is_refused_in_one_sentence(content, told):
    with pytest.raises(ZooError, match=told) as refused:
        Hints.from_json(content, "hints.json")
    said = str(refused.value)
    assert said.startswith("In hints.json")
    assert said.endswith(".")
    assert "\n" not in said


def test_marks_of_another_kind_are_refused():
    with pytest.raises(ZooError, match="points must be Points in a list"):
        Hints(points=(Stroke(((1, 2),), "gray"),))


def test_hints_of_one_photo_are_put_together():
    first = Hints(points=(Point(1, 2, "gray"),), size=(20, 10))
    second = Hints(
        points=(Point(3, 4, "gray"),), gray_regions=(GrayRegion(((1, 1), (2, 1), (2, 2))),)
    )
    both = first.with_others(second)
    assert both.marks == (*first.points, *second.points, *second.gray_regions)
    assert both.size == second.with_others(first).size == (20, 10)
    with pytest.raises(ZooError, match="20 x 10 px, the other for one of 21 x 10 px"):
        first.with_others(Hints(size=(21, 10)))


@pytest.mark.parametrize(
    "hints",
    [
        Hints(points=(Point(20, 3, "gray"),)),
        Hints(points=(Point(3, 10, "gray"),)),
        Hints(points=(Point(-1, 3, "gray"),)),
        Hints(strokes=(Stroke(((1, 1), (3, 10)), "gray"),)),
        Hints(gray_regions=(GrayRegion(((1, 1), (2, 1), (25, 2))),)),
        Hints(areas=(Area(((3, 0, 20),), "gray"),)),
    ],
)
def test_marks_outside_of_the_photo(hints):
    with pytest.raises(
        ZooError, match=r"outside of the photo, which has 20 x 10 px; x may be 0 to 19"
    ):
        hints.require_within(10, 20)


def test_marks_at_the_photo_s_border_are_inside():
    corners = tuple(Point(x, y, "gray", 5) for x in (0, 19) for y in (0, 9))
    Hints(points=corners, areas=(Area(((9, 0, 19),), "gray"),)).require_within(10, 20)


def test_hints_of_a_photo_of_another_size():
    with pytest.raises(ZooError, match="for a photo of 20 x 10 px, and this one has 10 x 20 px"):
        Hints(size=(20, 10)).require_within(20, 10)
    Hints(size=(20, 10)).require_within(10, 20)


def covered(mark, height=9, width=11):
    y, x = np.mgrid[:height, :width].astype(float)
    return mark.holds(x, y)


def test_what_a_mark_covers():
    disc = covered(Point(5, 4, "gray", 2))
    assert np.argwhere(disc)[:, 0].min() == 2
    assert disc.sum() == 13
    line = covered(Stroke(((2, 4), (8, 4)), "gray", 2))
    assert line[4, 1:10].all()
    assert line[3, 2:9].all()
    assert line.sum() == 9 + 2 * 7
    angle = covered(Stroke(((2, 2), (8, 2), (8, 6)), "gray", 0))
    assert angle[2, 2:9].all()
    assert angle[2:7, 8].all()
    assert angle.sum() == 11
    triangle = covered(GrayRegion(((1.5, 1.5), (8.5, 1.5), (1.5, 7.5))))
    assert triangle[2, 2:8].all()
    assert not triangle[7, 5]
    assert not triangle[1].any()
    area = covered(Area(((2, 3, 5), (3, 5, 5)), "gray"))
    assert np.argwhere(area).tolist() == [[2, 3], [2, 4], [2, 5], [3, 5]]

"""What is said of a whole photo: the record, and colors that have what was asked for."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import zoo
from zoo import conformance
from zoo.errors import ZooError
from zoo.fullsize import FullSize
from zoo.hints.marks import Hints, Point
from zoo.hints.whole_photo import COLOR_FROM, GRAY_TO, imposed, toward_palette
from zoo.inputs import inputs_of_photos

rng = np.random.default_rng


def colors_of(*shape, seed=0, spread=20.0):
    return rng(seed).normal((5, -3), spread, (*shape, 2)).astype("float32")


def chroma(ab):
    return np.sqrt((ab.astype(float) ** 2).sum(axis=-1))


# --- the record -------------------------------------------------------------------------------


def test_it_goes_to_json_and_back():
    hints = Hints(
        points=(Point(1, 2, "gray"),),
        palette=("#A02030", (3.0, -4.5), "gray"),
        mean_color=(2, 3),
        saturation=12,
        gray_stays_gray=True,
    )
    content = hints.to_json()
    assert content["version"] == 1
    assert content["palette"] == ["#a02030", [3.0, -4.5], "gray"]
    assert (content["mean_color"], content["saturation"]) == ([2.0, 3.0], 12.0)
    assert content["gray_stays_gray"] is True
    assert Hints.from_json(content) == hints
    # A saturation of 0 says something.
    assert Hints(saturation=0).to_json() == {"version": 1, "saturation": 0.0}
    assert Hints().to_json() == {"version": 1}


@pytest.mark.parametrize(
    "field",
    [{"palette": ("gray",)}, {"mean_color": "gray"}, {"saturation": 0}, {"gray_stays_gray": True}],
)
def test_each_field_says_something(field):
    assert Hints(**field).says_of_whole_photo
    assert not Hints(points=(Point(1, 2, "gray"),)).says_of_whole_photo


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"palette": "#a02030"}, "palette must be a list of colors; got '#a02030'"),
        ({"palette": ["#a02030", "reddish"]}, "each color of the palette must be .* got 'reddish'"),
        ({"mean_color": "#12"}, "mean_color must be \"#rrggbb\", .* got '#12'"),
        ({"mean_color": [200, 0]}, "mean_color must be"),
        ({"saturation": -1}, "saturation must be from 0 to 128; got -1"),
        ({"saturation": "high"}, "saturation must be a number; got 'high'"),
        ({"saturation": True}, "saturation must be a number"),
        ({"gray_stays_gray": "yes"}, "gray_stays_gray must be true or false; got 'yes'"),
        ({"pallete": []}, r"unknown field 'pallete' \(did you mean 'palette'\?\)"),
        (
            {"mean_color": [30, 40], "saturation": 49},
            "50.0, more than the saturation, 49",
        ),
        ({"mean_color": "#ff0000", "saturation": 20}, "mean_color #ff0000 has a chroma of 104.6"),
        (
            {"palette": ["#ff0000"], "saturation": 0},
            "a saturation of 0 for none",
        ),
        ({"palette": ["gray"], "saturation": 5}, "gray alone, and mean_color or saturation asks"),
        ({"palette": ["#808080"], "mean_color": [5, 5]}, "gray alone"),
    ],
)
def test_what_cannot_be_said(content, told):
    with pytest.raises(ZooError, match=told):
        Hints.from_json({"version": 1, **content})


def test_others_join():
    one = Hints(palette=("#a02030",), mean_color=(1, 2), gray_stays_gray=True)
    other = Hints(palette=("#208040",), saturation=30, points=(Point(1, 2, "gray"),))
    both = one.with_others(other)
    assert both.palette == ("#a02030", "#208040")
    assert (both.mean_color, both.saturation, both.gray_stays_gray) == ((1, 2), 30, True)
    assert other.with_others(one) == Hints(**{**vars(both), "palette": ("#208040", "#a02030")})
    assert one.with_others(Hints(mean_color=(1, 2))).mean_color == (1, 2)
    with pytest.raises(ZooError, match=r"mean_color \(1.0, 2.0\), the other \(3.0, 2.0\)"):
        one.with_others(Hints(mean_color=(3, 2)))
    with pytest.raises(ZooError, match=r"saturation 30.0, the other 31.0"):
        other.with_others(Hints(saturation=31))


# --- colors that are moved and stretched ------------------------------------------------------


@settings(deadline=None, max_examples=40)
@given(
    st.floats(-40, 40), st.floats(-40, 40), st.floats(0.5, 40) | st.none(), st.integers(0, 2**20)
)
def test_means_are_what_was_asked_for(a, b, beyond, seed):
    saturation = None if beyond is None else math.hypot(a, b) + beyond
    ab = colors_of(9, 13, seed=seed)
    found = imposed(ab, ab, Hints(mean_color=(a, b), saturation=saturation))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.mean(axis=(0, 1)), (a, b), atol=1e-3)
    if saturation is None:
        # Differences are the model's own.
        np.testing.assert_allclose(found - found[0, 0], ab - ab[0, 0], atol=1e-3)
    else:
        assert chroma(found).mean() == pytest.approx(saturation, abs=1e-2)


@pytest.mark.parametrize("saturation", [0.0, 3.0, 60.0])
def test_a_saturation_alone_keeps_hues(saturation):
    ab = colors_of(9, 13)
    found = imposed(ab, ab, Hints(saturation=saturation))
    assert chroma(found).mean() == pytest.approx(saturation, abs=1e-3)
    factor = saturation / chroma(ab).mean()
    np.testing.assert_allclose(found, factor * ab, atol=1e-3)


def test_gray_stays_gray():
    ab = colors_of(20, 30, spread=6)
    own = chroma(ab)
    assert (own < GRAY_TO).any()
    assert (own > COLOR_FROM).any()
    found = imposed(ab, ab, Hints(gray_stays_gray=True))
    assert (found[own <= GRAY_TO] == 0).all()
    np.testing.assert_array_equal(found[own >= COLOR_FROM], ab[own >= COLOR_FROM])
    between = (own > GRAY_TO) & (own < COLOR_FROM)
    shares = (own - GRAY_TO) / (COLOR_FROM - GRAY_TO)
    np.testing.assert_allclose(found[between], (ab * shares[..., None])[between], atol=1e-4)


def test_where_gray_stays_gray_means_are_of_what_has_color():
    plain = np.zeros((4, 6, 2), np.float32)
    plain[:, :2] = (20, 10), (40, -10)
    hints = Hints(mean_color=(5, 30), saturation=40, gray_stays_gray=True)
    found = imposed(plain + 1, plain, hints)
    assert (found[:, 2:] == 0).all()
    np.testing.assert_allclose(found[:, :2].mean(axis=(0, 1)), (5, 30), atol=1e-3)
    assert chroma(found[:, :2]).mean() == pytest.approx(40, abs=1e-2)


def test_what_no_stretching_reaches():
    gray = np.zeros((4, 6, 2), np.float32)
    for hints in (Hints(saturation=10), Hints(mean_color=(3, 4), saturation=10)):
        with pytest.raises(ZooError, match=r"too even for a saturation of 10; leave it out"):
            imposed(gray, gray, hints)
    with pytest.raises(ZooError, match=r"all of this photo for gray, .* leave out gray_stays_gray"):
        imposed(gray, gray, Hints(mean_color=(3, 4), gray_stays_gray=True))
    # Nothing is asked of colors: gray is what there is.
    assert not imposed(gray, gray, Hints(gray_stays_gray=True)).any()
    assert not imposed(gray, gray, Hints(saturation=0)).any()


def test_colors_go_half_of_the_way_to_the_palette():
    palette = np.array([(40.0, 0.0), (0.0, -40.0)], np.float32)
    ab = colors_of(9, 13)
    found = toward_palette(ab, palette)

    def distance(to, own):
        """To the nearest color of the palette, none of which is more vivid than the color is."""
        paler = palette * np.minimum(own / 40, 1)[..., None, None]
        return np.linalg.norm(paler - to[..., None, :], axis=-1).min(axis=-1)

    own = chroma(ab)
    assert (distance(found, own) <= distance(ab, own) + 1e-3).mean() > 0.9
    # Far from the border between both it is half the way.
    near = np.array([[60.0, 10.0], [-5.0, -50.0], [10.0, 0.0]], np.float32)
    np.testing.assert_allclose(
        toward_palette(near, palette), [(50, 5), (-2.5, -45), (10, 0)], atol=1.5
    )
    assert (chroma(found) <= np.maximum(own, 0) + 1e-3).all()
    np.testing.assert_array_equal(toward_palette(np.zeros((2, 2), np.float32), palette), 0)


# --- of models --------------------------------------------------------------------------------


def colored(model, hints, **options):
    """The ab of a photo of noise as the model decodes it, following hints."""
    photos = FullSize(conformance.random_photo(32, 48)[None])
    inputs = model.told(inputs_of_photos(model.inputs, photos, 2), hints, photos.size)
    prediction = model.predict(inputs, **options)
    (ab,) = model.colored(prediction, hints, inputs["lightness"], photos.size, **options)
    return ab[0]


@pytest.fixture(scope="module")
def bold():
    """By name a model whose colors are bold and differ from place to place."""

    def make(name):
        return conformance.shaken(zoo.create_model(f"{name}:tiny"))

    return {name: make(name) for name in ("mse_regression", "zhang", "colorunet", "hinted")}


@pytest.mark.parametrize("name", ["mse_regression", "zhang", "colorunet", "hinted"])
@pytest.mark.parametrize("options", [{}, {"consensus": 2, "edge_radius": 4}])
def test_every_kind_of_model_has_the_means(bold, name, options):
    hints = Hints(mean_color=(8.0, -6.0), saturation=20, palette=("#a03020", "#203080"))
    ab = colored(bold[name], hints, **options)
    np.testing.assert_allclose(ab.mean(axis=(0, 1)), (8, -6), atol=1e-2)
    assert chroma(ab).mean() == pytest.approx(20, abs=1e-2)


def test_points_are_obeyed_beside_what_is_said_of_the_whole_photo(bold):
    hints = Hints(points=(Point(20, 10, (30.0, -40.0), radius=3),), mean_color=(5, 5))
    ab = colored(bold["zhang"], hints)
    np.testing.assert_allclose(ab[10, 20], (30, -40), atol=1e-3)


def test_levin_takes_the_mean_color_where_nobody_has_marked():
    model, photo = zoo.load_model("levin"), conformance.random_photo(30, 40)
    tinted = model.colorize(photo, hints=Hints(mean_color="#a06020"))
    assert tinted[..., 0].mean() > tinted[..., 2].mean() + 30
    with pytest.raises(ZooError, match="too even"):
        model.colorize(photo, hints=Hints(saturation=20))


def test_means_hold_in_the_photo_of_a_trained_model():
    """In what the gamut has: the colors that are asked for are pale."""
    from skimage.color import rgb2lab

    model, photo = zoo.load_model("zhang"), zoo.sample_photos("test")[1]
    hints = Hints(mean_color=(6.0, 12.0), saturation=18)
    ab = rgb2lab(model.colorize(photo.path, hints=hints))[..., 1:]
    np.testing.assert_allclose(ab.mean(axis=(0, 1)), (6, 12), atol=1.0)
    assert chroma(ab).mean() == pytest.approx(18, abs=1.5)

"""Suggested colors: of distributions made by hand, at places of photos of several sizes."""

import numpy as np
import pytest
from skimage.color import rgb2lab

import zoo
from predictions import CountingRunner
from zoo import conformance
from zoo.color.bins import ab_bins, uv_bins
from zoo.color.planes import AB, UV
from zoo.errors import ZooError
from zoo.hints.marks import Hints, Point
from zoo.hints.suggestions import suggestions
from zoo.prediction import Distribution

BINS = ab_bins()


def bin_of(color):
    return int(np.square(BINS.centers - np.array(color)).sum(axis=1).argmin())


def prediction_of(probabilities, size, step=4, lightness=60.0, bins=BINS):
    """Of a (h, w, Q) map, of which each place has `step` px."""
    padded = (1, *(step * count for count in probabilities.shape[:2]), 1)
    logits = np.log(np.maximum(probabilities, 1e-30)).astype("float32")
    return Distribution(np.full(padded, lightness, "float32"), size, logits[None], bins)


def everywhere(colors, height=3, width=5):
    probabilities = np.zeros((height, width, len(BINS)))
    for color, share in colors.items():
        probabilities[..., bin_of(color)] = share
    return probabilities


def test_the_modes_of_a_known_distribution():
    known = {(0, 0): 0.35, (10, 0): 0.15, (20, 40): 0.3, (0, -30): 0.2}
    found = suggestions(prediction_of(everywhere(known), (12, 20)), AB, (3, 4), (12, 20))
    assert [one.ab for one in found] == [(0, 0), (20, 40), (0, -30)]
    np.testing.assert_allclose([one.probability for one in found], [0.5, 0.3, 0.2], atol=1e-5)
    for one in found:
        rgb = np.array(list(bytes.fromhex(one.color[1:]))) / 255
        np.testing.assert_allclose(rgb2lab(rgb), (60, *one.ab), atol=0.8)


def test_colors_are_those_of_the_gamut_and_distinct_in_it():
    """Nearly black, a photo shows hardly any color, whatever is predicted."""
    known = {(70, 50): 0.4, (40, 30): 0.3, (-30, -40): 0.3}
    dark = prediction_of(everywhere(known), (12, 20), lightness=4.0)
    light = prediction_of(everywhere(known), (12, 20), lightness=50.0)
    assert len(suggestions(light, AB, (3, 4), (12, 20))) == 3
    (first, *rest) = suggestions(dark, AB, (3, 4), (12, 20))
    assert len(rest) <= 1
    assert np.hypot(*first.ab) < 60


def test_what_is_hardly_likely_is_not_suggested():
    known = {(0, 0): 0.996, (60, 50): 0.004}
    assert len(suggestions(prediction_of(everywhere(known), (12, 20)), AB, (0, 0), (12, 20))) == 1


@pytest.mark.parametrize(
    ("photo", "seen"), [((12, 20), (12, 20)), ((120, 200), (12, 20)), ((7, 13), (11, 18))]
)
def test_nearer_places_count_more(photo, seen):
    """Each place says a color of its own: its probability is how much it counts."""
    colors = [(a, b) for b in (-20, 0, 20, 40) for a in (-20, 0, 20, 40)][:15]
    probabilities = np.zeros((3, 5, len(BINS)))
    for (row, column), color in zip(np.ndindex(3, 5), colors, strict=True):
        probabilities[row, column, bin_of(color)] = 1
    for x, y in ((0, 0), (photo[1] - 1, photo[0] - 1), (photo[1] / 2, photo[0] / 3)):
        row, column = (
            (position + 0.5) * count / length / 4 - 0.5
            for position, length, count in zip((y, x), photo, seen, strict=True)
        )
        counts = np.array(
            [
                max(0, 1.5 - abs(i - row)) * max(0, 1.5 - abs(j - column))
                for i, j in np.ndindex(3, 5)
            ]
        )
        expected = {c: s for c, s in zip(colors, counts / counts.sum(), strict=True) if s >= 0.005}
        found = suggestions(prediction_of(probabilities, seen), AB, (x, y), photo)
        assert {one.ab for one in found} == set(expected)
        for one in found:
            assert one.probability == pytest.approx(expected[one.ab], abs=1e-4)


@pytest.mark.parametrize("photo", [(12, 20), (31, 53), (240, 400)])
def test_a_mirrored_photo_has_mirrored_suggestions(photo):
    rng = np.random.default_rng(0)
    shares = rng.dirichlet(np.full(len(BINS), 0.02), (3, 5))
    mirrored = prediction_of(shares[:, ::-1], (12, 20))
    for x, y in ((0, 0), (photo[1] - 1, 5), (photo[1] // 3, photo[0] - 1)):
        there = suggestions(mirrored, AB, (photo[1] - 1 - x, y), photo)
        for one, other in zip(
            suggestions(prediction_of(shares, (12, 20)), AB, (x, y), photo), there, strict=True
        ):
            assert (one.color, one.ab) == (other.color, other.ab)
            assert one.probability == pytest.approx(other.probability, abs=1e-6)


def test_what_pads_the_photo_says_nothing():
    probabilities = everywhere({(0, 0): 1.0})
    probabilities[:, 4] = 0
    probabilities[:, 4, bin_of((60, 50))] = 1
    (only,) = suggestions(prediction_of(probabilities, (12, 16)), AB, (15, 5), (12, 16))
    assert (only.ab, only.probability) == ((0, 0), pytest.approx(1))


def test_bins_of_another_plane():
    bins = uv_bins()
    probabilities = np.zeros((3, 5, len(bins)))
    probabilities[..., int(np.square(bins.centers - (0.1, -0.1)).sum(axis=1).argmin())] = 1
    prediction = prediction_of(probabilities, (12, 20), bins=bins)
    (only,) = suggestions(prediction, UV, (5, 5), (12, 20))
    assert only.ab[1] < -20  # blue


# --- of models --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def zhang():
    model = zoo.create_model("zhang:tiny")
    head = model.networks["colorizer"].get_layer("head")
    head.kernel.assign(head.kernel * 300)
    head.bias.assign(np.random.default_rng(0).normal(0, 2, len(model.bins)))
    model.defaults["render_factor"] = 2
    return model


def test_fewer_are_the_first_of_many_and_the_network_runs_once(zhang):
    photo, runner = conformance.random_photo(40, 50), CountingRunner()
    many = zhang.suggest_colors(photo, (20, 30), 9, runner=runner)
    assert runner.calls == 1
    assert len(many) > 4
    assert zhang.suggest_colors(photo, (20, 30), 3) == many[:3]
    assert zhang.suggest_colors(photo, (20, 30)) == many[:5]
    # The temperature is of colors that are decoded.
    assert zhang.suggest_colors(photo, (20, 30), 3, temperature=5) == many[:3]


def test_hints_change_what_is_suggested(zhang):
    photo = conformance.random_photo(40, 50)
    plain = zhang.suggest_colors(photo, (20, 30))
    red = Hints(points=(Point(20, 30, "#ff0000"),))
    assert zhang.suggest_colors(photo, (20, 30), hints=red) == plain  # this network does not listen
    listening = zoo.create_model("hinted:tiny")
    without = listening.suggest_colors(photo, (20, 30), render_factor=2)
    assert listening.suggest_colors(photo, (20, 30), hints=red, render_factor=2) != without
    blue = Hints(palette=("#2030d0",))
    nearer = zhang.suggest_colors(photo, (20, 30), hints=blue)
    assert sum(one.probability for one in nearer if one.ab[1] < -20) > sum(
        one.probability for one in plain if one.ab[1] < -20
    )


@pytest.mark.parametrize(
    ("place", "count", "told"),
    [
        ((50, 3), 5, r"\(50, 3\) is outside of the photo, which has 50 x 40 px; x may be 0 to 49"),
        ((3, -1), 5, "outside"),
        ((float("nan"), 3), 5, "outside"),
        ((3,), 5, r"must be \(x, y\) in px"),
        ("here", 5, r"must be \(x, y\) in px"),
        (None, 5, r"must be \(x, y\) in px"),
        ((3, 4), 0, "count .* from 1 to 16; got 0"),
        ((3, 4), 17, "count .* from 1 to 16; got 17"),
        ((3, 4), 2.5, "count .* whole number"),
        ((3, 4), "many", "count .* whole number"),
    ],
)
def test_what_cannot_be_answered(zhang, place, count, told):
    with pytest.raises(ZooError, match=told):
        zhang.suggest_colors(conformance.random_photo(40, 50), place, count)


def test_models_without_distributions_have_nothing_to_suggest():
    with pytest.raises(ZooError, match=r"mse_regression predicts one color .* take a model that"):
        zoo.create_model("mse_regression:tiny").suggest_colors(
            conformance.random_photo(8, 8), (3, 4)
        )


def test_hints_of_another_photo(zhang):
    hints = Hints(points=(Point(49, 39, "gray"),))
    with pytest.raises(ZooError, match="outside of the photo"):
        zhang.suggest_colors(conformance.random_photo(20, 20), (3, 4), hints=hints)

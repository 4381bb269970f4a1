import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, lab2rgb, rgb2lab

import zoo
from zoo.errors import ZooError
from zoo.evaluation import hints
from zoo.evaluation.hints import PATCH, told_scores, true_points
from zoo.hints.following import Follower
from zoo.hints.marks import Hints

COUNTS = (0, 2, 6)


@pytest.fixture(scope="module")
def photo():
    """Fine lightness under chroma that changes slowly."""
    rows, columns = np.mgrid[:96, :128] / 40
    lightness = np.random.default_rng(3).uniform(40, 60, rows.shape)
    lab = np.stack([lightness, 15 + 20 * np.sin(rows), 25 * np.cos(columns)], axis=-1)
    return (lab2rgb(lab) * 255).round().astype(np.uint8)


@pytest.fixture(scope="module")
def models():
    names = ("levin", "mse_regression:tiny", "zhang:tiny", "hinted:tiny")
    return [zoo.create_model(name) for name in names]


def test_points_say_the_mean_color_of_their_patch(photo):
    lab = rgb2lab(photo)
    for point in true_points(photo, 30):
        left, top = (int(place - 2.5) for place in (point.x, point.y))
        assert (left + 2.5, top + 2.5) == (point.x, point.y)
        patch = lab[top : top + PATCH, left : left + PATCH, 1:]
        assert patch.shape == (PATCH, PATCH, 2)
        np.testing.assert_allclose(point.color, patch.mean(axis=(0, 1)), atol=1e-3)
        assert point.radius == PATCH / 2


def test_fewer_points_are_the_first_of_more_and_none_touch(photo):
    points = true_points(photo, 40)
    assert true_points(photo, 7) == points[:7]
    assert true_points(photo.copy(), 40) == points
    assert true_points(photo[:, ::-1].copy(), 40) != points
    places = np.array([(point.x, point.y) for point in points])
    distances = np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1))
    assert distances[~np.eye(40, dtype=bool)].min() > PATCH + 96 / 64


def test_places_are_normal_around_the_middle():
    rng = np.random.default_rng(0)
    photos = rng.integers(0, 256, (200, 128, 256, 3), dtype=np.uint8)
    places = np.array([(p.x, p.y) for photo in photos for p in true_points(photo, 3)])
    np.testing.assert_allclose(places.mean(axis=0) / (256, 128), 0.5, atol=0.03)
    # A quarter of the side, less what is moved in from beyond the borders.
    np.testing.assert_allclose(places.std(axis=0), (62, 30.5), rtol=0.08)


def test_scores_are_those_of_what_colorize_makes(photo, models):
    found = told_scores(models, photo, COUNTS, ("psnr", "ciede2000"))
    points = true_points(photo, max(COUNTS))
    for model, scores in zip(models, found, strict=True):
        assert list(scores) == list(COUNTS)
        for count in COUNTS:
            said = Hints(points=points[:count]) if count else None
            colored = model.colorize(photo, hints=said)
            error = np.mean((colored / 255 - photo / 255) ** 2)
            assert scores[count]["psnr"] == pytest.approx(-10 * np.log10(error), abs=1e-3)
            distance = deltaE_ciede2000(rgb2lab(photo), rgb2lab(colored)).mean()
            assert scores[count]["ciede2000"] == pytest.approx(distance, abs=1e-2)


def test_true_colors_make_all_models_better(photo, models):
    for scores in told_scores(models, photo, COUNTS, ("psnr",)):
        figures = [scores[count]["psnr"] for count in COUNTS]
        assert figures == sorted(figures)
        assert figures[-1] > figures[0] + 0.1


def test_models_of_one_size_and_strength_share_the_equations(photo, models, monkeypatch):
    made = []

    class Counted(Follower):
        def __init__(self, *args):
            made.append(args)
            super().__init__(*args)

    monkeypatch.setattr(hints, "Follower", Counted)
    told_scores(models[1:], photo, COUNTS, ("psnr",))
    assert len(made) == len(COUNTS)
    made.clear()
    told_scores(models, photo, COUNTS, ("psnr",))
    assert len(made) == 2 * len(COUNTS)  # `levin` has a strength of its own


def test_a_photo_without_room_is_refused():
    with pytest.raises(ZooError, match=r"40 x 30 px has no room for 60 points of 6 px; score"):
        true_points(np.zeros((30, 40, 3), np.uint8), 60)
    with pytest.raises(ZooError, match="no room for 1 points"):
        true_points(np.zeros((5, 40, 3), np.uint8), 1)
    assert true_points(np.zeros((5, 40, 3), np.uint8), 0) == ()

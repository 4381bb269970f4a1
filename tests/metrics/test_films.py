"""Scores of films, against films whose scores are known by hand or by plain loops."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage
from scipy.spatial.distance import jensenshannon
from skimage.color import lab2rgb, rgb2lab

from zoo.errors import ZooError
from zoo.metrics import Pair, films, scores
from zoo.metrics.films import FilmScores, FilmTruth, Step, mean_over_time
from zoo.photos import motion

NOTHING = float("nan")


def random_photo(seed, shape=(9, 8)):
    return np.random.default_rng(seed).integers(0, 256, (*shape, 3), dtype=np.uint8)


def scored(truth, prediction, cuts=()):
    """The scores of a film of so many frames."""
    original, found = FilmTruth(), FilmScores()
    for number, (true, predicted) in enumerate(zip(truth, prediction, strict=True)):
        found.add(original.add(true, cut=number in cuts), predicted)
    return found


def texture(height, width, seed):
    """Details of several sizes, (height, width) in [0, 1]."""
    rng = np.random.default_rng(seed)
    parts = [ndimage.gaussian_filter(rng.normal(size=(height, width)), s) * s for s in (1, 3)]
    x = sum(parts)
    return (x - x.min()) / np.ptp(x)


def square_on_gray(at, ab=(0.0, 0.0)):
    """A frame with a square of 64 px in a color, from column `at` on."""
    lab = np.zeros((128, 192, 3))
    lab[..., 0] = 30 + 40 * texture(128, 192, 0)
    lab[32:96, at : at + 64, 0] = 40 + 30 * texture(64, 64, 1)
    lab[32:96, at : at + 64, 1:] = ab
    return np.rint(255 * lab2rgb(lab)).astype(np.uint8)


# ---------------------------------------------------------------------- whole films


def test_a_film_beside_itself():
    frames = [random_photo(n // 2) for n in range(8)]
    found = scored(frames, frames)
    for name, score in found.scores().items():
        assert score.shape == (8,)
        if f"true_{name}" in found.scores():
            np.testing.assert_array_equal(score, found.scores()[f"true_{name}"])
    assert found.means()["ciede2000"] == 0
    assert found.means()["cdc_difference"] == found.means()["cdc_ab_difference"] == 0


def test_scores_of_a_frame_are_those_of_photos():
    truth, prediction = [random_photo(n) for n in range(3)], [random_photo(n + 9) for n in range(3)]
    found = scored(truth, prediction).scores()
    pairs = [Pair(*both) for both in zip(truth, prediction, strict=True)]
    assert found["ciede2000"].tolist() == [scores.ciede2000(pair) for pair in pairs]
    assert found["colorfulness"].tolist() == [scores.colorfulness(pair) for pair in pairs]
    assert found["true_colorfulness"].tolist() == [pair.truth_colorfulness for pair in pairs]


def test_a_gray_film_is_steady_and_colorless():
    truth = [random_photo(n) for n in range(6)]
    gray = [np.repeat(frame[..., :1], 3, axis=-1) for frame in truth]
    means = scored(truth, gray).means()
    assert means["warp_error"] < 1e-4
    assert means["colorfulness"] == 0
    assert means["cdc_ab"] == 0
    assert means["cdc"] > 0
    assert means["true_warp_error"] > 100


def test_no_pair_goes_over_a_cut():
    frames = [random_photo(n) for n in range(12)]
    found = scored(frames, frames, cuts=(6,)).scores()
    for name, firsts in (("warp_error", (0, 6)), ("cdc", (0, 1, 2, 3, 6, 7, 8, 9))):
        expected = [number in firsts for number in range(12)]
        assert np.isnan(found[name]).tolist() == expected
        assert np.isnan(found[f"true_{name}"]).tolist() == expected


def test_several_predictions_share_the_motion(monkeypatch):
    pytest.importorskip("cv2")
    flows, between = [], motion.optical_flow
    monkeypatch.setattr(motion, "optical_flow", lambda *pair: flows.append(1) or between(*pair))
    truth, several = FilmTruth(), [FilmScores() for _ in range(3)]
    for number in range(4):
        frame = truth.add(random_photo(number, (20, 24)))
        for one in several:
            one.add(frame, random_photo(number + 5, (20, 24)))
    assert len(flows) == 2 * 3
    assert several[0].means() == pytest.approx(several[2].means(), nan_ok=True)


def test_frames_of_another_size_are_refused():
    truth = FilmTruth()
    frame = truth.add(random_photo(0))
    with pytest.raises(ZooError, match="one size; got one of 7 x 9 px"):
        truth.add(random_photo(0, (9, 7)))
    with pytest.raises(ZooError, match="got a truth"):
        FilmScores().add(frame, random_photo(0, (9, 7)))


def test_a_film_without_frames_has_no_scores():
    assert FilmScores().scores() == {}
    assert FilmScores().means() == {}


# ---------------------------------------------------------------------- warp error and flicker


@given(st.integers(0, 10**6), st.sampled_from(["some", "none", "all"]))
def test_warp_error_by_loops(seed, seen):
    rng = np.random.default_rng(seed)
    height, width = 6, 7
    first, second = rng.normal(size=(2, height, width, 2)).astype(np.float32) * 30
    flow = rng.integers(-1, 2, (height, width, 2)).astype(np.float32)
    visible = {
        "some": rng.random((height, width)) < 0.5,
        "none": np.zeros((height, width), bool),
        "all": np.ones((height, width), bool),
    }[seen]
    counted = visible if visible.any() else ~visible
    errors = []
    for row, column in itertools.product(range(height), range(width)):
        across, down = flow[row, column].astype(int)
        place = min(max(row + down, 0), height - 1), min(max(column + across, 0), width - 1)
        if counted[row, column]:
            errors.append(sum((second[place] - first[row, column]).astype(float) ** 2))
    found = films.warp_error(first, second, Step(flow, visible, visible))
    assert found == pytest.approx(np.mean(errors), rel=1e-4)


def test_colors_that_move_with_the_film_have_a_small_warp_error():
    pytest.importorskip("cv2")
    places = range(20, 40, 4)
    truth = [square_on_gray(place) for place in places]
    steady = [square_on_gray(place, (20, 10)) for place in places]
    changing = [square_on_gray(place, (20 * (place % 8 == 0), 10)) for place in places]
    errors = [scored(truth, film).means()["warp_error"] for film in (truth, steady, changing)]
    # 64 x 64 of 128 x 192 px change by 20 units of a, from frame to frame.
    expected = 20**2 * (64 * 64) / (128 * 192)
    assert errors[0] < 0.01
    assert errors[1] < 0.1 * expected
    assert errors[2] == pytest.approx(expected, rel=0.15)


def test_flicker_is_the_change_of_color_where_nothing_moves():
    pytest.importorskip("cv2")
    rng = np.random.default_rng(0)
    lab = np.zeros((32, 40, 3))
    lab[..., 0] = rng.uniform(30, 70, (32, 40))
    gray = np.rint(255 * lab2rgb(lab)).astype(np.uint8)
    lab[..., 1:] = 12, 5
    toned = np.rint(255 * lab2rgb(lab)).astype(np.uint8)
    found = scored([gray] * 4, [gray, toned, toned, gray]).scores()["flicker"]
    np.testing.assert_allclose(found, [np.nan, 13, 0, 13], atol=0.1)


def test_flicker_of_a_film_in_which_nothing_stands_still():
    still = np.zeros((4, 5), bool)
    assert math.isnan(films.still_change(np.ones((4, 5, 2)), np.zeros((4, 5, 2)), still))
    found = scored([random_photo(n) for n in range(4)], [random_photo(n) for n in range(4)])
    lightness = [rgb2lab(random_photo(n))[..., 0] for n in range(4)]
    still = np.abs(lightness[1] - lightness[0]) <= films.STILL_LIGHTNESS
    ab = [rgb2lab(random_photo(n))[..., 1:] for n in range(2)]
    expected = np.linalg.norm(ab[1] - ab[0], axis=-1)[still].mean() if still.any() else NOTHING
    assert found.scores()["flicker"][1] == pytest.approx(expected, rel=1e-4, nan_ok=True)


def test_a_still_film_stands_still_and_a_moving_one_does_not():
    pytest.importorskip("cv2")
    frame, moved = (rgb2lab(square_on_gray(at))[..., 0].astype(np.float32) for at in (40, 44))
    assert Step.between(frame, frame).still.all()
    step = Step.between(frame, moved)
    assert step.still[36:92, 46:100].mean() < 0.02
    assert step.still[112:, 8:-8].mean() > 0.9
    assert np.median(step.flow[40:88, 50:96], axis=(0, 1)) == pytest.approx([4, 0], abs=0.2)


@pytest.mark.parametrize(("side", "factor"), [(256, 1), (257, 2), (300, 2), (1080, 5)])
def test_large_frames_are_shrunk_by_whole_factors(side, factor):
    x = np.random.default_rng(0).normal(size=(side, side + 10, 2))
    small = films.shrunk(x)
    assert small.shape == (side // factor, (side + 10) // factor, 2)
    corner = x[:factor, factor : 2 * factor].mean(axis=(0, 1))
    np.testing.assert_allclose(small[0, 1], corner, rtol=1e-4)
    assert films.shrunk(x[..., 0]).shape == small.shape[:2]


# ---------------------------------------------------------------------- CDC


def test_cdc_of_rgb_is_scipy_s():
    frames = [random_photo(n, (12, 13)) for n in range(7)]
    found = scored(frames[::-1], frames)
    by_channel = [
        [
            np.bincount(frame[..., channel].ravel(), minlength=256) / frame[..., 0].size
            for frame in frames
        ]
        for channel in range(3)
    ]
    for last in range(4, 7):
        expected = [
            jensenshannon(one[last - step], one[last]) ** 2
            for one in by_channel
            for step in (1, 2, 4)
        ]
        assert found.scores()["cdc"][last] == pytest.approx(np.mean(expected))
    assert np.isnan(found.scores()["cdc"][:4]).all()


def test_cdc_of_ab_is_scipy_s_too():
    frames = [random_photo(n, (12, 13)) for n in range(5)]
    edges = np.arange(-115, 116, 10)
    ab = [rgb2lab(frame)[..., 1:].reshape(-1, 2) for frame in frames]
    shares = [np.histogram2d(*one.T, bins=(edges, edges))[0].ravel() / len(one) for one in ab]
    expected = [jensenshannon(shares[4 - step], shares[4]) ** 2 for step in (1, 2, 4)]
    assert scored(frames, frames).scores()["cdc_ab"][4] == pytest.approx(np.mean(expected))


def test_divergence_of_different_colors_is_the_logarithm_of_2():
    one, other = (np.eye(4)[[place]] for place in (0, 3))
    assert films.divergence(one, other) == pytest.approx(math.log(2))
    assert films.divergence(one, one) == 0


def test_all_of_srgb_has_a_cell_of_the_ab_histogram():
    corners = np.array(list(itertools.product((0, 255), repeat=3)), np.uint8)[None]
    ab = rgb2lab(corners)[..., 1:]
    assert films.ab_histogram(ab).max() == pytest.approx(2 / 8)  # black and white
    assert np.abs(ab).max() < 115


# ---------------------------------------------------------------------- intervals


def test_the_bootstrap_by_hand():
    numbers = np.random.default_rng(3).normal(size=10)
    found = mean_over_time(numbers, block=3, resamples=50, seed=7)
    starts = np.random.default_rng(7).integers(10, size=(50, 4))
    means = []
    for row in starts:
        chosen = [(start + offset) % 10 for start in row for offset in range(3)][:10]
        means.append(sum(numbers[place] for place in chosen) / 10)
    assert found.mean == pytest.approx(numbers.mean())
    assert [found.low, found.high] == pytest.approx(np.quantile(means, (0.025, 0.975)).tolist())


def test_blocks_cover_the_mean_of_noise_that_remembers_and_single_frames_do_not():
    rng, covered = np.random.default_rng(0), np.zeros(2)
    for _ in range(100):
        numbers = np.zeros(400)
        for place in range(1, 400):
            numbers[place] = 0.8 * numbers[place - 1] + rng.normal()
        for number, block in enumerate((30, 1)):
            found = mean_over_time(numbers, block, resamples=200)
            covered[number] += found.low <= 0 <= found.high
    assert covered[0] >= 80
    assert covered[1] <= 65


def test_frames_without_a_figure_are_left_out():
    numbers = np.array([NOTHING, 1.0, 2.0, 3.0, NOTHING, 2.0])
    found = mean_over_time(numbers, block=2)
    assert found.mean == 2
    assert 1 <= found.low < 2 < found.high <= 3
    nothing = mean_over_time(np.full(4, NOTHING))
    assert math.isnan(nothing.mean)
    with pytest.raises(ZooError, match="no frames"):
        mean_over_time(np.array([]))

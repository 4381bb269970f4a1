import itertools
import math
from types import SimpleNamespace

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from zoo.metrics import Pair, color_prior, scores

RED, GREEN, BLUE, GRAY = (255, 0, 0), (0, 255, 0), (0, 0, 255), (90, 90, 90)


def random_photo(seed, shape=(9, 8)):
    return np.random.default_rng(seed).integers(0, 256, (*shape, 3), dtype=np.uint8)


def random_pair(seed, shape=(9, 8)):
    """A truth and a prediction that is near it in some pixels and far in others."""
    truth = random_photo(seed, shape)
    strength = np.linspace(0, 1, shape[1])[:, None]
    prediction = truth + strength * (random_photo(seed + 1000, shape).astype(float) - truth)
    return Pair(truth, prediction.astype(np.uint8))


def photo_of(*pixels):
    """A photo of one row."""
    return np.array([pixels], np.uint8)


def errors(distances, weights=None):
    """What the AuC functions see of a pair, with the given ab distances."""
    distances = np.atleast_2d(np.asarray(distances, float))
    return SimpleNamespace(
        truth=np.zeros((*distances.shape, 3), np.uint8),
        squared_ab_error=distances**2,
        pixel_weights=None if weights is None else np.atleast_2d(weights),
    )


def plain_lab(rgb):
    """CIE Lab of one pixel by the standards' formulas (IEC 61966-2-1, CIE 15), in plain floats."""
    linear = [
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in (int(level) / 255 for level in rgb)
    ]
    to_xyz = [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
    white = [0.95047, 1.0, 1.08883]
    ratios = [
        sum(m * v for m, v in zip(row, linear, strict=True)) / w
        for row, w in zip(to_xyz, white, strict=True)
    ]
    x, y, z = (r ** (1 / 3) if r > 216 / 24389 else (24389 / 27 * r + 16) / 116 for r in ratios)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def plain_ciede2000(first, second):
    """CIEDE2000 of two Lab colors as Sharma, Wu and Dalal (2005) write it, in degrees."""
    (l1, a1, b1), (l2, a2, b2) = first, second
    chroma = (math.hypot(a1, b1) + math.hypot(a2, b2)) / 2
    g = 0.5 * (1 - math.sqrt(chroma**7 / (chroma**7 + 25**7)))
    a1, a2 = (1 + g) * a1, (1 + g) * a2
    c1, c2 = math.hypot(a1, b1), math.hypot(a2, b2)
    h1, h2 = (math.degrees(math.atan2(b, a)) % 360 for a, b in ((a1, b1), (a2, b2)))
    dh = 0.0 if c1 * c2 == 0 else (h2 - h1 + 180) % 360 - 180
    big_dh = 2 * math.sqrt(c1 * c2) * math.sin(math.radians(dh / 2))
    if c1 * c2 == 0:
        h = h1 + h2
    elif abs(h1 - h2) <= 180:
        h = (h1 + h2) / 2
    else:
        h = (h1 + h2 + (360 if h1 + h2 < 360 else -360)) / 2
    lightness, c = (l1 + l2) / 2, (c1 + c2) / 2
    t = (
        1
        - 0.17 * math.cos(math.radians(h - 30))
        + 0.24 * math.cos(math.radians(2 * h))
        + 0.32 * math.cos(math.radians(3 * h + 6))
        - 0.20 * math.cos(math.radians(4 * h - 63))
    )
    sl = 1 + 0.015 * (lightness - 50) ** 2 / math.sqrt(20 + (lightness - 50) ** 2)
    sc, sh = 1 + 0.045 * c, 1 + 0.015 * c * t
    turn = math.radians(60 * math.exp(-(((h - 275) / 25) ** 2)))
    rt = -math.sin(turn) * 2 * math.sqrt(c**7 / (c**7 + 25**7))
    l_term, c_term, h_term = (l2 - l1) / sl, (c2 - c1) / sc, big_dh / sh
    return math.sqrt(l_term**2 + c_term**2 + h_term**2 + rt * c_term * h_term)


def plain_area(distances, weights):
    """The AuC by its definition: a share for each threshold, then trapezoid after trapezoid."""
    total = sum(weights)
    shares = [
        sum(w for d, w in zip(distances, weights, strict=True) if d <= t) / total
        for t in range(151)
    ]
    return sum((left + right) / 2 for left, right in itertools.pairwise(shares)) / 150


# --- signal to noise --------------------------------------------------------------------------


def test_psnr_agrees_with_scikit_image():
    pair = random_pair(0)
    expected = peak_signal_noise_ratio(pair.truth, pair.prediction, data_range=255)
    assert scores.psnr(pair) == pytest.approx(expected, abs=1e-9)


def test_psnr_of_one_level_in_one_of_twelve_values():
    truth = photo_of(GRAY, GRAY, GRAY, GRAY)
    prediction = truth.copy()
    prediction[0, 2, 1] += 1
    assert scores.psnr(Pair(truth, prediction)) == pytest.approx(10 * math.log10(255**2 * 12))


def test_psnr_from_black_to_white_is_zero_and_the_cap_is_100():
    black = photo_of((0, 0, 0))
    assert scores.psnr(Pair(black, 255 - black)) == pytest.approx(0)
    assert scores.psnr(Pair(black, black)) == 100
    assert scores.psnr_ab(Pair(black, black)) == 100


def test_psnr_ab_by_loops():
    pair = random_pair(3)
    squares = [
        (p - t) ** 2
        for true, predicted in zip(
            pair.truth.reshape(-1, 3), pair.prediction.reshape(-1, 3), strict=True
        )
        for t, p in zip(plain_lab(true)[1:], plain_lab(predicted)[1:], strict=True)
    ]
    mean = sum(squares) / len(squares)
    assert scores.psnr_ab(pair) == pytest.approx(10 * math.log10(255**2 / mean), abs=1e-3)
    assert scores.ab_rmse(pair) == pytest.approx(math.sqrt(mean), abs=1e-3)


# --- structural similarity --------------------------------------------------------------------


def plain_ssim(pair, window):
    """Wang et al.'s formula over every window that fits, sample variances, mean over channels."""
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    height, width, _ = pair.truth.shape
    values = []
    for channel in range(3):
        for top in range(height - window + 1):
            for left in range(width - window + 1):
                area = (slice(top, top + window), slice(left, left + window), channel)
                x = pair.truth[area].astype(float).ravel()
                y = pair.prediction[area].astype(float).ravel()
                value = (2 * x.mean() * y.mean() + c1) / (x.mean() ** 2 + y.mean() ** 2 + c1)
                if window > 1:
                    (vx, vxy), (_, vy) = np.cov(x, y)
                    value *= (2 * vxy + c2) / (vx + vy + c2)
                values.append(value)
    return np.mean(values)


@pytest.mark.parametrize(
    ("shape", "window"),
    [((9, 8), 7), ((7, 20), 7), ((6, 9), 5), ((9, 4), 3), ((3, 3), 3), ((2, 9), 1), ((1, 1), 1)],
)
def test_ssim_by_loops(shape, window):
    pair = random_pair(1, shape)
    assert scores.ssim(pair) == pytest.approx(plain_ssim(pair, window), abs=1e-9)


def test_ssim_agrees_with_scikit_image():
    pair = random_pair(2, (40, 30))
    expected = structural_similarity(pair.truth, pair.prediction, channel_axis=2, data_range=255)
    assert scores.ssim(pair) == pytest.approx(expected, abs=1e-12)


# --- color difference -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second", "published"),
    [  # rows 1, 7, 16, 20 and 24 of table I in Sharma, Wu and Dalal (2005)
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, 0, 0), (50, -1, 2), 2.3669),
        ((50, 2.5, 0), (50, 0, -2.5), 4.3065),
        ((50, 2.5, 0), (58, 24, 15), 19.4535),
        ((50, 2.5, 0), (50, 3.2592, 0.3350), 1.0000),
    ],
)
def test_the_plain_ciede2000_gives_the_published_values(first, second, published):
    assert plain_ciede2000(first, second) == pytest.approx(published, abs=5e-5)


def test_ciede2000_and_color_accuracy_by_loops():
    pair = random_pair(4)
    differences = [
        plain_ciede2000(plain_lab(true), plain_lab(predicted))
        for true, predicted in zip(
            pair.truth.reshape(-1, 3), pair.prediction.reshape(-1, 3), strict=True
        )
    ]
    assert scores.ciede2000(pair) == pytest.approx(np.mean(differences), abs=1e-3)
    for threshold in (2, 10, 40):
        expected = sum(d <= threshold for d in differences) / len(differences)
        assert scores.color_accuracy(pair, threshold) == pytest.approx(expected)


def test_color_accuracy_counts_a_difference_of_exactly_the_threshold():
    pair = SimpleNamespace(ciede2000=np.array([[0.0, 10.0, 10.001, 50.0]]))
    assert scores.color_accuracy(pair) == 0.5
    assert scores.color_accuracy(pair, threshold=9.9) == 0.25


# --- area under the curve of ab errors --------------------------------------------------------


@pytest.mark.parametrize(
    ("distance", "expected"),
    [
        (0, 1.0),
        (1e-12, 1.0),
        (0.5, 149.5 / 150),
        (1, 149.5 / 150),
        (30, 120.5 / 150),
        (30 + 1e-12, 120.5 / 150),
        (30.2, 119.5 / 150),
        (150, 0.5 / 150),
        (150.5, 0.0),
        (250, 0.0),
    ],
)
def test_auc_of_one_constant_error(distance, expected):
    assert scores.auc(errors([[distance] * 3] * 2)) == pytest.approx(expected, abs=1e-12)


def test_auc_by_definition_and_in_the_limit():
    distances = np.random.default_rng(0).gamma(2, 20, 500)
    found = scores.auc(errors(distances))
    assert found == pytest.approx(plain_area(distances, np.ones(500)), abs=1e-12)
    assert found == pytest.approx(1 - np.minimum(distances, 150).mean() / 150, abs=0.5 / 150)


def test_rebalanced_auc_by_definition():
    generator = np.random.default_rng(1)
    distances, weights = generator.gamma(2, 20, 300), generator.uniform(0.1, 50, 300)
    found = scores.auc_rebalanced(errors(distances, weights))
    assert found == pytest.approx(plain_area(distances, weights), abs=1e-12)


def test_pooled_rebalanced_auc_is_that_of_all_pixels_together():
    """Zhang et al. weigh pixels; photos weighed by their pixels' sum give the same."""
    pairs = [random_pair(seed, shape) for seed, shape in enumerate([(5, 7), (9, 4), (6, 6)])]
    distances = [
        math.dist(true[1:], predicted[1:])
        for pair in pairs
        for true, predicted in zip(
            pair.truth_lab.reshape(-1, 3), pair.prediction_lab.reshape(-1, 3), strict=True
        )
    ]
    weights = np.concatenate([pair.pixel_weights.ravel() for pair in pairs])
    found = np.average(
        [scores.auc_rebalanced(pair) for pair in pairs],
        weights=[scores.total_pixel_weight(pair) for pair in pairs],
    )
    assert found == pytest.approx(plain_area(distances, weights), abs=1e-12)


def test_rebalancing_weighs_a_pixel_by_its_own_color_alone():
    truth = photo_of(GRAY, GRAY, GRAY, RED)
    all_gray = photo_of(GRAY, GRAY, GRAY, GRAY)
    area_of_red = scores.auc(Pair(photo_of(RED), photo_of(GRAY)))
    pair = Pair(truth, all_gray)
    assert scores.auc(pair) == pytest.approx((3 + area_of_red) / 4)
    of_gray, of_red = color_prior().pixel_weights(np.array([[0.0, 0.0], [80.0, 67.0]]))
    assert of_red > 100 * of_gray
    expected = (3 * of_gray + of_red * area_of_red) / (3 * of_gray + of_red)
    assert scores.auc_rebalanced(pair) == pytest.approx(expected)


# --- colorfulness -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("photo", "expected"),
    [
        (photo_of(GRAY, (0, 0, 0), (255, 255, 255)), 0.0),
        (photo_of(BLUE, BLUE), 0.3 * 255),
        # rg = 255 and -255, yb = 127.5 twice: a code with absolute values would say 85.5.
        (photo_of(RED, GREEN), 255 + 0.3 * 127.5),
        # rg = 0, 0 and yb = -255, 255
        (photo_of(BLUE, (255, 255, 0)), 255.0),
        # rg = 255, 0; yb = 127.5, 0
        (photo_of(RED, GRAY), 1.3 * math.hypot(127.5, 63.75)),
    ],
)
def test_colorfulness_by_hand(photo, expected):
    assert scores.colorfulness(Pair(photo, photo)) == pytest.approx(expected)
    gray = np.full_like(photo, 77)
    assert scores.colorfulness_difference(Pair(gray, photo)) == pytest.approx(expected)
    assert scores.colorfulness_difference(Pair(photo, gray)) == pytest.approx(-expected)
    assert scores.colorfulness_error(Pair(gray, photo)) == pytest.approx(expected)
    assert scores.colorfulness_error(Pair(photo, gray)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("photo", "expected"),
    [
        (photo_of(GRAY, (0, 0, 0), (255, 255, 255)), 0.0),
        (photo_of(BLUE, BLUE), 0.3 * 255),
        # |rg| = 255 twice, |yb| = 127.5 twice: no spread is left.
        (photo_of(RED, GREEN), 0.3 * math.hypot(255, 127.5)),
        # |rg| = 0, 0 and |yb| = 255 twice
        (photo_of(BLUE, (255, 255, 0)), 0.3 * 255),
        # |rg| = 255, 0; |yb| = 127.5, 0
        (photo_of(RED, GRAY), 1.3 * math.hypot(127.5, 63.75)),
    ],
)
def test_colorfulness_of_absolute_opponents_by_hand(photo, expected):
    assert scores.absolute_colorfulness(Pair(photo, photo)) == pytest.approx(expected)


# --- color bleeding ---------------------------------------------------------------------------


def plain_bleeding(pair):
    """The definition, pixel by pixel: forward differences of ab, the truth's taken away."""
    height, width, _ = pair.truth.shape
    true = [[plain_lab(pixel)[1:] for pixel in row] for row in pair.truth]
    made = [[plain_lab(pixel)[1:] for pixel in row] for row in pair.prediction]
    total = 0.0
    for y in range(height):
        for x in range(width):
            below, right = min(y + 1, height - 1), min(x + 1, width - 1)
            total += math.sqrt(
                sum(
                    (
                        (made[there[0]][there[1]][channel] - made[y][x][channel])
                        - (true[there[0]][there[1]][channel] - true[y][x][channel])
                    )
                    ** 2
                    for there in ((below, x), (y, right))
                    for channel in (0, 1)
                )
            )
    return total / (height * width)


@pytest.mark.parametrize("shape", [(5, 6), (1, 7), (7, 1), (1, 1)])
def test_color_bleeding_by_loops(shape):
    pair = random_pair(6, shape)
    assert scores.color_bleeding(pair) == pytest.approx(plain_bleeding(pair), abs=1e-3)


def test_a_blurred_edge_bleeds_and_a_wrong_hue_inside_does_not():
    truth = np.zeros((8, 12, 3), np.uint8)
    truth[:, :6], truth[:, 6:] = (150, 90, 90), (90, 90, 150)
    blurred = truth.astype(float)
    for _ in range(3):
        blurred[:, 1:-1] = (blurred[:, :-2] + blurred[:, 1:-1] + blurred[:, 2:]) / 3
    sharp = scores.color_bleeding(Pair(truth, truth))
    assert sharp == 0
    assert scores.color_bleeding(Pair(truth, blurred.astype(np.uint8))) > 2
    flat = np.full((8, 12, 3), (150, 90, 90), np.uint8)
    other = np.full((8, 12, 3), (90, 150, 90), np.uint8)
    assert scores.color_bleeding(Pair(flat, other)) == 0

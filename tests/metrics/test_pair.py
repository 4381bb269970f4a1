import itertools

import numpy as np
import pytest
from skimage.color import rgb2lab

from zoo.errors import ZooError
from zoo.metrics import ColorStatistics, Pair, rgb_to_lab


def random_photo(seed, shape=(9, 8)):
    return np.random.default_rng(seed).integers(0, 256, (*shape, 3), dtype=np.uint8)


def test_lab_agrees_with_scikit_image_and_is_computed_once():
    pair = Pair(random_photo(0), random_photo(1))
    np.testing.assert_array_equal(pair.truth_lab, rgb2lab(pair.truth))
    np.testing.assert_array_equal(pair.prediction_lab, rgb2lab(pair.prediction))
    assert pair.truth_lab is pair.truth_lab
    assert pair.ciede2000 is pair.ciede2000


def test_squared_error_covers_ab_and_leaves_out_lightness():
    pair = Pair(random_photo(0), random_photo(1))
    difference = rgb2lab(pair.truth) - rgb2lab(pair.prediction)
    expected = difference[..., 1] ** 2 + difference[..., 2] ** 2
    np.testing.assert_allclose(pair.squared_ab_error, expected)


@pytest.mark.parametrize(
    ("truth", "prediction"),
    [
        (random_photo(0), random_photo(1, (8, 9))),
        (random_photo(0), random_photo(1) / 255),
        (random_photo(0) / 255, random_photo(1) / 255),
        (random_photo(0)[..., 0], random_photo(1)[..., 0]),
        (random_photo(0)[..., :2], random_photo(1)[..., :2]),
        (random_photo(0)[:0], random_photo(1)[:0]),
        (random_photo(0)[None], random_photo(1)[None]),
    ],
)
def test_photos_of_another_kind_are_refused_with_what_was_received(truth, prediction):
    with pytest.raises(ZooError) as caught:
        Pair(truth, prediction)
    assert str(truth.shape) in str(caught.value)
    assert str(prediction.dtype) in str(caught.value)


def test_statistics_count_the_nearest_grid_points():
    statistics = ColorStatistics()
    statistics.add(np.array([[[0.0, 0.0], [4.9, -4.9]], [[5.1, 0.0], [84.0, -106.0]]]))
    statistics.add(np.array([[14.9, 1.0]]))
    assert sorted(statistics.counts[statistics.counts > 0]) == [1, 2, 2]
    ab = np.array([[-3.0, 3.0], [12.0, 2.0], [80.0, -110.0]])
    np.testing.assert_allclose(statistics.pixel_weights(ab), [5 / 2, 5 / 2, 5 / 1])


def test_every_color_of_srgb_has_its_own_bin():
    levels = np.arange(0, 256, 15, dtype=np.uint8)
    ab = rgb_to_lab(np.array(list(itertools.product(levels, repeat=3))))[:, 1:]
    assert np.abs(ab).max() < 110
    statistics = ColorStatistics()
    statistics.add(ab)
    grid = {tuple(point) for point in np.rint(ab / 10).astype(int)}
    assert np.count_nonzero(statistics.counts) == len(grid)
    assert statistics.counts.sum() == len(ab)


def test_pixel_weights_of_each_bin_add_up_to_the_same_total():
    photos = [rgb_to_lab(random_photo(seed, (5 + seed, 7)))[..., 1:] for seed in range(4)]
    statistics = ColorStatistics()
    for ab in photos:
        statistics.add(ab)
    totals = {}
    for ab in photos:
        for (a, b), weight in zip(
            ab.reshape(-1, 2), statistics.pixel_weights(ab).ravel(), strict=True
        ):
            key = (round(a / 10), round(b / 10))
            totals[key] = totals.get(key, 0) + weight
    pixels = sum(ab[..., 0].size for ab in photos)
    np.testing.assert_allclose(list(totals.values()), pixels)


def test_a_color_that_was_never_counted_is_an_error():
    statistics = ColorStatistics()
    statistics.add(np.zeros((2, 2, 2)))
    with pytest.raises(ZooError, match="add"):
        statistics.pixel_weights(np.full((2, 2, 2), 50.0))


def test_a_pair_alone_counts_its_own_colors():
    truth, prediction = random_photo(0), random_photo(1)
    statistics = ColorStatistics()
    statistics.add(rgb_to_lab(truth)[..., 1:])
    np.testing.assert_array_equal(
        Pair(truth, prediction).pixel_weights, Pair(truth, prediction, statistics).pixel_weights
    )

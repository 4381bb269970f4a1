import numpy as np
import pytest
from skimage.color import rgb2lab

from zoo.errors import ZooError
from zoo.metrics import Pair


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


def test_what_is_known_of_the_truth_stays_known_in_other_colors(monkeypatch):
    converted = []

    def counting(rgb):
        converted.append(rgb)
        return rgb2lab(rgb)

    monkeypatch.setattr("zoo.metrics.pair.rgb_to_lab", counting)
    pair = Pair(random_photo(0), random_photo(1))
    for seed in (1, 2, 3):
        pair = pair.in_other_colors(random_photo(seed))
        assert pair.squared_ab_error.shape == (9, 8)
        expected = Pair(random_photo(0), random_photo(seed))
        assert pair.prediction_colorfulness == expected.prediction_colorfulness
        assert pair.truth_colorfulness == expected.truth_colorfulness
    assert [np.array_equal(rgb, pair.truth) for rgb in converted].count(True) == 1

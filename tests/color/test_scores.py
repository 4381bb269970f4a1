"""The formulas of AuC and colorfulness: with NumPy and in a graph, they say the same."""

import numpy as np
import pytest
from keras import ops

from zoo.color import scores


def test_auc_of_many_thresholds_nears_its_limit():
    errors = np.random.default_rng(0).gamma(2, 30, 4000)
    found = scores.auc(errors)
    assert found == pytest.approx(scores.auc_in_the_limit(errors), abs=0.5 / scores.FARTHEST)
    assert scores.auc(errors, np.ones(4000)) == found
    weights = np.where(errors < 20, 3, 1)
    repeated = np.concatenate([errors, errors[errors < 20], errors[errors < 20]])
    assert scores.auc(errors, weights) == pytest.approx(scores.auc(repeated), abs=1e-12)


@pytest.mark.parametrize(("error", "area"), [(0.0, 1.0), (75.0, 0.5), (150.0, 0.0), (400.0, 0.0)])
def test_the_limit_by_hand(error, area):
    assert scores.auc_in_the_limit(np.full((3, 4), error)) == pytest.approx(area)


def test_colorfulness_is_that_of_each_photo_in_either_layout_and_library():
    rgb = np.random.default_rng(1).integers(0, 256, (5, 7, 9, 3)).astype("float64")
    found = scores.colorfulness(rgb)
    alone = [scores.colorfulness(np.moveaxis(photo, -1, 0), channels=-3) for photo in rgb]
    np.testing.assert_allclose(found, alone, rtol=1e-12)
    in_graph = scores.colorfulness(ops.convert_to_tensor(rgb, "float32"), ops, epsilon=1e-12)
    np.testing.assert_allclose(ops.convert_to_numpy(in_graph), found, rtol=1e-5)
    # Red minus green is 255 and -255, their mean minus blue 127.5 twice.
    red_and_green = np.array([[[255.0, 0.0, 0.0], [0.0, 255.0, 0.0]]])
    assert scores.colorfulness(red_and_green) == pytest.approx(255 + 0.3 * 127.5)

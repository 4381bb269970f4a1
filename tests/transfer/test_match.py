"""Colors that are carried over where places look alike."""

from functools import lru_cache

import numpy as np
import pytest
from PIL import Image
from skimage import data
from skimage.color import rgb2lab

from zoo.transfer import match
from zoo.transfer.match import Match


def small(rgb, size):
    return np.array(Image.fromarray(rgb).resize(size, Image.Resampling.LANCZOS))


@pytest.fixture(scope="module", autouse=True)
def one_encoder():
    """Building it takes most of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(match, "encoder_features", lru_cache(match.encoder_features))
        yield


@pytest.fixture(scope="module")
def coffee():
    return small(data.coffee(), (192, 128))


@pytest.fixture(scope="module")
def of_itself(coffee):
    return Match(coffee)


def gray(rgb):
    return rgb2lab(rgb)[..., 0], np.zeros((*rgb.shape[:2], 2), np.float32)


def error(ab, rgb):
    return np.abs(ab - rgb2lab(rgb)[..., 1:]).mean()


def test_a_photo_gets_the_colors_of_its_own_colored_version(coffee, of_itself):
    found = of_itself(*gray(coffee))
    assert found.dtype == np.float32
    assert error(found, coffee) < 0.1 * error(0, coffee)
    _, confidence = of_itself.matched(gray(coffee)[0])
    said = confidence[1::4, 1::4]
    assert said.mean() > 0.99
    assert (confidence > 0).sum() == (said > 0).sum()


def test_its_mirror_image_does_nearly_as_well(coffee):
    found = Match(coffee[:, ::-1])(*gray(coffee))
    assert error(found, coffee) < 0.35 * error(0, coffee)


def test_a_part_colors_that_part_and_leaves_the_rest_to_the_model(coffee, of_itself):
    part = Match(coffee[:, :96])
    own = np.full((*coffee.shape[:2], 2), (5.0, -60.0), np.float32)
    found = part(gray(coffee)[0], own)
    assert error(found[:, :80], coffee[:, :80]) < 0.3 * error(own[:, :80], coffee[:, :80])
    right = found[:, 140:]
    assert np.median(np.abs(right - own[:, 140:])) < 1.0


@pytest.mark.parametrize("kind", ["flat", "noise"])
def test_nothing_in_common_leaves_the_model_s_answer(coffee, kind):
    rng = np.random.default_rng(0)
    flat = np.full((96, 96, 3), (200, 30, 60), np.uint8)
    noise = rng.integers(0, 256, (96, 96, 3), dtype=np.uint8)
    reference = Match(flat if kind == "flat" else noise)
    lightness, _ = gray(coffee)
    own = rng.normal(0, 20, (*lightness.shape, 2)).astype(np.float32)
    _, confidence = reference.matched(lightness)
    assert confidence[1::4, 1::4].mean() < 0.02
    changed = np.abs(reference(lightness, own) - own).max(axis=-1) > 2
    assert changed.mean() < 0.05


def test_a_match_counts_only_if_it_leads_back():
    similarity = np.full((9, 9), 0.1, np.float32)
    similarity[0, 4] = similarity[8, 4] = 0.8  # the fourth place's own best is the first
    similarity[0, 4] += 0.01
    similarity[1, 5] = 0.8
    similarity[2, 5] = 0.81  # beside the place that it leads back to
    confidence = Match._confidence(None, similarity, (3, 3))
    np.testing.assert_array_equal(confidence, [1, 1, 1, 0, 0, 0, 0, 0, 0])


def test_similarity_is_the_cosine_of_what_differs_from_the_mean():
    rng = np.random.default_rng(0)
    photo = [rng.normal(3, 1, (2, 3, 4)), rng.normal(-1, 1, (2, 3, 5))]
    reference = [rng.normal(3, 1, (3, 3, 4)), rng.normal(-1, 1, (3, 3, 5))]
    expected = np.zeros((6, 9))
    for share, here, there in zip((0.4, 0.6), photo, reference, strict=True):
        middle = (here.reshape(6, -1).mean(axis=0) + there.reshape(9, -1).mean(axis=0)) / 2
        for n, one in enumerate(here.reshape(6, -1) - middle):
            for m, other in enumerate(there.reshape(9, -1) - middle):
                lengths = np.linalg.norm(one) * np.linalg.norm(other)
                expected[n, m] += share * (one @ other) / lengths
    np.testing.assert_allclose(match._similarity(photo, reference), expected, atol=1e-6)


def test_what_is_said_everywhere_is_what_is_matched(coffee, of_itself):
    ab, trust = of_itself.everywhere(gray(coffee)[0])
    assert error(ab, coffee) < 0.1 * error(0, coffee)
    assert trust.shape == (*coffee.shape[:2], 1)
    assert trust.mean() > 0.9


@pytest.mark.parametrize("size", [(5, 9), (33, 70), (1, 1)])
def test_photos_of_any_size(of_itself, size):
    lightness = np.random.default_rng(0).uniform(0, 100, size)
    ab = of_itself(lightness, np.zeros((*size, 2), np.float32))
    assert ab.shape == (*size, 2)
    assert np.isfinite(ab).all()

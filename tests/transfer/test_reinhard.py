"""Color transfer by statistics, against the paper's equations written out once more."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.color import rgb2lab

from zoo.transfer import reinhard
from zoo.transfer.reinhard import Reinhard, lalphabeta_to_rgb, rgb_to_lalphabeta


def by_hand(rgb):
    """Equations 4 to 6 of one pixel."""
    r, g, b = rgb
    long, middle, short = (
        np.log10(x * r + y * g + z * b)
        for x, y, z in (
            (0.3811, 0.5783, 0.0402),
            (0.1967, 0.7244, 0.0782),
            (0.0241, 0.1288, 0.8444),
        )
    )
    return (
        (long + middle + short) / 3**0.5,
        (long + middle - 2 * short) / 6**0.5,
        (long - middle) / 2**0.5,
    )


def picture(seed, low=40, high=220, size=(24, 30)):
    rng = np.random.default_rng(seed)
    return rng.integers(low, high, (*size, 3), dtype=np.uint8)


def test_the_color_space_is_the_paper_s():
    rgb = picture(0)[0] / 255
    np.testing.assert_allclose(rgb_to_lalphabeta(rgb), [by_hand(one) for one in rgb], atol=1e-12)


def test_there_and_back():
    rgb = picture(1) / 255
    # The published matrices are each other's inverse to two decimals.
    np.testing.assert_allclose(lalphabeta_to_rgb(rgb_to_lalphabeta(rgb)), rgb, atol=8e-3)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_mean_and_deviation_become_those_of_the_reference(first, second):
    photo, reference = picture(first), picture(second, 90, 170)
    lab = rgb2lab(photo)
    seen = {}

    def noted(lalphabeta):
        seen["color"] = lalphabeta[..., 1:]
        return lalphabeta_to_rgb(lalphabeta)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reinhard, "lalphabeta_to_rgb", noted)
        Reinhard(reference)(lab[..., 0], lab[..., 1:])
    wanted = np.array([by_hand(one) for one in reference.reshape(-1, 3) / 255])[:, 1:]
    found = seen["color"].reshape(-1, 2)
    np.testing.assert_allclose(found.mean(axis=0), wanted.mean(axis=0), atol=1e-9)
    np.testing.assert_allclose(found.std(axis=0), wanted.std(axis=0), atol=1e-9)


def test_a_gray_photo_gets_the_mean_color_as_one_tint():
    reference = picture(2)
    mean = np.array([by_hand(one) for one in reference.reshape(-1, 3) / 255])[:, 1:].mean(axis=0)
    lightness = np.linspace(20, 80, 12).reshape(3, 4)
    ab = Reinhard(reference)(lightness, np.zeros((3, 4, 2)))
    level = np.array([rgb_to_lalphabeta(np.full(3, 0.5))[0], *mean])
    angle = np.arctan2(*rgb2lab(lalphabeta_to_rgb(level))[:0:-1])
    angles = np.arctan2(ab[..., 1], ab[..., 0])
    np.testing.assert_allclose(angles, angle, atol=0.15)


def test_a_photo_as_its_own_reference_stays():
    photo = picture(3, 60, 200)
    lab = rgb2lab(photo)
    found = Reinhard(photo)(lab[..., 0], lab[..., 1:])
    assert np.abs(found - lab[..., 1:]).max() < 1.5


def test_black_and_white_are_finite():
    reference = np.zeros((20, 20, 3), np.uint8)
    reference[:10] = (255, 0, 0)
    ab = Reinhard(reference)(np.array([[0.0, 100.0, 50.0]]), np.zeros((1, 3, 2)))
    assert np.isfinite(ab).all()

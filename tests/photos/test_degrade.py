import io

import numpy as np
import pytest
import skimage
from keras import ops
from PIL import Image
from scipy import ndimage

from zoo.color.spaces import rgb_to_lightness
from zoo.photos import degrade
from zoo.photos.degrade import DEGRADATIONS, generator_of, numbers_of_photos


@pytest.fixture(scope="module")
def lightness():
    """A photo's L with noise, flat places and edges, (21, 34)."""
    photo = np.random.default_rng(0).uniform(0, 100, (21, 34))
    photo[5:12, 8:20] = 70.0
    photo[:, 25:] = 5.0
    return photo.astype(np.float32)


@pytest.fixture(scope="module")
def astronaut():
    """A gray photo whose sides are no multiples of 8, (203, 251) uint8."""
    photo = Image.fromarray(skimage.data.astronaut()).convert("L")
    return np.asarray(photo.resize((251, 203)))


def of_gray(gray):
    return degrade.lightness_of(gray[..., None].repeat(3, axis=-1))


def flat(lightness, side=64):
    return np.full((side, side), lightness, np.float32)


def test_lightness_is_that_of_the_color_module():
    rgb = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    rgb[:2] //= 30  # the straight piece of the curve, too
    wanted = ops.convert_to_numpy(rgb_to_lightness(rgb))[..., 0]
    np.testing.assert_allclose(degrade.lightness_of(rgb), wanted, atol=1e-3)


@pytest.mark.parametrize("sigma", [0.3, 0.6, 1.2, 2.5])
def test_blur_is_a_convolution_with_a_gaussian(lightness, sigma):
    away = np.arange(-12, 13)
    kernel = np.exp(-0.5 * (away[:, None] ** 2 + away**2) / sigma**2)
    padded = np.pad(lightness.astype(np.float64), 12, mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape)
    wanted = np.einsum("hwij,ij->hw", windows, kernel / kernel.sum())
    # Beyond four standard deviations nothing is weighed here.
    np.testing.assert_allclose(degrade.blur(lightness, sigma), wanted, atol=2e-2)


def test_sharpening_is_the_unsharp_mask_of_scikit_image(lightness):
    found = degrade.sharpen(lightness, sigma=1.0, amount=0.7)
    wanted = 100 * skimage.filters.unsharp_mask(lightness.astype(np.float64) / 100, 1.0, 0.7)
    # At the border scikit-image reflects the edge pixel, too.
    inside = (slice(4, -4), slice(4, -4))
    np.testing.assert_allclose(found[inside], wanted[inside], atol=2e-3)


def test_tones_are_those_computed_by_hand():
    levels = np.array([[0.0, 10.0, 50.0, 100.0]], np.float32)
    np.testing.assert_allclose(degrade.gamma(levels, 2.0), [[0, 1, 25, 100]], atol=1e-4)
    np.testing.assert_allclose(degrade.contrast(levels, 1.5), [[0, 0, 50, 100]], atol=1e-4)
    np.testing.assert_allclose(degrade.contrast(levels, 0.5), [[25, 30, 50, 75]], atol=1e-4)
    np.testing.assert_allclose(degrade.fade(levels, 20, 90), [[20, 27, 55, 90]], atol=1e-4)


def test_a_vignette_darkens_the_corners_most_and_not_the_center():
    shaded = degrade.vignette(np.full((5, 9), 60.0, np.float32), 0.5)
    assert shaded[2, 4] == 60.0
    # The middle of an edge is at r = 1 / sqrt(2).
    edges = [shaded[0, 4], shaded[2, 0]]
    np.testing.assert_allclose(edges, 60.0 * (1 - 0.5 / 2), rtol=1e-6)
    np.testing.assert_allclose(shaded[[0, 0, -1, -1], [0, -1, 0, -1]], 30.0, rtol=1e-6)


@pytest.mark.parametrize("size", [0.4, 0.6, 1.5])
def test_grain_has_its_strength_in_midtones_and_none_in_black_and_white(size):
    rms = {}
    for level in (0.0, 20.0, 50.0, 100.0):
        grainy = degrade.grain(flat(level, 400), 5.0, size, np.random.default_rng(0))
        rms[level] = np.sqrt(np.mean((grainy - level) ** 2))
    assert rms[50.0] == pytest.approx(5.0, rel=0.05)
    assert rms[20.0] == pytest.approx(5.0 * 4 * 0.2 * 0.8, rel=0.05)
    assert rms[0.0] == rms[100.0] == 0.0


def test_grain_is_correlated_as_blurred_noise_is():
    """Noise blurred by sigma has the autocorrelation exp(-d^2 / (4 sigma^2))."""
    noise = degrade.grain(flat(50.0, 500), 2.0, 1.5, np.random.default_rng(1)) - 50.0
    for distance in (1, 2, 4):
        found = np.mean(noise[:, distance:] * noise[:, :-distance]) / np.mean(noise**2)
        assert found == pytest.approx(np.exp(-(distance**2) / 9.0), abs=0.02)


def test_scratches_are_thin_lines_and_few_specks():
    for number in range(20):
        scratched = degrade.scratches(flat(50.0), 1, 0, np.random.default_rng(number))
        hit = np.abs(scratched - 50.0) > 1
        rows = hit.any(axis=1).sum()
        assert np.count_nonzero(hit) <= 6 * rows  # two px, a soft edge, and some lean
        assert rows == 0 or hit.sum(axis=1).max() <= 6
        specks = np.abs(degrade.scratches(flat(50.0), 0, 5, np.random.default_rng(number)) - 50)
        assert 0 < np.count_nonzero(specks) <= 5 * 25
        assert ndimage.label(specks > 5, np.ones((3, 3)))[1] <= 5


def test_scratches_are_bright_and_dark_mostly_upright_and_leave_the_rest_alone():
    photos = [degrade.scratches(flat(50.0), 3, 10, np.random.default_rng(n)) for n in range(20)]
    changes = np.stack(photos) - 50.0
    assert (changes > 20).any()
    assert (changes < -20).any()
    assert 0.005 < np.mean(changes != 0) < 0.25
    lines = [degrade.scratches(flat(50.0), 1, 0, np.random.default_rng(n)) for n in range(60)]
    upright = [np.count_nonzero((line != 50.0).any(axis=0)) <= 8 for line in lines]
    assert np.mean(upright) > 0.6


@pytest.mark.parametrize("quality", [10, 30, 50, 75, 95])
def test_jpeg_is_that_of_pillow(astronaut, quality):
    file = io.BytesIO()
    Image.fromarray(astronaut).save(file, "JPEG", quality=quality)
    wanted = of_gray(np.asarray(Image.open(file)))
    found = degrade.jpeg(of_gray(astronaut), quality)
    lost = np.abs(wanted - of_gray(astronaut)).mean()
    # Pillow's integer arithmetic rounds a coefficient in some hundreds to the other side.
    assert np.abs(found - wanted).mean() < 0.03 < lost
    assert np.mean(np.abs(found - wanted) > 0.01) < 0.1


@pytest.mark.parametrize("name", DEGRADATIONS)
def test_every_degradation_keeps_shape_and_range_and_changes_photos(lightness, name):
    for photo in (lightness, np.zeros_like(lightness), np.full_like(lightness, 100.0)):
        changed = DEGRADATIONS[name](photo[None, ..., None], [7])
        assert changed.shape == (1, *photo.shape, 1)
        assert changed.dtype == np.float32
        assert changed.min() >= 0.0
        assert changed.max() <= 100.001
    changed = DEGRADATIONS[name](lightness[None, ..., None], [7])[0, ..., 0]
    assert np.abs(changed - lightness).mean() > 0.3
    assert DEGRADATIONS[name](lightness[None, :1, :2, None], [7]).shape == (1, 1, 2, 1)


@pytest.mark.parametrize("name", DEGRADATIONS)
def test_a_photo_is_degraded_by_its_number_whatever_the_batch(lightness, name):
    photos = np.stack([lightness, lightness[::-1], lightness])[..., None]
    whole = DEGRADATIONS[name](photos, [3, 4, 5])
    for row, number in enumerate([3, 4, 5]):
        alone = DEGRADATIONS[name](photos[row : row + 1], [number])
        np.testing.assert_array_equal(whole[row], alone[0])
    random = name in ("grain", "scratched")
    assert (whole[0] != whole[2]).any() == random
    assert (DEGRADATIONS[name](photos, [3, 4, 5], seed=1) != whole).any() == random


def test_random_numbers_of_neighbors_and_seeds_differ():
    drawn = {generator_of(seed, number).random() for seed in range(3) for number in range(50)}
    assert len(drawn) == 150


def test_a_photo_s_number_follows_from_its_pixels():
    rgb = np.random.default_rng(0).integers(0, 256, (3, 8, 9, 3), dtype=np.uint8)
    numbers = numbers_of_photos(rgb)
    assert len(set(numbers)) == 3
    assert numbers_of_photos(rgb[:, ::-1][::-1])[::-1] == numbers_of_photos(rgb[:, ::-1])
    assert numbers_of_photos(rgb[1:2].copy()) == numbers[1:2]

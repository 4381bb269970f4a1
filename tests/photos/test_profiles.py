"""Photos with color profiles come as sRGB."""

import io

import numpy as np
import pytest
from icc_profiles import ADOBE, P3, dot_gain_profile, gray_profile, rgb_profile, rgb_to, srgb_from
from PIL import Image, ImageCms

from zoo.photos.decoding import read_photo, read_preview, write_photo
from zoo.photos.profiles import from_srgb, rgb_profile_of, to_srgb

COLORS = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
GRAYS = np.arange(256, dtype=np.uint8).reshape(16, 16)


def saved(image, kind, profile):
    file = io.BytesIO()
    image.save(file, kind, icc_profile=profile)
    return file.getvalue()


def encoded(luminance):
    return np.where(
        luminance > 0.0031308, 1.055 * luminance ** (1 / 2.4) - 0.055, 12.92 * luminance
    )


@pytest.mark.parametrize("space", [ADOBE, P3], ids=["adobe", "p3"])
def test_colors_are_converted_by_the_formulas(space):
    rgb, alpha, _ = read_photo(saved(Image.fromarray(COLORS), "PNG", rgb_profile(*space)))
    expected = 255 * srgb_from(COLORS / 255, *space)
    assert alpha is None
    assert np.abs(rgb - expected).max() < 1.6
    assert np.abs(rgb - COLORS.astype(float)).max() > 10


def test_grays_are_converted_by_their_curve():
    rgb, *_ = read_photo(saved(Image.fromarray(GRAYS), "PNG", gray_profile(1.0)))
    assert np.abs(rgb[..., 0] - 255 * encoded(GRAYS / 255)).max() < 1.6
    assert (rgb.max(axis=-1) == rgb.min(axis=-1)).all()
    # A dot gain of 20 %: what is printed is darker than it says in the middle.
    ink = 1 - np.linspace(0, 1, 256)
    luminance = 1 - np.clip(ink + 0.8 * ink * (1 - ink), 0, 1)
    rgb, *_ = read_photo(saved(Image.fromarray(GRAYS), "TIFF", dot_gain_profile(luminance)))
    assert np.abs(rgb[..., 0] - 255 * encoded(luminance[GRAYS])).max() < 1.6


def test_grays_of_16_bits_are_converted():
    deep = GRAYS.astype(np.uint16) * 257
    rgb, *_ = read_photo(saved(Image.fromarray(deep), "PNG", gray_profile(1.0)))
    assert np.abs(rgb[..., 0] - 255 * encoded(GRAYS / 255)).max() < 1.6


def test_opacity_stays():
    opacity = np.linspace(0, 255, 600).astype(np.uint8).reshape(20, 30)
    image = Image.fromarray(np.dstack([COLORS, opacity]))
    rgb, alpha, _ = read_photo(saved(image, "PNG", rgb_profile(*ADOBE)))
    np.testing.assert_array_equal(alpha, opacity)
    plain, *_ = read_photo(saved(Image.fromarray(COLORS), "PNG", rgb_profile(*ADOBE)))
    np.testing.assert_array_equal(rgb, plain)


def test_palettes_with_a_transparent_color_keep_it():
    image = Image.fromarray(COLORS).quantize(16)
    file = io.BytesIO()
    image.save(file, "PNG", icc_profile=rgb_profile(*ADOBE), transparency=3)
    rgb, alpha, _ = read_photo(file.getvalue())
    np.testing.assert_array_equal(alpha == 0, np.asarray(image) == 3)
    expected = 255 * srgb_from(np.asarray(image.convert("RGB")) / 255, *ADOBE)
    seen = alpha > 0
    assert np.abs(rgb - expected)[seen].max() < 1.6


def test_srgb_changes_nothing():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image = Image.open(io.BytesIO(saved(Image.fromarray(COLORS), "PNG", profile)))
    image.load()
    assert to_srgb(image) is image
    assert rgb_profile_of(image) is None
    np.testing.assert_array_equal(read_photo(saved(image, "PNG", profile))[0], COLORS)


@pytest.mark.parametrize(
    "profile",
    [b"no profile", rgb_profile(*ADOBE)[:200], gray_profile(1.0)],
    ids=["text", "cut", "gray"],
)
def test_a_profile_that_cannot_be_used_is_left_aside(profile):
    """The last is of another kind than the photo."""
    rgb, *_ = read_photo(saved(Image.fromarray(COLORS), "PNG", profile))
    np.testing.assert_array_equal(rgb, COLORS)


def test_previews_are_converted_too():
    data = saved(Image.fromarray(COLORS), "PNG", rgb_profile(*ADOBE))
    np.testing.assert_array_equal(read_preview(data, "photo", 20), read_photo(data)[0])


def test_colors_go_back_into_their_profile():
    profile = rgb_profile(*ADOBE)
    image = Image.open(io.BytesIO(saved(Image.fromarray(COLORS), "PNG", profile)))
    image.load()
    assert rgb_profile_of(image) == profile
    there = np.asarray(from_srgb(Image.fromarray(COLORS), profile))
    assert np.abs(there - 255 * rgb_to(COLORS / 255, *ADOBE)).max() < 1


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp"])
def test_photos_are_saved_in_a_profile(tmp_path, suffix):
    profile, path = rgb_profile(*ADOBE), tmp_path / f"photo{suffix}"
    smooth = np.asarray(Image.fromarray(COLORS).resize((90, 60), Image.Resampling.BICUBIC))
    write_photo(path, smooth, profile=profile)
    with Image.open(path) as image:
        assert image.info["icc_profile"] == profile
        difference = np.asarray(image) - 255 * rgb_to(smooth / 255, *ADOBE)
    assert np.abs(difference).mean() < 3  # JPEG loses most
    assert read_photo(path).profile == profile
    write_photo(tmp_path / "photo.bmp", smooth, profile=profile)  # has no profiles
    np.testing.assert_array_equal(read_photo(tmp_path / "photo.bmp").rgb, smooth)


def test_only_profiles_for_colors_are_kept():
    assert read_photo(saved(Image.fromarray(GRAYS), "PNG", gray_profile(1.0))).profile is None
    assert read_photo(saved(Image.fromarray(COLORS), "PNG", None)).profile is None

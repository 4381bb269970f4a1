"""Photos of 16 bits a channel."""

import io

import numpy as np
import pytest
from icc_profiles import ADOBE, gray_profile, rgb_profile, rgb_to, srgb_from
from PIL import Image

from zoo.photos.decoding import PhotoError
from zoo.photos.vips import has_16_bits, read_deep, write_deep

pytest.importorskip("pyvips", reason="the extra `vips` is not installed")
tifffile = pytest.importorskip("tifffile")

COLORS = np.random.default_rng(0).integers(0, 65536, (20, 30, 3), dtype=np.uint16)
OPACITY = np.random.default_rng(1).integers(0, 65536, (20, 30), dtype=np.uint16)


def gray_file(kind, **options):
    file = io.BytesIO()
    Image.fromarray(COLORS[..., 0]).save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize("suffix", [".png", ".tif", ".TIFF"])
@pytest.mark.parametrize("alpha", [None, OPACITY], ids=["opaque", "alpha"])
def test_what_is_written_is_read_to_the_bit(tmp_path, suffix, alpha):
    path = tmp_path / f"photo{suffix}"
    write_deep(path, COLORS, alpha)
    data = path.read_bytes()
    assert has_16_bits(data)
    found = read_deep(data, "photo")
    np.testing.assert_array_equal(found.rgb, COLORS)
    assert (found.alpha is None) == (alpha is None)
    if alpha is not None:
        np.testing.assert_array_equal(found.alpha, alpha)
    if suffix != ".png" and alpha is None:
        np.testing.assert_array_equal(tifffile.imread(path), COLORS)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_grays_have_three_equal_channels(kind):
    found = read_deep(gray_file(kind), "photo")
    np.testing.assert_array_equal(found.rgb, COLORS[..., :1].repeat(3, axis=-1))
    assert found.alpha is None


def assert_alike(found, expected):
    """To a fraction of a level of 255; LittleCMS is coarser where a channel is nearly 0."""
    difference = np.abs(found - expected)
    assert np.median(difference) < 2e-4
    assert np.quantile(difference, 0.95) < 0.01


def test_profiles_are_converted_and_kept(tmp_path):
    profile, path = rgb_profile(*ADOBE), tmp_path / "photo.tif"
    write_deep(path, COLORS, profile=profile)
    with Image.open(path) as image:
        assert image.info["icc_profile"] == profile
    stored = tifffile.imread(path) / 65535
    assert_alike(stored, rgb_to(COLORS / 65535, *ADOBE))
    found = read_deep(path.read_bytes(), "photo")
    assert found.profile == profile
    assert_alike(found.rgb / 65535, srgb_from(stored, *ADOBE))


def test_gray_profiles_are_converted():
    found = read_deep(gray_file("TIFF", icc_profile=gray_profile(1.0)), "photo")
    y = COLORS[..., 0] / 65535
    expected = np.where(y > 0.0031308, 1.055 * y ** (1 / 2.4) - 0.055, 12.92 * y)
    assert_alike(found.rgb[..., 0] / 65535, expected)
    assert found.profile is None


def test_a_turned_photo_is_upright():
    exif = Image.Exif()
    exif[0x0112] = 6
    found = read_deep(gray_file("PNG", exif=exif), "photo")
    np.testing.assert_array_equal(found.rgb[..., 0], np.rot90(COLORS[..., 0], -1))


def test_files_of_8_bits_of_floats_and_broken_ones_are_none(tmp_path):
    file = io.BytesIO()
    Image.fromarray((COLORS // 257).astype(np.uint8)).save(file, "TIFF")
    assert not has_16_bits(file.getvalue())
    tifffile.imwrite(tmp_path / "half.tif", np.zeros((4, 4), np.float16))
    for data in ((tmp_path / "half.tif").read_bytes(), b"", b"no photo", gray_file("PNG")[:20]):
        assert not has_16_bits(data)


def compressed():
    file = io.BytesIO()
    tifffile.imwrite(file, COLORS, compression="zlib")
    return file.getvalue()


@pytest.mark.parametrize("data", [gray_file("PNG"), gray_file("TIFF"), compressed()])
def test_what_is_cut_off_is_refused(data):
    assert has_16_bits(data)
    with pytest.raises(PhotoError, match="damaged or incomplete") as caught:
        read_deep(data[: len(data) // 2], "the photo")
    assert caught.value.name == "the photo"
    assert "\n" not in str(caught.value)

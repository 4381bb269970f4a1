"""Photos that are read and written row by row."""

import numpy as np
import pytest
from icc_profiles import P3, rgb_profile
from PIL import Image

from zoo import conformance, create_model
from zoo.errors import ZooError
from zoo.fullsize import FullSize
from zoo.inference import folders, large
from zoo.inference.folders import run_jobs
from zoo.inference.jobs import Outcome, plan_jobs
from zoo.inference.large import LargePhoto
from zoo.photos.decoding import PhotoError, read_photo
from zoo.photos.vips import read_deep, write_deep

pytest.importorskip("pyvips", reason="the extra `vips` is not installed")

COLORS = np.random.default_rng(0).integers(0, 256, (61, 45, 3), dtype=np.uint8)
AB = np.random.default_rng(1).uniform(-60, 60, (1, 8, 6, 2)).astype("float32")


@pytest.fixture(autouse=True)
def few_rows(monkeypatch):
    """Seven rows at a time."""
    monkeypatch.setattr(large, "_ROWS", 7 * 45)


def saved(tmp_path, rgb=COLORS, suffix=".tif", **options):
    path = tmp_path / f"photo{suffix}"
    Image.fromarray(rgb).save(path, **options)
    return path


@pytest.mark.parametrize("suffix", [".tif", ".png"])
def test_rows_are_the_whole(tmp_path, suffix):
    photo, whole = LargePhoto(saved(tmp_path, suffix=suffix)), FullSize(COLORS[None])
    assert photo.size == (61, 45)
    for size in ((16, 12), (61, 45), (3, 90)):
        expected = whole.working_lightness(size)
        np.testing.assert_allclose(photo.working_lightness(size), expected, atol=1e-4)
    photo.save(tmp_path / f"out{suffix}", AB, None)
    found = read_photo(tmp_path / f"out{suffix}").rgb
    np.testing.assert_array_equal(found, whole.merge(AB)[0])


def test_rows_of_16_bits(tmp_path):
    deep = np.random.default_rng(2).integers(0, 65536, (61, 45, 3), dtype=np.uint16)
    write_deep(tmp_path / "photo.png", deep)
    LargePhoto(tmp_path / "photo.png").save(tmp_path / "out.png", AB, None)
    found = read_deep((tmp_path / "out.png").read_bytes(), "out").rgb
    np.testing.assert_array_equal(found, FullSize(deep[None]).merge(AB)[0])


def test_jpeg_nearly(tmp_path):
    smooth = np.asarray(Image.fromarray(COLORS[:6, :5]).resize((45, 61), Image.Resampling.BICUBIC))
    LargePhoto(saved(tmp_path, smooth)).save(tmp_path / "out.jpg", AB / 4, None)
    expected = FullSize(smooth[None]).merge(AB / 4)[0].astype(int)
    assert np.abs(read_photo(tmp_path / "out.jpg").rgb - expected).mean() < 2


def test_gray_photos_with_opacity(tmp_path):
    gray = COLORS[..., 0]
    path = saved(tmp_path, np.dstack([gray, COLORS[..., 1]]), ".png")
    LargePhoto(path).save(tmp_path / "out.png", AB, None)
    found = read_photo(tmp_path / "out.png")
    np.testing.assert_array_equal(found.alpha, COLORS[..., 1])
    expected = FullSize(gray[None, ..., None].repeat(3, axis=-1)).merge(AB)[0]
    np.testing.assert_array_equal(found.rgb, expected)


def test_turned_photos_are_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    photo = LargePhoto(saved(tmp_path, suffix=".png", exif=exif))
    assert photo.size == (45, 61)
    photo.save(tmp_path / "out.png", AB, None)
    upright = np.rot90(COLORS, -1)
    np.testing.assert_array_equal(
        read_photo(tmp_path / "out.png").rgb, FullSize(upright[None]).merge(AB)[0]
    )


def test_profiles_are_converted_and_kept(tmp_path):
    profile = rgb_profile(*P3)
    path = saved(tmp_path, suffix=".png", icc_profile=profile)
    photo, read = LargePhoto(path), read_photo(path)
    assert photo.profile == read.profile == profile
    for name, kept in (("srgb.png", None), ("own.png", profile)):
        photo.save(tmp_path / name, AB, kept)
        found = read_photo(tmp_path / name)
        assert found.profile == kept
        expected = FullSize(read.rgb[None]).merge(AB)[0].astype(int)
        assert np.abs(found.rgb - expected).mean() < 2.5


def test_a_folder_takes_large_photos_this_way(tmp_path, monkeypatch):
    monkeypatch.setattr(folders, "LARGE", 1000)
    (tmp_path / "out").mkdir()
    Image.fromarray(COLORS[:20, :30]).save(tmp_path / "small.png")
    saved(tmp_path)
    seen = []
    open_large = folders.LargePhoto
    monkeypatch.setattr(folders, "LargePhoto", lambda path: seen.append(path) or open_large(path))
    model = conformance.shaken(create_model("zhang:tiny"))
    sources = [tmp_path / "photo.tif", tmp_path / "small.png"]
    assert run_jobs(model, plan_jobs(sources, tmp_path / "out"), {}) == Outcome()
    assert seen == sources[:1]
    for source in sources:
        found = read_photo(tmp_path / "out" / source.name).rgb.astype(int)
        assert np.abs(found - model.colorize(source)).max() <= 1


@pytest.mark.parametrize("suffix", [".tif", ".png"])
def test_what_is_cut_off_is_refused_and_nothing_is_left(tmp_path, suffix):
    path = saved(tmp_path, suffix=suffix)
    path.write_bytes(path.read_bytes()[:-3000])
    with pytest.raises(PhotoError, match="damaged or incomplete"):
        LargePhoto(path).working_lightness((16, 12))
    with pytest.raises(PhotoError, match="damaged or incomplete"):
        LargePhoto(path).save(tmp_path / f"out{suffix}", AB, None)
    assert sorted(tmp_path.iterdir()) == [path]


def test_what_fails_while_rows_are_made_is_told(tmp_path, monkeypatch):
    def broken(photo, ab):
        raise MemoryError("no memory is left")

    photo = LargePhoto(saved(tmp_path))
    monkeypatch.setattr(FullSize, "merge", broken)
    with pytest.raises(MemoryError, match="no memory is left"):
        photo.save(tmp_path / "out.png", AB, None)
    assert not (tmp_path / "out.png").exists()


def test_formats_that_are_too_small_are_refused(tmp_path):
    with pytest.raises(ZooError, match=r"out.bmp cannot hold so large a photo; save .* as .*tif"):
        LargePhoto(saved(tmp_path)).save(tmp_path / "out.bmp", AB, None)


def test_pixels_are_counted_by_the_header(tmp_path):
    assert large.pixels_of(saved(tmp_path)) == 61 * 45
    (tmp_path / "text.png").write_text("no photo")
    assert large.pixels_of(tmp_path / "text.png") == 0
    assert large.pixels_of(tmp_path / "missing.png") == 0

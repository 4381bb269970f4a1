import io
import os
import pickle
import struct
import subprocess
import sys
import warnings
import zlib

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, ImageCms

from zoo.errors import ZooError
from zoo.photos.decoding import (
    PHOTO_SUFFIXES,
    PhotoError,
    read_file,
    read_photo,
    read_preview,
    read_rgb,
    shrink,
    write_photo,
)

RNG = np.random.default_rng(7)
COLORS = RNG.integers(0, 256, (5, 7, 3), dtype=np.uint8)
GRAYS = RNG.integers(0, 256, (5, 7), dtype=np.uint8)
ALPHA = RNG.integers(0, 256, (5, 7), dtype=np.uint8)
DEEP = RNG.integers(0, 65536, (5, 7), dtype=np.uint16)


def stacked(gray):
    return np.stack([gray] * 3, axis=-1)


def smooth_photo(width=200, height=150):
    coarse = Image.fromarray(RNG.integers(0, 256, (5, 6, 3), dtype=np.uint8))
    return coarse.resize((width, height), Image.Resampling.BICUBIC)


def encoded(image, photo_format="PNG", **options):
    file = io.BytesIO()
    image.save(file, photo_format, **options)
    return file.getvalue()


def assert_one_sentence(error, *parts):
    message = str(error.value)
    assert isinstance(error.value, ZooError)
    assert message.endswith(".")
    assert "\n" not in message
    for part in parts:
        assert part in message


def test_every_kind_of_source_gives_the_same_photo(tmp_path):
    path = tmp_path / "photo.png"
    Image.fromarray(COLORS).save(path)
    for source in (path, str(path), path.read_bytes(), Image.open(path), COLORS):
        rgb, alpha, _ = read_photo(source)
        np.testing.assert_array_equal(rgb, COLORS)
        assert rgb.dtype == np.uint8
        assert rgb.flags.writeable
        assert alpha is None


def test_reading_an_array_does_not_share_its_memory():
    source = COLORS.copy()
    read_photo(source)[0][:] = 0
    np.testing.assert_array_equal(source, COLORS)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("photo_format", ["PNG", "JPEG", "TIFF"])
def test_exif_orientation(orientation, photo_format):
    # What a viewer shows, by the EXIF standard: where the stored row 0 and column 0 belong.
    shown = {
        1: COLORS,
        2: COLORS[:, ::-1],
        3: COLORS[::-1, ::-1],
        4: COLORS[::-1],
        5: COLORS.swapaxes(0, 1),
        6: np.rot90(COLORS, -1),
        7: np.rot90(COLORS, 2).swapaxes(0, 1),
        8: np.rot90(COLORS, 1),
    }[orientation]
    # Blocks of 16 px survive JPEG, whose blocks they are.
    stored = Image.fromarray(COLORS.repeat(16, axis=0).repeat(16, axis=1))
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 100, "subsampling": 0} if photo_format == "JPEG" else {}
    data = encoded(stored, photo_format, exif=exif, **options)
    rgb = read_rgb(data)
    expected = shown.repeat(16, axis=0).repeat(16, axis=1)
    assert rgb.shape == expected.shape
    assert np.abs(rgb.astype(int) - expected).max() <= (6 if photo_format == "JPEG" else 0)
    assert read_preview(data, "photo", 16).shape[:2] == shrink(expected, 16).shape[:2]


def test_a_broken_exif_block_does_not_matter():
    data = encoded(Image.fromarray(COLORS), exif=b"Exif\0\0 this is no TIFF header")
    np.testing.assert_array_equal(read_rgb(data), COLORS)


def test_bilevel_gray_and_gray_with_alpha():
    bilevel = Image.fromarray(GRAYS > 127)
    assert bilevel.mode == "1"
    np.testing.assert_array_equal(read_rgb(encoded(bilevel)), stacked((GRAYS > 127) * 255))
    np.testing.assert_array_equal(read_rgb(encoded(Image.fromarray(GRAYS))), stacked(GRAYS))
    both = Image.merge("LA", [Image.fromarray(GRAYS), Image.fromarray(ALPHA)])
    rgb, alpha, _ = read_photo(encoded(both))
    np.testing.assert_array_equal(rgb, stacked(GRAYS))
    np.testing.assert_array_equal(alpha, ALPHA)


def test_rgba_and_premultiplied_rgba():
    image = Image.fromarray(np.dstack([COLORS, ALPHA]))
    rgb, alpha, _ = read_photo(encoded(image))
    np.testing.assert_array_equal(rgb, COLORS)
    np.testing.assert_array_equal(alpha, ALPHA)
    rgb, alpha, _ = read_photo(image.convert("RGBa"))
    np.testing.assert_array_equal(alpha, ALPHA)
    opaque = ALPHA > 200
    assert np.abs(rgb[opaque].astype(int) - COLORS[opaque]).max() <= 2


def test_palette_without_and_with_transparency():
    indices = (np.arange(35) % 3).reshape(5, 7).astype(np.uint8)
    colors = np.array([[250, 10, 20], [30, 240, 60], [70, 80, 230]], np.uint8)
    image = Image.fromarray(indices)
    image.putpalette(colors.tobytes())
    assert image.mode == "P"
    rgb, alpha, _ = read_photo(encoded(image))
    np.testing.assert_array_equal(rgb, colors[indices])
    assert alpha is None
    rgb, alpha, _ = read_photo(encoded(image, transparency=1))
    np.testing.assert_array_equal(rgb, colors[indices])
    np.testing.assert_array_equal(alpha, np.where(indices == 1, 0, 255))
    alpha = read_photo(encoded(image, transparency=bytes([255, 128, 0])))[1]
    np.testing.assert_array_equal(alpha, np.array([255, 128, 0])[indices])


def test_one_color_declared_transparent():
    rgb, alpha, _ = read_photo(
        encoded(Image.fromarray(COLORS), transparency=tuple(COLORS[2, 3].tolist()))
    )
    np.testing.assert_array_equal(rgb, COLORS)
    assert alpha[2, 3] == 0
    assert alpha[0, 0] == 255


@pytest.mark.parametrize("photo_format", ["JPEG", "TIFF"])
def test_cmyk(photo_format):
    cmyk = Image.new("CMYK", (32, 32), (0, 255, 255, 0))  # magenta and yellow ink: red
    rgb = read_rgb(encoded(cmyk, photo_format))
    assert np.abs(rgb.astype(int) - [255, 0, 0]).max() <= 2
    assert read_preview(encoded(cmyk, photo_format), "photo", 8).shape == (8, 8, 3)


def test_ycbcr():
    image = smooth_photo()
    # Pillow before 13 cannot read back the uncompressed file that it writes.
    rgb = read_rgb(encoded(image.convert("YCbCr"), "TIFF", compression="tiff_lzw"))
    assert np.abs(rgb.astype(int) - np.asarray(image)).max() <= 3


def test_lab():
    profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    image = smooth_photo()
    lab = ImageCms.profileToProfile(image, *profiles, outputMode="LAB")
    rgb = read_rgb(encoded(lab, "TIFF"))
    assert np.abs(rgb.astype(int) - np.asarray(image)).mean() < 2


@pytest.mark.parametrize("mode", ["I;16", "I;16L", "I;16B", "I;16N"])
def test_16_bit_gray_of_every_byte_order(mode):
    native = sys.byteorder == "little"
    order = {"I;16": "<", "I;16L": "<", "I;16B": ">", "I;16N": "<" if native else ">"}[mode]
    data = DEEP.astype(f"{order}u2").tobytes()
    image = Image.frombytes(mode, (7, 5), data)
    expected = np.rint(DEEP / 257).astype(np.uint8)
    np.testing.assert_array_equal(read_rgb(image), stacked(expected))


@pytest.mark.parametrize("photo_format", ["PNG", "TIFF"])
def test_16_bit_gray_files(photo_format):
    rgb, alpha, _ = read_photo(encoded(Image.fromarray(DEEP), photo_format))
    np.testing.assert_array_equal(rgb, stacked(np.rint(DEEP / 257).astype(np.uint8)))
    assert alpha is None


def test_16_bit_gray_with_a_transparent_value():
    image = Image.fromarray(DEEP)
    image.info["transparency"] = int(DEEP[1, 1])
    alpha = read_photo(image)[1]
    np.testing.assert_array_equal(alpha == 0, DEEP[1, 1] == DEEP)


def test_32_bit_gray_holds_16_bit_values():
    image = Image.fromarray(DEEP.astype(np.int32))
    assert image.mode == "I"
    np.testing.assert_array_equal(read_rgb(image), stacked(np.rint(DEEP / 257).astype(np.uint8)))
    with pytest.raises(ZooError) as error:
        read_rgb(Image.fromarray(np.full((2, 2), 65536, np.int32)))
    assert_one_sentence(error, "16 bits")


@pytest.mark.parametrize("largest", [1, 255, 65535])
def test_float_gray(largest):
    values = np.linspace(0, largest, 256, dtype=np.float32).reshape(16, 16)
    rgb = read_rgb(encoded(Image.fromarray(values), "TIFF"))
    np.testing.assert_array_equal(rgb, stacked(np.arange(256).reshape(16, 16)))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -0.1, 70000])
def test_float_gray_out_of_range(bad):
    with pytest.raises(ZooError) as error:
        read_rgb(Image.fromarray(np.full((2, 2), bad, np.float32)))
    assert_one_sentence(error, "values")


def test_the_first_of_several_frames():
    frames = [Image.fromarray(COLORS), Image.fromarray(255 - COLORS)]
    data = encoded(frames[0], "TIFF", save_all=True, append_images=frames[1:])
    np.testing.assert_array_equal(read_rgb(data), COLORS)


FLOATS = st.floats(0, 1, width=32)
SHAPES = st.tuples(st.integers(1, 6), st.integers(1, 6)).flatmap(
    lambda size: st.sampled_from([size, (*size, 1), (*size, 3), (*size, 4)])
)
ARRAYS = st.one_of(
    hnp.arrays(np.uint8, SHAPES),
    hnp.arrays(np.uint16, SHAPES),
    hnp.arrays(np.bool_, SHAPES),
    hnp.arrays(np.float32, SHAPES, elements=FLOATS),
)


@given(ARRAYS)
def test_arrays_of_any_shape_and_type(values):
    rgb, alpha, _ = read_photo(values)
    full = {"u1": 255, "u2": 65535, "b1": 1, "f4": 1}[values.dtype.str[1:]]
    expected = np.rint(values.astype(np.float64) / full * 255)
    if values.ndim == 2:
        expected = expected[..., None]
    channels = expected.shape[2]
    expected_rgb = expected if channels == 1 else expected[..., :3]
    assert rgb.dtype == np.uint8
    assert rgb.shape == (*values.shape[:2], 3)
    assert np.array_equal(rgb, np.broadcast_to(expected_rgb, rgb.shape))
    if channels == 4:
        assert np.array_equal(alpha, expected[..., 3])
    else:
        assert alpha is None


@pytest.mark.parametrize(
    ("values", "part"),
    [
        (np.zeros((0, 4, 3), np.uint8), "no pixels"),
        (np.zeros((4, 0), np.uint8), "no pixels"),
        (np.zeros((4, 4, 2), np.uint8), "(4, 4, 2)"),
        (np.zeros((4,), np.uint8), "(4,)"),
        (np.zeros((1, 4, 4, 3), np.uint8), "(1, 4, 4, 3)"),
        (np.zeros((4, 4), np.int64), "int64"),
        (np.full((4, 4), "x"), "give uint8"),
        (np.full((4, 4, 3), np.nan), "[0, 1]"),
        (np.full((4, 4, 3), np.inf), "[0, 1]"),
        (np.full((4, 4, 3), -0.01), "[0, 1]"),
        (np.full((4, 4, 3), 1.01), "[0, 1]"),
    ],
)
def test_bad_arrays(values, part):
    with pytest.raises(ZooError) as error:
        read_photo(values)
    assert_one_sentence(error, "array", part)


def test_a_source_of_another_type():
    with pytest.raises(ZooError) as error:
        read_photo([1, 2, 3])
    assert_one_sentence(error, "list", "NumPy array")


@given(
    hnp.arrays(np.uint8, (3, 4, 3)),
    hnp.arrays(np.uint8, (3, 4)),
)
def test_transparent_parts_become_white(rgb, alpha):
    opacity = alpha[..., None] / 255
    expected = np.rint(rgb * opacity + 255 * (1 - opacity))
    shown = read_rgb(np.dstack([rgb, alpha]))
    assert np.abs(shown - expected).max() <= 0.5 + 1e-9
    assert shown.dtype == np.uint8


def bad_files(folder):
    """Every kind of file that is no photo, by name, with what its error must say."""
    jpeg = encoded(smooth_photo(), "JPEG")
    png = encoded(smooth_photo())
    bmp = encoded(smooth_photo(), "BMP")
    float_rgb = io.BytesIO()
    tifffile.imwrite(float_rgb, np.zeros((4, 4, 3), np.float32), photometric="rgb")
    contents = {
        "truncated.jpg": (jpeg[: len(jpeg) * 2 // 3], "damaged or incomplete"),
        "header_only.jpg": (jpeg[:150], "damaged or incomplete"),
        "truncated.png": (png[: len(png) // 2], "damaged or incomplete"),
        "text.png": (b"this is no picture", "not an image of"),
        "empty.jpg": (b"", "not an image"),
        "float_rgb.tif": (float_rgb.getvalue(), "of a supported kind"),
        "compressed.bmp": (bmp[:30] + b"\7" + bmp[31:], "unsupported"),
        "postscript.jpg": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "drawing"),
    }
    for name, (data, _) in contents.items():
        (folder / name).write_bytes(data)
    return {name: part for name, (_, part) in contents.items()}


def test_bad_files_are_one_sentence_each(tmp_path):
    for name, part in bad_files(tmp_path).items():
        with pytest.raises(PhotoError) as error:
            read_photo(tmp_path / name)
        assert_one_sentence(error, str(tmp_path / name), part)
        with pytest.raises(PhotoError) as error:
            read_preview((tmp_path / name).read_bytes(), name, 64)
        assert_one_sentence(error, name, part)


def test_missing_file_folder_pipe_and_impossible_name(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    for path, part in {
        tmp_path / "missing.jpg": "no such file",
        tmp_path: "a folder",
        tmp_path / "pipe.jpg": "a device or a pipe",
        tmp_path / "zero\0.jpg": "null",
    }.items():
        with pytest.raises(PhotoError) as error:
            read_photo(path)
        assert_one_sentence(error, str(path), part)


def test_a_forbidden_file(tmp_path, monkeypatch):
    path = tmp_path / "photo.png"
    Image.fromarray(COLORS).save(path)

    def forbid(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.read_bytes", forbid)
    with pytest.raises(PhotoError) as error:
        read_file(path)
    assert_one_sentence(error, "permission denied")


def png_claiming(width, height):
    """A tiny PNG whose header promises a huge photo."""
    data = encoded(Image.new("L", (1, 1)))
    header = b"IHDR" + struct.pack(">II", width, height) + data[24:29]
    return data[:12] + header + struct.pack(">I", zlib.crc32(header)) + data[33:]


def test_decompression_bomb():
    with pytest.raises(PhotoError) as error:
        read_photo(png_claiming(20_000, 20_000))
    assert_one_sentence(error, "too many pixels", "smaller")


def test_48_megapixels_give_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data = encoded(Image.new("L", (8000, 6000), 90), "JPEG")
        assert read_preview(data, "photo", 64).shape == (64, 85, 3)


def test_errors_survive_pickling():
    error = pickle.loads(pickle.dumps(PhotoError("a.png", "not an image", "replace it")))
    assert str(error) == "Cannot read a.png: not an image; replace it."
    assert error.reason == "not an image"


@pytest.mark.parametrize("suffix", [*PHOTO_SUFFIXES, ".JPG", ".Png"])
def test_written_photos_read_back(tmp_path, suffix):
    photo = np.asarray(smooth_photo(60, 40))
    alpha = np.tile(np.arange(60, dtype=np.uint8), (40, 1))
    path = tmp_path / "deep" / f"photo{suffix}"
    write_photo(path, photo, alpha)
    assert sorted(path.parent.iterdir()) == [path]
    rgb, read_alpha, _ = read_photo(path)
    if suffix.lower() in (".jpg", ".jpeg"):
        assert np.abs(rgb.astype(int) - photo).max() < 12
    else:
        np.testing.assert_array_equal(rgb, photo)
    if suffix.lower() in (".jpg", ".jpeg", ".bmp"):
        assert read_alpha is None
    else:
        np.testing.assert_array_equal(read_alpha, alpha)


def test_jpeg_keeps_full_chroma_resolution(tmp_path):
    write_photo(tmp_path / "photo.jpg", COLORS)
    with Image.open(tmp_path / "photo.jpg") as image:
        assert [layer[1:3] for layer in image.layer] == [(1, 1)] * 3
        # Quality 95 scales the standard table's first entry, 16, to 2.
        assert image.quantization[0][0] == 2


@pytest.mark.parametrize("name", ["photo.txt", "photo", "photo.gif"])
def test_writing_an_unknown_format(tmp_path, name):
    with pytest.raises(ZooError) as error:
        write_photo(tmp_path / name, COLORS)
    assert_one_sentence(error, name, ".png")
    assert not list(tmp_path.iterdir())


def test_writing_where_a_folder_is_not_possible(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(ZooError) as error:
        write_photo(tmp_path / "file" / "photo.png", COLORS)
    assert_one_sentence(error, "photo.png")


@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 40))
def test_shrink_keeps_the_aspect_ratio_and_never_enlarges(height, width, short_side):
    small = shrink(np.zeros((height, width, 3), np.uint8), short_side)
    scale = min(1, short_side / min(height, width))
    assert min(small.shape[:2]) == min(height, width, short_side)
    assert abs(small.shape[0] - height * scale) <= 0.5
    assert abs(small.shape[1] - width * scale) <= 0.5


def test_shrink_is_antialiased():
    checkerboard = stacked((np.indices((64, 64)).sum(axis=0) % 2 * 255).astype(np.uint8))
    inner = shrink(checkerboard, 16)[2:-2, 2:-2].astype(int)
    assert np.abs(inner - 127.5).max() < 2


def test_shrink_to_nothing():
    with pytest.raises(ZooError, match="at least 1"):
        shrink(COLORS, 0)


def test_previews_show_the_photo_and_stay_small():
    image = smooth_photo(400, 300)
    for photo_format in ("JPEG", "PNG"):
        preview = read_preview(encoded(image, photo_format), "photo", 32)
        expected = image.resize(preview.shape[1::-1], Image.Resampling.BOX)
        assert preview.shape in ((32, 42, 3), (32, 43, 3))
        assert np.abs(preview.astype(int) - expected).mean() < 4
    assert read_preview(encoded(Image.fromarray(COLORS)), "photo", 64).shape == COLORS.shape


def test_no_deep_learning_framework_is_imported():
    code = (
        "import sys, zoo.photos.photoset, zoo.photos.samples, zoo.photos.decoding\n"
        "heavy = {'keras', 'tensorflow', 'torch', 'jax', 'skimage', 'sklearn', 'matplotlib'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

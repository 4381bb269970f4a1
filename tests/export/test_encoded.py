"""Files' bytes inside a graph, against Pillow."""

import io

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from zoo.export.encoded import colorize_encoded, decode, jpeg_orientation
from zoo.photos.decoding import read_photo

rng = np.random.default_rng(0)
RGB = Image.fromarray(rng.integers(0, 256, (6, 5, 3), dtype=np.uint8)).resize((31, 22))


def encoded(image, kind, **settings):
    file = io.BytesIO()
    image.save(file, kind, **settings)
    return file.getvalue()


def exif(orientation, **settings):
    block = Image.Exif()
    block[0x010F] = "a maker"
    block[0x0112] = orientation
    return encoded(RGB, "JPEG", exif=block, **settings)


def deep(channels):
    """A 16-bit PNG, which Pillow writes in gray only."""
    photo = rng.integers(0, 65536, (9, 7, channels), dtype=np.uint16)
    return tf.io.encode_png(photo).numpy()


FILES = {
    "jpeg": encoded(RGB, "JPEG"),
    "jpeg 4:2:0": encoded(RGB, "JPEG", quality=60, subsampling=2),
    "progressive jpeg": encoded(RGB, "JPEG", progressive=True),
    "gray jpeg": encoded(RGB.convert("L"), "JPEG"),
    "cmyk jpeg": encoded(RGB.convert("CMYK"), "JPEG"),
    "png": encoded(RGB, "PNG"),
    "gray png": encoded(RGB.convert("L"), "PNG"),
    "bilevel png": encoded(RGB.convert("1"), "PNG"),
    "palette png": encoded(RGB.convert("P"), "PNG"),
    "palette png with opacity": encoded(RGB.convert("P"), "PNG", transparency=5),
    "gray png with opacity": encoded(RGB.convert("LA"), "PNG"),
    "png with opacity": encoded(
        Image.fromarray(rng.integers(0, 256, (9, 7, 4), dtype=np.uint8)), "PNG"
    ),
    "16-bit gray": deep(1),
    "16-bit gray with opacity": deep(2),
    "16-bit color": deep(3),
    "16-bit color with opacity": deep(4),
    **{f"orientation {number}": exif(number) for number in range(1, 9)},
}


@pytest.fixture(scope="module")
def graph():
    """What a decoded file is, from its bytes, as one compiled function."""
    return tf.function(decode, input_signature=[tf.TensorSpec((), tf.string)])


@pytest.mark.parametrize("name", FILES)
def test_files_are_decoded_as_by_the_zoo(graph, name):
    rgb, alpha, _ = read_photo(FILES[name])
    expected = rgb if alpha is None else np.dstack([rgb, alpha])
    np.testing.assert_array_equal(graph(FILES[name]), expected)


def test_a_single_transparent_color_is_opaque(graph):
    gray = encoded(RGB.convert("L"), "PNG", transparency=100)
    np.testing.assert_array_equal(graph(gray), read_photo(gray)[0])


def test_files_of_different_sizes_come_back_as_png_with_their_opacity():
    upside_down = tf.function(
        lambda files: colorize_encoded(files, lambda photo: 255 - photo),
        input_signature=[tf.TensorSpec((None,), tf.string)],
    )
    names = ("jpeg", "png with opacity", "16-bit gray", "orientation 6")
    for name, data in zip(names, upside_down([FILES[n] for n in names]).numpy(), strict=True):
        rgb, alpha, _ = read_photo(FILES[name])
        with Image.open(io.BytesIO(data)) as image:
            assert image.format == "PNG"
            colored = np.asarray(image)
        np.testing.assert_array_equal(colored[..., :3], 255 - rgb)
        assert (colored.shape[2] == 4) == (alpha is not None)
        if alpha is not None:
            np.testing.assert_array_equal(colored[..., 3], alpha)


def test_the_orientation_is_found_in_either_byte_order_behind_other_segments():
    plain = encoded(RGB, "JPEG")
    for order, mark in (("little", b"II"), ("big", b"MM")):

        def number(value, length, order=order):
            return value.to_bytes(length, order)

        entry = number(0x0112, 2) + number(3, 2) + number(1, 4) + number(6, 2) + bytes(2)
        tiff = mark + number(42, 2) + number(8, 4) + number(1, 2) + entry + bytes(4)
        block = b"Exif\0\0" + tiff
        segment = b"\xff\xe1" + (len(block) + 2).to_bytes(2, "big") + block
        # The application segment that plain files begin with stays in front.
        first = 4 + int.from_bytes(plain[4:6], "big")
        data = plain[:first] + segment + plain[first:]
        assert Image.open(io.BytesIO(data)).getexif()[0x0112] == 6
        assert jpeg_orientation(tf.constant(data)).numpy() == 6
    assert jpeg_orientation(tf.constant(plain)).numpy() == 1


@pytest.fixture(scope="module")
def orientation():
    return tf.function(jpeg_orientation, input_signature=[tf.TensorSpec((), tf.string)])


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_damaged_headers_have_an_orientation_all_the_same(orientation, data):
    """Whatever is in the file: an answer, no endless loop and no error."""
    whole = exif(8)
    cut = whole[: data.draw(st.integers(3, len(whole)))]
    noise = bytearray(cut)
    for _ in range(data.draw(st.integers(0, 6))):
        noise[data.draw(st.integers(2, min(len(noise) - 1, 120)))] = data.draw(st.integers(0, 255))
    assert orientation(bytes(noise)).numpy() in range(1, 9)

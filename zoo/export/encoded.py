"""Photos as the bytes of their files, decoded and encoded inside an exported graph.

As in `zoo.photos.decoding`: the EXIF rotation of JPEG files is applied, 16-bit gray is divided by
257 and rounded, of 16-bit color the high bytes count, and opacity is kept. Not as there: only JPEG
and PNG are read, EXIF in PNG files is not looked at, and one transparent color of a PNG is opaque.
"""

from collections.abc import Callable

import tensorflow as tf

#: The first bytes of a JPEG file that may hold its EXIF block, which is 64 kB at most.
_HEAD = 2**17
_ORIENTATION = 0x0112
#: More entries than any camera writes.
_MOST_ENTRIES = 500
_EXIF = tuple(b"Exif\0\0")
_APP1, _IMAGE_STARTS, _IMAGE_ENDS = 0xE1, 0xDA, 0xD9


def colorize_encoded(files: tf.Tensor, colorize: Callable[[tf.Tensor], tf.Tensor]) -> tf.Tensor:
    """Color (N,) JPEG or PNG files of any sizes -> (N,) PNG files, with the photos' opacity."""

    def one(data: tf.Tensor) -> tf.Tensor:
        photo = decode(data)
        colored = colorize(photo[None, ..., :3])[0]
        return tf.io.encode_png(tf.concat([colored, photo[..., 3:]], axis=-1))

    # One after the other: a single large photo fills the memory that is meant for it.
    signature = tf.TensorSpec((), tf.string)
    return tf.map_fn(one, files, parallel_iterations=1, fn_output_signature=signature)


def decode(data: tf.Tensor) -> tf.Tensor:
    """The bytes of a JPEG or PNG file -> (H, W, 3) or, with opacity, (H, W, 4) uint8."""
    photo = tf.cond(tf.io.is_jpeg(data), lambda: _decode_jpeg(data), lambda: _decode_png(data))
    photo.set_shape((None, None, None))
    return photo


def _decode_jpeg(data: tf.Tensor) -> tf.Tensor:
    # The arithmetic that Pillow uses, too; the default is up to 5 levels off.
    rgb = tf.io.decode_jpeg(data, channels=3, dct_method="INTEGER_ACCURATE")
    orientation = jpeg_orientation(data)

    def among(*wanted: int) -> tf.Tensor:
        return tf.reduce_any(orientation == tf.constant(wanted, tf.int64))

    rgb = tf.cond(among(5, 6, 7, 8), lambda: tf.transpose(rgb, (1, 0, 2)), lambda: rgb)
    rgb = tf.cond(among(3, 4, 7, 8), lambda: rgb[::-1], lambda: rgb)
    return tf.cond(among(2, 3, 6, 7), lambda: rgb[:, ::-1], lambda: rgb)


def _decode_png(data: tf.Tensor) -> tf.Tensor:
    # The header says at this place how many bits a channel has.
    deep = tf.strings.substr(data, 24, 1) == b"\x10"
    photo = tf.cond(deep, lambda: _decode_16_bit(data), lambda: tf.io.decode_png(data))
    channels = tf.shape(photo)[-1]
    # Gray, with or without opacity, becomes three equal channels.
    parts = tf.where(channels <= 2, (0, 0, 0, 1), (0, 1, 2, 3))
    return tf.gather(photo, parts[: channels + 2 * tf.cast(channels <= 2, tf.int32)], axis=-1)


def _decode_16_bit(data: tf.Tensor) -> tf.Tensor:
    photo = tf.io.decode_png(data, dtype=tf.uint16)
    return tf.cond(
        tf.shape(photo)[-1] == 1,
        lambda: tf.cast((tf.cast(photo, tf.int32) + 128) // 257, tf.uint8),
        lambda: tf.cast(tf.bitwise.right_shift(photo, tf.constant(8, tf.uint16)), tf.uint8),
    )


def jpeg_orientation(data: tf.Tensor) -> tf.Tensor:
    """The EXIF orientation of a JPEG file's bytes: int64, 1 to 8; 1 where it says nothing."""
    head = tf.cast(tf.io.decode_raw(tf.strings.substr(data, 0, _HEAD), tf.uint8), tf.int64)
    size = tf.size(head, tf.int64)

    def byte(place: tf.Tensor) -> tf.Tensor:
        inside = (place >= 0) & (place < size)
        return tf.where(inside, tf.gather(head, tf.clip_by_value(place, 0, size - 1)), 0)

    def is_exif(place: tf.Tensor) -> tf.Tensor:
        name = byte(place + 4 + tf.range(len(_EXIF), dtype=tf.int64))
        return (byte(place + 1) == _APP1) & tf.reduce_all(name == tf.constant(_EXIF, tf.int64))

    def goes_on(place: tf.Tensor) -> tf.Tensor:
        marker = byte(place + 1)
        over = (byte(place) != 0xFF) | (marker == _IMAGE_STARTS) | (marker == _IMAGE_ENDS)
        return ~over & ~is_exif(place)

    def following(place: tf.Tensor) -> list[tf.Tensor]:
        return [place + 2 + 256 * byte(place + 2) + byte(place + 3)]

    (segment,) = tf.while_loop(goes_on, following, [tf.constant(2, tf.int64)])
    first = segment + 10
    little = byte(first) == ord("I")

    def number(place: tf.Tensor, length: int) -> tf.Tensor:
        ascending = sum(byte(place + i) * 256**i for i in range(length))
        descending = sum(byte(place + i) * 256 ** (length - 1 - i) for i in range(length))
        return tf.where(little, ascending, descending)

    directory = first + number(first + 4, 4)
    count = tf.minimum(number(directory, 2), _MOST_ENTRIES)
    entries = directory + 2 + 12 * tf.range(count)
    entries = tf.boolean_mask(entries, number(entries, 2) == _ORIENTATION)
    found = tf.concat([number(entries + 8, 2), [1]], axis=0)[0]
    return tf.where(is_exif(segment) & (found >= 1) & (found <= 8), found, 1)

"""ICC profiles made by hand (ICC.1:2010): what the tests know of them comes from here."""

import struct

import numpy as np

#: Primaries adapted to D50, each a column of XYZ, and the gamma: of Adobe RGB (1998).
ADOBE = (
    ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457)),
    2.19921875,
)
#: Display P3, here with a plain gamma.
P3 = (
    ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407)),
    2.2,
)
SRGB_PRIMARIES = (
    (0.43607, 0.22249, 0.01392),
    (0.38515, 0.71687, 0.09708),
    (0.14307, 0.06061, 0.71410),
)
_D50 = (0.9642, 1.0, 0.8249)


def rgb_profile(primaries, gamma):
    red, green, blue = map(_xyz, primaries)
    curves = [(name, _gamma(gamma)) for name in ("rTRC", "gTRC", "bTRC")]
    return _profile("RGB ", [("rXYZ", red), ("gXYZ", green), ("bXYZ", blue), *curves])


def gray_profile(gamma):
    return _profile("GRAY", [("kTRC", _gamma(gamma))])


def dot_gain_profile(levels):
    """Of a table: the luminance of each of the gray levels, in [0, 1]."""
    steps = np.rint(np.asarray(levels) * 65535).astype(">u2").tobytes()
    return _profile("GRAY", [("kTRC", b"curv\0\0\0\0" + struct.pack(">I", len(levels)) + steps)])


def srgb_from(rgb, primaries, gamma):
    """What colors of a profile, (..., 3) in [0, 1], are in sRGB, by the formulas; clipped."""
    xyz = np.asarray(rgb) ** gamma @ np.array(primaries)
    linear = np.clip(xyz @ np.linalg.inv(np.array(SRGB_PRIMARIES)), 0, 1)
    return np.where(linear > 0.0031308, 1.055 * linear ** (1 / 2.4) - 0.055, 12.92 * linear)


def rgb_to(srgb, primaries, gamma):
    """The other way round."""
    srgb = np.asarray(srgb)
    linear = np.where(srgb > 0.04045, ((srgb + 0.055) / 1.055) ** 2.4, srgb / 12.92)
    there = linear @ np.array(SRGB_PRIMARIES) @ np.linalg.inv(np.array(primaries))
    return np.clip(there, 0, 1) ** (1 / gamma)


def _profile(space, tags):
    tags = [("desc", _described()), ("cprt", b"text\0\0\0\0none\0"), ("wtpt", _xyz(_D50)), *tags]
    offset, table, data = 128 + 4 + 12 * len(tags), b"", b""
    for name, content in tags:
        content += b"\0" * (-len(content) % 4)
        table += name.encode() + struct.pack(">II", offset + len(data), len(content))
        data += content
    header = bytearray(128)
    header[8:12] = bytes((2, 0x40, 0, 0))
    header[12:24] = b"mntr" + space.encode() + b"XYZ "
    header[36:40] = b"acsp"
    header[68:80] = b"".join(map(_fixed, _D50))
    body = struct.pack(">I", len(tags)) + table + data
    header[0:4] = struct.pack(">I", len(header) + len(body))
    return bytes(header) + body


def _described():
    return b"desc\0\0\0\0" + struct.pack(">I", 5) + b"made\0" + b"\0" * 78


def _xyz(values):
    return b"XYZ \0\0\0\0" + b"".join(map(_fixed, values))


def _fixed(value):
    return struct.pack(">i", round(value * 65536))


def _gamma(gamma):
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))

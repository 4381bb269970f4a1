"""The containers of films that are taken, known by their first bytes."""

from dataclasses import dataclass

#: So many bytes tell.
HEAD = 1024

_MPEG_TS, _M2TS = 188, 192
_PACKETS = 5
#: Brands of photos in the boxes of MP4: HEIC, AVIF and their kin.
_BRANDS_OF_PHOTOS = (b"mif1", b"msf1", b"heic", b"heix", b"heim", b"heis", b"avif", b"avis")


@dataclass(frozen=True)
class FilmFormat:
    """A container.

    Attributes:
        suffix: of its files.
        reader: what FFmpeg calls that which reads it.
        media_type: what browsers call it.
    """

    suffix: str
    reader: str
    media_type: str


FILM_FORMATS = {
    "MP4": FilmFormat(".mp4", "mov", "video/mp4"),
    "M4V": FilmFormat(".m4v", "mov", "video/mp4"),
    "MOV": FilmFormat(".mov", "mov", "video/quicktime"),
    "3GP": FilmFormat(".3gp", "mov", "video/3gpp"),
    "MKV": FilmFormat(".mkv", "matroska", "video/x-matroska"),
    "WEBM": FilmFormat(".webm", "matroska", "video/webm"),
    "AVI": FilmFormat(".avi", "avi", "video/x-msvideo"),
    "MPEG": FilmFormat(".mpg", "mpeg", "video/mpeg"),
    "TS": FilmFormat(".ts", "mpegts", "video/mp2t"),
    "WMV": FilmFormat(".wmv", "asf", "video/x-ms-wmv"),
    "FLV": FilmFormat(".flv", "flv", "video/x-flv"),
    "OGV": FilmFormat(".ogv", "ogg", "video/ogg"),
}

_MAGIC = {
    b"\x00\x00\x01\xba": "MPEG",
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11": "WMV",
    b"FLV\x01": "FLV",
    b"OggS": "OGV",
}


def film_format(head: bytes) -> str | None:
    """The format of a file that may be a film, by its first `HEAD` bytes; None for other files.

    Examples:
        >>> film_format(b"OggS"), film_format(b"#EXTM3U")
        ('OGV', None)
    """
    for magic, found in _MAGIC.items():
        if head.startswith(magic):
            return found
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
        return _of_boxes(head)
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return "WEBM" if b"webm" in head[:64] else "MKV"
    if head.startswith(b"RIFF") and head[8:12] == b"AVI ":
        return "AVI"
    if _is_transport_stream(head, _MPEG_TS, 0) or _is_transport_stream(head, _M2TS, 4):
        return "TS"
    return None


def _of_boxes(head: bytes) -> str | None:
    """The format of a file of QuickTime's boxes, of which the first one may name the brand."""
    if head[4:8] != b"ftyp":
        return "MOV"
    brand = head[8:12]
    if brand in _BRANDS_OF_PHOTOS:
        return None
    if brand == b"qt  ":
        return "MOV"
    if brand.startswith(b"3g"):
        return "3GP"
    return "M4V" if brand == b"M4V " else "MP4"


def _is_transport_stream(head: bytes, length: int, first: int) -> bool:
    """Whether each packet of this length begins as those of MPEG-TS do."""
    return head[first::length][:_PACKETS] == b"G" * _PACKETS

"""Reading archives that somebody else made: tar, tar.gz and zip.

Nothing is ever unpacked as an archive says: it is a sequence of named contents, and the recipe
decides what is written and where. Names that lead out of a folder are refused all the same, links
and devices cannot be read, and what an archive may grow to is limited by its size.
"""

import gzip
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from zoo.errors import ZooError

_PIECE = 2**20
_DAMAGE = (
    tarfile.TarError,
    zipfile.BadZipFile,
    gzip.BadGzipFile,
    zlib.error,
    EOFError,
    RecursionError,  # many names for names of names in a tar header
    NotImplementedError,  # a compression that zipfile lacks
    RuntimeError,  # an encrypted member
)


@dataclass(frozen=True)
class Limits:
    """What an archive may hold.

    Photos are compressed already, so that an honest archive hardly grows.

    Attributes:
        files: how many members.
        ratio: how many times its own size it may unpack to.
        floor: bytes that any archive may unpack to: headers and padding of a small one are much.
        member: bytes of one member.
    """

    files: int = 3_000_000
    ratio: int = 100
    floor: int = 64 * 2**20
    member: int = 512 * 2**20


_LIMITS = Limits()


@dataclass(frozen=True)
class Member:
    """A file in an archive; to be read before the next one is asked for.

    Attributes:
        name: its path in the archive, with forward slashes, leading nowhere else.
        size: in bytes.
        read: gives its content; raises ZooError for links and devices, and for damage.
        share: how much of the archive lies before it, from 0 to 1.
    """

    name: str
    size: int
    read: Callable[[], bytes]
    share: float


def is_archive(name: str) -> bool:
    """Whether a file's name is that of an archive that can be read here."""
    return name.lower().endswith((".zip", ".tar", ".tar.gz", ".tgz"))


def members(archive: Path, limits: Limits = _LIMITS) -> Iterator[Member]:
    """The files in an archive, in its order; folders are left out.

    Raises:
        ZooError: if it is damaged or none of these archives, if a name leads out of its folder,
            or if it holds more than `limits` allows.
    """
    read = _zip_members if archive.name.lower().endswith(".zip") else _tar_members
    with _damage(archive):
        for count, member in enumerate(read(archive, limits), start=1):
            if count > limits.files:
                raise _refusal(archive, f"holds more than {limits.files:,} files")
            if member.size > limits.member:
                raise _refusal(archive, f"holds {member.name} of {member.size:,} bytes")
            yield member


def _tar_members(archive: Path, limits: Limits) -> Iterator[Member]:
    total = archive.stat().st_size
    with archive.open("rb") as raw:
        meter = _Meter(_decompressed(raw), _allowed(archive, limits), archive)
        with tarfile.open(fileobj=meter, mode="r:") as tar:  # type: ignore[call-overload]
            while (info := tar.next()) is not None:
                tar.members.clear()  # else the headers of a million photos fill the memory
                name = _checked_name(info.name, archive)
                if not info.isdir():
                    yield Member(name, info.size, _tar_reader(tar, info, archive), _at(raw, total))


def _tar_reader(tar: tarfile.TarFile, info: tarfile.TarInfo, archive: Path) -> Callable[[], bytes]:
    def read() -> bytes:
        if not info.isreg():
            raise _refusal(archive, f"holds a link or a device called {info.name}")
        with _damage(archive):
            file = tar.extractfile(info)
            # Only of regular files there is something to read.
            return b"".join(iter(lambda: file.read(_PIECE), b"")) if file else b""

    return read


def _zip_members(archive: Path, limits: Limits) -> Iterator[Member]:
    allowed, before = _allowed(archive, limits), 0
    with zipfile.ZipFile(archive) as opened:
        infos = opened.infolist()
        # Unpacking stops at the stated size, so that the sum of these is all there can be.
        total = sum(info.file_size for info in infos)
        if total > allowed:
            raise _refusal(archive, f"would unpack to {total:,} bytes")
        for info in infos:
            name = _checked_name(info.filename, archive)
            if not info.is_dir():
                read = _zip_reader(opened, info, archive)
                yield Member(name, info.file_size, read, before / max(total, 1))
            before += info.file_size


def _zip_reader(
    opened: zipfile.ZipFile, info: zipfile.ZipInfo, archive: Path
) -> Callable[[], bytes]:
    kind = stat.S_IFMT(info.external_attr >> 16)

    def read() -> bytes:
        if kind not in (0, stat.S_IFREG):
            raise _refusal(archive, f"holds a link or a device called {info.filename}")
        with _damage(archive):
            return opened.read(info)

    return read


class _Meter:
    """A file for `tarfile` that refuses to be read further than allowed, or much at once.

    Much at once are headers only: a crafted one could ask for all the memory.
    """

    def __init__(self, file: BinaryIO | gzip.GzipFile, allowed: int, archive: Path) -> None:
        self._file, self._allowed, self._archive = file, allowed, archive

    def read(self, size: int) -> bytes:
        if size > 4 * _PIECE:
            raise _refusal(self._archive, f"has a header of {size:,} bytes")
        self._check(self._file.tell() + size)
        return self._file.read(size)

    def seek(self, position: int) -> int:
        self._check(position)
        return self._file.seek(position)

    def tell(self) -> int:
        return self._file.tell()

    def _check(self, position: int) -> None:
        if position > self._allowed:
            raise _refusal(self._archive, f"unpacks to more than {self._allowed:,} bytes")


def _decompressed(raw: BinaryIO) -> BinaryIO | gzip.GzipFile:
    """By its first bytes: some .tgz files are plain tar."""
    start = raw.read(2)
    raw.seek(0)
    return gzip.GzipFile(fileobj=raw) if start == b"\x1f\x8b" else raw


def _allowed(archive: Path, limits: Limits) -> int:
    return max(limits.floor, limits.ratio * archive.stat().st_size)


def _at(raw: BinaryIO, total: int) -> float:
    return min(1.0, raw.tell() / max(total, 1))


def _checked_name(name: str, archive: Path) -> str:
    parts = name.replace("\\", "/").split("/")
    drive = re.match(r"[A-Za-z]:", parts[0])
    if (not parts[0] and len(parts) > 1) or ".." in parts or "\0" in name or drive:
        raise _refusal(archive, f"holds {name!r}, which leads out of its folder")
    return "/".join(part for part in parts if part not in ("", "."))


def _refusal(archive: Path, reason: str) -> ZooError:
    return ZooError(
        f"{archive} {reason}: no archive of photos does that, and nothing more is taken from it; "
        "delete it, and get it from the official page."
    )


@contextmanager
def _damage(archive: Path) -> Iterator[None]:
    try:
        yield
    except _DAMAGE as error:
        raise ZooError(
            f"{archive} is damaged, or no archive at all ({error}); delete it, and repeat the "
            "command to fetch it again."
        ) from error

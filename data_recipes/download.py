"""Fetching the files of a data set with pooch, and remembering what was verified.

Beside each file lies FILE.json: where it came from, its sha256, and what it was compared with.
A file that is as it was when that was written is not read again.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_recipes.recipe import Download
from zoo.errors import ZooError
from zoo.files import read_json, write_json

if TYPE_CHECKING:
    import requests

_RETRIES = 4
_PIECE = 2**16  # a piece that breaks off is lost
_TIMEOUT = (20, 60)  # seconds to connect, and without a byte
# Asking again later may help with these, unlike with the other errors that are ours.
_PASSING = (408, 425, 429)


class _DeadLinkError(Exception):
    """The link does not lead to the file. No ValueError, because pooch repeats after those."""


def obtain(
    download: Download, folder: Path, given: Path | None, page: str, progress: bool
) -> tuple[Path, dict[str, Any]]:
    """Find or fetch a file, and verify it.

    Args:
        download: what to get.
        folder: where downloads go.
        given: a folder that may hold the file already, or None.
        page: the official page, for messages.
        progress: whether to show a bar.

    Returns:
        The file, and what is recorded of it.

    Raises:
        ZooError: if it cannot be fetched, has to be fetched by hand, or is another file.
    """
    places = [place / download.file for place in (given, folder) if place is not None]
    path = next((place for place in places if place.is_file()), folder / download.file)
    fetched = not path.is_file()
    if fetched:
        _fetch(download, path, page, progress)
    return path, _verify(download, path, folder / f"{download.file}.json", fetched)


def _verify(download: Download, path: Path, record_file: Path, fetched: bool) -> dict[str, Any]:
    known = read_json(record_file) if record_file.is_file() else {}
    state = {"path": str(path.resolve()), "bytes": path.stat().st_size, "mtime_ns": _mtime(path)}
    wanted = {"checksum": download.checksum, **state}
    if all(known.get(name) == value for name, value in wanted.items()):
        return known
    sha256 = _digest(path, "sha256")
    if not (fetched and download.checksum):  # else pooch has just compared it
        _compare(download, path, sha256, known.get("sha256"))
    record = {
        "file": download.file,
        "url": download.url,
        "obtained": known.get("obtained") or ("downloaded" if fetched else "by hand"),
        "sha256": sha256,
        **wanted,
        "checksum_source": download.checksum_source,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    write_json(record_file, record)
    return record


def _compare(download: Download, path: Path, sha256: str, first: str | None) -> None:
    """Compare with the published checksum or, where there is none, with the first download."""
    if download.checksum is None:
        if first not in (None, sha256):
            raise ZooError(
                f"{path} is another file than the one that was downloaded first (sha256 {sha256}, "
                f"not {first}); delete it to fetch it again, and {path.name}.json as well if it "
                "is right."
            )
        return
    kind, _, published = download.checksum.partition(":")
    found = sha256 if kind == "sha256" else _digest(path, kind)
    if found != published:
        raise ZooError(
            f"{path} is not the published file: its {kind} is {found}, not {published}; delete "
            "it, and repeat the command to fetch it again."
        )


def _mtime(path: Path) -> int:
    return path.stat().st_mtime_ns


def _digest(path: Path, kind: str) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, kind).hexdigest()


def _fetch(download: Download, path: Path, page: str, progress: bool) -> None:
    by_hand = f"get {download.file} from {page} and put it into {path.parent}"
    if download.url is None:
        raise ZooError(
            f"{download.file} can only be fetched by hand: {by_hand}, or name its folder with "
            "--from."
        )
    keeper = _pooch().create(
        path=path.parent,
        base_url="",
        registry={download.file: download.checksum},
        urls={download.file: download.url},
        retry_if_failed=_RETRIES,
    )
    downloader = _Resuming(path, bool(download.checksum), progress)
    with _one_sentence(download, path, by_hand):
        try:
            keeper.fetch(download.file, downloader=downloader)
        except ValueError:  # pooch's, for a wrong checksum
            downloader.discard()
            raise
    downloader.discard()


@contextmanager
def _one_sentence(download: Download, path: Path, by_hand: str) -> Iterator[None]:
    """Say what went wrong with a transfer, and what to do."""
    import requests

    try:
        yield
    except _DeadLinkError as error:
        raise ZooError(
            f"{download.url} does not lead to the file any more ({error}): {by_hand}, then repeat "
            "the command."
        ) from error
    except requests.RequestException as error:
        raise ZooError(
            f"Fetching {download.url} failed ({_reason(error)}); repeat the command to go on, or "
            f"{by_hand}."
        ) from error
    except OSError as error:
        raise ZooError(
            f"Cannot write {path}: {error.strerror or error}; make room, and repeat the command "
            "to go on."
        ) from error
    except ValueError as error:
        raise ZooError(
            f"{download.url} answers with another file than the published one, whose checksum is "
            f"{download.checksum}; repeat the command, or {by_hand}."
        ) from error


def _pooch() -> Any:
    try:
        import pooch
    except ImportError as error:
        raise ZooError(
            "Downloading needs the package pooch: pip install 'colorization-zoo[data]'."
        ) from error
    pooch.get_logger().setLevel("WARNING")  # our bar and sentences say it all
    return pooch


def _reason(error: Exception) -> str:
    """The innermost cause: the outer ones repeat it, wrapped in names of classes."""
    while isinstance(inner := getattr(error, "reason", None) or _first(error), Exception):
        error = inner
    text = str(error)
    # "HTTPSConnection(host='example.org', port=443): Failed to resolve 'example.org'"
    return text.partition("): ")[2] or text if text.startswith("HTTP") else text


def _first(error: Exception) -> Any:
    return error.args[0] if error.args else None


class _Resuming:
    """A downloader for pooch that goes on where an earlier transfer stopped.

    What has arrived is kept in FILE.part, and in FILE.part.tag what the server calls that version
    of the file, so that two versions are never put together.
    """

    def __init__(self, path: Path, verified: bool, progress: bool) -> None:
        self._part = path.with_name(f"{path.name}.part")
        self._tag = path.with_name(f"{path.name}.part.tag")
        self._verified, self._progress, self._complete = verified, progress, False

    def __call__(self, url: str, output_file: str, pooch: Any) -> None:
        if self._complete:  # it came whole, and was wrong: so it would again
            raise ValueError("wrong checksum")
        self._transfer(url)
        Path(output_file).unlink(missing_ok=True)
        try:
            # pooch removes its file if it is stopped while it computes the checksum.
            os.link(self._part, output_file)
        except OSError:  # a disk without links
            self._part.replace(output_file)
        self._complete = True

    def discard(self) -> None:
        """Forget what has arrived."""
        self._part.unlink(missing_ok=True)
        self._tag.unlink(missing_ok=True)

    def _transfer(self, url: str) -> None:
        import requests

        have = self._part.stat().st_size if self._part.is_file() else 0
        with requests.get(
            url, headers=self._headers(have), stream=True, timeout=_TIMEOUT
        ) as answer:
            if have and answer.status_code == 416:
                if answer.headers.get("Content-Range") == f"bytes */{have}":
                    return  # nothing is missing
                self._part.unlink()
                raise requests.ConnectionError("the server has another file now")
            _require_file(answer, self._part.name.removesuffix(".part"))
            resumed = answer.headers.get("Content-Range", "").startswith(f"bytes {have}-")
            if not resumed:
                have = 0
                self._tag.write_text(_version_of(answer))
            with self._part.open("ab" if resumed else "wb") as file:
                for piece in self._shown(answer, have):
                    file.write(piece)

    def _headers(self, have: int) -> dict[str, str]:
        headers = {"Accept-Encoding": "identity"}
        tag = self._tag.read_text() if self._tag.is_file() else ""
        if have and (tag or self._verified):
            headers["Range"] = f"bytes={have}-"
            if tag:
                headers["If-Range"] = tag
        return headers

    def _shown(self, answer: "requests.Response", have: int) -> Iterator[bytes]:
        length = answer.headers.get("Content-Length", "")
        total = have + int(length) if length.isdecimal() else None
        title = f"Fetching {self._part.name.removesuffix('.part')}"
        with _bar(title, have, total, self._progress) as advance:
            for piece in _pieces(answer):
                yield piece
                advance(len(piece))


def _require_file(answer: "requests.Response", name: str) -> None:
    status = answer.status_code
    if 400 <= status < 500 and status not in _PASSING:
        raise _DeadLinkError(f"status {status}")
    answer.raise_for_status()
    kind = answer.headers.get("Content-Type", "")
    if kind.startswith("text/html") and not name.endswith((".html", ".txt")):
        raise _DeadLinkError("a web page is there instead")


def _pieces(answer: "requests.Response") -> Iterator[bytes]:
    """The bytes as they are sent: a server that calls a .tgz "gzip-encoded" means the file."""
    import requests
    import urllib3

    try:
        yield from answer.raw.stream(_PIECE, decode_content=False)
    except urllib3.exceptions.HTTPError as error:
        raise requests.ConnectionError(error) from error  # which pooch repeats after


def _version_of(answer: "requests.Response") -> str:
    """What If-Range takes: a strong ETag or a date."""
    tag = answer.headers.get("ETag", "")
    if tag and not tag.startswith("W/"):
        return tag
    return answer.headers.get("Last-Modified", "")


@contextmanager
def _bar(title: str, have: int, total: int | None, progress: bool) -> Iterator[Any]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), disable=not progress) as bar:
        task = bar.add_task(title, total=total, completed=have)
        yield lambda size: bar.advance(task, size)

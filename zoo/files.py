"""Writing files so that a crash, a full disk or Ctrl-C never leaves half a file behind."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import platformdirs

from zoo.errors import ZooError


@contextmanager
def atomic_path(path: str | os.PathLike) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it is renamed to `path`, else removed.

    The temporary name keeps the suffix, because libraries choose the format by it.
    """
    path = Path(path)
    temporary: Path | None = None
    with spoken_failure(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(
                prefix=f".{path.stem}-", suffix=f".partial{path.suffix}", dir=path.parent
            )
            os.close(handle)
            temporary = Path(name)
            yield temporary
            with temporary.open("rb+") as written:
                os.fsync(written.fileno())
            _make_ordinary(temporary, 0o666)
            temporary.replace(path)
        finally:
            if temporary is not None:
                temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder; on success it becomes `path` (missing or empty), else it goes."""
    with spoken_failure(path):
        name = tempfile.mkdtemp(prefix=f".{path.name}-", suffix=".partial", dir=path.parent)
        temporary = Path(name)
        try:
            yield temporary
            _make_ordinary(temporary, 0o777)
            if path.exists():
                path.rmdir()  # it was empty
            temporary.rename(path)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def spoken_failure(place: Path | str) -> Iterator[None]:
    """Turn what the system says of writing there into a sentence with advice."""
    try:
        yield
    except OSError as error:
        raise ZooError(
            f"Cannot write {place}: {error.strerror or error}; "
            "choose a folder that you may write to, on a disk with space."
        ) from error


def _make_ordinary(path: Path, mode: int) -> None:
    """Give a temporary file or folder, which is private, the permissions of an ordinary new one."""
    umask = os.umask(0)
    os.umask(umask)
    path.chmod(mode & ~umask)


def write_json(path: str | os.PathLike, content: Any) -> None:
    """Write `content` as indented JSON, atomically; NaN and infinity are refused."""
    text = json.dumps(content, indent=2, allow_nan=False) + "\n"
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def read_json(path: str | os.PathLike) -> Any:
    """Read a JSON file; a missing or damaged one is refused."""
    path = Path(path)
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ZooError(f"Cannot read {path}: {error.strerror or error}.") from error
    except ValueError as error:
        raise ZooError(f"{path} is not valid JSON ({error}); restore it from a copy.") from error


def sha256_of_file(path: str | os.PathLike) -> str:
    """SHA-256 of a file's bytes as 64 hexadecimal digits, in constant memory."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def require_writable(folder: Path) -> None:
    """Make a folder and try it, so that hours of work are not lost at their end."""
    with spoken_failure(f"into {folder}"):
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()


def cache_folder() -> Path:
    """The folder of what can be made again: `ZOO_CACHE`, else the user's cache folder."""
    chosen = os.environ.get("ZOO_CACHE")
    return Path(chosen) if chosen else Path(platformdirs.user_cache_dir("colorization-zoo"))

"""Writing files so that a crash, a full disk or Ctrl-C never leaves half of one behind."""

import hashlib
import json
import os
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

    Raises:
        ZooError: if the folder cannot be made or written to, or the disk is full.
    """
    path = Path(path)
    temporary: Path | None = None
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
        # mkstemp makes private files; the result gets the permissions of an ordinary new file.
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    except OSError as error:
        raise ZooError(
            f"Cannot write {path}: {error.strerror or error}; "
            "choose a folder that you may write to, on a disk with space."
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def write_json(path: str | os.PathLike, content: Any) -> None:
    """Write `content` as indented JSON, atomically; NaN and infinity are refused."""
    text = json.dumps(content, indent=2, allow_nan=False) + "\n"
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def read_json(path: str | os.PathLike) -> Any:
    """Read a JSON file.

    Raises:
        ZooError: if the file is missing or is not JSON.
    """
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
    """Make a folder and try it, so that hours of work are not lost at their end.

    Raises:
        ZooError: if it cannot be made or written into.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise ZooError(
            f"Cannot write into {folder}: {error.strerror or error}; "
            "choose a folder that you may write to, on a disk with space."
        ) from error


def cache_folder() -> Path:
    """Where things that can be made again are kept: `ZOO_CACHE`, else the user's cache folder."""
    chosen = os.environ.get("ZOO_CACHE")
    return Path(chosen) if chosen else Path(platformdirs.user_cache_dir("colorization-zoo"))

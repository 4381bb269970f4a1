"""What is said when the disk is full, wherever that shows."""

import errno
import sqlite3

from sqlalchemy.exc import OperationalError

#: Without the paths, which are nobody else's business.
CANNOT_WRITE = "The server cannot write; there may be no space left."

_OF_DATABASE = (
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
)
_OF_FILES = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)


def is_of_disk(error: BaseException) -> bool:
    """Whether an error, or one that it came from, says that nothing can be written."""
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, OperationalError) and _primary_code(found) in _OF_DATABASE:
            return True
        if isinstance(found, OSError) and found.errno in _OF_FILES:
            return True
        found = found.__cause__
    return False


def _primary_code(error: OperationalError) -> int:
    """SQLite's code without the details, which are in the higher bits."""
    return getattr(error.orig, "sqlite_errorcode", 0) & 0xFF

"""The key of a data folder, which signs what browsers keep."""

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from zoo.errors import ZooError
from zoo.files import spoken_failure

_BYTES = 32


class Key:
    """Signs texts, and knows those that it has signed.

    Args:
        secret: random bytes.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    @classmethod
    def of_folder(cls, folder: Path) -> "Key":
        """The key of a folder, which is made if there is none yet, for its owner's eyes alone.

        Raises:
            ZooError: if it cannot be read or written, or is damaged.
        """
        file = folder / "secret"
        with spoken_failure(file):
            if not file.exists():
                _write_private(file, secrets.token_bytes(_BYTES))
            file.chmod(0o600)
            secret = file.read_bytes()
        if len(secret) != _BYTES:
            raise ZooError(f"The key {file} is damaged; delete it, and all have to log in again.")
        return cls(secret)

    def signed(self, text: str) -> str:
        """A text with its signature."""
        return f"{text}.{self._signature(text)}"

    def text_of(self, signed: str) -> str | None:
        """The text that this key has signed; None if it has not, or something was changed."""
        text, _, signature = signed.rpartition(".")
        right = hmac.compare_digest(signature.encode(), self._signature(text).encode())
        return text if right else None

    def _signature(self, text: str) -> str:
        return hmac.new(self._secret, text.encode(), hashlib.sha256).hexdigest()


def _write_private(file: Path, content: bytes) -> None:
    """Write a file, whole or not at all, that nobody else can read at any moment."""
    temporary = file.with_suffix(".partial")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())
    temporary.replace(file)


def digest(secret: str) -> str:
    """What is kept of a random text that lets somebody in: it leads to the text by no way."""
    return hashlib.sha256(secret.encode()).hexdigest()

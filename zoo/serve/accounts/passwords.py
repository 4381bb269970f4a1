"""Passwords, of which argon2id hashes alone are kept."""

import secrets
import threading
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

#: Hashes that are computed at a time: each takes 64 MiB.
_AT_A_TIME = 2


class Passwords:
    """Hashes passwords and checks them.

    Args:
        hasher: with the parameters of argon2id; those that RFC 9106 recommends where memory is
            scarce, unless told otherwise.
    """

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = PasswordHasher() if hasher is None else hasher
        self._turn = threading.BoundedSemaphore(_AT_A_TIME)
        self._nobodys = self.hash(secrets.token_hex())

    def hash(self, password: str) -> str:
        """The hash of a password, with its salt and parameters."""
        with self._turn:
            return self._hasher.hash(_normal(password))

    def matches(self, kept: str | None, password: str) -> bool:
        """Whether a password is the one of a hash; None, for nobody's, takes as long."""
        with self._turn:
            try:
                self._hasher.verify(kept or self._nobodys, _normal(password))
            except VerificationError:
                return False
        return kept is not None

    def is_outdated(self, kept: str) -> bool:
        """Whether a hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(kept)


def _normal(password: str) -> str:
    """One form of letters that keyboards send in several."""
    return unicodedata.normalize("NFKC", password)

"""Who may come in: accounts with passwords, sessions of browsers, tokens of programs."""

import secrets
import time
from collections.abc import Callable

from sqlalchemy import Engine

from zoo.serve.accounts.forms import check_log_in, check_sign_up, check_token_name, tidy_email
from zoo.serve.accounts.keys import Key, digest
from zoo.serve.accounts.passwords import Passwords
from zoo.serve.accounts.rates import RateLimit, network_of
from zoo.serve.accounts.store import Account, AccountStore, Token
from zoo.serve.ids import new_id
from zoo.serve.refusals import Refusal, WrongFields
from zoo.serve.settings import Limits

#: Tells tokens from other secrets, for people and for programs that look for leaked ones.
TOKEN_PREFIX = "zoo_"
_DAY = 24 * 60 * 60.0
#: The last use of a token is told to so many seconds.
_USE = 60.0


class Accounts:
    """Accounts of a server.

    Args:
        engine: of the database.
        key: signs what browsers keep.
        limits: see `Limits`.
        clock: the time now, in seconds since 1970.
        passwords: hashes them.
    """

    def __init__(
        self,
        engine: Engine,
        key: Key,
        limits: Limits,
        clock: Callable[[], float] = time.time,
        passwords: Passwords | None = None,
    ) -> None:
        self._store, self._key, self._limits, self._clock = AccountStore(engine), key, limits, clock
        self._passwords = Passwords() if passwords is None else passwords
        self._log_ins, self._sign_ups = _Tries(limits, clock), _Tries(limits, clock)

    @property
    def session_seconds(self) -> int:
        """How long a session lasts."""
        return int(self._limits.session_days * _DAY)

    # ------------------------------------------------------------------ people

    def sign_up(
        self, name: str, email: str, password: str, confirmation: str, address: str
    ) -> Account:
        """Make an account.

        Args:
            name: as the person wants to be called.
            email: what they log in with.
            password: what they chose.
            confirmation: the password once more.
            address: where the request comes from.

        Raises:
            WrongFields: naming those that do not fit; 409 for an e-mail address that is known.
            Refusal: 429 if it was tried too often.
        """
        check_sign_up(name, email, password, confirmation)
        email = tidy_email(email)
        self._sign_ups.take(email, address)
        hashed = self._passwords.hash(password)
        account = Account(new_id(), name.strip(), email, hashed, self._clock())
        if not self._store.add_account(account):
            known = "There is an account with this e-mail address; log in, or take another one."
            raise WrongFields({"email": known}, 409)
        return account

    def log_in(self, email: str, password: str, address: str) -> Account:
        """The account of an e-mail address and its password.

        Raises:
            WrongFields: if a field does not fit.
            Refusal: 401 if one of them is wrong, whichever; 429 if it was tried too often.
        """
        check_log_in(email, password)
        email = tidy_email(email)
        self._log_ins.take(email, address)
        account = self._store.account_of_email(email)
        right = self._passwords.matches(None if account is None else account.password, password)
        if account is None or not right:
            raise Refusal(401, "The e-mail address or the password is wrong; check both.")
        self._log_ins.forgive(email)
        if self._passwords.is_outdated(account.password):
            self._store.set_password(account.id, self._passwords.hash(password))
        return account

    def check_password(self, account: Account, password: str, address: str) -> None:
        """Ask somebody who is in for the password once more.

        Raises:
            WrongFields: 403 if it is wrong.
            Refusal: 429 if it was tried too often.
        """
        check_log_in(account.email, password)
        self._log_ins.take(account.email, address)
        if not self._passwords.matches(account.password, password):
            raise WrongFields({"password": "The password is wrong; type it again."}, 403)
        self._log_ins.forgive(account.email)

    # ------------------------------------------------------------------ sessions

    def open_session(self, account: Account) -> str:
        """Begin a session, and return what the browser keeps of it."""
        identifier = secrets.token_urlsafe(32)
        expires = self._clock() + self.session_seconds
        self._store.add_session(digest(identifier), account.id, expires)
        return self._key.signed(identifier)

    def of_session(self, kept: str) -> Account | None:
        """Whose session it is, by what the browser keeps; None if it has ended or never was."""
        identifier = self._key.text_of(kept)
        if identifier is None:
            return None
        return self._store.account_of_session(digest(identifier), self._clock())

    def close_session(self, kept: str) -> None:
        """End a session, if it is one."""
        identifier = self._key.text_of(kept)
        if identifier is not None:
            self._store.delete_session(digest(identifier))

    def forget_old(self) -> None:
        """Delete sessions whose time is over."""
        self._store.delete_sessions_before(self._clock())

    # ------------------------------------------------------------------ tokens

    def make_token(self, account: Account, name: str) -> tuple[Token, str]:
        """Make a token, and return what is kept of it and the token itself, which nobody keeps.

        Raises:
            WrongFields: if it has no fitting name.
            Refusal: if there are too many.
        """
        check_token_name(name)
        if self._store.count_tokens(account.id) >= self._limits.tokens:
            most = self._limits.tokens
            raise Refusal(409, f"There are {most} tokens already; revoke one first.")
        secret = TOKEN_PREFIX + secrets.token_urlsafe(32)
        token = Token(new_id(), account.id, name.strip(), digest(secret), self._clock())
        self._store.add_token(token)
        return token, secret

    def tokens(self, account: Account) -> list[Token]:
        """What is kept of an account's tokens, the newest first."""
        return self._store.tokens(account.id)

    def of_token(self, secret: str) -> Account | None:
        """Whose token it is; None for one that was revoked or never was."""
        token = self._store.token_of_digest(digest(secret))
        if token is None:
            return None
        now = self._clock()
        if token.used is None or token.used <= now - _USE:
            self._store.use_token(token.id, now)
        return self._store.account(token.account)

    def revoke_token(self, account: Account, identifier: str) -> None:
        """Let a token of an account in no more.

        Raises:
            Refusal: if it has none of that id.
        """
        if not self._store.delete_token(account.id, identifier):
            raise Refusal(404, "There is no such token; it may have been revoked.")


class _Tries:
    """Attempts by e-mail address and by where they come from."""

    def __init__(self, limits: Limits, clock: Callable[[], float]) -> None:
        self._emails = RateLimit(limits.tries_of_email, limits.tries_seconds, clock)
        self._addresses = RateLimit(limits.tries_of_address, limits.tries_seconds, clock)

    def take(self, email: str, address: str) -> None:
        """Count an attempt.

        Raises:
            Refusal: 429 if there were too many.
        """
        self._addresses.take(network_of(address))
        self._emails.take(email)

    def forgive(self, email: str) -> None:
        """Forget the attempts for an e-mail address; others from there may go on guessing."""
        self._emails.forgive(email)

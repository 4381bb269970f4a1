"""Accounts, sessions and tokens: rows in SQLite.

What lets somebody in is kept as a hash alone: whoever reads the database does not get in.
"""

from dataclasses import dataclass

from sqlalchemy import (
    Column,
    ColumnElement,
    Engine,
    Float,
    ForeignKey,
    MetaData,
    String,
    Table,
    delete,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.exc import IntegrityError

from zoo.serve.database import reading

_METADATA = MetaData()
ACCOUNTS = Table(
    "accounts",
    _METADATA,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("email", String, nullable=False, unique=True),
    Column("password", String, nullable=False),
    Column("created", Float, nullable=False),
)
SESSIONS = Table(
    "sessions",
    _METADATA,
    Column("digest", String, primary_key=True),
    Column("account", String, ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
    Column("expires", Float, nullable=False),
)
TOKENS = Table(
    "tokens",
    _METADATA,
    Column("id", String, primary_key=True),
    Column("account", String, ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
    Column("name", String, nullable=False),
    Column("digest", String, nullable=False, unique=True),
    Column("created", Float, nullable=False),
    Column("used", Float),
)
_NEWEST_FIRST = text("created DESC, rowid DESC")


@dataclass(frozen=True)
class Account:
    """A person.

    Attributes:
        id: who owns photos.
        name: as they want to be called.
        email: what they log in with.
        password: its hash.
        created: in seconds since 1970.
    """

    id: str
    name: str
    email: str
    password: str
    created: float


@dataclass(frozen=True)
class Token:
    """What lets a program in for a person.

    Attributes:
        account: the id of that person.
        name: as they call it.
        digest: the hash of the token.
        created: in seconds since 1970.
        used: when it was last used; None for never.
    """

    id: str
    account: str
    name: str
    digest: str
    created: float
    used: float | None = None


class AccountStore:
    """Accounts, sessions and tokens of a database.

    Args:
        engine: of the database.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine, self._reads = engine, reading(engine)

    # ------------------------------------------------------------------ accounts

    def add_account(self, account: Account) -> bool:
        """Record an account; False if there is one with that e-mail address."""
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(ACCOUNTS).values(**vars(account)))
        except IntegrityError:
            return False
        return True

    def account(self, identifier: str) -> Account | None:
        return self._account(ACCOUNTS.c.id == identifier)

    def account_of_email(self, email: str) -> Account | None:
        return self._account(ACCOUNTS.c.email == email)

    def _account(self, where: ColumnElement[bool]) -> Account | None:
        with self._reads.begin() as connection:
            row = connection.execute(select(ACCOUNTS).where(where)).first()
        return None if row is None else Account(**row._mapping)

    def set_password(self, identifier: str, password: str) -> None:
        """Record another hash of a password."""
        changed = update(ACCOUNTS).where(ACCOUNTS.c.id == identifier).values(password=password)
        with self._engine.begin() as connection:
            connection.execute(changed)

    # ------------------------------------------------------------------ sessions

    def add_session(self, digest: str, account: str, expires: float) -> None:
        values = {"digest": digest, "account": account, "expires": expires}
        with self._engine.begin() as connection:
            connection.execute(insert(SESSIONS).values(**values))

    def account_of_session(self, digest: str, now: float) -> Account | None:
        """Whose session it is, unless its time is over."""
        query = (
            select(ACCOUNTS)
            .join(SESSIONS, SESSIONS.c.account == ACCOUNTS.c.id)
            .where((SESSIONS.c.digest == digest) & (SESSIONS.c.expires > now))
        )
        with self._reads.begin() as connection:
            row = connection.execute(query).first()
        return None if row is None else Account(**row._mapping)

    def delete_session(self, digest: str) -> None:
        with self._engine.begin() as connection:
            connection.execute(delete(SESSIONS).where(SESSIONS.c.digest == digest))

    def delete_sessions_before(self, now: float) -> None:
        """Delete those whose time is over."""
        with self._engine.begin() as connection:
            connection.execute(delete(SESSIONS).where(SESSIONS.c.expires <= now))

    # ------------------------------------------------------------------ tokens

    def add_token(self, token: Token) -> None:
        with self._engine.begin() as connection:
            connection.execute(insert(TOKENS).values(**vars(token)))

    def tokens(self, account: str) -> list[Token]:
        """Those of an account, the newest first."""
        query = select(TOKENS).where(TOKENS.c.account == account).order_by(_NEWEST_FIRST)
        with self._reads.begin() as connection:
            return [Token(**row._mapping) for row in connection.execute(query)]

    def count_tokens(self, account: str) -> int:
        query = select(func.count()).where(TOKENS.c.account == account)
        with self._reads.begin() as connection:
            return connection.execute(query).scalar_one()

    def token_of_digest(self, digest: str) -> Token | None:
        with self._reads.begin() as connection:
            row = connection.execute(select(TOKENS).where(TOKENS.c.digest == digest)).first()
        return None if row is None else Token(**row._mapping)

    def use_token(self, identifier: str, now: float) -> None:
        """Record when a token was used."""
        with self._engine.begin() as connection:
            connection.execute(update(TOKENS).where(TOKENS.c.id == identifier).values(used=now))

    def delete_token(self, account: str, identifier: str) -> bool:
        """Delete a token of an account; False if it has none of that id."""
        where = (TOKENS.c.account == account) & (TOKENS.c.id == identifier)
        with self._engine.begin() as connection:
            return connection.execute(delete(TOKENS).where(where)).rowcount > 0

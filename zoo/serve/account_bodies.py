"""What requests and answers about accounts hold, as JSON.

A field that is missing is an empty one, so that its form says what to do.
"""

from pydantic import BaseModel

from zoo.serve.accounts.store import Account, Token
from zoo.serve.bodies import Request, moment


class SignUpRequest(Request):
    """An account that is asked for; `confirmation` is the password once more."""

    name: str = ""
    email: str = ""
    password: str = ""
    confirmation: str = ""


class LogInRequest(Request):
    """Somebody who has an account."""

    email: str = ""
    password: str = ""


class DeletionRequest(Request):
    """The password, once more, of an account that is to be deleted."""

    password: str = ""


class TokenRequest(Request):
    """A token that is asked for, by the name that people call it."""

    name: str = ""


class AccountBody(BaseModel):
    """An account; times are UTC, as ISO 8601 has them."""

    id: str
    name: str
    email: str
    created: str

    @classmethod
    def of(cls, account: Account) -> "AccountBody":
        return cls(
            id=account.id, name=account.name, email=account.email, created=moment(account.created)
        )


class CallerBody(BaseModel):
    """Whether the server has accounts, and whose request this is."""

    accounts: bool
    account: AccountBody | None


class TokenBody(BaseModel):
    """What is known of a token; `used` is None before it has been."""

    id: str
    name: str
    created: str
    used: str | None

    @classmethod
    def of(cls, token: Token) -> "TokenBody":
        used = None if token.used is None else moment(token.used)
        return cls(id=token.id, name=token.name, created=moment(token.created), used=used)


class NewTokenBody(TokenBody):
    """A token, which is told once."""

    token: str


class TokensBody(BaseModel):
    """Tokens, the newest first."""

    tokens: list[TokenBody]

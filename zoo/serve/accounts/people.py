"""Who asks: every photo, and all that is made of it, belongs to one person."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from zoo.serve.accounts.store import Account

#: Where a request says who asks.
CALLER = "zoo.caller"


@dataclass(frozen=True)
class Caller:
    """Who asks.

    Attributes:
        person: the id that photos are owned by.
        account: that person's; None on a server without accounts.
        by_token: whether it is a program with a token.
    """

    person: str
    account: Account | None = None
    by_token: bool = False


def caller_of(request: Request) -> Caller | None:
    """Who asks; None for somebody who has not logged in."""
    found: Caller | None = request.scope[CALLER]
    return found


def asking(request: Request) -> str:
    """The id of the person whose request this is: nobody else gets as far as this."""
    caller = caller_of(request)
    assert caller is not None
    return caller.person


#: What a route takes to know who asks; services find nothing without it.
Person = Annotated[str, Depends(asking)]

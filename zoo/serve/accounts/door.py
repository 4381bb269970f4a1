"""Knows who asks before anything else is read, and lets nobody else to the interface."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from zoo.serve.accounts.accounts import Accounts
from zoo.serve.accounts.people import CALLER, Caller
from zoo.serve.ids import OWNER

#: What browsers keep of a session.
COOKIE = "zoo_session"

#: The page holds nothing of anybody; all that does is below this.
_INTERFACE = "/api/"
#: What people without an account may ask of it.
_OPEN = frozenset(
    {
        ("GET", "/api/v1/health"),
        ("GET", "/api/v1/openapi.json"),
        ("GET", "/api/v1/account"),
        ("POST", "/api/v1/account"),
        ("POST", "/api/v1/session"),
        ("DELETE", "/api/v1/session"),
    }
)


class Door:
    """Tells an application who asks, in the request's scope under `people.CALLER`.

    A route that is added later is closed to people without an account, unless it is named here.

    Args:
        app: the application.
        accounts: None for a server of one person.
    """

    def __init__(self, app: ASGIApp, accounts: Accounts | None) -> None:
        self._app, self._accounts = app, accounts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, as ASGI has it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        caller: Caller | None = Caller(OWNER)
        if self._accounts is not None:
            connection = HTTPConnection(scope)
            caller = await run_in_threadpool(_caller, self._accounts, connection)
            refused = None if caller is not None else _refused(scope, connection)
            if refused is not None:
                await refused(scope, receive, send)
                return
        scope[CALLER] = caller
        await self._app(scope, receive, send)


def bearer(authorization: str) -> str | None:
    """The token of an Authorization header; None if it has none.

    Examples:
        >>> bearer("Bearer zoo_1234"), bearer("Basic eHg6")
        ('zoo_1234', None)
    """
    kind, _, token = authorization.partition(" ")
    return token.strip() if kind.lower() == "bearer" else None


def _caller(accounts: Accounts, connection: HTTPConnection) -> Caller | None:
    """Who asks: a token counts alone, whatever cookie is there."""
    token = bearer(connection.headers.get("authorization", ""))
    if token is not None:
        account = accounts.of_token(token)
    else:
        account = accounts.of_session(connection.cookies.get(COOKIE, ""))
    return None if account is None else Caller(account.id, account, token is not None)


def _refused(scope: Scope, connection: HTTPConnection) -> JSONResponse | None:
    """The answer to somebody unknown, unless this is for all."""
    path, sent = scope["path"], bearer(connection.headers.get("authorization", ""))
    if not path.startswith(_INTERFACE) or (sent is None and (scope["method"], path) in _OPEN):
        return None
    sentence = "Log in first, or send the token of an account."
    if sent is not None:
        sentence = "That token is unknown; it may have been revoked. Make another one."
    return JSONResponse({"error": sentence}, 401, headers={"WWW-Authenticate": "Bearer"})

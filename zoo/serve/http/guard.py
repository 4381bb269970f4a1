"""What holds for every request and every answer, around the application.

What keeps other web pages out is that a write needs a header which they may send to this server
only if it says so, that the server answers to its own names alone (against DNS rebinding), and that
it allows nobody to read its answers or to show its page in a frame. With accounts a write must not
come from another page by what browsers say of that, either; and a token takes the place of the
header, because no other page can have it sent.
"""

import ipaddress
import re
import socket
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from zoo.serve.accounts.door import bearer
from zoo.serve.http.addresses import LOCAL
from zoo.serve.intake import too_many_bytes
from zoo.serve.settings import Settings

#: What writes have to send, and its value.
MARK = "X-Requested-With"
MARK_VALUE = "zoo"

#: What the page may load: its own, and nothing else.
POLICY = (
    "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_READS = ("GET", "HEAD", "OPTIONS")
#: An IPv6 address in brackets, or a name, and a port.
_HOST = re.compile(r"(\[(?P<address>[^\]]*)\]|(?P<name>[^:]*))(:\d*)?")
_EVERYWHERE = ("0.0.0.0", "::")
#: Where films may come, which are longer than photos.
FILMS = "/api/v1/photos"
#: What a multipart body has around its files.
_AROUND_FILES = 2**20


class Guard:
    """Lets requests through to an application that name this server, and are not too long.

    Args:
        app: the application.
        settings: the address that the server binds to, the limits, and whether there are accounts.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        host = settings.host
        self._app, self._limits, self._accounts = app, settings.limits, settings.accounts
        self._names = frozenset({*LOCAL, host.lower(), *_own_names(host)})
        self._any_address = host in _EVERYWHERE

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, as ASGI has it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
                if self._accounts:  # what one person's browser keeps is not the next one's
                    headers.add_vary_header("Cookie, Authorization")
            await send(message)

        headers = Headers(scope=scope)
        most = self._most(scope["path"], headers)
        refused = self._refused(scope["method"], headers, most)
        if refused is not None:
            await refused(scope, receive, sending)
            return
        await self._app(scope, _counted(receive, most), sending)

    def _refused(self, method: str, headers: Headers, most: int) -> JSONResponse | None:
        """The answer to a request that does not get through."""
        if not is_own(headers.get("host", ""), self._names, self._any_address):
            return _error(
                400, "This server does not answer to that name; open it as http://localhost."
            )
        by_token = self._accounts and bearer(headers.get("authorization", "")) is not None
        if method not in _READS and not by_token:
            if headers.get(MARK) != MARK_VALUE:
                return _error(403, f"Writes need the header {MARK}: {MARK_VALUE}; send it.")
            if self._accounts and not is_same_origin(headers):
                return _error(403, "Another web page has asked for that; use this server's own.")
        length = headers.get("content-length", "0")
        if length.isdigit() and int(length) > most:
            refusal = too_many_bytes(most)
            return _error(refusal.status_code, refusal.detail)
        return None

    def _most(self, path: str, headers: Headers) -> int:
        """Bytes that a request may have."""
        if not headers.get("content-type", "").lower().startswith("multipart/"):
            return self._limits.json_bytes
        files = self._limits.film_bytes if path == FILMS else self._limits.upload_bytes
        return files + _AROUND_FILES


def _counted(receive: Receive, most: int) -> Receive:
    """Receive a body until it is too long, whatever length it had announced."""
    had = 0

    async def receiving() -> Message:
        nonlocal had
        message = await receive()
        had += len(message.get("body", b""))
        if had > most:
            raise too_many_bytes(most)
        return message

    return receiving


def is_own(host: str, names: Collection[str], any_address: bool = False) -> bool:
    """Whether a Host header names this server; the port does not matter.

    Args:
        host: the header.
        names: of the server, in lower case; IPv6 addresses without brackets.
        any_address: whether it answers to every IP address: behind a name of somebody else's there
            is none.

    Examples:
        >>> is_own("LocalHost:8000", {"localhost"}), is_own("evil.example", {"localhost"})
        (True, False)
        >>> is_own("[::1]:8000", {"::1"}), is_own("[::1].evil.example", {"::1"})
        (True, False)
    """
    found = _HOST.fullmatch(host.lower())
    if found is None:
        return False
    bare = found["address"] or found["name"]
    return bare in names or (any_address and _is_address(bare))


def is_same_origin(headers: Headers) -> bool:
    """Whether a request comes from this server's page, or from no page at all.

    Browsers say it in Sec-Fetch-Site, wherever they trust the connection; older ones, and those
    that do not, in Origin. Programs say neither.
    """
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None:
        return site in ("same-origin", "none")
    return origin is None or urlsplit(origin).netloc.lower() == headers.get("host", "").lower()


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _own_names(host: str) -> tuple[str, ...]:
    return (socket.gethostname().lower(),) if host in _EVERYWHERE else ()


def _error(status: int, sentence: str) -> JSONResponse:
    return JSONResponse({"error": sentence}, status)

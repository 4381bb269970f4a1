"""What keeps a crowd, or one who dawdles, from taking all of the server.

So many requests are answered at a time, so many bytes of uploads are on their way, and nobody is
waited for longer than a while, who sends or who is to take.
"""

import asyncio
import time

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from zoo.serve.refusals import Refusal
from zoo.serve.settings import Limits

#: When those who are too many may come again, in seconds.
_AGAIN = 5
#: What is long may take longer, at so many bytes a second.
_SLOWEST = 2**16


class Throttle:
    """Lets requests through to an application while there is room for them.

    Args:
        app: the application.
        limits: see `Limits`.
    """

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app, self._limits = app, limits
        self._requests, self._bytes = 0, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, as ASGI has it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif self._requests >= self._limits.requests:
            sentence = f"The server answers {self._requests} requests already; try again in "
            await _answer(429, f"{sentence}{_AGAIN} s.", scope, receive, send, _AGAIN)
        else:
            self._requests += 1
            try:
                await _Request(self, self._app, self._limits).answer(scope, receive, send)
            finally:
                self._requests -= 1

    def take(self, count: int) -> None:
        """Note bytes that have come, or those that have gone, below 0.

        Raises:
            Refusal: 429 if there are too many.
        """
        self._bytes += count
        if count > 0 and self._bytes > self._limits.arriving_bytes:
            raise Refusal(
                429, f"Many photos are being sent; try again in {_AGAIN} s.", retry_after=_AGAIN
            )


class _Request:
    """A request on its way: what has come of its body, and since when."""

    def __init__(self, throttle: Throttle, app: ASGIApp, limits: Limits) -> None:
        self._throttle, self._app, self._limits = throttle, app, limits
        self._had, self._complete, self._begun = 0, False, False
        self._stalled = False
        self._start = time.monotonic()

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def receiving() -> Message:
            return await self._receive(receive)

        async def sending(message: Message) -> None:
            await self._send(send, message)

        try:
            await self._app(scope, receiving, sending)
        except asyncio.CancelledError:  # the server stops, and has waited
            if self._begun:
                return
            await _answer(
                503, "The server is being stopped; try again later.", scope, receive, send
            )
        except BaseException:
            if not self._stalled:
                raise
        finally:
            self._throttle.take(-self._had)

    async def _receive(self, receive: Receive) -> Message:
        """The next piece of the body; behind its end, that the client has gone, in its own time."""
        if self._complete:
            return await receive()
        whole = self._limits.body_seconds + self._had / _SLOWEST
        left = self._start + whole - time.monotonic()
        patience = min(self._limits.piece_seconds, left)
        try:
            async with asyncio.timeout(patience):
                message = await receive()
        except TimeoutError:
            raise Refusal(408, "The request came too slowly; send it anew.") from None
        self._complete = not message.get("more_body", False)
        length = len(message.get("body", b""))
        self._had += length
        self._throttle.take(length)
        return message

    async def _send(self, send: Send, message: Message) -> None:
        """Send a piece of the answer; one who takes none of it is given up."""
        self._begun = True
        try:
            async with asyncio.timeout(self._limits.piece_seconds):
                await send(message)
        except TimeoutError:
            self._stalled = True
            raise


async def _answer(
    status: int, sentence: str, scope: Scope, receive: Receive, send: Send, again: int | None = None
) -> None:
    headers = None if again is None else {"Retry-After": str(again)}
    await JSONResponse({"error": sentence}, status, headers)(scope, receive, send)

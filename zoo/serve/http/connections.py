"""Connections: those that say nothing, or no HTTP, are answered in one sentence, and end."""

import asyncio
import json

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

#: Connections at a time; beyond them files could not be opened any more.
MOST_CONNECTIONS = 512
#: How long the head of a request may take, in seconds.
HEAD_SECONDS = 10.0
#: How long what still comes of a body is dropped after the answer, in seconds: a client that is cut
#: off while it sends would lose the answer, too.
DROPPING_SECONDS = 5.0


class Connection(H11Protocol):
    """A connection of uvicorn whose client has to come to the point."""

    _late: asyncio.TimerHandle | None = None
    _dropping: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > MOST_CONNECTIONS:
            self._refuse(429, "There are too many connections; try again in 5 s.")
        else:
            self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._unwatch()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._dropping is not None and self.conn.their_state is not h11.SEND_BODY:
            self._dropping.cancel()  # that was all of it
            self._dropping = None
        if self.conn.their_state is not h11.IDLE:
            self._unwatch()
        elif self._late is None:  # the beginning of another request
            self._watch()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.conn.their_state is h11.SEND_BODY:
            self._dropping = self.loop.call_later(DROPPING_SECONDS, self.transport.close)

    def send_400_response(self, msg: str) -> None:
        self._refuse(400, "That is no valid HTTP request; send another one.")

    def _watch(self) -> None:
        self._late = self.loop.call_later(
            HEAD_SECONDS, self._refuse, 408, "The request came too slowly; send it anew."
        )

    def _unwatch(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _refuse(self, status: int, sentence: str) -> None:
        """Answer by one sentence, if no answer has begun, and close."""
        self._unwatch()
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            body = json.dumps({"error": sentence}).encode()
            headers = [
                ("Content-Type", "application/json"),
                ("Content-Length", str(len(body))),
                ("Connection", "close"),
                ("Cache-Control", "no-store"),
                ("X-Content-Type-Options", "nosniff"),
            ]
            if status == 429:
                headers.append(("Retry-After", "5"))
            answer = h11.Response(status_code=status, headers=headers)
            for part in (answer, h11.Data(data=body), h11.EndOfMessage()):
                self.transport.write(self.conn.send(part) or b"")
        self.transport.close()

"""The web server itself, in this process."""

import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from zoo.serve.app import create_app
from zoo.serve.http.connections import Connection
from zoo.serve.service import Service

#: How long open connections may take to end, in seconds.
_PATIENCE = 5


class _Server(uvicorn.Server):
    """Lets all go who wait, when it is to stop: they would keep it from doing so."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._service.end()
        await super().shutdown(sockets)


def run(service: Service, listening: socket.socket) -> None:
    """Serve until Ctrl-C or SIGTERM; then finish what runs."""
    try:
        with temporary_files_in(service.store.scratch):
            _Server(configuration(service), service).run(sockets=[listening])
    except KeyboardInterrupt:  # said again by uvicorn, after it has stopped
        pass
    finally:
        listening.close()


def configuration(service: Service) -> uvicorn.Config:
    """How a service is served."""
    return uvicorn.Config(
        create_app(service),
        # What is said of the protocol below holds for one implementation of it.
        http=Connection,
        ws="none",
        # Who asked for what is nobody's business, and uploads have names in no log.
        access_log=False,
        # Warnings and errors go to standard error, as those of all other parts.
        log_config=None,
        log_level="warning",
        server_header=False,
        # Whoever asks may say to ask for others: a proxy that was named is believed, alone.
        proxy_headers=bool(service.settings.proxies),
        forwarded_allow_ips=list(service.settings.proxies),
        timeout_graceful_shutdown=_PATIENCE,
    )


@contextmanager
def temporary_files_in(folder: Path) -> Iterator[None]:
    """Uploads are put there while they come: on the disk of the photos, and private as they are.

    Starlette asks `tempfile` for a file, as libraries do. It has no name on the disk, so that
    nothing is left whatever happens.
    """
    before, tempfile.tempdir = tempfile.tempdir, str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = before

"""The web server itself, in this process."""

import socket
from types import FrameType

import uvicorn

from zoo.serve.app import create_app
from zoo.serve.service import Service

#: Connections at a time; further ones are told to come again.
_MOST_CONNECTIONS = 128
#: How long open connections may take to end, in seconds.
_PATIENCE = 5


class _Server(uvicorn.Server):
    """Ends streams of events when it is to stop: they would keep it from doing so."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._service.changes.end()
        super().handle_exit(sig, frame)


def run(service: Service, listening: socket.socket) -> None:
    """Serve until Ctrl-C or SIGTERM; then finish what runs."""
    try:
        _Server(configuration(service), service).run(sockets=[listening])
    except KeyboardInterrupt:  # said again by uvicorn, after it has stopped
        pass
    finally:
        listening.close()


def configuration(service: Service) -> uvicorn.Config:
    """How a service is served."""
    return uvicorn.Config(
        create_app(service),
        # Who asked for what is nobody's business, and uploads have names in no log.
        access_log=False,
        # Warnings and errors go to standard error, as those of all other parts.
        log_config=None,
        log_level="warning",
        server_header=False,
        # Whoever asks may say to ask for others: a proxy that was named is believed, alone.
        proxy_headers=bool(service.settings.proxies),
        forwarded_allow_ips=list(service.settings.proxies),
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_graceful_shutdown=_PATIENCE,
    )

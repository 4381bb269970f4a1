"""Where a server listens, and whom it believes."""

import ipaddress
import socket

from zoo.errors import ZooError

#: What names this machine on itself.
LOCAL = ("localhost", "127.0.0.1", "::1")


def is_local(host: str) -> bool:
    """Whether only this machine can reach a server that binds to this address."""
    return host.lower() in LOCAL


def check_proxy(address: str) -> None:
    """Refuse what is no address of a proxy.

    Raises:
        ZooError: if it is neither an IP address nor a network.
    """
    try:
        ipaddress.ip_network(address)
    except ValueError as error:
        raise ZooError(
            f"--proxy takes an IP address or a network, as in 127.0.0.1 or 10.0.0.0/8, and not "
            f"{address!r}."
        ) from error


def bind(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 is any free one.

    Raises:
        ZooError: if the address cannot be used, most often because the port is taken.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        family, kind, protocol, _, address = found
        # With its protocol: asyncio sends at once (TCP_NODELAY) only where a socket says TCP.
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        # From now on whoever connects is served, if a little later.
        listening.listen()
    except OSError as error:
        raise ZooError(
            f"Cannot listen at {host}, port {port}: {error.strerror or error}; choose others with "
            "--host and --port."
        ) from error
    return listening


def address_of(listening: socket.socket) -> str:
    """What one opens in a browser on this machine."""
    host, port = listening.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}"

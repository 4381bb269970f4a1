"""How often something may be tried."""

import ipaddress
import math
import threading
from collections import deque
from collections.abc import Callable

from zoo.serve.refusals import Refusal

#: With more keys than this those whose time is over are forgotten.
_MANY = 10_000


class RateLimit:
    """Counts attempts of each key within a time that slides along.

    Args:
        most: attempts within that time.
        seconds: how long it is.
        clock: the time now, in seconds.
    """

    def __init__(self, most: int, seconds: float, clock: Callable[[], float]) -> None:
        self._most, self._seconds, self._clock = most, seconds, clock
        self._attempts: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    def take(self, key: str) -> None:
        """Count an attempt.

        Raises:
            Refusal: 429 if there were too many; this one does not count.
        """
        with self._lock:
            now = self._clock()
            self._forget(now)
            times = self._attempts.setdefault(key, deque())
            while times and times[0] <= now - self._seconds:
                times.popleft()
            if len(times) >= self._most:
                raise _too_many(math.ceil(times[0] + self._seconds - now))
            times.append(now)

    def forgive(self, key: str) -> None:
        """Forget a key's attempts: one of them was right."""
        with self._lock:
            self._attempts.pop(key, None)

    def _forget(self, now: float) -> None:
        if len(self._attempts) > _MANY:
            recent = {
                key: times
                for key, times in self._attempts.items()
                if times and times[-1] > now - self._seconds
            }
            self._attempts = recent


def _too_many(wait: int) -> Refusal:
    minutes = math.ceil(wait / 60)
    sentence = f"That was tried too often; try again in {minutes} min."
    return Refusal(429, sentence, retry_after=wait)


def network_of(address: str) -> str:
    """What one household has of the net: an IPv4 address, or 64 bits of an IPv6 address.

    Examples:
        >>> network_of("192.0.2.7"), network_of("2001:db8::1:2:3:4"), network_of("::ffff:192.0.2.7")
        ('192.0.2.7', '2001:db8::/64', '192.0.2.7')
    """
    try:
        known = ipaddress.ip_address(address)
    except ValueError:  # a socket without one
        return address
    if isinstance(known, ipaddress.IPv4Address):
        return str(known)
    if known.ipv4_mapped is not None:
        return str(known.ipv4_mapped)
    return str(ipaddress.ip_network((known, 64), strict=False))

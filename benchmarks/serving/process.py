"""`zoo serve` as a process of its own on a free port, which can be told to stop, or killed."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from zoo.errors import ZooError

#: How long a server may take to start or to end, in seconds.
_PATIENCE = 120.0


class ServerProcess:
    """A server; a context manager, which kills it if it still runs at the end.

    Args:
        data: its folder.
        model: the only one that it offers.
        workers: how many photos it colors at a time.
        options: further ones of `zoo serve`.

    Attributes:
        address: where it listens.
        stopping: how long it took to stop, in seconds.

    Raises:
        ZooError: if it does not start, with what it said.
    """

    stopping: float

    def __init__(
        self, data: Path, model: str, workers: int = 2, options: Sequence[str] = ()
    ) -> None:
        command = [sys.executable, "-m", "zoo", "serve", "--port", "0", "--data", str(data)]
        command += ["--model", model, "--workers", str(workers), *options]
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed with the process
        self._process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )
        self.address = self._started()

    def _started(self) -> str:
        assert self._process.stdout is not None
        slow = threading.Timer(_PATIENCE, self._process.kill)
        slow.start()
        first = self._process.stdout.readline()
        slow.cancel()
        found = re.match(r"Open (\S+) in a browser", first)
        if found is None:
            self.kill()
            raise ZooError(f"The server has not started: {first}{self.log()}")
        return found[1]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()
        self._log.close()

    def kill(self) -> None:
        """End it without a warning, as a crash or the system does."""
        self._process.kill()
        self._ended()

    def stop(self) -> None:
        """Tell it to stop, as the system does when it shuts down, and wait until it has."""
        started = time.monotonic()
        self._process.send_signal(signal.SIGTERM)
        self._ended()
        self.stopping = time.monotonic() - started

    def _ended(self) -> None:
        self._process.wait(_PATIENCE)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def log(self) -> str:
        """What it has written to standard error."""
        self._log.seek(0)
        return self._log.read()

    def processor_time(self) -> float:
        """How long it has kept cores busy, in seconds."""
        status = Path(f"/proc/{self._process.pid}/stat").read_text(encoding="ascii")
        user, system = status.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> float:
        """What it holds in memory now, in MB."""
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
        line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1000

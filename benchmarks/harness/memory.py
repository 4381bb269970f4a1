"""Memory of this program."""

import resource
from pathlib import Path


def peak_memory() -> float:
    """This program's peak memory in MB.

    On Linux not `getrusage`: its ru_maxrss starts from that of the process which started this one.
    """
    status = Path("/proc/self/status")
    if not status.is_file():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    lines = status.read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1000

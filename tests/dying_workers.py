"""What `test_cluster.py` lets a worker do: it finds that by this module's name."""

import os
import signal
from dataclasses import replace

from zoo.inference import cluster

_color_chunk = cluster._color_chunk


def color_or_die(chunk):
    """Color photos; the first worker of all is killed when it has colored one of its photos."""
    mark = chunk.jobs[0].target.parent / ".killed"
    try:
        mark.touch(exist_ok=False)
        _color_chunk(replace(chunk, jobs=chunk.jobs[:1]))
        os.kill(os.getpid(), signal.SIGKILL)
    except FileExistsError:
        pass
    return _color_chunk(chunk)

"""What `test_executors.py` lets other processes do: they find it by this module's name."""

import os
import signal
import time
from pathlib import Path

from zoo.errors import TrainingInterrupted, ZooError


def prepare():
    """Leave a trace in the process."""
    os.environ["PREPARED"] = "yes"


def act(task):
    """Do what the task says: ("write", path), ("trace", path), ("die",), ("refuse",) ..."""
    what, *arguments = task
    if what == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "refuse":
        raise ZooError("The disk is full; free some space.")
    path = Path(arguments[0])
    path.write_text(os.environ.get("PREPARED", "no") if what == "trace" else str(os.getpid()))
    if what == "wait":
        _wait(path.with_suffix(".saved"))


def _wait(saved):
    """What a training does at Ctrl-C."""
    try:
        time.sleep(120)
    except KeyboardInterrupt:
        saved.write_text("position")
        raise TrainingInterrupted from None

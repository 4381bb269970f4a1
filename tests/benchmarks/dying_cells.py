"""A cell whose process is killed, for tests: other processes find it by this module's name."""

import os
import signal
from unittest import mock

from conftest import eagerly

from benchmarks.harness.run_cell import run_cell
from zoo.training import checkpoint


def run_or_die(task):
    """Run a cell; the first process that keeps a checkpoint of it is killed there and then."""
    trace, save = task.out / "killed", checkpoint.save

    def save_and_die(*given):
        save(*given)
        if not trace.exists():
            trace.write_text(str(os.getpid()))
            os.kill(os.getpid(), signal.SIGKILL)

    with mock.patch.object(checkpoint, "save", save_and_die), eagerly():
        return run_cell(task)

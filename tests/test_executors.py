"""Tasks in processes of their own: what ends one process ends one task."""

import os
import signal
import subprocess
import sys
import threading
import time

import process_functions
import pytest

from zoo.executors import run_local


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def wait_for(path, seconds=60):
    limit = time.monotonic() + seconds
    while not path.exists() or not path.read_text():
        assert time.monotonic() < limit
        time.sleep(0.02)


def test_a_dying_process_ends_its_task_alone(tmp_path, capfd):
    tasks = [("die",), ("refuse",), ("write", tmp_path / "pid"), ("trace", tmp_path / "trace")]
    outcomes = dict(run_local(process_functions.act, tasks, process_functions.prepare))
    assert "killed from outside, as the system does when memory runs out" in outcomes[0]
    assert "exit status 2" in outcomes[1]
    assert outcomes[2] is outcomes[3] is None
    assert (tmp_path / "trace").read_text() == "yes"
    assert int((tmp_path / "pid").read_text()) != os.getpid()
    told = capfd.readouterr().err
    assert "The disk is full; free some space." in told
    assert "Traceback" not in told


def test_an_interrupt_lets_the_running_task_save_its_position(tmp_path):
    started = tmp_path / "pid"

    def interrupt():
        wait_for(started)
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    tasks = [("wait", started), ("write", tmp_path / "never")]
    with pytest.raises(KeyboardInterrupt):
        list(run_local(process_functions.act, tasks))
    thread.join()
    assert started.with_suffix(".saved").read_text() == "position"
    assert not alive(int(started.read_text()))
    assert not (tmp_path / "never").exists()


def test_a_task_ends_with_the_process_that_started_it(tmp_path):
    started = tmp_path / "pid"
    code = "import sys, process_functions; from zoo.executors import run_local; "
    code += f"list(run_local(process_functions.act, [('wait', {str(started)!r})]))"
    places = os.pathsep.join(sys.path)
    parent = subprocess.Popen([sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": places})
    wait_for(started)
    parent.kill()
    parent.wait()
    task = int(started.read_text())
    limit = time.monotonic() + 60
    while alive(task):
        assert time.monotonic() < limit
        time.sleep(0.02)

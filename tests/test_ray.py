"""Cells on a Ray cluster: the results of a local run, and a worker that dies loses nothing."""

import json
import os
import signal
import subprocess
import threading
import time

import pytest
from tiny_runs import CONDITIONS, TINY

from benchmarks import run_all

ray = pytest.importorskip("ray", reason="Ray is not installed (extra ray)")


@pytest.fixture
def two_workers(monkeypatch):
    """A cluster of two workers, whatever the machine has."""
    init = ray.init
    monkeypatch.setattr(ray, "init", lambda **options: init(num_cpus=2, **options))


def results_of(out):
    """The stored results by key, without what depends on time and place."""
    stored = [json.loads(path.read_text()) for path in (out / "results").glob("*.json")]
    measured = {"command", "environment", "finished_at", "peak_memory_mb", "seconds"}
    results = {}
    for result in stored:
        kept = {name: value for name, value in result.items() if name not in measured}
        kept["history"] = {**kept["history"], "seconds": 0}
        kept["report"] = {**kept["report"], "seconds": 0}
        results[result["key"]] = kept
    return results


def workers():
    """The processes that run a cell, by what Ray calls them."""
    found = subprocess.run(["pgrep", "-f", "^ray::run_cell"], capture_output=True, text=True)
    return [int(pid) for pid in found.stdout.split()]


def kill_a_worker(out, killed):
    """Kill the worker that trains as soon as there is a checkpoint to go on from."""
    limit = time.monotonic() + 120
    while time.monotonic() < limit:
        if list((out / "models").glob("*/checkpoint.npz")):
            for pid in workers():
                os.kill(pid, signal.SIGKILL)
                killed.append(pid)
            if killed:
                return
        time.sleep(0.01)


def test_a_cluster_that_loses_a_worker_gives_the_results_of_a_local_run(
    tmp_path, photos, two_workers
):
    more = ["--models", "gray,mse_regression:tiny", "--budget", "480"]
    local, cluster = tmp_path / "local", tmp_path / "cluster"
    assert run_all.main([*TINY, *photos, *more, "--out", str(local)]) == 0
    killed = []
    thread = threading.Thread(target=kill_a_worker, args=(cluster, killed))
    thread.start()
    arguments = [*CONDITIONS, *photos, *more, "--executor", "ray", "--out", str(cluster)]
    assert run_all.main(arguments) == 0
    thread.join()
    assert killed
    assert results_of(cluster) == results_of(local)

"""Cells on a Ray cluster: the results of a local run, and a worker that dies loses nothing."""

import json
import os

import dying_cells
import pytest
from tiny_runs import CONDITIONS, ROOT

from benchmarks import run_all
from benchmarks.harness import runs

ray = pytest.importorskip("ray", reason="Ray is not installed (extra ray)")


@pytest.fixture
def two_workers(monkeypatch):
    """A cluster of two workers, whatever the machine has."""
    init = ray.init
    monkeypatch.setattr(ray, "init", lambda **options: init(**options | {"num_cpus": 2}))


def results_of(out):
    """The stored results by key, without what depends on time and place."""
    stored = [json.loads(path.read_text()) for path in (out / "results").glob("*.json")]
    # The size on disk, too: a card says how many seconds a training took, and digits are bytes.
    measured = {
        "bytes_on_disk",
        "command",
        "environment",
        "finished_at",
        "peak_memory_mb",
        "seconds",
    }
    results = {}
    for result in stored:
        kept = {name: value for name, value in result.items() if name not in measured}
        kept["history"] = {**kept["history"], "seconds": 0}
        kept["report"] = {**kept["report"], "seconds": 0}
        results[result["key"]] = kept
    return results


def test_a_cluster_that_loses_a_worker_gives_the_results_of_a_local_run(
    tmp_path, photos, finished, two_workers, monkeypatch
):
    monkeypatch.setattr(runs, "run_cell", dying_cells.run_or_die)
    # Where workers find that function, whatever started this process.
    folders = [ROOT, ROOT / "tests", ROOT / "tests" / "benchmarks"]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, folders)))
    models = ["--models", "gray,mse_regression:tiny"]
    arguments = [*CONDITIONS, *photos, *models, "--executor", "ray", "--out", str(tmp_path)]
    assert run_all.main([*arguments, "--resume"]) == 0
    assert int((tmp_path / "killed").read_text()) != os.getpid()
    local, cluster = results_of(finished), results_of(tmp_path)
    assert len(cluster) == 2
    assert cluster == {key: local[key] for key in cluster}

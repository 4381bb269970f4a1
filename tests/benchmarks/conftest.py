import pytest
from conftest import eagerly
from tiny_runs import MALICIOUS, TINY, make_photos, run_here


@pytest.fixture(scope="session", autouse=True)
def cells_run_here():
    """Cells run in this process: they start at once, and see the models that tests register.

    `test_executors.py` is about the processes that they have otherwise.
    """
    from benchmarks.harness import runs
    from zoo import executors

    with pytest.MonkeyPatch.context() as patch:
        assert runs.run_local is executors.run_local
        patch.setattr(runs, "run_local", run_here)
        yield


@pytest.fixture(scope="session")
def photos(tmp_path_factory):
    """Options for run_all: twelve photos to learn from and three to score."""
    root = tmp_path_factory.mktemp("photos")
    make_photos(root / "train", [f"{number:02}.png" for number in range(12)], seed=1)
    make_photos(root / "test", ["a.png", "b.png", MALICIOUS], seed=2)
    return ["--photos", str(root / "train"), "--test-photos", str(root / "test")]


@pytest.fixture(scope="session")
def finished(tmp_path_factory, photos, cells_run_here):
    """The folder of an undisturbed run."""
    from benchmarks.run_all import main

    out = tmp_path_factory.mktemp("benchmark") / "finished"
    with eagerly():
        assert main([*TINY, *photos, "--out", str(out)]) == 0
    return out

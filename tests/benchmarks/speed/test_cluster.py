"""What the benchmark of the cluster compares, without a cluster."""

import pytest
from PIL import Image

from benchmarks.speed import cluster
from zoo.executors import Answer


class OneByOne:
    """Does the tasks of so many workers one after the other."""

    def run(self, function, tasks):
        for number, task in enumerate(tasks):
            yield number, Answer(function(task))


def test_sleeping_workers_are_compared_with_sleep(monkeypatch):
    monkeypatch.setattr(cluster, "_SLEEP", 0.002)
    row = cluster.sleeping_row(OneByOne(), 2)
    # Two workers that take turns do half of what two would.
    assert row.ratio == pytest.approx(0.5, rel=0.2)
    assert row.alternative.median == pytest.approx(1000)
    assert row.higher_is_better


def test_photos_are_different_squares(tmp_path):
    paths = cluster.save_photos(tmp_path / "photos", 20, 24)
    assert len({path.read_bytes() for path in paths}) == 20
    with Image.open(paths[7]) as photo:
        assert photo.size == (24, 24)


def test_what_differs_is_not_compared(tmp_path):
    for folder, data in {"a": b"1", "b": b"1", "c": b"2"}.items():
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "photo.jpg").write_bytes(data)
    cluster.require_equal(tmp_path / "a", tmp_path / "b")
    with pytest.raises(AssertionError):
        cluster.require_equal(tmp_path / "a", tmp_path / "c")

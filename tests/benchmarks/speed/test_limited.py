"""Comparisons with PyTorch end in time and tell each row as it comes; without PyTorch here."""

import os
import time

import pytest
import slow_rows

from benchmarks.speed import hot_paths, limited, timing
from benchmarks.speed.limited import TimeShares, rows_within
from zoo.errors import ZooError


def test_rows_come_from_another_process():
    rows = list(rows_within(60, slow_rows.three_rows))
    assert [row.title.partition(",")[0] for row in rows] == ["row 0", "row 1", "row 2"]
    # It is told when the time is over, by a clock that both processes have.
    left = int(rows[0].title.split()[2])
    assert 30 < left <= 60


def test_a_process_that_takes_too_long_is_stopped_and_its_rows_are_kept():
    started, came = time.monotonic(), []
    for row in rows_within(8, slow_rows.one_row_and_a_long_wait):
        came.append((row, time.monotonic() - started))
    ended = time.monotonic() - started
    assert 8 <= ended < 20  # it would wait for ten minutes
    ((row, seconds),) = came
    assert seconds < 8  # before the end
    with pytest.raises(ProcessLookupError):
        os.kill(int(row.title.split()[1]), 0)


def test_what_goes_wrong_there_is_told_here():
    rows = rows_within(60, slow_rows.one_row_and_an_error)
    assert next(rows).title == "first"
    with pytest.raises(ValueError, match="no more"):
        next(rows)
    rows = rows_within(60, slow_rows.a_killed_process)
    assert next(rows).title == "first"
    with pytest.raises(ZooError, match="killed from outside"):
        next(rows)


class Clock:
    """A clock that stands still but for what is done."""

    now = 0.0

    def wait(self, seconds):
        self.now += seconds

    def time(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    found = Clock()
    for name in ("monotonic", "perf_counter"):
        monkeypatch.setattr(timing.time, name, found.time)
    return found


@pytest.mark.parametrize(("step", "count"), [(0.1, 20), (1.0, 11), (7.0, 1), (100.0, 1)])
def test_a_measurement_repeats_as_often_as_there_is_time(clock, step, count):
    """Two actions of `step` seconds each, until 26 s: a round is counted after two others."""
    actions = dict.fromkeys(("ours", "theirs"), lambda: clock.wait(step))
    ours, theirs = timing.measure_in_turn(actions, 1, repetitions=20, until=26)
    assert (ours.repetitions, theirs.repetitions) == (count, count)
    assert ours.median == pytest.approx(step)
    # Nothing begins after the end but the one repetition that there is always.
    assert clock.now <= max(26, 4 * step) + 2 * step


def test_all_measurements_have_a_share_and_the_end_is_kept(clock):
    shares, counts = TimeShares(180, 6), []
    for step in (0.5, 0.1, 2.0, 1.0, 3.0, 0.2):
        until = shares.next_end()
        clock.wait(5)  # what it takes to begin
        actions = dict.fromkeys(("ours", "theirs", "others"), lambda step=step: clock.wait(step))
        counts.append(timing.measure_in_turn(actions, 1, 80, until)[0].repetitions)
    assert clock.now <= 180
    assert min(counts) >= 1
    assert counts[1] > counts[0] > counts[2]
    assert limited.TimeShares(clock.now - 1, 1).next_end() <= clock.now  # none is left


def test_each_row_is_said_when_it_comes_and_missing_ones_at_the_end(capsys):
    said = []

    def measured():
        for number in range(2):
            yield slow_rows.make_row(f"row {number}")
            said.append(capsys.readouterr().err)

    rows = hot_paths.told(measured(), 3, 0.5)
    assert [row.title for row in rows] == ["row 0", "row 1"]
    for number, text in enumerate(said):
        line = f"row {number}: ours 1 s [0.5, 2], theirs 4 s [3, 5], ratio 0.25, 7 repetitions"
        assert line in " ".join(text.split())
        assert f"row {1 - number}:" not in text
    assert "over after 2 of 3 rows" in capsys.readouterr().err


def test_the_command_prints_what_was_measured_in_time(monkeypatch, capsys):
    monkeypatch.setattr(hot_paths, "require_torch", lambda: None)
    monkeypatch.setattr(hot_paths, "torch_rows", slow_rows.one_row_and_a_long_wait)
    assert hot_paths.main(["--against", "torch", "--minutes", "0.1"]) == 0
    printed = capsys.readouterr()
    assert "over after 1 of 8 rows" in printed.err
    assert "0.25" in printed.out

"""The queue and its threads, with work that waits for the test."""

import threading
from concurrent.futures import CancelledError

import pytest

from zoo.serve.pool import Place, Pool
from zoo.serve.refusals import Refusal


class Gate:
    """Work that begins, and ends when it is let go."""

    def __init__(self) -> None:
        self.begun, self.go = threading.Event(), threading.Event()

    def __call__(self) -> str:
        self.begun.set()
        assert self.go.wait(10)
        return "done"


@pytest.fixture
def gates():
    made: list[Gate] = []

    def make() -> Gate:
        made.append(Gate())
        return made[-1]

    yield make
    for gate in made:
        gate.go.set()


def test_two_at_once_and_the_others_in_their_order(gates):
    pool = Pool(2, 8)
    work = [gates() for _ in range(4)]
    futures = [pool.submit(str(number), one) for number, one in enumerate(work)]
    assert work[0].begun.wait(10)
    assert work[1].begun.wait(10)
    assert [pool.place(str(number)) for number in range(4)] == [
        Place(None, None),
        Place(None, None),
        Place(1, None),
        Place(2, None),
    ]
    assert not work[2].begun.is_set()
    work[1].go.set()
    assert work[2].begun.wait(10)
    assert not work[3].begun.is_set()
    for one in work:
        one.go.set()
    assert [one.result(10) for one in futures] == ["done"] * 4
    pool.stop()
    assert pool.place("0") is None


def test_the_estimate_follows_from_how_long_work_took(gates, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("zoo.serve.pool.time.monotonic", lambda: clock[0])
    pool = Pool(1, 8)
    first = gates()
    future = pool.submit("first", first)
    assert first.begun.wait(10)
    clock[0] = 6.0
    first.go.set()
    future.result(10)
    second, third = gates(), gates()
    pool.submit("second", second)
    assert second.begun.wait(10)
    pool.submit("third", third)
    clock[0] = 8.0
    assert pool.place("second") == Place(None, 4.0)
    assert pool.place("third") == Place(1, 12.0)
    clock[0] = 20.0
    assert pool.place("second") == Place(None, 0.0)
    second.go.set()
    third.go.set()
    pool.stop()


def test_those_who_are_refused_come_again_one_after_the_other(gates, monkeypatch):
    clock = [100.0]
    monkeypatch.setattr("zoo.serve.pool.time.monotonic", lambda: clock[0])
    pool = Pool(2, 0)  # nothing has been done yet: 5 s each are guessed, so a place in 2.5 s

    def told() -> int:
        with pytest.raises(Refusal) as refused:
            pool.require_room()
        return int(refused.value.headers["Retry-After"])

    assert [told() for _ in range(4)] == [3, 5, 8, 10]
    clock[0] = 107.0  # the places of the first two are gone, and the third's is now
    assert told() == 6
    assert [told() for _ in range(20)][-1] == 30
    clock[0] = 1000.0
    assert told() == 3
    pool.stop()


def test_a_full_queue_refuses(gates):
    pool = Pool(1, 1)
    work = gates()
    pool.submit("runs", work)
    assert work.begun.wait(10)
    pool.submit("waits", gates())
    with pytest.raises(Refusal, match="1 photos are waiting already") as told:
        pool.submit("too many", gates())
    assert told.value.status_code == 429
    assert told.value.headers == {"Retry-After": "5"}
    again = pool.submit("was there before", lambda: "again", again=True)
    pool.cancel("waits")
    work.go.set()
    assert again.result(10) == "again"
    pool.stop()


def test_a_failure_is_for_whoever_waits_and_ends_nothing():
    pool = Pool(1, 8)

    def fail() -> None:
        raise ValueError("wrong")

    failed = pool.submit("fails", fail)
    with pytest.raises(ValueError, match="wrong"):
        failed.result(10)
    assert pool.submit("works", lambda: 3).result(10) == 3
    pool.stop()


def test_what_is_taken_back_is_not_done(gates):
    pool = Pool(1, 8)
    work, done = gates(), []
    pool.submit("runs", work)
    assert work.begun.wait(10)
    taken = pool.submit("taken back", lambda: done.append("taken back"))
    left = pool.submit("left", lambda: done.append("left"))
    left.cancel()
    pool.cancel("taken back")
    work.go.set()
    pool.submit("last", lambda: done.append("last")).result(10)
    with pytest.raises(CancelledError):
        taken.result(10)
    assert done == ["last"]
    pool.stop()


def test_stopping_finishes_what_runs_and_leaves_what_waits(gates):
    pool = Pool(1, 8)
    work = gates()
    running = pool.submit("runs", work)
    assert work.begun.wait(10)
    waiting = pool.submit("waits", gates())
    stopping = threading.Thread(target=pool.stop)
    stopping.start()
    with pytest.raises(Refusal, match="being stopped"):
        waiting.result(10)
    assert stopping.is_alive()
    work.go.set()
    stopping.join(10)
    assert running.result(0) == "done"
    with pytest.raises(Refusal) as told:
        pool.submit("late", gates())
    assert told.value.status_code == 503

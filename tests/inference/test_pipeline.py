"""Stages that work at the same time."""

import threading
import time
from collections import Counter
from contextlib import closing

import pytest

from zoo.inference.pipeline import Failure, Pipeline, Stage


class Busy:
    """Work that takes a while; knows how many were at it at once."""

    def __init__(self, seconds=0.0):
        self.seconds, self.now, self.most, self.lock = seconds, 0, 0, threading.Lock()

    def __call__(self, value):
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        time.sleep(self.seconds)
        with self.lock:
            self.now -= 1
        return value


def test_items_come_in_order_with_what_became_of_them():
    def slower_at_first(number):
        time.sleep(0.02 if number < 3 else 0)
        return number * 10

    stages = [Stage(slower_at_first, threads=3), Stage(lambda value: value + 1)]
    assert list(Pipeline(stages).run(range(8))) == [(n, 10 * n + 1) for n in range(8)]
    assert list(Pipeline(stages).run([])) == []


def test_stages_overlap():
    work = Busy(0.02)
    assert len(list(Pipeline([Stage(work)] * 3).run(range(12)))) == 12
    assert work.most == 3  # each stage has one thread


def test_a_stage_works_on_as_many_as_it_has_threads():
    work = Busy(0.02)
    list(Pipeline([Stage(work, threads=3)]).run(range(9)))
    assert work.most == 3


def test_few_items_are_on_their_way():
    taken = []

    def source():
        for number in range(100):
            taken.append(number)
            yield number

    stages = [Stage(Busy(), threads=2), Stage(Busy()), Stage(Busy(), threads=2)]
    with closing(Pipeline(stages).run(source())) as flow:
        for count, _ in enumerate(flow, start=1):
            assert len(taken) <= count + 9
            if count == 20:
                break
    assert len(taken) < 40


def test_an_expected_error_takes_its_item_out_alone():
    def refuse(number):
        if number % 3 == 1:
            raise ValueError(f"not {number}")
        return number

    seen = []
    stages = [Stage(refuse, threads=2), Stage(lambda value: seen.append(value) or -value)]
    found = list(Pipeline(stages, (ValueError,)).run(range(7)))
    assert [item for item, _ in found] == list(range(7))
    for item, result in found:
        if item % 3 == 1:
            assert isinstance(result, Failure)
            assert str(result.error) == f"not {item}"
        else:
            assert result == -item
    assert seen == [0, 2, 3, 5, 6]


@pytest.mark.parametrize("place", [0, 1, 2])
def test_any_other_error_ends_the_run_and_its_threads(place):
    def break_down(number):
        if number == 5:
            raise OSError("the disk is full")
        return number

    stages = [Stage(Busy(0.001), threads=2) for _ in range(3)]
    stages[place] = Stage(break_down, threads=2)
    before, made = threading.active_count(), []
    with pytest.raises(OSError, match="the disk is full"):
        made.extend(Pipeline(stages, (ValueError,)).run(range(50)))
    assert threading.active_count() == before


def test_what_was_done_before_an_error_has_been_given_out():
    def break_down(number):
        if number == 5:
            raise OSError("the disk is full")
        return number

    flow = Pipeline([Stage(break_down)]).run(range(50))
    assert [next(flow)[0] for _ in range(5)] == [0, 1, 2, 3, 4]
    with pytest.raises(OSError, match="full"):
        next(flow)


def test_an_error_of_the_source_ends_the_run():
    def source():
        yield 1
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        list(Pipeline([Stage(Busy()), Stage(Busy())]).run(source()))


def test_neighbors_that_go_together_are_worked_on_together():
    lists = []

    def work(values):
        lists.append(values)
        return [value.upper() for value in values]

    def alike(others, one):
        return one == others[0] and len(others) < 3

    found = list(Pipeline([Stage(work, together=alike)]).run("aabbbbba"))
    assert "".join(result for _, result in found) == "AABBBBBA"
    assert Counter(map("".join, lists)) == {"aa": 1, "bbb": 1, "bb": 1, "a": 1}


def test_a_failure_goes_with_nobody():
    def refuse(letter):
        if letter == "x":
            raise ValueError("x")
        return letter

    lists = []
    together = Stage(lambda values: lists.append(values) or values, together=lambda *_: True)
    found = dict(enumerate(Pipeline([Stage(refuse), together], (ValueError,)).run("aaxbb")))
    assert isinstance(found[2][1], Failure)
    assert lists == [["a", "a"], ["b", "b"]]


def test_an_expected_error_of_a_list_is_everybodys():
    def refuse(values):
        raise ValueError("all")

    found = list(Pipeline([Stage(refuse, together=lambda *_: True)], (ValueError,)).run("ab"))
    assert all(isinstance(result, Failure) for _, result in found)

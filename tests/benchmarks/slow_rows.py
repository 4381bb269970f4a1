"""What a test measures in a process of its own: rows that come slowly, or not at all."""

import os
import time

from benchmarks.speed.timing import Measurement, Row


def make_row(title):
    one, other = Measurement("ours", 1.0, 0.5, 2.0, 7), Measurement("theirs", 4.0, 3.0, 5.0, 7)
    return Row(title, "s", False, one, other)


def three_rows(end):
    for number in range(3):
        yield make_row(f"row {number}, {end - time.monotonic():.0f} s left")


def one_row_and_a_long_wait(end):
    yield make_row(f"process {os.getpid()}")
    time.sleep(600)


def one_row_and_an_error(end):
    yield make_row("first")
    raise ValueError("no more")


def a_killed_process(end):
    yield make_row("first")
    os.abort()

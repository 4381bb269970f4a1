"""How the process that trains is set up."""

import platform
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

PAGE_FAULTS = """
import resource
import numpy as np
from zoo.backend import keep_freed_memory

def faults():
    np.ones(2**24)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(5):
        np.ones(2**24)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

given_back = faults()
keep_freed_memory()
print(given_back, faults())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
def test_freed_memory_is_not_cleared_at_its_next_use():
    command = [sys.executable, "-c", PAGE_FAULTS]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    given_back, kept = map(int, done.stdout.split())
    assert kept < 0.05 * given_back

"""How the process that trains is set up."""

import platform
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

PAGE_FAULTS = """
import resource, sys
import numpy as np
from zoo.backend import keep_freed_memory

if sys.argv[1] == "kept":
    keep_freed_memory()
np.ones(2**24)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    np.ones(2**24)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
def test_freed_memory_is_not_cleared_at_its_next_use():
    faults = {}
    for how in ("kept", "given back"):
        command = [sys.executable, "-c", PAGE_FAULTS, how]
        done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
        faults[how] = int(done.stdout)
    assert faults["kept"] < 0.05 * faults["given back"]

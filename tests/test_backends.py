"""The core of the suite on the other backends, each in a process of its own."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

#: Most of the time on JAX is compiling: for the last bit of speed, and the same over again.
JAX_SETTINGS = {
    "XLA_FLAGS": "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true",
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
}


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_the_core_passes_on(backend, tmp_path):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    tests, cache = Path(__file__).parent, str(tmp_path / "cache")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-m",
            "core",
            "-n0",
            "-p",
            "no:cacheprovider",
            tests,
        ],
        env=os.environ
        | JAX_SETTINGS
        | {"KERAS_BACKEND": backend, "JAX_COMPILATION_CACHE_DIR": cache},
        cwd=tests.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    assert " passed" in done.stdout

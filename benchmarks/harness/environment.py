"""What machine, versions and revision of the code a result came from."""

import hashlib
import json
import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras

from zoo import __version__
from zoo.backend import processor_name
from zoo.files import read_json, write_json

_ROOT = Path(__file__).resolve().parents[2]
_XLA_DETERMINISTIC = "--xla_gpu_deterministic_ops=true"


def describe_environment() -> dict[str, Any]:
    """Describe machine, versions and git revision as plain JSON; None where unknown."""
    backend = keras.backend.backend()
    return {
        "processor": processor_name(),
        "cores": _usable_cores(),
        "memory_gib": _memory_gib(),
        "accelerator": _accelerator(backend),
        "system": platform.platform(),
        "python": platform.python_version(),
        "zoo": __version__,
        "keras": keras.__version__,
        "backend": backend,
        "backend_version": version(backend),
        **{name.replace("-", "_"): version(name) for name in ("numpy", "scikit-image", "pillow")},
        "git": git_state(_ROOT),
    }


def store_environment(out: Path) -> str:
    """Store the environment in a benchmark's folder, once; return its hash, 16 hex digits."""
    environment = describe_environment()
    text = json.dumps(environment, sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    path = _environment_path(out, digest)
    if not path.is_file():
        write_json(path, environment)
    return digest


def load_environment(out: Path, digest: str) -> dict[str, Any]:
    """Read the environment that a result refers to."""
    return read_json(_environment_path(out, digest))


def _environment_path(out: Path, digest: str) -> Path:
    return out / "environments" / f"{digest}.json"


def make_deterministic() -> None:
    """Restrict this process to operations that give the same numbers every time.

    That costs time on accelerators: measure no speed after it. JAX reads its flag on first use.
    """
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()
    elif backend == "jax":
        flags = os.environ.get("XLA_FLAGS", "")
        if _XLA_DETERMINISTIC not in flags:
            os.environ["XLA_FLAGS"] = f"{flags} {_XLA_DETERMINISTIC}".strip()
    elif backend == "torch":
        import torch

        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True, warn_only=True)


def git_state(root: Path) -> dict[str, Any] | None:
    """Read a checkout's revision and whether files differ from it; None outside a checkout."""
    if not (root / ".git").exists():
        return None
    try:
        revision = _git(root, "rev-parse", "HEAD")
        return {"revision": revision, "dirty": bool(_git(root, "status", "--porcelain"))}
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _usable_cores() -> int | None:
    """Cores that this process may use, which containers often limit."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count()


def _memory_gib() -> float | None:
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None
    return round(total / 2**30, 1)


def _accelerator(backend: str) -> str | None:
    """Name the backend's first accelerator; None if it has processors alone."""
    if backend == "tensorflow":
        import tensorflow as tf

        devices = tf.config.list_physical_devices("GPU")
        details = tf.config.experimental.get_device_details(devices[0]) if devices else {}
        return details.get("device_name", "GPU") if devices else None
    if backend == "jax":
        import jax

        device = jax.devices()[0]
        return None if device.platform == "cpu" else device.device_kind
    if backend == "torch":
        import torch

        return torch.cuda.get_device_name(0) if torch.cuda.is_available() else None
    return None

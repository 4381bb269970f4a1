"""What machine, versions and revision of the code a result came from."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras

from zoo import __version__
from zoo.models.precision import processor_name

_ROOT = Path(__file__).resolve().parents[1]


def describe_environment() -> dict[str, Any]:
    """The machine, the versions and the git revision, as plain JSON; None where unknown."""
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
        "numpy": version("numpy"),
        "scikit-image": version("scikit-image"),
        "pillow": version("pillow"),
        "git": git_state(_ROOT),
    }


def git_state(root: Path) -> dict[str, Any] | None:
    """The checkout's revision and whether files differ from it; None outside a checkout."""
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
    """The name of the first accelerator that the backend uses; None if it has processors alone."""
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

"""Reading files of PyTorch weights.

Such a file is a pickle: PyTorch's restricted unpickler makes tensors alone, so that nothing in the
file is executed.
"""

import pickle
import warnings
from pathlib import Path
from types import ModuleType

import numpy as np

from zoo.errors import ZooError


def read_state_dict(path: Path, wanted: str) -> dict[str, np.ndarray]:
    """Read a PyTorch state dict without executing any of it: float32 arrays by name.

    Args:
        path: the file.
        wanted: what the file should be, for the message.

    Raises:
        ZooError: if PyTorch is missing, or the file is damaged, holds code, or is something else.
    """
    torch = _torch()
    if not path.is_file():
        raise ZooError(f"There is no file {path}; give the path of {wanted}.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is odd about a file is said below
            content = torch.load(path, map_location="cpu", weights_only=True)
        return {
            str(name): tensor.detach().to(torch.float32).numpy() for name, tensor in content.items()
        }
    except Exception as error:  # on damaged files the unpickler raises almost anything
        # A pickle names the functions that it would have called.
        if isinstance(error, pickle.UnpicklingError) and "GLOBAL" in str(error):
            raise ZooError(
                f"{path} holds code beside weights, which was not executed; give {wanted}."
            ) from error
        raise ZooError(
            f"{path} is no PyTorch file of weights, or it is damaged; give {wanted}, or get it "
            "again."
        ) from error


def _torch() -> ModuleType:
    """PyTorch, in a version in which files cannot execute code (CVE-2025-32434)."""
    try:
        import torch
    except ImportError:
        torch = None
    if torch is None or tuple(map(int, torch.__version__.split(".")[:2])) < (2, 6):
        raise ZooError(
            "This file is read by PyTorch 2.6 or later; "
            'run `pip install "colorization-zoo[torch]"`.'
        )
    return torch

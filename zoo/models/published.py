"""Weights that authors publish for PyTorch, put into a model of ours."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from zoo.errors import ZooError

if TYPE_CHECKING:
    from zoo.colorizer import Colorizer

#: PyTorch's names of the parts of layers.
PARTS = {
    "kernel": "weight",
    "bias": "bias",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
# How many steps a batch normalization was trained for: no weight.
_IGNORED = "num_batches_tracked"
_NAMES_SHOWN = 5


def put_published(
    model: "Colorizer",
    state: Mapping[str, np.ndarray],
    keys: Mapping[str, str],
    network: str,
    file: str,
) -> None:
    """Set the model's variables from a state dict of its authors' PyTorch network.

    Args:
        model: of the same layers.
        state: arrays by PyTorch's names, as "model1.0.weight".
        keys: PyTorch's names by those of the variables that are set.
        network: whose it is, for messages, as "Zhang's network".
        file: the name of the published file, likewise.

    Raises:
        ZooError: if an array is missing, unknown, of another shape, or not finite.
    """
    _check_names(state, set(keys.values()), network, file)
    variables, values = model.variables(), model.weight_values()
    for name, key in keys.items():
        shape = tuple(variables[name].shape)
        _check_array(key, state[key], shape, network, file)
        # Both kinds of kernels take this: PyTorch has (out, in, h, w) where Keras has (h, w, in,
        # out), and for transposed convolutions (in, out, h, w) where Keras has (h, w, out, in).
        value = state[key].transpose(2, 3, 1, 0) if state[key].ndim == 4 else state[key]
        values[name] = value.reshape(shape)
    model.assign(values)


def _check_names(state: Iterable[str], expected: set[str], network: str, file: str) -> None:
    present = {name for name in state if not name.endswith(_IGNORED)}
    missing, unknown = sorted(expected - present), sorted(present - expected)
    faults = [f"lacks {_shown(missing)}"] if missing else []
    faults += [f"has {_shown(unknown)} too many"] if unknown else []
    if faults:
        raise ZooError(
            f"These are not the weights of {network}: the file {', and '.join(faults)}; "
            f"give {file}."
        )


def _check_array(
    key: str, value: np.ndarray, shape: tuple[int, ...], network: str, file: str
) -> None:
    """Check the array for a variable of this shape; bins' centers are a 1x1 kernel there."""
    if len(shape) > 1:
        *sides, inner, outer = shape
        shape = (outer, inner, *(sides or (1, 1)))
    if value.shape != shape:
        raise ZooError(
            f"{key} has the shape {value.shape} where {network} has {shape}; give {file}."
        )
    if not np.isfinite(value).all():
        raise ZooError(f"{key} holds NaN or infinity; get the file again.")


def _shown(names: list[str]) -> str:
    more = len(names) - _NAMES_SHOWN
    return ", ".join(names[:_NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")

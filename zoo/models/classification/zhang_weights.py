"""Zhang's network with the weights that its authors publish for PyTorch.

The file is `colorization_release_v2-9b330a0b.pth` of https://github.com/richzhang/colorization.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from zoo.card import Card, ImportedFile
from zoo.errors import ZooError
from zoo.files import sha256_of_file
from zoo.models.classification.zhang import Zhang
from zoo.networks.blocks import AB_SCALE, HEAD
from zoo.networks.state_dict import read_state_dict

#: The file that the authors publish.
FILE_NAME = "colorization_release_v2-9b330a0b.pth"

_PARTS = {
    "kernel": "weight",
    "bias": "bias",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
# The last layer, a 1x1 convolution, turns a distribution over bins into its mean.
_CENTERS = "model_out.weight"
# How many steps a batch normalization was trained for: no weight.
_IGNORED = "num_batches_tracked"
_NAMES_SHOWN = 5

# The authors' program answers with the plain mean, and sees photos at 256 px.
_DEFAULTS = {"temperature": 1.0, "render_factor": 16}


def import_weights(path: Path) -> Zhang:
    """Make the model of the preset `paper` from the published file, whatever it is called.

    Its default options are those of the authors' program; the card names the file.

    Raises:
        ZooError: if the file is not what the authors publish.
    """
    model = convert(read_state_dict(path, FILE_NAME))
    model.defaults |= _DEFAULTS
    model.card = Card(origin=ImportedFile(path.name, sha256_of_file(path)))
    model.fitted = True
    return model


def convert(state: Mapping[str, np.ndarray], **config: Any) -> Zhang:
    """Make a model from a state dict of the authors' PyTorch network.

    Args:
        state: arrays by PyTorch's names, as "model1.0.weight".
        **config: fields of the configuration that differ from the preset `paper`.

    Raises:
        ZooError: if an array is missing, unknown, of another shape, or not finite.
    """
    model = Zhang.from_preset("zhang", "paper", **config)
    variables = model.variables()
    _check_names(state, {_key(name) for name in variables})
    values = {}
    for name, variable in variables.items():
        key, shape = _key(name), tuple(variable.shape)
        _check_array(key, state[key], shape)
        # Both kinds of kernels take this: PyTorch has (out, in, h, w) where Keras has (h, w, in,
        # out), and for transposed convolutions (in, out, h, w) where Keras has (h, w, out, in).
        value = state[key].transpose(2, 3, 1, 0) if state[key].ndim == 4 else state[key]
        # The network's output, and with it the bins' centers, are on the scale of its training.
        scale = AB_SCALE if key == _CENTERS else 1.0
        values[name] = value.reshape(shape) * scale
    model.assign(values)
    return model


def _key(variable: str) -> str:
    """The PyTorch name of one of our variables: a block is numbered with its rectifiers."""
    _, layer, part = variable.split("/")
    if layer == "bins":
        return _CENTERS
    if layer == HEAD:
        block, index = 8, 6
    elif layer.startswith("norm"):
        block = int(layer.removeprefix("norm"))
        index = 4 if block <= 2 else 6
    else:
        block, number = map(int, layer.removeprefix("conv").split("_"))
        index = 2 * (number - 1)
    return f"model{block}.{index}.{_PARTS[part]}"


def _check_names(state: Iterable[str], expected: set[str]) -> None:
    present = {name for name in state if not name.endswith(_IGNORED)}
    missing, unknown = sorted(expected - present), sorted(present - expected)
    faults = [f"lacks {_shown(missing)}"] if missing else []
    faults += [f"has {_shown(unknown)} too many"] if unknown else []
    if faults:
        raise ZooError(
            f"These are not the weights of Zhang's network: the file {', and '.join(faults)}; "
            f"give {FILE_NAME}."
        )


def _check_array(key: str, value: np.ndarray, shape: tuple[int, ...]) -> None:
    """Check the array for a variable of this shape; the bins' centers are a 1x1 kernel there."""
    if len(shape) > 1:
        *sides, inner, outer = shape
        shape = (outer, inner, *(sides or (1, 1)))
    if value.shape != shape:
        raise ZooError(
            f"{key} has the shape {value.shape} where Zhang's network has {shape}; "
            f"give {FILE_NAME}."
        )
    if not np.isfinite(value).all():
        raise ZooError(f"{key} holds NaN or infinity; get the file again.")


def _shown(names: list[str]) -> str:
    more = len(names) - _NAMES_SHOWN
    return ", ".join(names[:_NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")

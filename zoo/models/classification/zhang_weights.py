"""Zhang's network with the weights that its authors publish for PyTorch.

The file is `colorization_release_v2-9b330a0b.pth` of https://github.com/richzhang/colorization.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from zoo.card import Card, ImportedFile
from zoo.files import sha256_of_file
from zoo.models.classification.zhang import Zhang
from zoo.models.published import PARTS, put_published
from zoo.networks.blocks import AB_SCALE, HEAD
from zoo.networks.state_dict import read_state_dict

#: The file that the authors publish.
FILE_NAME = "colorization_release_v2-9b330a0b.pth"

# The last layer, a 1x1 convolution, turns a distribution over bins into its mean.
_CENTERS = "model_out.weight"

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
    scaled = dict(state)
    if _CENTERS in scaled:
        # The network's output, and with it the bins' centers, are on the scale of its training.
        scaled[_CENTERS] = scaled[_CENTERS] * AB_SCALE
    keys = {name: _key(name) for name in model.variables()}
    put_published(model, scaled, keys, "Zhang's network", FILE_NAME)
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
    return f"model{block}.{index}.{PARTS[part]}"

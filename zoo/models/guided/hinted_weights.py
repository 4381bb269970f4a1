"""The local hints network with the weights that its authors publish for PyTorch.

The file is `siggraph17-df00044c.pth` of https://github.com/richzhang/colorization.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from zoo.card import Card, ImportedFile
from zoo.files import sha256_of_file
from zoo.models.guided.hinted import Hinted
from zoo.models.published import PARTS, put_published
from zoo.networks.blocks import HEAD
from zoo.networks.local_hints import BINS_HEAD
from zoo.networks.state_dict import read_state_dict

#: The file that the authors publish.
FILE_NAME = "siggraph17-df00044c.pth"

#: The authors' program sees photos at 256 px.
_DEFAULTS = {"render_factor": 16}
#: Where a normalization stands in PyTorch's blocks, from the block's number.
_NORMS = {1: 4, 2: 4, 8: 5, 9: 3}


def import_weights(path: Path) -> Hinted:
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


def convert(state: Mapping[str, np.ndarray], mask_center: float = 0.0, **config: Any) -> Hinted:
    """Make a model from a state dict of the authors' PyTorch network.

    Args:
        state: arrays by PyTorch's names, as "model1.0.weight".
        mask_center: what the weights want taken off the mask: 0 for the published ones, which were
            trained with Caffe; 0.5 for those of the authors' PyTorch training code.
        **config: further fields of the configuration that differ from the preset `paper`.

    Raises:
        ZooError: if an array is missing, unknown, of another shape, or not finite.
    """
    model = Hinted.from_preset("hinted", "paper", mask_center=mask_center, **config)
    names = [name for name in model.variables() if name.startswith("colorizer/")]
    keys = {name: _key(name) for name in names}
    put_published(model, state, keys, "the local hints network", FILE_NAME)
    return model


def _key(variable: str) -> str:
    """The PyTorch name of one of our variables: a block is numbered with its rectifiers."""
    _, layer, part = variable.split("/")
    named = PARTS[part]
    if layer in (HEAD, BINS_HEAD):
        return f"{'model_out' if layer == HEAD else 'model_class'}.0.{named}"
    if layer.startswith("up"):
        return f"model{layer.removeprefix('up')}up.0.{named}"
    if layer.startswith("short"):
        block = int(layer.removeprefix("short"))
        return f"model{11 - block}short{block}.0.{named}"
    if layer.startswith("norm"):
        block = int(layer.removeprefix("norm"))
        return f"model{block}.{_NORMS.get(block, 6)}.{named}"
    block, number = map(int, layer.removeprefix("conv").split("_"))
    # The blocks that follow a shortcut begin with a rectifier.
    place = 2 * (number - 1) + (1 if block >= 8 else 0)
    return f"model{block}.{place}.{named}"

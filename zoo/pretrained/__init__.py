"""The trained weights that come with the package: a folder a model, named like it.

Each is a folder as `model.save` writes it (config.json, weights.npz, card.json) whose card also
says what the weights may be used for, where they fail, and how they scored. Nothing here imports a
deep-learning framework.
"""

from pathlib import Path
from typing import Any

from zoo.errors import ZooError
from zoo.files import read_json
from zoo.models import MODELS

#: Where they are.
FOLDER = Path(__file__).parent


def list_pretrained() -> list[str]:
    """Names of the models whose trained weights come with the package, in the registry's order.

    Each of them is what `zoo.load_model` and `--model` take in place of a folder.
    """
    return [name for name in MODELS if (FOLDER / name / "card.json").is_file()]


def folder_of(name: str) -> Path:
    """The folder of a model's trained weights.

    Args:
        name: a registered name, or "name:preset".

    Raises:
        ZooError: if no weights of this model and preset come with the package, naming those that
            do.
    """
    model, _, preset = name.partition(":")
    if model not in list_pretrained():
        shipped = ", ".join(list_pretrained()) or "none yet"
        raise ZooError(
            f"{name} has to be trained first: `zoo train {name} --photos FOLDER --out "
            f"runs/{model}`; then give runs/{model} in its place (models whose trained weights "
            f"come with the package: {shipped})."
        )
    present = read_json(FOLDER / model / "config.json")["preset"]
    if preset not in ("", present):
        raise ZooError(
            f"The trained weights of {model} that come with the package are of its preset "
            f"{present}, not {preset}; give {model} alone, or train {name}."
        )
    return FOLDER / model


def read_card(name: str) -> dict[str, Any]:
    """What is known about the trained weights of a model; raises as `folder_of`."""
    return read_json(folder_of(name) / "card.json")


def read_config(name: str) -> dict[str, Any]:
    """The configuration, preset and defaults of a trained model; raises as `folder_of`."""
    return read_json(folder_of(name) / "config.json")

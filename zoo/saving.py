"""A model on disk: a folder of data, never of code.

    config.json   name, preset, configuration, seed, defaults of its options, whether it is fitted
    weights.npz   every variable of every network
    card.json     what it was trained on and how, versions, and the sha256 of weights.npz

The card is written last: a folder without one was interrupted, and reading it says so.

Models that come with the package may have an encoder in common, which is stored once, in the folder
`SHARED` beside theirs.
"""

import dataclasses
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from zoo._version import __version__
from zoo.card import CARD, Card, read_card, write_card
from zoo.errors import ZooError
from zoo.files import atomic_path, read_json, sha256_of_file, write_json

CONFIG, WEIGHTS = "config.json", "weights.npz"
#: The folder of arrays that several models beside it have in common: files named by their sha256.
SHARED = "shared"
_FORMAT = 2
#: Fields that configurations had once, and the value of each that means what is done today.
_REMOVED = {"topology": "hexagonal", "balance": 0.0}
#: Format 1 had no "fitted": a card of those folders tells of a training or an import.
_READ = (1, 2)


@dataclasses.dataclass(frozen=True)
class Configuration:
    """What config.json holds; `Colorizer` says what the fields mean."""

    model: str
    preset: str
    config: dict[str, Any]
    seed: int
    defaults: dict[str, float]
    references: dict[str, dict[str, str]]
    fitted: bool


def read_configuration(folder: Path) -> Configuration:
    """What config.json says, if the folder is a saved model of a known format."""
    if not (folder / CONFIG).is_file() or not (folder / CARD).is_file():
        raise ZooError(
            f"{folder} is not a saved model ({CONFIG} or {CARD} is missing); "
            "give a folder that `zoo train` or `model.save` wrote."
        )
    stored = read_json(folder / CONFIG)
    with damage_told(folder):
        if stored["format"] not in _READ:
            raise ZooError(
                f"{folder} was saved in format {stored['format']}, this version reads "
                f"{' and '.join(map(str, _READ))}; install the version of colorization-zoo that "
                "wrote it."
            )
        return Configuration(
            model=stored["model"],
            preset=current_preset(stored["preset"], stored["config"]),
            config=current_fields(stored["config"], folder),
            seed=stored["seed"],
            defaults=dict(stored["defaults"]),
            references=dict(stored.get("references", {})),
            fitted=stored["fitted"] if "fitted" in stored else _was_fitted(folder),
        )


def current_fields(stored: Mapping[str, Any], owner: object) -> dict[str, Any]:
    """The fields of a stored configuration that there are today, in types that can be hashed.

    Where one that is gone has a value that meant something, `owner` is refused.
    """
    for name in _REMOVED.keys() & stored.keys():
        if stored[name] != _REMOVED[name]:
            raise ZooError(
                f"{owner} was made with {name}={stored[name]}, which this version does not have; "
                "install the version of colorization-zoo that wrote it."
            )
    return {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in stored.items()
        if name not in _REMOVED
    }


def current_preset(stored: str, config: Mapping[str, Any]) -> str:
    """The name that a stored preset has today: `scratch` was `compact` before it had an encoder."""
    return "scratch" if stored == "compact" and config.get("architecture") == "unet" else stored


def read_weights(folder: Path, card: Card) -> dict[str, np.ndarray]:
    """The weights of a model's folder, if they are those that its card tells of."""
    weights = folder / WEIGHTS
    if not weights.is_file():
        raise ZooError(f"{folder} has no {WEIGHTS}; copy the whole folder again.")
    if sha256_of_file(weights) != card.weights_sha256:
        raise ZooError(
            f"{weights} is not the file that was saved (its sha256 differs from the card's); "
            "copy the folder again or train again."
        )
    return _shared_arrays(folder, card) | read_arrays(weights)


def shared_file(folder: Path, card: Card) -> Path | None:
    """Where the arrays are that a model has in common with others; None if it has none."""
    if card.shared_sha256 is None:
        return None
    return folder.absolute().parent / SHARED / f"{card.shared_sha256}.npz"


def _shared_arrays(folder: Path, card: Card) -> dict[str, np.ndarray]:
    file = shared_file(folder, card)
    if file is None:
        return {}
    if not file.is_file() or sha256_of_file(file) != card.shared_sha256:
        raise ZooError(
            f"{folder} has its encoder in {file}, which is missing or was changed; copy the folder "
            f"{SHARED} along, or load the model by its name and save it elsewhere, which is whole."
        )
    return read_arrays(file)


def write_folder(
    folder: Path, configuration: Configuration, values: Mapping[str, np.ndarray], card: Card
) -> None:
    """Write a model's folder, its card last; the card gets names, version and sha256 from here."""
    refuse_non_finite(values, "The model to save")
    with atomic_path(folder / WEIGHTS) as temporary:
        np.savez(temporary, **values)  # type: ignore[arg-type]
    write_json(folder / CONFIG, {"format": _FORMAT, **dataclasses.asdict(configuration)})
    names: dict[str, Any] = {"model": configuration.model, "preset": configuration.preset}
    names["shared_sha256"] = None  # all is here
    digest = sha256_of_file(folder / WEIGHTS)
    known = dataclasses.replace(card, zoo_version=__version__, weights_sha256=digest, **names)
    write_card(folder, known)


def size_on_disk(folder: Path) -> int:
    """Count the bytes of a saved model, without what else stands in its folder."""
    files = [folder / name for name in (CONFIG, WEIGHTS, CARD)]
    shared = shared_file(folder, read_card(folder))
    return sum(file.stat().st_size for file in (*files, *filter(None, [shared])))


@contextmanager
def damage_told(folder: Path) -> Iterator[None]:
    """Turn what a damaged description raises into a sentence."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, ZooError):
            raise
        raise ZooError(f"{folder} has a damaged {CONFIG} or {CARD} ({error!r}).") from error


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an .npz file by name; nothing in it is executed."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            return dict(archive)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ZooError(f"{path} cannot be read as weights ({error}); copy it again.") from error


def refuse_non_finite(values: Mapping[str, np.ndarray], owner: str) -> None:
    """Refuse weights that are NaN or infinite, naming whose they are."""
    for name, value in values.items():
        if np.issubdtype(value.dtype, np.floating) and not np.isfinite(value).all():
            raise ZooError(f"{owner} holds NaN or infinity in {name}; train again.")


def _was_fitted(folder: Path) -> bool:
    card = read_card(folder)
    return card.training is not None or card.origin is not None

"""From a model's name to its class and its trained weights: one rule, which everybody uses.

    a folder         a trained model: `model.save` or `zoo train` wrote it
    "zhang"          the trained weights that come with the package; the default preset, untrained,
                     of a model that has none
    "zhang:tiny"     an untrained model of that preset

A folder of a name in the working directory takes precedence over the name.

Everything that listing needs (names, summaries, presets) stands in `zoo.models.MODELS`, so that
`zoo list` and `import zoo` import no deep-learning framework.
"""

import os
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo import pretrained
from zoo.errors import ZooError, nearest, valid_choice
from zoo.models import MODELS, ModelEntry

if TYPE_CHECKING:
    from zoo.colorizer import Colorizer


def entry(name: str) -> ModelEntry:
    """The registry's line for `name`."""
    return MODELS[valid_choice("model", name, tuple(MODELS))]


def list_models(pattern: str = "*") -> list[str]:
    """Names of the registered models that match a shell-style pattern.

    Examples:
        >>> list_models("m*")
        ['mean_color', 'mse_regression']
    """
    return [name for name in MODELS if fnmatch(name, pattern)]


def list_pretrained() -> list[str]:
    """Names of the models whose trained weights come with the package, in the registry's order."""
    return [name for name in MODELS if (pretrained.FOLDER / name / "card.json").is_file()]


@dataclass(frozen=True)
class Named:
    """What a name stands for: trained weights in a folder, or an untrained model.

    Attributes:
        preset: of the weights; else as named, and None where the name says nothing of it.
        folder: of the trained weights; None for an untrained model.
    """

    entry: ModelEntry
    preset: str | None
    folder: Path | None = None


def resolve(name: str | os.PathLike) -> Named:
    """Say what `name` stands for; the rule is in this module's description.

    A `Path` is a folder, never a name.
    """
    if Path(name).is_dir() or not isinstance(name, str):
        return _in_folder(Path(name))
    model, colon, preset = name.partition(":")
    if model not in MODELS:
        raise ZooError(
            f"There is no folder or model {name!r}{nearest(model, MODELS)}; give a folder that "
            f"`zoo train` wrote, or one of: {', '.join(MODELS)}."
        )
    line = entry(model)
    if colon:
        return Named(line, valid_choice(f"preset of {model}", preset, line.presets))
    return _in_folder(shipped_folder(model)) if model in list_pretrained() else Named(line, None)


def shipped_folder(model: str) -> Path:
    """The folder of a model's trained weights in the package."""
    if model not in list_pretrained():
        raise _untrained(model, entry(model))
    return pretrained.FOLDER / model


def _in_folder(folder: Path) -> Named:
    from zoo.saving import read_configuration

    stored = read_configuration(folder)
    return Named(entry(stored.model), stored.preset, folder)


def untrained(name: str, preset: str | None = None) -> tuple[ModelEntry, str]:
    """The registry's line and the preset of a model to be made; its default one where none is."""
    model, _, named = name.partition(":")
    if named and preset not in (None, named):
        raise ZooError(f"{name!r} names its preset, and {preset!r} is another; give one of them.")
    line = entry(model)
    chosen = named or preset or line.presets[0]
    return line, valid_choice(f"preset of {model}", chosen, line.presets)


def create_model(
    name: str, preset: str | None = None, *, seed: int = 0, **config: Any
) -> "Colorizer":
    """Make an untrained model.

    Args:
        name: a registered name, or "name:preset".
        preset: one of the model's presets; the default is its first.
        seed: decides the initial weights, unless they are pretrained, and every random choice of
            the training.
        **config: fields of the model's configuration that differ from the preset.

    Examples:
        >>> create_model("zhang:tiny", width=8).config.width
        8
    """
    model = _from_seed(name, preset, seed=seed, **config)
    model.pretrain()
    return model


def _from_seed(name: str, preset: str | None, *, seed: int, **config: Any) -> "Colorizer":
    """As `create_model`, but without pretrained weights."""
    line, chosen = untrained(name, preset)
    return line.load().from_preset(line.name, chosen, seed=seed, **config)


def load_model(name: str | os.PathLike) -> "Colorizer":
    """Load a trained model. Nothing in its folder is executed.

    Args:
        name: the folder that `model.save` wrote; or a name as "zhang", for the trained weights that
            come with the package (`zoo.list_pretrained`). "gray" needs no training.

    Raises:
        ZooError: if the folder is incomplete, was changed (sha256), or is of another model.
    """
    from zoo import saving
    from zoo.card import read_card

    found = resolve(name)
    if found.folder is None:
        if found.entry.load().needs_training:
            raise _untrained(str(name), found.entry)
        return create_model(found.entry.name, found.preset)
    stored, card = saving.read_configuration(found.folder), read_card(found.folder)
    with saving.damage_told(found.folder):
        model = _from_seed(stored.model, stored.preset, seed=stored.seed, **stored.config)
        model.defaults |= {
            option.name: option.check(stored.defaults[option.name])
            for option in model.options
            # What is off by default, or counts with hints alone, may be newer than the folder.
            if option.name in stored.defaults or (option.default != 0 and option.step != "hints")
        }
    values = saving.read_weights(found.folder, card)
    _check_references(model, stored.references, found.folder)
    model.set_weights(values, str(found.folder / saving.WEIGHTS))
    model.card, model.fitted = card, stored.fitted
    return model


def _check_references(model: "Colorizer", stored: dict[str, dict[str, str]], folder: Path) -> None:
    for name, present in model.references().items():
        if stored.get(name) != present:
            raise ZooError(
                f"The {name} {present['is']} is another one than {folder} was trained with (its "
                "sha256 differs), and would give wrong colors; put the original back in its place."
            )


def _untrained(name: str, line: ModelEntry) -> ZooError:
    """What to do about a model that was asked for trained weights and has none."""
    trained = list_pretrained()
    if line.name in trained:
        return ZooError(
            f"{name} is an untrained model: give {line.name} alone for the trained weights that "
            f"come with the package, or train it (`zoo train {name} --photos FOLDER --out RUN`)."
        )
    return ZooError(
        f"{name} has to be trained first: `zoo train {name} --photos FOLDER --out "
        f"runs/{line.name}`; then give runs/{line.name} in its place (models whose trained weights "
        f"come with the package: {', '.join(trained) or 'none yet'})."
    )

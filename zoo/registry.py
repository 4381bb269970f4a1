"""From a model's name to its class, loaded on first use.

Everything that listing needs (names, summaries, presets) stands in `zoo.models.MODELS`, so that
`zoo list` and `import zoo` import no deep-learning framework.
"""

import importlib
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import TYPE_CHECKING, Any

from zoo.errors import valid_choice
from zoo.models import MODELS

if TYPE_CHECKING:
    from zoo.colorizer import Colorizer


@dataclass(frozen=True)
class ModelEntry:
    """One line of the registry: a name, where its class is, what it is, and its presets.

    The first preset is the default.
    """

    name: str
    target: str
    summary: str
    presets: tuple[str, ...]

    def load(self) -> "type[Colorizer]":
        """Import the model's module and return its class."""
        module, _, attribute = self.target.partition(":")
        return getattr(importlib.import_module(f"zoo.models.{module}"), attribute)

    def preset_or_only(self, preset: str | None) -> str:
        """`preset` if this model has it; the default for None; the only one where there is one.

        Baselines have a single preset, so that a benchmark over "compact" includes them.

        Raises:
            ZooError: if the model has several presets and this is none of them.
        """
        if preset is None or len(self.presets) == 1:
            return self.presets[0]
        return valid_choice(f"preset of {self.name}", preset, self.presets)


def entry(name: str) -> ModelEntry:
    """The registry's line for `name`.

    Raises:
        ZooError: naming the models there are and the nearest match.
    """
    valid_choice("model", name, tuple(MODELS))
    return ModelEntry(name, *MODELS[name])


def is_model(name: str) -> bool:
    """Whether this is a registered name, or "name:preset" with one."""
    return name.partition(":")[0] in MODELS


def list_models(pattern: str = "*") -> list[str]:
    """Names of the registered models that match a shell-style pattern.

    Examples:
        >>> list_models("m*")
        ['mean_color', 'mse_regression']
    """
    return [name for name in MODELS if fnmatch(name, pattern)]


def create_model(
    name: str, preset: str | None = None, *, seed: int = 0, **config: Any
) -> "Colorizer":
    """Make an untrained model.

    Args:
        name: a registered name, or "name:preset".
        preset: one of the model's presets; the default is its first.
        seed: decides the initial weights and every random choice of the training.
        **config: fields of the model's configuration that differ from the preset.

    Raises:
        ZooError: on an unknown name, preset or field, naming the valid ones.

    Examples:
        >>> create_model("zhang:tiny", width=8).config.width
        8
    """
    if ":" in name:
        name, _, preset = name.partition(":")
    line = entry(name)
    preset = valid_choice(f"preset of {name}", preset or line.presets[0], line.presets)
    return line.load().from_preset(name, preset, seed=seed, **config)

"""Suites: what `benchmarks/run_all.py` runs, by name. Importing one imports no framework.

A new suite is a line in `SUITES` and a file of the suite's name with its `ROWS` and, where needed,
`DEFAULTS` for options that are not given and `NEEDS_PHOTOS = True` where samples make no sense.
"""

import importlib
from dataclasses import dataclass, field
from typing import Any

from zoo.errors import valid_choice
from zoo.registry import Named

DEFAULT_SUITE = "pretrained"

#: What each suite compares.
SUITES: dict[str, str] = {
    "pretrained": "what do the trained weights do? all that come with the package, as they are",
    "smoke": "does everything work? every model, trained for a moment",
    "compact": "how good is each approach? every model, one folder, equal budget",
    "ablation": "what makes Zhang et al. 2016 colorful, one change a row",
    "fusion": "what an embedding of the whole photo brings",
    "adversarial": "what an adversary brings: gan and nogan beside regression",
    "paper": "the papers' own networks, sizes and lengths of training",
    "speed": "how fast, how large and how hungry is each model?",
    "hints": "what do hints bring? the trained weights, told the true colors of some points",
    "video": "how steady are the colors of films? the trained weights, with each smoothing",
}

#: In place of a file with a film, one that is made of the test photos.
MADE_FILM = "made"

#: The budget of a model that is scored as it is.
UNTRAINED = "none"


@dataclass(frozen=True)
class Row:
    """One row of a leaderboard: a model, and how it is configured.

    Attributes:
        label: the row's title; model and preset where None.
        preset: the preset's name; the one that the command line asks for where None.
        config: fields of the configuration that differ from the preset.
        like: a model whose preset of the same name gives every field that both models have.
        size: side of the training squares in px; the command line's where None.
        budget: of the training, the command line's where None; or `UNTRAINED`.
        start: the folder of a trained model to start from; fresh weights where None.
    """

    model: str
    label: str | None = None
    preset: str | None = None
    config: dict[str, Any] = field(default_factory=dict)
    like: str | None = None
    size: int | None = None
    budget: str | None = None
    start: str | None = None


def trained(named: Named) -> Row:
    """Make the row of trained weights that are scored as they are, called like their folder."""
    assert named.folder is not None
    name, start = named.folder.name, str(named.folder)
    return Row(named.entry.name, name, named.preset, budget=UNTRAINED, start=start)


@dataclass(frozen=True)
class Suite:
    """What `benchmarks/run_all.py` compares, with defaults for options that are not given."""

    rows: tuple[Row, ...]
    defaults: dict[str, Any]
    needs_photos: bool


def load_suite(name: str) -> Suite:
    """Load a suite by name."""
    name = valid_choice("suite", name, tuple(SUITES))
    found = vars(importlib.import_module(f"{__name__}.{name}"))
    return Suite(found["ROWS"], found.get("DEFAULTS", {}), found.get("NEEDS_PHOTOS", False))

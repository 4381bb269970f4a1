"""Suites: what `benchmarks/run_all.py` runs, by name. Importing one imports no framework.

A new suite is one file and one line: the file is named like the suite and holds its `ROWS`, the
line goes into `SUITES`.
"""

import importlib
from dataclasses import dataclass, field
from typing import Any

from zoo.errors import valid_choice

#: What each suite compares. The first one is run where none is named.
SUITES: dict[str, str] = {
    "models": "every registered model",
    "ablation": "what makes Zhang et al. 2016 colorful, one change a row",
    "fusion": "what an embedding of the whole photo brings",
    "adversarial": "what an adversary brings: gan and nogan beside regression",
}


@dataclass(frozen=True)
class Row:
    """One row of a leaderboard: a model, and how it is configured.

    Attributes:
        model: the registered name.
        label: what the row is called; model and preset where None.
        preset: the preset's name; the one that the command line asks for where None.
        config: fields of the configuration that differ from the preset.
        like: a model whose preset of the same name gives every field that both models'
            configurations have, so that network and training are the same and stay so.
    """

    model: str
    label: str | None = None
    preset: str | None = None
    config: dict[str, Any] = field(default_factory=dict)
    like: str | None = None


def load_suite(name: str | None = None) -> tuple[Row, ...]:
    """The rows of a suite; of the first one for None.

    Raises:
        ZooError: naming the suites there are and the nearest match.
    """
    names = tuple(SUITES)
    name = valid_choice("suite", names[0] if name is None else name, names)
    return importlib.import_module(f"{__name__}.{name}").ROWS

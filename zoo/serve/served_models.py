"""The models that a server offers: what they are is known at once, their weights come when used."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo import registry
from zoo.errors import ZooError, valid_choice
from zoo.export.int8 import fastest, require_int8
from zoo.models.classification.distribution import DistributionColorizer
from zoo.options import Option, option_values
from zoo.saving import read_configuration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zoo.colorizer import Colorizer

#: Offered unless another is asked for, where it is there.
_FAVORITE = "zhang"


@dataclass(frozen=True)
class Served:
    """A model that is offered.

    Attributes:
        name: what requests call it.
        run: what `zoo.load_model` takes.
        about: what it is, in a few words.
        distributions: whether it predicts distributions, and so suggests colors.
        options: those that it takes.
        defaults: the value of each of them where none is given.
    """

    name: str
    run: str
    about: str
    distributions: bool
    options: tuple[Option, ...]
    defaults: "Mapping[str, float]"

    @classmethod
    def of(cls, run: str) -> "Served":
        """Look a model up without loading its weights.

        Raises:
            ZooError: if there is none of this name, or it has to be trained first.
        """
        found = registry.resolve(run)
        kind = found.entry.load()
        if found.folder is None and kind.needs_training:
            registry.load_model(run)  # says what to do
        stored = {} if found.folder is None else read_configuration(found.folder).defaults
        return cls(
            name=Path(run).name,
            run=run,
            about=found.entry.summary,
            distributions=issubclass(kind, DistributionColorizer),
            options=kind.options,
            defaults={one.name: stored.get(one.name, one.default) for one in kind.options},
        )

    def checked(self, given: "Mapping[str, Any]") -> dict[str, float]:
        """The given options as numbers.

        Raises:
            ZooError: on an unknown option or a bad value.
        """
        values = option_values(self.options, given, self.defaults, self.name)
        return {name: values[name] for name in given}


class ServedModels:
    """Models by name; each is loaded once, when it is first used, and shared by all threads.

    Args:
        runs: folders or names; all that come trained or need no training where empty.
        precision: "float32", or "auto" for int8 where it gains.

    Raises:
        ZooError: if one of them is no trained model, or two have one name, or the precision cannot
            be chosen here.
    """

    def __init__(self, runs: Sequence[str] = (), precision: str = "float32") -> None:
        self._precision = precision
        if precision == "auto":
            require_int8()
        self._served: dict[str, Served] = {}
        for one in map(Served.of, runs or _all_runs()):
            if one.name in self._served:
                raise ZooError(f"Two models are called {one.name}; rename one of the folders.")
            self._served[one.name] = one
        self._loaded: dict[str, Colorizer] = {}
        self._locks = {name: threading.Lock() for name in self._served}

    @property
    def default(self) -> str:
        return _FAVORITE if _FAVORITE in self._served else next(iter(self._served))

    def all(self) -> list[Served]:
        """What is offered, in order."""
        return list(self._served.values())

    def served(self, name: str) -> Served:
        """What is known of a model.

        Raises:
            ZooError: naming those that there are.
        """
        return self._served[valid_choice("model", name, tuple(self._served))]

    def loaded(self, name: str) -> "Colorizer":
        """The model itself, with the runner that suits it here; the first call loads it.

        Raises:
            ZooError: as `served`, or if its folder is damaged.
        """
        run = self.served(name).run
        with self._locks[name]:
            if name not in self._loaded:
                model = registry.load_model(run)
                if self._precision == "auto":
                    model.runner = fastest(model).runner or model.runner
                self._loaded[name] = model
            return self._loaded[name]


def _all_runs() -> list[str]:
    trained = registry.list_pretrained()
    return [
        name
        for name in registry.list_models()
        if name in trained or not registry.entry(name).load().needs_training
    ]

"""What several commands do first: find the model, its options and the photos that were named.

Nothing at the top imports a deep-learning framework.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from zoo import registry
from zoo.cli.startup import start_keras
from zoo.errors import ScoreWarning, TrainingWarning, ZooError
from zoo.files import require_writable

if TYPE_CHECKING:
    from zoo.colorizer import Colorizer

    Models = dict[str, tuple[Colorizer, dict[str, Any]]]


def load_run(run: str) -> "Colorizer":
    """The model of a trained folder; by its name one that comes trained or needs no training."""
    registry.resolve(run)
    start_keras()
    return registry.load_model(run)


def load_runs(runs: list[str], given: dict[str, str]) -> "Models":
    """The models of several folders or names with their options, none of them given twice."""
    twice = sorted({run for run in runs if runs.count(run) > 1})
    if twice:
        raise ZooError(f"{twice[0]} is given twice; give each model once.")
    models = {run: load_run(run) for run in runs}
    return {run: (model, option_values(model, given)) for run, model in models.items()}


def option_values(model: "Colorizer", given: dict[str, str]) -> dict[str, Any]:
    """The given options as this model's numbers; unknown names and bad values are refused."""
    resolved = model.resolve_options(given)
    return {name: resolved[name] for name in given}


def require_writable_file(path: Path) -> None:
    """Refuse a folder, and a file whose folder cannot be made or written into."""
    if path.is_dir():
        raise ZooError(f"Cannot write {path}: it is a folder; give the name of a file.")
    require_writable(path.parent)


@contextmanager
def spoken_warnings() -> Iterator[None]:
    """Show what trainings and scores warn of as sentences, once, without the place in the code."""
    ours = (TrainingWarning, ScoreWarning)
    said: set[str] = set()
    with warnings.catch_warnings():
        for kind in ours:
            warnings.simplefilter("always", kind)
        before = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *place: Any, **to: Any) -> None:
            if not issubclass(category, ours):
                before(message, category, *place, **to)
            elif str(message) not in said:
                typer.echo(f"Caution: {message}", err=True)
                said.add(str(message))

        warnings.showwarning = show
        yield


def counted(number: int, thing: str) -> str:
    """A number and what is counted, in the singular or the plural: "1 photo", "2 photos"."""
    return f"{number:,} {thing if number == 1 else thing + 's'}"

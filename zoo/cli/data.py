"""The commands `zoo data`: public data sets, fetched and turned into folders of photos."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from rich.console import Console
from typer import Argument, Option, Typer, echo

from zoo.cli.inputs import counted
from zoo.cli.scripts import one_sentence
from zoo.cli.startup import start_keras

if TYPE_CHECKING:
    from data_recipes.prepare import Outcome

data = Typer(no_args_is_help=True, help="Fetch public data sets, ready to train on.")


@data.command("list")
def list_() -> None:
    """Show the data sets, what is in them, and what has to be done by hand."""
    from data_recipes import recipes
    from zoo.cli.tables import data_sets_table

    Console().print(data_sets_table(recipes()))


@data.command()
def prepare(
    name: Annotated[str, Argument(metavar="NAME", help="One that `zoo data list` shows.")],
    out: Annotated[Path, Option(metavar="DIR", help="Folder for the photos.")],
    given: Annotated[
        Path | None, Option("--from", metavar="FOLDER", help="What you have of it already.")
    ] = None,
) -> None:
    """Fetch a data set, verify it, and make a folder of photos with a manifest of it.

    Then train with --photos DIR/manifest.csv. Where it is stopped, the same command goes on.
    """
    from data_recipes import find

    recipe = find(name)
    if recipe.uses_keras:
        start_keras()
    from data_recipes.prepare import prepare as run

    if recipe.page:  # there is none for a folder of one's own
        echo(f"{recipe.title}: {recipe.size}.")
        echo(f"Source: {recipe.page}. License: {recipe.license}.")
    with one_sentence("Interrupted; repeat the command to go on."):
        outcome = run(recipe, out, given, progress=True)
    _tell(outcome, out)


def _tell(outcome: "Outcome", out: Path) -> None:
    if not outcome.fresh:
        echo(f"{out} was prepared before; nothing is left to do.")
    parts = ", ".join(f"{number:,} {split}" for split, number in outcome.photos.items())
    echo(f"{counted(sum(outcome.photos.values()), 'photo')}: {parts}.")
    if outcome.skipped:
        echo(f"{counted(len(outcome.skipped), 'file')} left out as unreadable:", err=True)
        for file in outcome.skipped:
            echo(f"  {file.name}: {file.reason}", err=True)
    echo(f"Train on them: zoo train MODEL --photos {out / 'manifest.csv'} --out RUN")

"""The command `zoo`: its commands by group, and those that show the models.

Nothing at the top of these files imports a deep-learning framework: each command imports what it
needs when it runs, so that `zoo --help` and `zoo list` answer at once, and mistakes in the command
line are refused before seconds are spent.
"""

from typing import Annotated, Any

from rich.console import Console
from typer import Argument, Exit, Option, Typer, echo
from typer.core import TyperGroup

from zoo import registry
from zoo._version import __version__
from zoo.cli import coloring, exporting, serving, studies, training
from zoo.cli.data import data
from zoo.cli.scripts import one_sentence
from zoo.cli.startup import start_keras
from zoo.errors import ZooError


class _Commands(TyperGroup):
    """Turns what went wrong into one sentence on standard error and an exit status."""

    def invoke(self, ctx: Any) -> Any:
        with one_sentence():
            return super().invoke(ctx)


app = Typer(
    name="zoo",
    cls=_Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Run the command line; the entry point of `zoo`."""
    app()


def _show_version(wanted: bool) -> None:
    if wanted:
        echo(f"colorization-zoo {__version__}")
        raise Exit


@app.callback()
def _zoo(
    version: Annotated[
        bool, Option("--version", help="Show the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Every well-known way to colorize a photo, behind one command."""


@app.command("list")
def list_(
    pattern: Annotated[str, Argument(metavar="PATTERN", help="Shell-style, as in 'm*'.")] = "*",
) -> None:
    """Show the models, their presets (the default one first) and what they are.

    Those that come with trained weights are ready for `zoo colorize PHOTO --model NAME`.
    """
    from zoo.cli.tables import models_table

    names = registry.list_models(pattern)
    if not names:
        known = ", ".join(registry.list_models())
        raise ZooError(f"No model matches {pattern!r}; choose from: {known}.")
    Console().print(models_table(map(registry.entry, names), registry.list_pretrained()))


@app.command()
def info(
    model: Annotated[
        str, Argument(metavar="MODEL|RUN", help="A model's name or a trained folder.")
    ],
) -> None:
    """Show a model's presets, configuration and options; of trained weights also their card.

    Where a preset follows a paper, a table says in what it departs from it, and why.
    """
    from zoo.cli import tables

    console, named, defaults = Console(), registry.resolve(model), {}
    entry = named.entry
    if named.folder is not None:
        from zoo.card import read_card
        from zoo.saving import read_configuration

        defaults = read_configuration(named.folder).defaults
        for table in tables.card_tables(read_card(named.folder)):
            console.print(table)
    start_keras()
    model_class = entry.load()
    preset = named.preset or entry.presets[0]
    console.print(f"[bold]{entry.name}:{preset}[/bold] — {entry.summary}", highlight=False)
    console.print(tables.presets_table(model_class))
    for table in tables.departures_tables(entry.name, model_class):
        console.print(table)
    console.print(tables.options_table(model_class, defaults))


for command in (
    training.train,
    training.import_weights,
    studies.evaluate,
    coloring.colorize,
    coloring.compare,
    coloring.suggest,
    studies.temperature,
    studies.checkpoints,
    exporting.export,
    serving.serve,
):
    app.command()(command)
app.add_typer(data, name="data")

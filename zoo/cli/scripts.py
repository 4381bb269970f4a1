"""Functions as command lines: the scripts beside the package, with the errors of `zoo` itself."""

import functools
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import typer

from zoo.errors import TrainingInterrupted, ZooError


@contextmanager
def one_sentence(interrupted: str | None = None) -> Iterator[None]:
    """Say what goes wrong inside in one sentence on standard error, and exit with a status.

    It is 130 after Ctrl-C, when `interrupted` is said; 2 after a mistake, 1 if the system refuses.
    """
    try:
        yield
    except (KeyboardInterrupt, TrainingInterrupted) as error:
        sentence, status = interrupted or str(error) or "Interrupted.", 130
    except ZooError as error:
        sentence, status = str(error), 2
    except BrokenPipeError:  # `zoo list | head`: typer ends quietly
        raise
    except OSError as error:
        place = f" {error.filename}" if error.filename else " a file"
        sentence, status = f"Cannot use{place}: {error.strerror or error}.", 1
    except MemoryError:
        sentence, status = "There is not enough memory; close other programs, or choose a ", 1
        sentence += "smaller size, batch_size or preset."
    else:
        return
    typer.echo(sentence, err=True)
    raise typer.Exit(status)


def run_script(
    *commands: Callable[..., None],
    argv: Sequence[str] | None = None,
    interrupted: str = "Stopped; nothing was written.",
) -> int:
    """Run a function by the options in its signature; with several, the first argument picks one.

    A parameter of the type `typer.Context` gets the arguments, those of this process by default, as
    its `obj`. Returns the exit status: 0, that of `one_sentence`, or of a raised `typer.Exit`.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    for command in commands:
        app.command(command.__name__.strip("_"))(_spoken(command, interrupted))
    try:
        with one_sentence(interrupted):  # of what is found while the options are read
            app(arguments, obj=arguments)
    except SystemExit as end:
        return int(end.code or 0)
    except typer.Exit as end:
        return end.exit_code
    return 0


def _spoken(command: Callable[..., None], interrupted: str) -> Callable[..., None]:
    @functools.wraps(command)
    def speaking(*given: object, **options: object) -> None:
        with one_sentence(interrupted):
            command(*given, **options)

    return speaking

"""The exceptions and the warnings that speak to users."""

from collections.abc import Iterable


class ZooError(ValueError):
    """A mistake that the user can fix: its message is one sentence that says what to do.

    The command line prints the message alone, without a traceback, and exits with status 2.
    """


class TrainingInterrupted(ZooError):
    """Training was stopped by Ctrl-C after its position had been saved; the exit status is 130."""


class TrainingWarning(UserWarning):
    """A training goes on but goes wrong: its message is one sentence with the likely cause."""


class ScoreWarning(UserWarning):
    """A figure says less than its name promises: its message is one sentence with the reason."""


class AnswersWarning(UserWarning):
    """A photo has fewer clearly different answers than were asked for."""


def valid_choice(kind: str, name: str, valid: "list[str] | tuple[str, ...]") -> str:
    """Return `name` if it is one of `valid`; `kind` is what is chosen ("model", "metric").

    Raises:
        ZooError: naming the accepted names and the one nearest to `name`.

    Examples:
        >>> valid_choice("color", "blu", ("red", "blue"))
        Traceback (most recent call last):
        ...
        zoo.errors.ZooError: There is no color 'blu' (did you mean 'blue'?); choose from: red, blue.
    """
    if name in valid:
        return name
    known = ", ".join(valid) if valid else "none"
    raise ZooError(f"There is no {kind} {name!r}{nearest(name, valid)}; choose from: {known}.")


def nearest(name: str, valid: Iterable[str]) -> str:
    """A hint at the one of `valid` that `name` may have meant; empty if none is near.

    Examples:
        >>> nearest("blu", ("red", "blue"))
        " (did you mean 'blue'?)"
    """
    import difflib

    near = difflib.get_close_matches(str(name), list(valid), n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""


def first_line(error: Exception) -> str:
    """What an error of another package says at first, without a full stop."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")

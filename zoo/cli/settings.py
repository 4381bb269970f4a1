"""Settings from text, as the command line gets them: `name=value`."""

import dataclasses
import math
import types
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

from zoo.errors import ZooError, valid_choice

_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def parse_pairs(given: list[str] | None, flag: str) -> dict[str, str]:
    """Read ["name=value", ...] of a `flag`; of a name given twice the last value counts."""
    pairs = {}
    for text in given or ():
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise ZooError(f"Cannot read {flag} {text!r}; write {flag} name=value.")
        pairs[name.strip()] = value.strip()
    return pairs


def parse_sizes(text: str) -> tuple[int, ...]:
    """Read "96" or "64,96,128"."""
    parts = text.split(",")
    if not all(part.strip().isascii() and part.strip().isdigit() and int(part) for part in parts):
        raise ZooError(f"Cannot read the size {text!r}; write 96, or 64,96,128 for three stages.")
    return tuple(int(part) for part in parts)


def parse_time(text: str) -> float:
    """Read a time as seconds: "70", "70.5", "01:10" or "00:01:10.5"."""
    parts = text.strip().split(":")
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        numbers = [math.nan]
    whole = all(number == int(number) for number in numbers[:-1] if math.isfinite(number))
    if len(parts) > 3 or not all(0 <= number < math.inf for number in numbers) or not whole:
        raise ZooError(f"Cannot read the time {text!r}; write seconds, as 70.5, or 00:01:10.")
    seconds = 0.0
    for number in numbers:
        seconds = 60 * seconds + number
    return seconds


def parse_fields(config: Any, given: dict[str, str], kind: str) -> dict[str, Any]:
    """Turn texts by field name into values of the types that a dataclass instance declares.

    An unknown field is refused, and so is a text that is no such value; `kind` says in the message
    what the fields are.
    """
    fields = tuple(field.name for field in dataclasses.fields(config))
    hints = get_type_hints(type(config))
    values = {}
    for name, text in given.items():
        valid_choice(kind, name, fields)
        try:
            values[name] = parse_value(text, hints[name])
        except ValueError as error:
            present = getattr(config, name)
            example = "" if present == () else f", as in {name}={present}"
            raise ZooError(
                f"Cannot read {name}={text}: it must be {_in_words(hints[name])}{example}."
            ) from error
    return values


def parse_value(text: str, hint: Any) -> Any:
    """Read `text` as a bool, a whole number, a finite number, a text, or a tuple "1,2,3" of these.

    A tuple of numbers may also be a NumPy file, "prior.npy", and an optional value "none".
    ValueError tells of a text that is none of that.
    """
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (types.UnionType, Union):
        if text.lower() == "none" and type(None) in inner:
            return None
        return parse_value(text, next(part for part in inner if part is not type(None)))
    if origin is tuple:
        if inner[0] is float and text.endswith(".npy"):
            return _numbers_in(Path(text))
        return tuple(parse_value(part.strip(), inner[0]) for part in text.split(","))
    value = _TRUTH.get(text.lower()) if hint is bool else hint(text)
    if value is None or (hint is float and not math.isfinite(value)):
        raise ValueError(text)
    return value


def _numbers_in(path: Path) -> tuple[float, ...]:
    import numpy as np

    try:
        values = np.load(path, allow_pickle=False)  # an array of objects would be code
    except (OSError, EOFError) as error:
        raise ValueError(str(error)) from error
    return tuple(map(float, np.ravel(values)))


def _in_words(hint: Any) -> str:
    words = {bool: "true or false", int: "a whole number", float: "a finite number", str: "a text"}
    inner = [part for part in get_args(hint) if part not in (type(None), ...)]
    if get_origin(hint) is tuple:
        file = ", or a .npy file of them" if inner[0] is float else ""
        return f"{words.get(inner[0], 'values')}, or several with commas between{file}"
    return words.get(inner[0] if inner else hint, "another value")

"""Options: numbers that the user may set at prediction, declared by the models that take them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from zoo.errors import ZooError, valid_choice

#: What an option changes: the size at which photos are seen, what the network computes, how its
#: output becomes color, or how colors follow hints.
Step = Literal["size", "network", "decode", "hints"]

#: In exported models: an input, fixed at the value of the export, always the default, or nothing,
#: because they take no hints.
Exported = Literal["input", "fixed", "refused", "absent"]


@dataclass(frozen=True)
class Option:
    """A number that the user may set at prediction.

    Attributes:
        name: in Python and on the command line.
        default: its value unless one is given, until a training changes it.
        low: the lowest valid value.
        high: the highest valid value.
        meaning: in a few words, for help and error messages.
        whole: whether it must be a whole number.
        step: what it changes; those of "decode" and "hints" need no new run of the network.
        export: what it is in exported models.
        among: the valid values, if not all from `low` to `high` are.

    Examples:
        >>> Option("k", default=32, low=1, high=64, meaning="neighbors", whole=True).check("8")
        8
    """

    name: str
    default: float
    low: float
    high: float
    meaning: str
    whole: bool = False
    step: Step = "decode"
    export: Exported = "input"
    among: tuple[float, ...] = ()

    @property
    def valid(self) -> str:
        """The valid values, in words."""
        if self.among:
            *others, last = (f"{value:g}" for value in self.among)
            return f"{', '.join(others)} or {last}"
        return f"{'whole numbers ' * self.whole}{self.low:g} to {self.high:g}"

    def check(self, value: Any) -> float:
        """Return `value` as this option's number.

        Raises:
            ZooError: if it is no number, not whole where it must be, or out of range.
        """
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):  # the last for thousands of digits
            number = math.nan
        if not self.low <= number <= self.high or (self.whole and number != int(number)):
            kind = "a whole number" if self.whole else "a number"
            raise ZooError(
                f"Option {self.name} ({self.meaning}) must be {kind} from {self.low:g} to "
                f"{self.high:g}; got {value!r}."
            )
        if self.among and number not in self.among:
            raise ZooError(
                f"Option {self.name} ({self.meaning}) must be {self.valid}; got {value!r}."
            )
        return int(number) if self.whole else number


RENDER_FACTOR = Option(
    "render_factor",
    default=8,
    low=1,
    high=64,
    meaning="short side at which the network sees the photo, in units of 16 px",
    whole=True,
    step="size",
    export="fixed",
)

DENOISE = Option(
    "denoise",
    default=0,
    low=0,
    high=50,
    meaning="how strong noise is, in L, that the network should not see; 0 shows it the photo",
    step="network",
    export="fixed",
)
CONSENSUS = Option(
    "consensus",
    default=0,
    low=0,
    high=6,
    meaning="how many predictions are averaged: 2 with the mirror image, 3 at three sizes, 6 both",
    whole=True,
    step="network",
    export="fixed",
    among=(0, 2, 3, 6),
)
EDGE_RADIUS = Option(
    "edge_radius",
    default=0,
    low=0,
    high=128,
    meaning="how far predictions are smoothed along edges of lightness, in px of the working size",
    whole=True,
    export="fixed",
)
OWN_STRENGTH = Option(
    "own_strength",
    default=1,
    low=0,
    high=1000,
    meaning="how strongly the model's own colors hold out against hints, away from the marks",
    step="hints",
    export="absent",
)
#: What every model has.
OF_ALL = (RENDER_FACTOR, OWN_STRENGTH)
#: What every model has whose network looks at the photo.
OF_NETWORKS = (RENDER_FACTOR, DENOISE, CONSENSUS, EDGE_RADIUS, OWN_STRENGTH)


def option_values(
    declared: Sequence[Option], given: Mapping[str, Any], defaults: Mapping[str, float], owner: str
) -> dict[str, float]:
    """The value of every declared option of `owner`: what is given, else its default.

    Raises:
        ZooError: on an unknown option or a bad value.
    """
    names = tuple(option.name for option in declared)
    for name in given:
        valid_choice(f"option of {owner}", name, names)
    values = {name: value for name, value in given.items() if value is not None}
    return {one.name: one.check(values.get(one.name, defaults[one.name])) for one in declared}

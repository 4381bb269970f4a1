"""Budget: how much training a model gets, in photos seen."""

import re
from dataclasses import dataclass

from zoo.errors import ZooError

#: Minutes; None for photos.
_UNITS = {"": None, "photos": None, "s": 1 / 60, "min": 1.0, "h": 60.0}

#: More photos than there are, or than anybody will wait for.
_MOST = 1e12


@dataclass(frozen=True)
class Budget:
    """How much training: `photos_seen` (a photo counts each time it is seen) or `minutes`.

    Equal budgets and exact resuming are promises about photos seen. A budget in minutes depends on
    the machine: training turns it into photos once, by a timed warm-up, and stores that number.

    Raises:
        ZooError: unless exactly one of the two is given and positive.

    Examples:
        >>> Budget(photos_seen=200_000)
        Budget(photos_seen=200000, minutes=None)
    """

    photos_seen: int | None = None
    minutes: float | None = None

    def __post_init__(self) -> None:
        given = [value for value in (self.photos_seen, self.minutes) if value is not None]
        if len(given) != 1 or not 0 < given[0] < _MOST:
            raise ZooError(
                "A budget is either a number of photos_seen or a number of minutes, above 0 and "
                f"below {_MOST:.0e}; got photos_seen={self.photos_seen}, minutes={self.minutes}."
            )

    @classmethod
    def parse(cls, text: str) -> "Budget":
        """Read a budget as people write it: "20000", "20000 photos", "90s", "15min", "2h".

        Raises:
            ZooError: showing these forms.

        Examples:
            >>> Budget.parse("15min")
            Budget(photos_seen=None, minutes=15.0)
        """
        match = re.fullmatch(r"\s*([0-9][0-9_,]*\.?[0-9]*)\s*([a-z]*)\s*", text.lower())
        if match is None or match[2] not in _UNITS:
            raise ZooError(f"Cannot read the budget {text!r}; write 20000, 90s, 15min or 2h.")
        number = float(match[1].replace(",", "").replace("_", ""))
        unit = _UNITS[match[2]]
        if unit is not None:
            return cls(minutes=number * unit)
        return cls(photos_seen=int(min(number, _MOST)))

    def __str__(self) -> str:
        if self.minutes is not None:
            return f"{self.minutes:g} min"
        return f"{self.photos_seen:,} photos"

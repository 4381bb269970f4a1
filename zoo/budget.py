"""Budget: how much training a model gets, in photos seen, minutes or passes over the photos."""

import re
from dataclasses import dataclass

from zoo.errors import ZooError

#: Minutes by unit, and the units of what is counted.
_MINUTES = {"s": 1 / 60, "min": 1.0, "h": 60.0}
_PHOTOS, _EPOCHS = ("", "photos"), ("epoch", "epochs")

#: More photos than there are, or than anybody will wait for.
_MOST = 1e12


@dataclass(frozen=True)
class Budget:
    """How much training: `photos_seen` (a photo counts each time), `minutes` or `epochs`.

    Equal budgets and exact resuming are promises about photos seen. A budget in minutes depends on
    the machine: training turns it into photos once, by a timed warm-up, and stores that number. An
    epoch is a pass over the photos, in an order of its own, and a round of the training: it ends
    with scores and a checkpoint.

    Raises:
        ZooError: unless exactly one of the three is given and positive.

    Examples:
        >>> Budget(photos_seen=200_000)
        Budget(photos_seen=200000, minutes=None, epochs=None)
    """

    photos_seen: int | None = None
    minutes: float | None = None
    epochs: int | None = None

    def __post_init__(self) -> None:
        values = (self.photos_seen, self.minutes, self.epochs)
        given = [value for value in values if value is not None]
        if len(given) != 1 or not 0 < given[0] < _MOST:
            raise ZooError(
                "A budget is a number of photos_seen, of minutes or of epochs, above 0 and below "
                f"{_MOST:.0e}; got photos_seen={values[0]}, minutes={values[1]}, "
                f"epochs={values[2]}."
            )

    def over(self, photos: int) -> "Budget":
        """This budget of a training with so many photos: epochs become photos seen.

        Examples:
            >>> Budget(epochs=20).over(15_000)
            Budget(photos_seen=300000, minutes=None, epochs=None)
        """
        return self if self.epochs is None else Budget(photos_seen=self.epochs * photos)

    @classmethod
    def parse(cls, text: str) -> "Budget":
        """Read a budget as people write it: "20000 photos", "20 epochs", "90s", "15min", "2h".

        Raises:
            ZooError: showing these forms.

        Examples:
            >>> Budget.parse("15min")
            Budget(photos_seen=None, minutes=15.0, epochs=None)
        """
        match = re.fullmatch(r"\s*([0-9][0-9_,]*\.?[0-9]*)\s*([a-z]*)\s*", text.lower())
        unit = None if match is None else match[2]
        if match is None or unit not in (*_PHOTOS, *_EPOCHS, *_MINUTES):
            raise ZooError(
                f"Cannot read the budget {text!r}; write 20000, 20epochs, 90s, 15min or 2h."
            )
        number = float(match[1].replace(",", "").replace("_", ""))
        if unit in _MINUTES:
            return cls(minutes=number * _MINUTES[unit])
        whole = int(min(number, _MOST))
        return cls(epochs=whole) if unit in _EPOCHS else cls(photos_seen=whole)

    def __str__(self) -> str:
        if self.minutes is not None:
            return f"{self.minutes:g} min"
        if self.epochs is not None:
            return f"{self.epochs:,} epochs"
        return f"{self.photos_seen:,} photos"

"""What a caller of `fit` asks for, and what a training did."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras

from zoo.budget import Budget
from zoo.errors import ZooError, valid_choice

PRECISIONS = ("auto", "float32", "mixed_bfloat16")
#: What `fit` may start from: the weights that are there, these shrunk and perturbed, or new ones.
STARTS = ("continue", "shrink", "fresh")


@dataclasses.dataclass(frozen=True)
class TrainingPlan:
    """What the caller of `Colorizer.fit` asked for; see there.

    The budget is in photos seen or minutes. There are `rounds` in each stage that has no rule of
    its own, so many as epochs were asked for; None leaves it to the stage. So many `devices` share
    each batch.
    """

    budget: Budget
    sizes: tuple[int, ...]
    precision: str
    run_dir: Path | None
    resume: bool
    callbacks: tuple[keras.callbacks.Callback, ...]
    progress: bool
    freeze: tuple[str, ...] = ()
    start: str = "continue"
    rounds: int | None = None
    devices: int = 1

    def __post_init__(self) -> None:
        valid_choice("start", self.start, STARTS)
        valid_choice("precision", self.precision, PRECISIONS)
        if not self.sizes or min(self.sizes) < 1:
            given = ", ".join(map(str, self.sizes)) or "none"
            raise ZooError(f"Training sizes must be at least 1 px, and one at least; got {given}.")
        if self.rounds is not None and self.rounds < len(self.sizes):
            raise ZooError(
                f"Each of {len(self.sizes)} training sizes needs an epoch at least; got a budget "
                f"of {self.rounds}."
            )

    def require_shares(self, batch_size: int) -> None:
        """Refuse batches that the devices cannot share evenly.

        Raises:
            ZooError: if the number of photos is no multiple of the number of devices.
        """
        if batch_size % self.devices:
            raise ZooError(
                f"{self.devices} devices cannot share {batch_size} photos a step evenly; set a "
                f"batch size that is a multiple of {self.devices}."
            )

    @property
    def size(self) -> int:
        """The last training size, which models are scored and used at."""
        return self.sizes[-1]


@dataclasses.dataclass
class History:
    """What a training did: one entry a round in each curve, and totals.

    Attributes:
        curves: "photos_seen" and whatever the model logs ("loss", "val_loss", ...), by name.
        photos_seen: in total, each time that a photo was seen counting.
        details: what else the model has to say, in types that the `json` module writes.
    """

    curves: dict[str, list[float]] = dataclasses.field(default_factory=dict)
    photos_seen: int = 0
    seconds: float = 0.0
    details: dict[str, Any] = dataclasses.field(default_factory=dict)

    @classmethod
    def of_stages(cls, stages: Mapping[str, "History"]) -> "History":
        """Join the histories of stages in turn: the last one's curves, each one in `details`."""
        *_, last = stages.values()
        if len(stages) == 1:
            return last
        parts = [{"name": name, **dataclasses.asdict(stage)} for name, stage in stages.items()]
        return cls(
            curves=last.curves,
            photos_seen=sum(stage.photos_seen for stage in stages.values()),
            seconds=round(sum(stage.seconds for stage in stages.values()), 2),
            details=last.details | {"stages": parts},
        )

"""What a caller of `fit` asks for, and what a training did."""

import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import keras

from zoo.budget import Budget
from zoo.errors import ZooError, valid_choice

#: What `fit` accepts as precision.
PRECISIONS = ("auto", "float32", "mixed_bfloat16")
#: What `fit` may start from: the weights that are there, these shrunk and perturbed, or new ones.
STARTS = ("continue", "shrink", "fresh")


@dataclasses.dataclass(frozen=True)
class TrainingPlan:
    """What the caller of `fit` asked for; see there.

    Attributes:
        budget: how much training.
        sizes: of the training squares in px, each for an equal share of the budget.
        precision: one of `PRECISIONS`.
        run_dir: where checkpoints go; None for none.
        resume: whether to go on from the checkpoint in `run_dir`.
        callbacks: Keras callbacks, for models that train by gradient.
        progress: whether to show a progress bar.
        freeze: shell patterns of the names of layers that stay as they are.
        start: one of `STARTS`.
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

    @classmethod
    def checked(
        cls,
        *,
        size: int | Sequence[int],
        freeze: str | Sequence[str],
        start: str,
        precision: str,
        run_dir: str | os.PathLike | None,
        **others: Any,
    ) -> Self:
        """The plan that a caller's arguments make.

        Raises:
            ZooError: if one of them is none that there is.
        """
        sizes = tuple(size) if isinstance(size, Sequence) else (size,)
        if not sizes or min(sizes) < 1:
            raise ZooError(f"Training sizes must be at least 1 px, and one at least; got {size}.")
        return cls(
            sizes=sizes,
            freeze=(freeze,) if isinstance(freeze, str) else tuple(freeze),
            start=valid_choice("start", start, STARTS),
            precision=valid_choice("precision", precision, PRECISIONS),
            run_dir=None if run_dir is None else Path(run_dir),
            **others,
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
        seconds: that the training took.
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

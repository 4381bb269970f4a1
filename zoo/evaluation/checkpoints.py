"""The checkpoints that an adversarial training kept, and choosing among them.

`zoo.models.adversarial.rounds` writes them. The best by its score is the run's model; people may
pick another.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo.errors import ZooError, valid_choice
from zoo.files import read_json
from zoo.models.adversarial.rounds import FOLDER, SAMPLES, TRUTH
from zoo.photos.decoding import read_rgb
from zoo.registry import load_model


@dataclass(frozen=True)
class Checkpoint:
    """The model as it was after a round.

    Attributes:
        name: of its folder.
        path: that folder.
        photos_seen: by the training so far.
        score: lower is better; None where there were no validation photos.
        scores: on the validation photos, by name.
        chosen: whether the run's model is this one.
    """

    name: str
    path: Path
    photos_seen: int
    score: float | None
    scores: dict[str, float]
    chosen: bool

    @property
    def caption(self) -> str:
        """What it is, in one line."""
        parts = [self.name, f"{self.photos_seen:,} photos"]
        if "val_auc" in self.scores:
            parts.append(f"AuC {self.scores['val_auc']:.3f}")
            parts.append(
                f"colorfulness {self.scores['val_colorfulness']:.1f} of "
                f"{self.scores['val_truth']:.1f}"
            )
        return ", ".join(parts) + (" (chosen)" if self.chosen else "")

    def samples(self) -> np.ndarray:
        """The sample photos in its colors, side by side: uint8 RGB."""
        return read_rgb(self.path / SAMPLES)

    def truth(self) -> np.ndarray:
        """The sample photos as they were, side by side: uint8 RGB."""
        return read_rgb(self.path.parent / TRUTH)


def stored(run_dir: Path) -> list[Checkpoint]:
    """Return the checkpoints of a run, the best ones first.

    Raises:
        ZooError: if there are none, or a card cannot be read.
    """
    cards = sorted((run_dir / FOLDER).glob("*/card.json"))
    if not cards:
        raise ZooError(
            f"{run_dir} holds no checkpoints; adversarial models (`gan`, `nogan`) keep some when "
            "they are trained."
        )
    finished = run_dir / "card.json"
    present = read_json(finished).get("weights_sha256") if finished.is_file() else None
    found = [_checkpoint(path, present) for path in cards]
    return sorted(found, key=lambda one: (one.score is None, one.score or 0.0, one.name))


def pick(run_dir: Path, name: str) -> None:
    """Make a checkpoint the run's model.

    Raises:
        ZooError: if there is none of this name, it is damaged, or the run has not ended yet.
    """
    kept = {checkpoint.name: checkpoint for checkpoint in stored(run_dir)}
    valid_choice(f"checkpoint of {run_dir}", name, tuple(sorted(kept)))
    if not (run_dir / "card.json").is_file():
        raise ZooError(
            f"The training in {run_dir} has not ended; resume it first, or use "
            f"{kept[name].path}, which is a model's folder too."
        )
    model = load_model(kept[name].path)
    model.card = read_json(run_dir / "card.json") | {"checkpoint": model.card["checkpoint"]}
    model.save(run_dir)


def _checkpoint(card_path: Path, present: str | None) -> Checkpoint:
    card = read_json(card_path)
    try:
        about = dict(card["checkpoint"])
        return Checkpoint(
            name=card_path.parent.name,
            path=card_path.parent,
            photos_seen=about.pop("photos_seen"),
            score=about.pop("score"),
            scores={name: value for name, value in about.items() if name.startswith("val_")},
            chosen=card["weights_sha256"] == present,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ZooError(
            f"{card_path} is not the card of a checkpoint ({error!r}); remove its folder."
        ) from error

"""The checkpoints that an adversarial training kept, and choosing among them.

`zoo.models.adversarial.rounds` writes them. The best by its score is the run's model; people may
pick another.
"""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo.card import CARD, Round, read_card
from zoo.errors import ZooError, valid_choice
from zoo.models.adversarial.rounds import FOLDER, SAMPLES, TRUTH
from zoo.photos.decoding import read_rgb
from zoo.registry import load_model


@dataclass(frozen=True, kw_only=True)
class Checkpoint(Round):
    """The model as it was after a round: its folder, and whether the run's model is this one."""

    path: Path
    chosen: bool

    @property
    def caption(self) -> str:
        parts = [self.name, f"{self.photos_seen:,} photos"]
        if "val_auc" in self.scores:
            auc, *colorfulness = (self.scores[f"val_{n}"] for n in ("auc", "colorfulness", "truth"))
            parts.append(f"AuC {auc:.3f}")
            parts.append("colorfulness {:.1f} of {:.1f}".format(*colorfulness))
        return ", ".join(parts) + (" (chosen)" if self.chosen else "")

    def samples(self) -> np.ndarray:
        """The sample photos in its colors, side by side: uint8 RGB."""
        return read_rgb(self.path / SAMPLES)

    def truth(self) -> np.ndarray:
        """The sample photos as they were, side by side: uint8 RGB."""
        return read_rgb(self.path.parent / TRUTH)


def stored(run_dir: Path) -> list[Checkpoint]:
    """Return the checkpoints of a run, the best ones first."""
    folders = [path.parent for path in (run_dir / FOLDER).glob(f"*/{CARD}")]
    if not folders:
        raise ZooError(
            f"{run_dir} holds no checkpoints; adversarial models (`gan`, `nogan`) keep some when "
            "they are trained."
        )
    finished = (run_dir / CARD).is_file()
    present = read_card(run_dir).weights_sha256 if finished else None
    found = [_checkpoint(folder, present) for folder in folders]
    return sorted(found, key=lambda one: (one.score is None, one.score or 0.0, one.name))


def pick(run_dir: Path, name: str) -> None:
    """Make a checkpoint the run's model, which must have ended its training."""
    kept = {checkpoint.name: checkpoint for checkpoint in stored(run_dir)}
    valid_choice(f"checkpoint of {run_dir}", name, tuple(sorted(kept)))
    if not (run_dir / CARD).is_file():
        raise ZooError(
            f"The training in {run_dir} has not ended; resume it first, or use "
            f"{kept[name].path}, which is a model's folder too."
        )
    model = load_model(kept[name].path)
    model.card = dataclasses.replace(read_card(run_dir), checkpoint=model.card.checkpoint)
    model.save(run_dir)


def _checkpoint(folder: Path, present: str | None) -> Checkpoint:
    card = read_card(folder)
    if card.checkpoint is None:
        raise ZooError(f"{folder / CARD} is not the card of a checkpoint; remove its folder.")
    kept, chosen = vars(card.checkpoint) | {"name": folder.name}, card.weights_sha256 == present
    return Checkpoint(**kept, path=folder, chosen=chosen)

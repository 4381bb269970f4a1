"""The models that a training kept on its way, one a round, and choosing among them.

Two nets that learn against each other have no loss that says when to stop: the model is kept after
each round with its scores and some photos in its colors, the best by the scores becomes the run's
model, and people may take another. A kept model is a model's folder like any other:

    RUN/checkpoints/truth.png       the sample photos as they were, side by side
    RUN/checkpoints/003/            the model after round 3: config.json, weights.npz, card.json
    RUN/checkpoints/003/samples.png the sample photos as it colors them
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from zoo.colorizer import Colorizer
from zoo.errors import ZooError, valid_choice
from zoo.files import atomic_path, read_json
from zoo.photos.decoding import read_rgb, write_photo
from zoo.photos.loader import PhotoLoader
from zoo.photos.photoset import PhotoSet
from zoo.registry import load_model

FOLDER = "checkpoints"
#: How many photos the samples are of.
SAMPLES = 8
_TRUTH, _SAMPLES = "truth.png", "samples.png"
_LABEL_HEIGHT, _LABEL_POINTS, _LABEL_MARGIN = 18, 12, 4
_FRAME_MILLISECONDS, _LAST_MILLISECONDS = 700, 3000


@dataclass(frozen=True)
class Checkpoint:
    """A kept model.

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


def name_of(stage: str, round_index: int) -> str:
    """The name of the model that is kept after a round, counted from 0.

    Examples:
        >>> name_of("", 2), name_of("joint", 2)
        ('003', 'joint-003')
    """
    number = f"{round_index + 1:03d}"
    return f"{stage}-{number}" if stage else number


def sample_squares(photos: PhotoSet, size: int) -> np.ndarray:
    """Some of the photos, always the same ones: (n, size, size, 3) uint8, n at most `SAMPLES`."""
    return PhotoLoader(photos.spread(SAMPLES), size, SAMPLES, augment=False).batch(0)


def keep(
    run_dir: Path, name: str, model: Colorizer, about: dict[str, Any], squares: np.ndarray
) -> None:
    """Write a model as it is now, what is known about it, and sample photos in its colors.

    Args:
        run_dir: the run's folder.
        name: see `name_of`.
        model: whose weights are kept.
        about: "photos_seen", "score" and scores by name; stored in its card.
        squares: what `sample_squares` gave.

    Raises:
        ZooError: if the folder cannot be written.
    """
    truth, folder = run_dir / FOLDER / _TRUTH, run_dir / FOLDER / name
    if not truth.exists():
        write_photo(truth, _row(squares))
    write_photo(folder / _SAMPLES, _row(model.colorize_batch(squares)))
    model.card["checkpoint"] = {"name": name, **about}
    try:
        model.save(folder)
    finally:
        del model.card["checkpoint"]


def stored(run_dir: Path) -> list[Checkpoint]:
    """The kept models of a run, the best ones first.

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
    """Make a kept model the run's model.

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


def draw_sheet(path: Path, checkpoints: Sequence[Checkpoint]) -> None:
    """Draw the samples of several kept models of one run below each other, the truth on top.

    Raises:
        ZooError: if a picture cannot be read or written.
    """
    rows = [("truth", _truth(checkpoints[0]))]
    rows += [(one.caption, _samples(one)) for one in checkpoints]
    sheet = np.concatenate(_labeled(rows))
    with atomic_path(path) as temporary:
        Image.fromarray(sheet).save(temporary)


def animate(path: Path, checkpoints: Sequence[Checkpoint]) -> None:
    """Draw the samples of several kept models of one run one after the other, as animated WebP.

    Raises:
        ZooError: if a picture cannot be read or written.
    """
    rows = [("truth", _truth(checkpoints[0]))]
    rows += [(one.caption, _samples(one)) for one in sorted(checkpoints, key=lambda one: one.name)]
    truth, *samples = _labeled(rows)
    frames = [Image.fromarray(np.concatenate([one, truth])) for one in samples]
    durations = [_FRAME_MILLISECONDS] * (len(frames) - 1) + [_LAST_MILLISECONDS]
    with atomic_path(path) as temporary:
        frames[0].save(
            temporary, save_all=True, append_images=frames[1:], duration=durations, loop=0
        )


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


def _row(squares: np.ndarray) -> np.ndarray:
    return np.concatenate(list(squares), axis=1)


def _samples(checkpoint: Checkpoint) -> np.ndarray:
    return read_rgb(checkpoint.path / _SAMPLES)


def _truth(checkpoint: Checkpoint) -> np.ndarray:
    return read_rgb(checkpoint.path.parent / _TRUTH)


def _labeled(rows: Sequence[tuple[str, np.ndarray]]) -> list[np.ndarray]:
    """Pictures with a line of text above each, all as wide as the longest line or picture."""
    font = ImageFont.load_default(_LABEL_POINTS)
    widths = [math.ceil(font.getlength(caption)) + 2 * _LABEL_MARGIN for caption, _ in rows]
    width = max(*widths, *(picture.shape[1] for _, picture in rows))
    labeled = []
    for caption, picture in rows:
        canvas = Image.new("RGB", (width, _LABEL_HEIGHT + len(picture)), "white")
        ImageDraw.Draw(canvas).text((_LABEL_MARGIN, 1), caption, fill="black", font=font)
        canvas.paste(Image.fromarray(picture), (0, _LABEL_HEIGHT))
        labeled.append(np.asarray(canvas))
    return labeled

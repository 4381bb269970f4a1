"""Keeping the model after each round of an adversarial training.

No loss says when two nets that learn against each other should stop: the model is kept after each
round with its scores and some photos in its colors, and the best by the scores becomes the run's
model (`zoo.evaluation.checkpoints` reads them). Each is a model's folder like any other:

    RUN/checkpoints/truth.png       the sample photos as they were, side by side
    RUN/checkpoints/003/            the model after round 3: config.json, weights.npz, card.json
    RUN/checkpoints/003/samples.png the sample photos as it colors them
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from zoo.card import Round
from zoo.colorizer import Colorizer
from zoo.photos.decoding import write_photo
from zoo.photos.loader import PhotoLoader
from zoo.photos.photoset import PhotoSet

FOLDER, TRUTH, SAMPLES = "checkpoints", "truth.png", "samples.png"
#: How many photos the samples are of.
PHOTOS = 8


def name_of(stage: str, round_index: int) -> str:
    """The name of the model that is kept after a round, counted from 0.

    Examples:
        >>> name_of("", 2), name_of("joint", 2)
        ('003', 'joint-003')
    """
    number = f"{round_index + 1:03d}"
    return f"{stage}-{number}" if stage else number


def sample_squares(photos: PhotoSet, size: int) -> np.ndarray:
    """Read some of the photos, always the same: (n, size, size, 3) uint8, n at most `PHOTOS`."""
    large = PhotoLoader(photos, size, PHOTOS, augment=False).photos
    return PhotoLoader(large.spread(PHOTOS), size, PHOTOS, augment=False).batch(0)


def keep(
    run_dir: Path, name: str, model: Colorizer, logs: Mapping[str, Any], squares: np.ndarray
) -> None:
    """Write a model as it is now, its scores, and sample photos in its colors.

    `logs` has "photos_seen", maybe "score", and scores by name, for the card.
    """
    truth, folder = run_dir / FOLDER / TRUTH, run_dir / FOLDER / name
    if not truth.exists():
        write_photo(truth, np.hstack(list(squares)))
    write_photo(folder / SAMPLES, np.hstack(list(model.colorize_batch(squares))))
    scores = {key: value for key, value in logs.items() if key.startswith("val_")}
    kept = Round(name, int(logs["photos_seen"]), logs.get("score"), scores)
    before = model.card, model.fitted
    model.card, model.fitted = dataclasses.replace(model.card, checkpoint=kept), True
    try:
        model.save(folder)
    finally:
        model.card, model.fitted = before

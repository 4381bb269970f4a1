"""The share of a training that validation takes, for `benchmarks.speed.training`."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import keras

from benchmarks.speed.timing import Measurement, Row, noise
from zoo.budget import Budget
from zoo.photos.decoding import write_photo
from zoo.photos.photoset import PhotoSet
from zoo.registry import create_model

#: A training whose validation would cost more than itself if all photos were scored.
_SEEN, _SCORED = 1_280, 320


class _Clock(keras.callbacks.Callback):
    """Seconds of validation after the first round, and of all that comes after it."""

    def __init__(self) -> None:
        super().__init__()
        self.rounds, self.began, self.validating = 0, 0.0, 0.0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self.rounds == 1:
            self.began = time.monotonic()
        self.rounds += 1

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        self.since = time.monotonic()

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        if self.rounds > 1:  # the first one compiles
            self.validating += time.monotonic() - self.since

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        self.whole = time.monotonic() - self.began


def validation_row() -> Row:
    """The seconds of validation in a short training with many photos to validate by.

    The encoder is frozen, so that a training step takes least and validation most of the time.
    """
    model, clock = create_model("mse_regression", "compact", frozen_levels=5), _Clock()
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for number, photo in enumerate(noise(_SCORED + 64, 128, 128, 3)):
            part = "val" if number < _SCORED else "train"
            write_photo(folder / part / f"{number:03}.png", photo)
        train, val = (PhotoSet.from_folder(folder / part) for part in ("train", "val"))
        budget = Budget(photos_seen=_SEEN)
        model.fit(train, val, budget=budget, precision="float32", callbacks=[clock])
    title = f"validation by {_SCORED} photos in a training that sees {_SEEN:,}, encoder frozen"
    validating = Measurement.once("validation", clock.validating)
    return Row(title, "s", False, validating, Measurement.once("the training", clock.whole))

"""Coloring one photo, by the code of `zoo colorize`, and the photo in gray."""

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from zoo.errors import ZooError, valid_choice
from zoo.fullsize import FullSize
from zoo.hints.marks import Hints
from zoo.inference.folders import SmallCopies, run_jobs
from zoo.inference.jobs import Job
from zoo.photos.decoding import PhotoError, read_preview
from zoo.serve.served_models import ServedModels
from zoo.transfer.reference import METHODS, Reference

#: Style transfer takes a minute, for which the others would wait.
QUICK_METHODS = tuple(name for name in METHODS if name != "style")

_GRAY_QUALITY = 90


@dataclass(frozen=True)
class Wish:
    """How somebody wants a photo colored.

    Attributes:
        model: its name.
        options: of the model.
        hints: of the photo, or None.
        reference: the file of a photo in color, or None.
        transfer: one of `QUICK_METHODS`; the first where None.
        side: the long side of a preview, in px; None for the full size.
    """

    model: str
    options: Mapping[str, float] = field(default_factory=dict)
    hints: Hints | None = None
    reference: Path | None = None
    transfer: str | None = None
    side: int | None = None


def check_transfer(transfer: str | None, referred: bool) -> None:
    """Refuse an unknown way to transfer colors, and one without a reference.

    Raises:
        ZooError: naming those that there are.
    """
    if transfer is None:
        return
    valid_choice("way to transfer colors", transfer, QUICK_METHODS)
    if not referred:
        raise ZooError("There is no reference to transfer colors from; give one.")


def color(
    models: ServedModels,
    source: Path,
    target: Path,
    wish: Wish,
    copies: SmallCopies | None = None,
) -> None:
    """Color a photo into a file, whole or not at all, in the format of the target's suffix.

    Previews of one photo by several models share its small copy in `copies`.

    Raises:
        ZooError: if the photo or the reference cannot be read, or hints cannot be followed.
    """
    reference = None
    if wish.reference is not None:
        reference = _reference(wish.reference, wish.transfer or QUICK_METHODS[0])
    job = Job(source, "the photo", target, hints=wish.hints, side=wish.side)
    model = models.loaded(wish.model)
    outcome = run_jobs(
        model, [job], wish.options, reference=reference, runner=model.runner, copies=copies
    )
    for reason in outcome.failures.values():
        raise PhotoError(job.name, reason, "upload it again")


def _reference(file: Path, transfer: str) -> Reference:
    try:
        return Reference.read(file, transfer)
    except PhotoError as error:  # whose name is a path
        raise PhotoError("the reference", error.reason, "give another one") from error


def gray_jpeg(data: bytes, size: tuple[int, int], side: int) -> bytes:
    """A photo in gray, as JPEG.

    Args:
        data: the bytes of its file.
        size: width and height of the photo, in px.
        side: the long side wanted, in px; smaller photos stay as they are.

    Raises:
        PhotoError: if it cannot be read.
    """
    short = max(1, min(size) * side // max(size))
    rgb = read_preview(data, "the photo", short)
    colorless = FullSize(rgb[None]).merge(np.zeros((1, 1, 1, 2), np.float32))[0]
    made = io.BytesIO()
    Image.fromarray(colorless).save(made, "JPEG", quality=_GRAY_QUALITY)
    return made.getvalue()

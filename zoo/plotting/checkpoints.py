"""Pictures of the checkpoints of a run: a sheet of their sample photos, and an animation."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from zoo.evaluation.checkpoints import Checkpoint
from zoo.files import atomic_path

_LABEL_HEIGHT, _LABEL_POINTS, _LABEL_MARGIN = 18, 12, 4
_FRAME_MILLISECONDS, _LAST_MILLISECONDS = 700, 3000


def draw_sheet(path: Path, checkpoints: Sequence[Checkpoint]) -> None:
    """Draw the samples of several checkpoints of one run below each other, the truth on top."""
    sheet = np.concatenate(_labeled(checkpoints))
    with atomic_path(path) as temporary:
        Image.fromarray(sheet).save(temporary)


def animate(path: Path, checkpoints: Sequence[Checkpoint]) -> None:
    """Draw the samples of several checkpoints of one run one after the other, as animated WebP."""
    truth, *samples = _labeled(sorted(checkpoints, key=lambda one: one.name))
    frames = [Image.fromarray(np.concatenate([one, truth])) for one in samples]
    durations = [_FRAME_MILLISECONDS] * (len(frames) - 1) + [_LAST_MILLISECONDS]
    with atomic_path(path) as temporary:
        frames[0].save(
            temporary, save_all=True, append_images=frames[1:], duration=durations, loop=0
        )


def _labeled(checkpoints: Sequence[Checkpoint]) -> list[np.ndarray]:
    """The truth and all samples with a text above each, as wide as the longest text or picture."""
    rows = [("truth", checkpoints[0].truth())]
    rows += [(one.caption, one.samples()) for one in checkpoints]
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

"""A picture of an adversarial training: what both nets did in every step, and the colors' scores.

The input is what the trainer wrote and logged; nothing is computed again.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zoo.pictures import new_figure, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_INCHES = (11.0, 6.4)
#: Single steps are noisy: means over this share of a training are drawn over them.
_SMOOTHED_SHARE = 0.02
_NAMES = {
    "d_real": "D(x), true colors",
    "d_fake": "D(G(L)), made colors",
    "d_loss": "discriminator's loss",
    "g_loss": "generator's adversarial loss",
    "l1": "mean absolute error of ab / 110",
}


def draw_training(
    path: Path,
    steps: Mapping[str, np.ndarray],
    curves: Mapping[str, Sequence[float]],
    best_round: int | None,
    ended: str | None,
) -> None:
    """Draw a training, and save it atomically.

    Args:
        path: where to; its suffix is one of `zoo.pictures.PICTURE_SUFFIXES`.
        steps: the table of steps: "photos_seen", "d_real", "d_fake", "d_loss", "g_loss" and "l1".
        curves: what was logged in every round: "photos_seen", and, where there were validation
            photos, "val_auc", "val_colorfulness" and "val_truth".
        best_round: whose model was kept, counted from 0.
        ended: why the training ended early, if it did.

    Raises:
        ZooError: if the suffix is another one, or the file cannot be written.
    """
    figure = new_figure(*_INCHES)
    (judge, losses), (error, colors) = figure.subplots(2, 2)
    photos = steps["photos_seen"]
    for axes, names, title in (
        (judge, ("d_real", "d_fake"), "What the discriminator takes for true"),
        (losses, ("d_loss", "g_loss"), "Losses"),
        (error, ("l1",), "Error"),
    ):
        for number, name in enumerate(names):
            axes.plot(photos, steps[name], color=f"C{number}", alpha=0.2, linewidth=0.6)
            smooth = _smoothed(steps[name])
            axes.plot(photos, smooth, color=f"C{number}", label=_NAMES[name])
        axes.set_title(title, fontsize=10)
    judge.axhline(0.5, color="#444444", linestyle="--", label="0.5: it cannot tell")
    judge.set_ylim(0, 1)
    _draw_scores(colors, curves, best_round)
    for axes in (judge, losses, error, colors):
        axes.set_xlabel("photos seen")
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    if ended is not None:
        figure.suptitle(f"Ended early: {ended}", fontsize=9)
    save_figure(path, figure)


def _draw_scores(
    axes: "Axes", curves: Mapping[str, Sequence[float]], best_round: int | None
) -> None:
    """AuC, and colorfulness as a share of the true photos', over the rounds."""
    prefix = "val_" if "val_auc" in curves else ""
    photos = curves["photos_seen"]
    shares = np.divide(curves[f"{prefix}colorfulness"], curves[f"{prefix}truth"])
    axes.plot(photos, curves[f"{prefix}auc"], "o-", markersize=3, label="AuC")
    axes.plot(photos, shares, "o-", markersize=3, label="colorfulness, share of the truth's")
    axes.axhline(1.0, color="#444444", linestyle="--")
    if best_round is not None:
        axes.axvline(photos[best_round], color="C2", label=f"kept: round {best_round + 1}")
    axes.set_title(f"Scores on the {'validation' if prefix else 'training'} photos", fontsize=10)


def _smoothed(values: np.ndarray) -> np.ndarray:
    """Means over a window around each step, narrower at both ends."""
    width = max(1, round(len(values) * _SMOOTHED_SHARE))
    kernel = np.ones(width)
    return np.convolve(values, kernel, "same") / np.convolve(np.ones(len(values)), kernel, "same")

"""A picture of an adversarial training: what both nets did in every step, and the colors' scores.

The input is what the trainer wrote and logged; nothing is computed again.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zoo.models.adversarial.turning_point import SMOOTHED, smoothed
from zoo.plotting.pictures import new_figure, save_figure
from zoo.training.callbacks import StageCallback
from zoo.training.checkpoint import Progress
from zoo.training.step_log import file_of, read_steps

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_INCHES = (15.0, 6.6)
#: Single steps are noisy: means over this share of a training are drawn over them.
_SMOOTHED_SHARE = 0.02
_NAMES = {
    "d_real": "D(x), true colors",
    "d_fake": "D(G(L)), made colors",
    "d_loss": "discriminator's loss",
    "g_loss": "generator's adversarial loss",
    "l1": "mean absolute error of ab / 110",
}


class TrainingPlot(StageCallback):
    """Draws `training.png` in the training's folder once an adversarial stage has ended."""

    def __init__(self, run_dir: Path) -> None:
        super().__init__()
        self._run_dir = run_dir

    def on_stage_end(self, name: str, progress: Progress) -> None:
        if "g_loss" not in progress.curves:
            return
        draw_training(
            self._run_dir / (f"training-{name}.png" if name else "training.png"),
            read_steps(file_of(self._run_dir, name)),
            progress.curves,
            progress.best_round,
            progress.ended,
        )


def draw_training(
    path: Path,
    steps: Mapping[str, np.ndarray],
    curves: Mapping[str, Sequence[float]],
    best_round: int | None,
    ended: str | None,
) -> None:
    """Draw a training, and save it atomically.

    Args:
        path: its suffix is one of `zoo.plotting.pictures.PICTURE_SUFFIXES`.
        steps: the table of steps: "photos_seen", "d_real", "d_fake", "d_loss", "g_loss" and "l1".
        curves: by round "photos_seen", "val_auc", "val_colorfulness", "val_truth" and "score"; of a
            training without validation photos, no score, and names without "val_".
        best_round: whose model was kept, counted from 0.
        ended: why the training ended early, if it did.
    """
    figure = new_figure(*_INCHES)
    panels = figure.subplots(2, 3)
    for axes, names, title in zip(
        panels[0],
        (("d_real", "d_fake"), ("d_loss", "g_loss"), ("l1",)),
        ("What the discriminator takes for true", "Losses", "Error"),
        strict=True,
    ):
        for number, name in enumerate(names):
            color = f"C{number}"
            axes.plot(steps["photos_seen"], steps[name], color=color, alpha=0.2, linewidth=0.6)
            axes.plot(steps["photos_seen"], _smoothed(steps[name]), color=color, label=_NAMES[name])
        axes.set_title(title, fontsize=10)
    panels[0, 0].axhline(0.5, color="#444444", linestyle="--", label="0.5: it cannot tell")
    panels[0, 0].set_ylim(0, 1)
    _draw_scores(panels[1], curves, best_round)
    for axes in panels.flat:
        axes.set_xlabel("photos seen")
        axes.grid(alpha=0.3)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(fontsize=8)
    if ended is not None:
        figure.suptitle(f"Ended early: {ended}", fontsize=10)
    save_figure(path, figure)


def _draw_scores(
    panels: "Sequence[Axes]", curves: Mapping[str, Sequence[float]], best_round: int | None
) -> None:
    """AuC, colorfulness, and the score that they make, over the rounds."""
    prefix = "val_" if "val_auc" in curves else ""
    whose = "validation" if prefix else "training"
    photos = curves["photos_seen"]
    of_auc, of_colors, of_score = panels
    of_auc.plot(photos, curves[f"{prefix}auc"], "o-", markersize=3)
    of_auc.set_title(f"AuC on the {whose} photos, higher is better", fontsize=10)
    of_colors.plot(photos, curves[f"{prefix}colorfulness"], "o-", markersize=3, label="made colors")
    truth = float(np.mean(curves[f"{prefix}truth"]))
    of_colors.axhline(truth, color="#444444", linestyle="--", label="true colors")
    of_colors.set_title(f"Colorfulness of the {whose} photos", fontsize=10)
    of_score.set_title("Score that decides, lower is better", fontsize=10)
    if "score" not in curves:
        of_score.text(0.5, 0.5, "no validation photos", ha="center", transform=of_score.transAxes)
    else:
        of_score.plot(photos, curves["score"], "o", markersize=3, label="of each round")
        means = smoothed(curves["score"])
        inner = photos[SMOOTHED // 2 :][: len(means)]
        of_score.plot(inner, means, color="C0", label=f"mean of {SMOOTHED} rounds")
    if best_round is not None:
        for axes in panels:
            axes.axvline(photos[best_round], color="C2", label=f"kept: round {best_round + 1}")


def _smoothed(values: np.ndarray) -> np.ndarray:
    """Means over a window around each step, narrower at both ends."""
    width = max(1, round(len(values) * _SMOOTHED_SHARE))
    kernel = np.ones(width)
    return np.convolve(values, kernel, "same") / np.convolve(np.ones(len(values)), kernel, "same")

"""Pictures for people to look at: photos side by side, and figures saved without half a file.

Matplotlib is used without pyplot, which would keep every figure and look for a screen.
"""

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zoo.errors import valid_choice
from zoo.files import atomic_path
from zoo.photos.decoding import shrink

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: What a picture may be saved as.
PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".pdf", ".svg")

_PANEL_INCHES = 3.2
_DOTS_PER_INCH = 150
# So many characters of the title's size fit over one panel.
_TITLE_CHARACTERS = 24

#: Photos with a longer short side, in px, are drawn at this one.
PANEL_SIDE = round(_PANEL_INCHES * _DOTS_PER_INCH)


def check_suffix(path: Path) -> None:
    """Refuse a file name that says no known format."""
    valid_choice("picture format", path.suffix.lower(), PICTURE_SUFFIXES)


def new_figure(width: float, height: float) -> "Figure":
    """An empty figure of a size in inches, whose parts find their places by themselves."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=_DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save_figure(path: Path, figure: "Figure") -> None:
    """Save atomically, in the format of the suffix, one of `PICTURE_SUFFIXES`."""
    check_suffix(path)
    with atomic_path(path) as temporary:
        figure.savefig(temporary)


def side_by_side(panels: Sequence[tuple[str, np.ndarray]], across: int = 4) -> "Figure":
    """A figure of photos of one size in rows, each with its name on top; notebooks show it.

    Args:
        panels: name and photo, uint8 (H, W, 3) or float (H, W) in [0, 1], drawn in gray.
        across: how many there are in a full row.
    """
    names = [textwrap.fill(name, _TITLE_CHARACTERS) for name, _ in panels]
    across = min(across, len(panels))
    down = -(-len(panels) // across)
    height, width = panels[0][1].shape[:2]
    # Very long or very tall photos get panels of a bounded shape, and white around them.
    aspect = min(max(height / width, 0.3), 2.0)
    title_inches = 0.2 * max(name.count("\n") + 2 for name in names)
    figure = new_figure(_PANEL_INCHES * across, (_PANEL_INCHES * aspect + title_inches) * down)
    axes = figure.subplots(down, across, squeeze=False).ravel()
    for axis in axes:
        axis.set_axis_off()
    for axis, name, (_, picture) in zip(axes, names, panels, strict=False):
        if picture.ndim == 2:
            axis.imshow(picture, cmap="gray", vmin=0.0, vmax=1.0)
        else:
            axis.imshow(shrink(picture, PANEL_SIDE))
        # Names are file names: a dollar sign in one is no formula.
        axis.set_title(name, fontsize=11, parse_math=False)
    return figure


def draw_side_by_side(path: Path, panels: Sequence[tuple[str, np.ndarray]]) -> None:
    """Save what `side_by_side` makes, atomically."""
    check_suffix(path)
    save_figure(path, side_by_side(panels))

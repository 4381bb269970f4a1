"""Measure what the option `denoise` brings on clean, grainy and JPEG-compressed photos.

    python -m benchmarks.release.denoising --photos DIR --photos DIR2

Take validation photos; each folder gives equally many. Prints a table in Markdown: for each model,
kind of photo and strength the differences in AuC and CIEDE2000 from no denoising, paired over the
photos, with 95 % intervals. Nothing is stored.

Cost: about 0.3 s a photo, model, kind and strength on one core.
"""

import sys
from collections.abc import Sequence
from typing import Annotated

import numpy as np
import typer

from benchmarks.release.vividness import equal_parts
from benchmarks.report.text import markdown_table
from zoo.cli import options
from zoo.cli.scripts import run_script
from zoo.cli.startup import start_keras
from zoo.colorizer import Colorizer
from zoo.options import DENOISE
from zoo.photos.degrade import DEGRADATIONS
from zoo.photos.division import read_photos
from zoo.photos.photoset import PhotoSet

#: What the photos are: as they are, and two of the benchmark's degradations.
KINDS = ("clean", "grain", "jpeg-30")

_DIGITS = {"auc": 4, "ciede2000": 2}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status."""
    return run_script(measure, argv=argv, interrupted="\nStopped.")


def measure(
    photos: options.Photos,
    models: Annotated[
        str, typer.Option(metavar="NAME[,NAME...]", help="Trained models.")
    ] = "zhang,mse_regression",
    strengths: Annotated[str, typer.Option(metavar="L,L,...", help="To compare with 0.")] = "2,4,8",
    each: Annotated[int, typer.Option(min=1, help="At most so many photos of a folder.")] = 30,
    size: options.PhotoSide = 256,
) -> None:
    """Compare strengths of denoising on validation photos."""
    start_keras()
    from zoo.registry import load_model

    chosen = equal_parts([read_photos([path], "val").color_only() for path in photos], each)
    values = [DENOISE.check(part) for part in strengths.split(",")]
    rows: list[list[str]] = []
    for name in models.split(","):
        rows += compare_strengths(load_model(name), chosen, values, size)
    headings = ["Model", "Photos", "denoise", "AuC", "CIEDE2000", "AuC less 0", "CIEDE2000 less 0"]
    print("\n".join(markdown_table(headings, rows)))


def compare_strengths(
    model: Colorizer, photos: PhotoSet, strengths: Sequence[float], size: int | None
) -> list[list[str]]:
    """One row of the table for each kind of photo and strength, 0 first."""
    from zoo.evaluation.degraded import Degraded
    from zoo.evaluation.evaluate import evaluate
    from zoo.evaluation.report import compare

    rows = []
    for kind in KINDS:
        degrade = DEGRADATIONS.get(kind, _as_is)
        reports = [
            evaluate(
                Degraded(model, degrade), photos, size=size, metrics=tuple(_DIGITS), denoise=value
            )
            for value in (0.0, *strengths)
        ]
        for value, report in zip((0.0, *strengths), reports, strict=True):
            figures, less = report.summary(), compare(report, reports[0])
            row = [model.name, kind, f"{value:g}"]
            row += [f"{figures[name].mean:.{digits}f}" for name, digits in _DIGITS.items()]
            for name, digits in _DIGITS.items():
                one = less[name]
                ends = ", ".join(f"{end or 0.0:+.{digits}f}" for end in (one.low, one.high))
                row.append(f"{one.mean:+.{digits}f} [{ends}]" if value else "")
            rows.append(row)
    return rows


def _as_is(lightness: np.ndarray, numbers: Sequence[int]) -> np.ndarray:
    return lightness


if __name__ == "__main__":
    sys.exit(main())

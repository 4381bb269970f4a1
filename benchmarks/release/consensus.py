"""Measure what averaged and smoothed predictions of the shipped weights gain and cost.

    python -m benchmarks.release.consensus --photos DIR --photos DIR2 --photos DIR3

Take validation photos; each folder gives equally many. The table in docs/models.md is what this
prints: for every model a row for a single prediction, and one for each setting of the options
`consensus` and `edge_radius`, with its differences, paired over the photos. Nothing is changed.

Cost: about 0.8 s a photo and model on one core.
"""

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from benchmarks.release.vividness import equal_parts
from zoo.cli import options
from zoo.cli.inputs import counted
from zoo.cli.scripts import run_script
from zoo.cli.startup import start_keras
from zoo.photos.division import read_photos

if TYPE_CHECKING:
    from zoo.colorizer import Colorizer
    from zoo.photos.photoset import PhotoSet

#: The options of each row. The first one is what the others are compared with.
SETTINGS: dict[str, dict[str, int]] = {
    "single": {},
    "mirror": {"consensus": 2},
    "sizes": {"consensus": 3},
    "mirror and sizes": {"consensus": 6},
    "edges": {"edge_radius": 16},
    "all": {"consensus": 6, "edge_radius": 16},
}
MODELS = ("zhang", "colorunet", "mse_regression", "fusion", "gan", "nogan")
#: What is measured, with its title and decimals.
METRICS = {"auc": ("AuC", 4), "ciede2000": ("CIEDE2000", 2), "colorfulness": ("colorfulness", 1)}

#: A photo's time is the shortest of so many.
_TIMED = 7


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status."""
    return run_script(measure, argv=argv)


def measure(
    photos: options.Photos,
    models: Annotated[
        str, typer.Option(metavar="NAME[,NAME...]", help="Trained weights: names or folders.")
    ] = ",".join(MODELS),
    each: Annotated[int, typer.Option(min=1, help="At most so many photos of a folder.")] = 34,
    size: options.PhotoSide = 128,
) -> None:
    """Print a table of what consensus and smoothing along edges change."""
    start_keras()
    from zoo.registry import load_model

    chosen = equal_parts([read_photos([path], "val").color_only() for path in photos], each)
    print(f"{counted(len(chosen), 'photo')} of {len(photos)} sets, equally many.\n")
    titles = ["model", "predictions", *(title for title, _ in METRICS.values()), "time"]
    print(f"| {' | '.join(titles)} |\n|{'---|' * len(titles)}", flush=True)
    for name in models.split(","):
        for row in rows(load_model(name), chosen, size):
            print(f"| {' | '.join(row)} |", flush=True)


def rows(model: "Colorizer", photos: "PhotoSet", size: int | None) -> Iterator[list[str]]:
    """The model's rows of the table."""
    from zoo.evaluation.evaluate import evaluate_variants
    from zoo.evaluation.report import compare

    variants = list(SETTINGS.values())
    reports = evaluate_variants(
        model, photos, variants, size=size, metrics=tuple(METRICS), progress=True
    )
    times = seconds_a_photo(model, variants)
    for setting, report, seconds in zip(SETTINGS, reports, times, strict=True):
        if report is reports[0]:
            means = report.summary()
            figures = [f"{means[name].mean:.{n}f}" for name, (_, n) in METRICS.items()]
        else:
            gains = compare(report, reports[0])
            figures = [
                f"{gains[name].mean:+.{n}f} [{gains[name].low:+.{n}f}, {gains[name].high:+.{n}f}]"
                for name, (_, n) in METRICS.items()
            ]
        yield [model.name, setting, *figures, f"{seconds / times[0]:.1f}"]


def seconds_a_photo(model: "Colorizer", variants: Sequence[Mapping[str, Any]]) -> list[float]:
    """The time of one photo of 128 px with each set of options, taken in turns."""
    photo = np.random.default_rng(0).integers(0, 256, (1, 128, 128, 3), dtype=np.uint8)
    times = np.full((_TIMED + 1, len(variants)), np.inf)
    for turn in range(len(times)):
        for place, variant in enumerate(variants):
            started = time.perf_counter()
            model.colorize_batch(photo, **variant)
            if turn:  # the first one compiles
                times[turn, place] = time.perf_counter() - started
    return [float(shortest) for shortest in times.min(axis=0)]


if __name__ == "__main__":
    sys.exit(main())

"""Measure the prior of colors that class-rebalanced AuC weighs pixels by, from photos.

    python -m benchmarks.release.prior --photos DIR --photos DIR2 --described WORDS

It counts the pixels that are nearest to each of the 313 bins of Zhang et al. 2016 and writes the
counts into the package. Take training photos, never those that are to be scored. Scores that were
made with another prior are not compared with those of this one.

Cost: about 10 ms a photo of 128 px on one core.
"""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.progress import track

from zoo.cli import options
from zoo.cli.scripts import run_script
from zoo.color.prior import paper_centers
from zoo.files import write_json
from zoo.metrics import rgb_to_lab
from zoo.metrics.prior import PRIOR, ColorPrior, nearest_bins
from zoo.photos.division import read_photos
from zoo.photos.photoset import Photo, PhotoSet


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status."""
    return run_script(measure, argv=argv)


def measure(
    photos: options.Photos,
    described: Annotated[str, typer.Option(metavar="WORDS", help="What the photos are.")],
    size: Annotated[int, typer.Option(help="Shrink larger ones to this short side, px.")] = 128,
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where the prior goes.")] = PRIOR,
) -> None:
    """Measure how frequent colors are in photos."""
    given = read_photos(photos, "train")
    print(f"Counting the colors of {given.summary()}.")
    bar = track(given, "Counting", console=Console(stderr=True))
    prior = prior_of(given, bar, size=size, described=described)
    write_json(out, prior.to_json())
    print(f"Counted {prior.counts.sum():,} pixels; the prior {prior.sha256[:16]} is in {out}.")


def prior_of(given: PhotoSet, photos: Iterable[Photo], *, size: int, described: str) -> ColorPrior:
    """Count the pixels of photos, which are those of `given`, by their nearest bins."""
    counts = np.zeros(len(paper_centers()), np.int64)
    for photo in photos:
        ab = rgb_to_lab(photo.read(short_side=size))[..., 1:]
        counts += np.bincount(nearest_bins(ab).ravel(), minlength=len(counts))
    return ColorPrior(counts, len(given), given.fingerprint, size, described)


if __name__ == "__main__":
    sys.exit(main())

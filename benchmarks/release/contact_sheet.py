"""Color photos by all trained weights that come with the package, in one picture to look at.

    python -m benchmarks.release.contact_sheet --photos DIR --out docs/historic.jpg

For photos that never had colors, which cannot be scored. Cost: about a second per photo and model
on two processor cores.
"""

import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from zoo.cli.scripts import run_script
from zoo.cli.startup import start_keras
from zoo.errors import ZooError
from zoo.files import atomic_path, require_writable
from zoo.photos.division import read_photos
from zoo.plotting.pictures import check_suffix
from zoo.registry import list_pretrained, load_model, shipped_folder

#: Short side that photos are shrunk to before they are colored, in px.
_SIDE = 384
_JPEG_QUALITY = 80
#: In bytes; the JPEG takes a sixth of that.
_LARGEST_PNG = 12_000_000


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status."""
    return run_script(contact_sheet, argv=argv)


def contact_sheet(
    photos: Annotated[Path, typer.Option(metavar="DIR", help="A folder, or a .csv manifest.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The picture: .jpg or .png.")],
    count: Annotated[int, typer.Option(min=1, help="How many of the photos.")] = 10,
) -> None:
    """Color photos by all trained weights, in one picture."""
    check_suffix(out)
    require_writable(out.parent)
    names = list_pretrained()
    if not names:
        raise ZooError("No trained weights come with this package: there is nothing to color with.")
    chosen = read_photos([photos], "test").spread(count)
    start_keras()
    from PIL import Image

    from benchmarks.report.figures import PhotoRow, draw_comparison

    shown = [[photo.read(_SIDE)] for photo in chosen]
    for name in names:
        model = load_model(shipped_folder(name))
        for row in shown:
            row.append(model.colorize(row[0]))
    named = zip(chosen, shown, strict=True)
    rows = [PhotoRow(photo.name, "test", tuple(row)) for photo, row in named]
    png, drawn = draw_comparison(["as it is", *names], rows, _LARGEST_PNG)
    with atomic_path(out) as temporary:
        Image.open(io.BytesIO(png)).convert("RGB").save(temporary, quality=_JPEG_QUALITY)
    print(f"{out}: {drawn} photos, {len(names)} models")


if __name__ == "__main__":
    sys.exit(main())

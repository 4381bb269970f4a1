"""Color photos by all trained weights that come with the package, in one picture to look at.

    python benchmarks/release/contact_sheet.py --photos DIR --out docs/historic.jpg

For photos that never had colors: there is nothing to score, and one's own eyes must do.

Cost: about a second a photo and model on two processor cores.
"""

import argparse
import io
import sys
from collections.abc import Sequence
from pathlib import Path

# As in run_all.py: scripts find the packages `benchmarks` and `zoo` in the folder above.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from zoo.cli.startup import start_keras
from zoo.errors import ZooError
from zoo.files import require_writable
from zoo.plotting.pictures import check_suffix

#: Short side that photos are shrunk to before they are colored, in px.
_SIDE = 384
_JPEG_QUALITY = 80
#: Bytes before the picture is compressed as JPEG, which takes a sixth of that.
_LARGEST_PNG = 12_000_000


def main(argv: Sequence[str] | None = None) -> int:
    """Color the photos and draw the sheet.

    Returns:
        The exit status: 0; 2 after a mistake in the command; 130 after Ctrl-C.
    """
    parser = argparse.ArgumentParser(description="Color photos by all trained weights.")
    parser.add_argument("--photos", type=Path, required=True, help="a folder, or a .csv manifest")
    parser.add_argument("--count", type=int, default=10, help="how many of them (%(default)s)")
    parser.add_argument("--out", type=Path, required=True, help="the picture: .jpg or .png")
    try:
        options = parser.parse_args(argv)
        if options.count < 1:
            raise ZooError(f"--count must be at least 1; got {options.count}.")
        check_suffix(options.out)
        require_writable(options.out.parent)
        _draw(options.photos, options.count, options.out)
    except ZooError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nStopped; nothing was written.", file=sys.stderr)
        return 130
    return 0


def _draw(folder: Path, count: int, out: Path) -> None:
    from PIL import Image

    from benchmarks.report.figures import PhotoRow, draw_comparison
    from zoo.files import atomic_path
    from zoo.photos.division import read_photos
    from zoo.registry import list_pretrained, load_model, shipped_folder

    names = list_pretrained()
    if not names:
        raise ZooError("No trained weights come with this package: there is nothing to color with.")
    photos = read_photos([folder], "test").spread(count)
    start_keras()
    from benchmarks.harness.run_cell import tile

    shown = [[photo.read(_SIDE)] for photo in photos]
    for name in names:
        model = load_model(shipped_folder(name))
        for row in shown:
            row.append(model.colorize(row[0]))
    rows = [
        PhotoRow(photo.name, "test", tuple(map(tile, row)))
        for photo, row in zip(photos, shown, strict=True)
    ]
    png, drawn = draw_comparison(["as it is", *names], rows, _LARGEST_PNG)
    with atomic_path(out) as temporary:
        Image.open(io.BytesIO(png)).convert("RGB").save(temporary, quality=_JPEG_QUALITY)
    print(f"{out}: {drawn} photos, {len(names)} models")


if __name__ == "__main__":
    sys.exit(main())

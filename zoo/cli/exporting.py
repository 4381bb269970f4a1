"""`zoo export`: a trained model as files that need no zoo."""

import re
from pathlib import Path
from typing import Annotated

from typer import Argument, Option, echo

from zoo.cli.inputs import load_run, option_values, spoken_warnings
from zoo.cli.settings import parse_pairs
from zoo.errors import ZooError


def export(
    run: Annotated[str, Argument(metavar="RUN", help="Trained folder, or the name of a baseline.")],
    out: Annotated[Path, Option(metavar="DIR", help="A folder that is not there yet.")],
    format_: Annotated[
        str, Option("--format", metavar="NAME[,NAME...]", help="saved_model, onnx, litert; or web.")
    ] = "saved_model",
    weights: Annotated[
        str | None,
        Option(help="float32, float16, or int8 (litert or web); int8 for web, else float32."),
    ] = None,
    size: Annotated[
        str | None,
        Option(
            metavar="WIDTHxHEIGHT",
            help="LiteRT from photo to photo of this size; else from lightness to color at any.",
        ),
    ] = None,
    calibration: Annotated[
        list[Path] | None,
        Option(metavar="DIR", help="Photos that show int8 the range of the numbers; repeatable."),
    ] = None,
    option: Annotated[
        list[str] | None,
        Option(
            "-o",
            "--option",
            metavar="NAME=VALUE",
            help="Prediction option: its default there, or its fixed value (render_factor).",
        ),
    ] = None,
) -> None:
    """Write a model as a SavedModel, ONNX or LiteRT file that colors photos without the zoo.

    `--format web` writes a folder for any web host: a page that colors photos in the browser.

    DIR gets a README.md that says how to use what is there, a card, and a sample photo. Everything
    is tried in a fresh process: what colors photos in another way than the model is not kept.
    """
    from zoo.card import read_card
    from zoo.photos.division import read_photos

    given, sides = parse_pairs(option, "-o"), None if size is None else parse_size(size)
    model = load_run(run)
    values = option_values(model, given)
    with spoken_warnings():
        photos = read_photos(calibration, "train") if calibration else None
    model.export(out, format_.split(","), weights=weights, size=sides, calibration=photos, **values)
    exported = read_card(out).export
    for name, artifact in exported.artifacts.items() if exported else ():
        echo(
            f"{name}: {out / artifact.path}, {artifact.megabytes:g} MB, at most "
            f"{artifact.check.max_difference} of 255 off (CIEDE2000 {artifact.check.ciede2000:g})."
        )
    echo(f"How to use it: {out / 'README.md'}")


def parse_size(text: str) -> tuple[int, int]:
    """Read "640x480", width by height, as (height, width)."""
    found = re.fullmatch(r"([1-9][0-9]{0,4})x([1-9][0-9]{0,4})", text)
    if found is None:
        raise ZooError(f"Cannot read the size {text!r}; write width x height, as in 640x480.")
    return int(found[2]), int(found[1])

"""Time how photos follow hints: after one more click, and on a large photo.

    python -m benchmarks.speed.hints zhang
    python -m benchmarks.speed.hints zhang --json hints.json

A photo whose network has answered is *prepared*: what is left to do after one more point is what
somebody waits for who clicks. Each row has a named alternative that is measured in the same run, in
turn, and memory is that of processes of their own.

Takes about a minute; let nothing else run.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from benchmarks.harness.memory import peak_memory
from benchmarks.speed.photos import made_photo
from benchmarks.speed.timing import (
    MEGAPIXELS,
    Measurement,
    Row,
    in_new_process,
    measure_in_turn,
    told,
)
from zoo.cli.scripts import run_script
from zoo.cli.startup import start_keras
from zoo.files import require_writable, write_json

#: Height and width of what somebody clicks on, and the render factor that shows it to the network
#: at that size.
_CLICKED, _FACTOR = (256, 256), 16
#: Of a photo as cameras make them, and the number of its points.
_LARGE, _POINTS = MEGAPIXELS[12], 30


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status."""
    return run_script(hints, argv=argv)


def hints(
    model: Annotated[
        str, typer.Argument(metavar="RUN", help="Trained folder, or a name that comes trained.")
    ],
    json: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write all figures there.")
    ] = None,
) -> None:
    """Time how photos follow hints."""
    if json is not None:
        require_writable(json.parent)
    rows = told(rows_of(model))
    if json is not None:
        from benchmarks.harness.environment import describe_environment

        found = [asdict(row) | {"ratio": row.ratio} for row in rows]
        write_json(json, {"environment": describe_environment(), "rows": found})


def rows_of(name: str) -> Iterator[Row]:
    """Measure all rows."""
    start_keras()
    from zoo.registry import load_model

    model = load_model(name)
    yield click_row(model)
    yield large_row(model)
    many, none = (in_new_process(_memory_of, (name, count)) for count in (_POINTS, 0))
    title = f"peak memory, {_megapixels()} with {_POINTS} points"
    ours, without = Measurement.once("with points", many), Measurement.once("without", none)
    yield Row(title, "MB", False, ours, without)


def click_row(model: Any) -> Row:
    """Compare one more point on a prepared photo with coloring the photo with all points."""
    from zoo.fullsize import FullSize
    from zoo.inputs import LIGHTNESS, inputs_of_photos

    photo = made_photo(0, *_CLICKED)
    said, whole = points_on(photo, _POINTS), FullSize(photo[None])
    inputs = inputs_of_photos(model.inputs, whole, _FACTOR)
    prediction = model.predict(model.told(inputs, said, whole.size), render_factor=_FACTOR)

    def click() -> np.ndarray:
        ab = model.decode(prediction)
        return whole.merge(model.followed(ab, said, inputs[LIGHTNESS.name], whole.size))

    prepared, anew = measure_in_turn(
        {
            "on a prepared photo": click,
            "colorize anew": lambda: model.colorize(photo, hints=said, render_factor=_FACTOR),
        },
        1,
    )
    return Row(f"one more point, {_CLICKED[1]} x {_CLICKED[0]}", "s", False, prepared, anew)


def large_row(model: Any) -> Row:
    """Compare a large photo with points with the same photo without."""
    photo = made_photo(0, *_LARGE)
    said = points_on(photo, _POINTS)
    with_points, plain = measure_in_turn(
        {
            f"with {_POINTS} points": lambda: model.colorize(photo, hints=said),
            "without": lambda: model.colorize(photo),
        },
        1,
        repetitions=3,
    )
    return Row(f"a photo of {_megapixels()}", "s", False, with_points, plain)


def points_on(photo: np.ndarray, count: int) -> Any:
    """So many points in a grid, each of another color."""
    from zoo.hints.marks import Hints, Point

    height, width = photo.shape[:2]
    side = int(np.ceil(count**0.5))
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return Hints(
        points=tuple(
            Point(
                (number % side + 0.5) * width / side,
                (number // side + 0.5) * height / side,
                (float(40 * np.cos(angle)), float(40 * np.sin(angle))),
                radius=min(height, width) / 100,
            )
            for number, angle in enumerate(angles)
        )
    )


def _memory_of(given: tuple[str, int]) -> float:
    start_keras()
    from zoo.registry import load_model

    name, count = given
    photo = made_photo(0, *_LARGE)
    load_model(name).colorize(photo, hints=points_on(photo, count) if count else None)
    return peak_memory()


def _megapixels() -> str:
    return f"{np.prod(_LARGE) / 1e6:.0f} megapixels"


if __name__ == "__main__":
    sys.exit(main())

"""Time how films are colored, and how much memory that takes, however long they are.

    python -m benchmarks.speed.films zhang

Each row has a named alternative that is measured in the same run: frame by frame and smoothed along
the motion beside the network alone, on the same frames; a long film's peak memory beside a short
one's, each in a process of its own. The film is made of the photos that come with scikit-image,
scikit-learn and matplotlib, in H.264, and so is what is made of it.

Takes about five minutes and needs the extras `benchmark` and `video`; let nothing else run.
"""

import sys
import tempfile
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from benchmarks.films.made import MadeFilm, Recipe
from benchmarks.harness.memory import peak_memory
from benchmarks.speed.timing import (
    Measurement,
    Row,
    in_new_process,
    measure_in_turn,
    print_table,
    row_in_words,
)
from zoo.cli.scripts import run_script
from zoo.cli.startup import start_keras

#: Height and width of a frame.
_SIZE = (480, 640)
_RATE = 25
#: Frames of the film that is timed.
_TIMED = 150
#: Of those whose memory is compared.
_SHORT, _LONG = 10, 1000
_REPETITIONS = 3
#: Frames that the network alone gets together.
_TOGETHER = 8


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status."""
    return run_script(films, argv=argv)


def films(
    model: Annotated[
        str, typer.Argument(metavar="RUN", help="Trained folder, or a name that comes trained.")
    ],
) -> None:
    """Time how films are colored."""
    rows = []
    for row in rows_of(model):
        print(row_in_words(row), flush=True)
        rows.append(row)
    print_table(rows)


def rows_of(name: str) -> Iterator[Row]:
    """Measure all rows."""
    start_keras()
    from zoo.registry import load_model

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        yield from time_rows(load_model(name), folder)
        films = [_film(folder / f"{frames}.mp4", frames) for frames in (_SHORT, _LONG)]
        short, long = (in_new_process(_memory_of, (name, path)) for path in films)
    yield Row(
        f"peak memory of {_LONG:,} frames",
        "MB",
        False,
        Measurement.once("smoothed along the motion", long),
        Measurement.once(f"of {_SHORT} frames", short),
    )


def time_rows(model: Any, folder: Path) -> list[Row]:
    """Compare a film, file to file, with the network alone."""
    from zoo.fullsize import FullSize
    from zoo.inference.films.coloring import colorize_video
    from zoo.inference.films.plan import FilmSettings
    from zoo.inputs import inputs_of_photos
    from zoo.networks.runner import FixedWeights
    from zoo.options import RENDER_FACTOR
    from zoo.photos.film import Film

    path = _film(folder / "film.mp4", _TIMED)
    factor = int(model.resolve_options({})[RENDER_FACTOR.name])
    with Film(path) as film:
        frames = [film.rgb(one) for one in film.walk()]
    groups = [
        inputs_of_photos(
            model.inputs, FullSize(np.stack(frames[start : start + _TOGETHER])), factor
        )
        for start in range(0, len(frames), _TOGETHER)
    ]

    def network() -> None:
        with FixedWeights(model.networks.values(), len(frames)) as runner:
            for group in groups:
                model.predict(group, runner=runner)

    def whole(smoothing: str) -> None:
        colorize_video(
            path, folder / f"{smoothing}.mp4", model, settings=FilmSettings(smoothing=smoothing)
        )

    none, motion, alone = measure_in_turn(
        {
            "frame by frame, file to file": lambda: whole("none"),
            "smoothed along the motion, file to file": lambda: whole("motion"),
            "network alone": network,
        },
        len(frames),
        repetitions=_REPETITIONS,
    )
    size = f"{_SIZE[1]} x {_SIZE[0]}"
    return [
        Row(f"a frame of {size}, frame by frame", "s", False, none, alone),
        Row(f"a frame of {size}, smoothed", "s", False, motion, alone),
    ]


def _memory_of(given: tuple[str, Path]) -> float:
    """Peak memory in MB of coloring a film, model and start included."""
    start_keras()
    from zoo.inference.films.coloring import colorize_video

    name, path = given
    colorize_video(path, path.with_name(f"{path.stem}-colored.mp4"), name)
    return peak_memory()


def _film(path: Path, frames: int) -> Path:
    """Write a film of so many frames: shots of four to ten seconds."""
    from zoo.inference.films.encoding import CODECS, Look, open_part
    from zoo.photos.samples import sample_photos

    recipe = Recipe(shots=1 + frames // (4 * _RATE), length=(4 * _RATE, 10 * _RATE))
    made = MadeFilm([photo.read() for photo in sample_photos("all")], 0, recipe, _SIZE)
    look = Look(_SIZE, Fraction(_RATE), Fraction(1, _RATE), Fraction(1), CODECS["h264"])
    with open_part(path, look, "mp4") as part:
        for number in range(frames):
            part.write(made[number], number)
    return path


if __name__ == "__main__":
    sys.exit(main())

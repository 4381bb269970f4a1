"""Score trained models on films: how near their colors are, and how steady.

The scores are added to the cell's result, as those on degraded photos are. Each film is colored by
the command's own way, with each smoothing, and stored without loss, so that the scores are about
the colors and not about a codec. What reports play is kept, small and short:

    films/<film>-<digest>.nut               the films
    pictures/<key>/<film>-<smoothing>.nut   in the model's colors
    pictures/truth/<film>.nut               in their own
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.films.clips import Clip
from benchmarks.harness.environment import make_deterministic
from benchmarks.harness.run_cell import Task, result_path, store_result
from benchmarks.harness.stored import Result
from zoo import registry
from zoo.colorizer import Colorizer
from zoo.files import read_json
from zoo.inference.films.coloring import colorize_video
from zoo.inference.films.encoding import CODECS, Look, PartWriter, open_part
from zoo.inference.films.plan import FilmSettings
from zoo.inference.films.smoothing import SMOOTHINGS
from zoo.metrics.films import FilmScores, FilmTruth
from zoo.photos.film import Film
from zoo.photos.shots import THUMBNAIL, first_frames, thumbnail

#: Reports play so many seconds, at most so many px high.
SHOWN_SECONDS, SHOWN_HEIGHT = 3.0, 96


def is_scored(result: Result, clips: Sequence[Clip]) -> bool:
    """Whether a result holds scores of all these films."""
    return not _unscored(result, clips)


def score_films(task: Task) -> None:
    """Score the trained model of a finished cell on films, and add it to the result.

    What was scored before of the same films stays.
    """
    task.announce()
    make_deterministic()
    cell, out, clips = task.cell, task.out, task.conditions.films
    model = registry.load_model(out / "models" / cell.key)
    result = read_json(result_path(out, cell))
    scored: dict[str, Any] = result.get("films", {})
    for clip in _unscored(result, clips):
        if task.progress:
            print(f"  {clip.name}", file=sys.stderr, flush=True)
        scored[clip.name] = _scored(model, task, clip)
        store_result(out, cell, result | {"films": scored})


def _unscored(result: Result, clips: Sequence[Clip]) -> list[Clip]:
    stored = result.get("films", {})
    return [one for one in clips if stored.get(one.name, {}).get("digest") != one.digest]


def _scored(model: Colorizer, task: Task, clip: Clip) -> dict[str, Any]:
    """Color a film with each smoothing and score all frames."""
    cell = task.cell
    with TemporaryDirectory(dir=task.out, prefix=".films-") as folder:
        colored = {name: Path(folder) / f"{name}.mkv" for name in SMOOTHINGS}
        for name, path in colored.items():
            settings = FilmSettings(smoothing=name, codec="ffv1")
            colorize_video(
                clip.path, path, model, settings=settings, progress=task.progress, **cell.options
            )
        own = task.out / "pictures" / cell.key
        shown = {name: own / f"{clip.name}-{name}.nut" for name in SMOOTHINGS}
        true = task.out / "pictures" / "truth" / f"{clip.name}.nut"
        truth, scores, rate = _compared(clip.path, colored, [true, *shown.values()])
    return {
        "digest": clip.digest,
        "rate": float(rate),
        "truth": truth,
        "smoothings": {
            name: {"scores": own, "clip": shown[name].name} for name, own in scores.items()
        },
    }


def _compared(
    original: Path, colored: dict[str, Path], shown: Sequence[Path]
) -> tuple[dict[str, Any], dict[str, Any], Fraction]:
    """The figures of each frame: of the truth, and by smoothing; and frames a second.

    What is to be shown is stored on the way.
    """
    shots = frozenset(_shots(original))
    truth, scores = FilmTruth(), {name: FilmScores() for name in colored}
    with ExitStack() as stack:
        films = [stack.enter_context(Film(path)) for path in (original, *colored.values())]
        look = _shown_look(films[0])
        writers = [stack.enter_context(_open_shown(path, look)) for path in shown]
        for number, (time, pictures) in enumerate(_together(films)):
            frame = truth.add(pictures[0], cut=number in shots)
            for one, rgb in zip(scores.values(), pictures[1:], strict=True):
                one.add(frame, rgb)
            if time * look.time_base < SHOWN_SECONDS:
                for writer, rgb in zip(writers, pictures, strict=True):
                    writer.write(_small(rgb, look.size), time)
    found = {name: one.scores() for name, one in scores.items()}
    first = next(iter(found.values()))
    return (
        {name.removeprefix("true_"): _plain(one) for name, one in first.items() if _is_true(name)},
        {
            name: {metric: _plain(one) for metric, one in own.items() if not _is_true(metric)}
            for name, own in found.items()
        },
        films[0].rate,
    )


def _is_true(name: str) -> bool:
    return name.startswith("true_")


def _plain(figures: np.ndarray) -> list[float | None]:
    """The figures as JSON has them: None in the place of NaN."""
    return [None if np.isnan(one) else float(one) for one in figures]


def _shots(path: Path) -> list[int]:
    with Film(path) as film:
        return list(first_frames(thumbnail(film.luma(one, THUMBNAIL)) for one in film.walk()))


def _together(films: list[Film]) -> Iterator[tuple[int, list[np.ndarray]]]:
    """The frames of films that have the same ones, and their times."""
    times = films[0].timeline().times
    walks = zip(*(film.walk() for film in films), strict=True)
    for time, frames in zip(times, walks, strict=True):
        yield time, [film.rgb(one) for film, one in zip(films, frames, strict=True)]


def _shown_look(film: Film) -> Look:
    scale = min(1.0, SHOWN_HEIGHT / film.size[0])
    height, width = (max(2, round(side * scale)) for side in film.size)
    return Look((height, width), film.rate, film.time_base, Fraction(1), CODECS["ffv1"])


@contextmanager
def _open_shown(path: Path, look: Look) -> Iterator[PartWriter]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open_part(path, look) as part:
        yield part


def _small(rgb: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return np.asarray(Image.fromarray(rgb).resize(size[::-1], Image.Resampling.BOX))

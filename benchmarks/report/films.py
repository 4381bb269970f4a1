"""What the report shows of models that were scored on films: how near, and how steady."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness.stored import Result
from benchmarks.report.figures import data_uri
from benchmarks.report.leaderboard import Leaderboard
from benchmarks.report.photos import gray_input, without_gray
from benchmarks.report.text import MISSING, csv_text
from zoo.evaluation.report import Interval
from zoo.inference.films.encoding import Codec, Look, open_part
from zoo.inference.films.smoothing import SMOOTHINGS
from zoo.metrics.aggregates import mean_of_scored
from zoo.metrics.films import mean_over_time
from zoo.photos.film import Film

#: How a film is called that is colored without smoothing, and the others.
TITLES = {"none": "frame by frame", "past": "past", "motion": "motion"}
#: In the order of the tables: what others are compared with comes first.
_ORDER = ("none", *(name for name in SMOOTHINGS if name != "none"))
_TRUTH = "truth"

#: For a browser, at a size for many of them.
_PLAYED = Codec("libx264", {"crf": "27", "preset": "slow", "tune": "psnr"})
#: Between pictures side by side, in px.
_GAP = 4


@dataclass(frozen=True)
class Measure:
    """A column: what it takes of a film's scores, its title, and the digits of its figures.

    `less_truth` says that the original's own figure is taken away, `share` that it is divided by
    the mean of that.
    """

    metric: str
    title: str
    digits: int
    less_truth: bool = False
    share: bool = False


MEASURES = (
    Measure("warp_error", "warp error of ab ↓", 3),
    Measure("flicker", "flicker where it stands still ↓", 3),
    Measure("cdc", "CDC above the truth’s", 4, less_truth=True),
    Measure("cdc_ab", "the same of ab", 4, less_truth=True),
    Measure("ciede2000", "CIEDE2000 ↓", 2),
    Measure("colorfulness", "colorfulness, share of the truth’s", 2, share=True),
)


@dataclass(frozen=True)
class Score:
    """A figure with its interval over the film, and its difference to frame by frame."""

    measure: Measure
    figure: Interval
    difference: Interval | None

    @property
    def texts(self) -> tuple[str, str]:
        """The figure; and below it its interval, or the difference to frame by frame."""
        if np.isnan(self.figure.mean):
            return MISSING, ""
        one, digits = self.figure, self.measure.digits
        mean = f"{one.mean:.{digits}f}"
        if self.difference is None:
            return mean, f"[{one.low:.{digits}f}, {one.high:.{digits}f}]"
        one = self.difference
        change, low, high = (f"{end:+.{digits}f}" for end in (one.mean, one.low, one.high))
        return mean, f"{change}{' *' if one.excludes_zero else ''} [{low}, {high}]"


@dataclass(frozen=True)
class Row:
    """A model with a smoothing."""

    key: str
    model: str
    smoothing: str
    scores: tuple[Score, ...]


@dataclass(frozen=True)
class ShownFilm:
    """A film with the scores of all models, and as they color it, side by side.

    Attributes:
        truth: the original's own figures, as texts, where they have a meaning.
        clip: an address that holds the film side by side; None where pictures are not kept.
        columns: what stands above them.
        lines: what stands beside them.
    """

    name: str
    frames: int
    rows: tuple[Row, ...]
    truth: tuple[str, ...]
    clip: str | None
    columns: tuple[str, ...]
    lines: tuple[str, ...]


def films_of(board: Leaderboard, out: Path) -> list[ShownFilm]:
    """Collect what the results say about films; `out` is the benchmark's folder."""
    found = []
    for name, digest in _films(board):
        results = [one for one in board.finished if _digest(one, name) == digest]
        rows = tuple(row for one in results for row in _rows(one, board.title(one), name))
        truth = results[0]["films"][name]["truth"]
        shown = without_gray(results)
        columns = ("input (gray)", *map(board.title, shown), _TRUTH)
        clip = _side_by_side(shown, name, out)
        lines = tuple(TITLES[one] for one in _ORDER)
        frames = len(truth["colorfulness"])
        found.append(ShownFilm(name, frames, rows, _true(truth), clip, columns, lines))
    return found


def films_csv(board: Leaderboard) -> str:
    """Write every figure in full precision; nothing where no model was scored on a film."""
    rows = []
    for name, digest in _films(board):
        for result in board.finished:
            if _digest(result, name) != digest:
                continue
            for row in _rows(result, board.title(result), name):
                start = {"film": name, "title": row.model, "key": row.key}
                rows += [
                    start | {"smoothing": row.smoothing} | _figures(score) for score in row.scores
                ]
    return csv_text(rows)


def _figures(score: Score) -> dict[str, Any]:
    row: dict[str, Any] = {"measure": score.measure.title}
    for name, interval in (("figure", score.figure), ("difference", score.difference)):
        for suffix, end in (("", "mean"), ("_low", "low"), ("_high", "high")):
            row[name + suffix] = getattr(interval, end, None)
    return row


def _films(board: Leaderboard) -> list[tuple[str, str]]:
    """The films that results were scored on, by name and digest."""
    stored = [
        (name, one["digest"])
        for result in board.finished
        for name, one in result.get("films", {}).items()
    ]
    return list(dict.fromkeys(stored))


def _digest(result: Result, name: str) -> str | None:
    found: str | None = result.get("films", {}).get(name, {}).get("digest")
    return found


def _rows(result: Result, title: str, name: str) -> Iterator[Row]:
    stored = result["films"][name]
    second = round(stored["rate"]) or 1
    truth = _arrays(stored["truth"])
    scores = {kind: _arrays(one["scores"]) for kind, one in stored["smoothings"].items()}
    for smoothing in _ORDER:
        found = []
        for measure in MEASURES:
            own = _measured(measure, scores[smoothing], truth)
            plain = _measured(measure, scores["none"], truth)
            change = None if smoothing == "none" else mean_over_time(own - plain, second)
            found.append(Score(measure, mean_over_time(own, second), change))
        yield Row(result["key"], title, TITLES[smoothing], tuple(found))


def _arrays(figures: Mapping[str, Sequence[float | None]]) -> dict[str, np.ndarray]:
    return {name: np.array(one, float) for name, one in figures.items()}


def _measured(
    measure: Measure, scores: Mapping[str, np.ndarray], truth: Mapping[str, np.ndarray]
) -> np.ndarray:
    """A measure of each frame."""
    own = scores[measure.metric]
    if measure.less_truth:
        return own - truth[measure.metric]
    # The truth's mean is held: an interval is about the model's colors alone.
    return own / mean_of_scored(truth[measure.metric]) if measure.share else own


def _true(truth: Mapping[str, Sequence[float | None]]) -> tuple[str, ...]:
    """The original's own figures, in the order of the measures."""
    arrays, texts = _arrays(truth), []
    for one in MEASURES:
        compared = one.less_truth or one.share or one.metric not in arrays
        mean = np.nan if compared else mean_of_scored(arrays[one.metric])
        texts.append(MISSING if np.isnan(mean) else f"{mean:.{one.digits}f}")
    return tuple(texts)


# ---------------------------------------------------------------------- side by side


def _side_by_side(results: Sequence[Result], name: str, out: Path) -> str | None:
    """An address that holds the film in all colors; None where its pictures are not kept."""
    lines = []
    for smoothing in _ORDER:
        files = [one["films"][name]["smoothings"][smoothing]["clip"] for one in results]
        lines.append([out / "pictures" / r["key"] / f for r, f in zip(results, files, strict=True)])
    true = out / "pictures" / _TRUTH / f"{name}.nut"
    if not all(path.is_file() for path in [true, *chain.from_iterable(lines)]):
        return None
    with ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
        truth = stack.enter_context(Film(true))
        others = [[stack.enter_context(Film(path)) for path in line] for line in lines]
        pictures = _pictures(truth, others)
        first = next(pictures)
        look = Look(first.shape[:2], truth.rate, 1 / truth.rate, Fraction(1), _PLAYED)
        path = Path(folder) / "clip.mp4"
        with open_part(path, look, "mp4") as part:
            for number, picture in enumerate(chain([first], pictures)):
                part.write(picture, number)
        return data_uri(path.read_bytes(), "video/mp4")


def _pictures(truth: Film, lines: Sequence[Sequence[Film]]) -> Iterator[np.ndarray]:
    """Frames of all films: a line for each smoothing, in gray first and in true colors last."""
    films = [truth, *chain.from_iterable(lines)]
    for frames in zip(*(film.walk() for film in films), strict=True):
        found = iter([film.rgb(one) for film, one in zip(films, frames, strict=True)])
        true = next(found)
        gray = gray_input(true)
        rows = [_beside([gray, *(next(found) for _ in line), true], 1) for line in lines]
        yield _even(_beside(rows, 0))


def _beside(pictures: Sequence[np.ndarray], axis: int) -> np.ndarray:
    """Put pictures side by side, or one below the other, with a white gap between."""
    height, width = pictures[0].shape[:2]
    gap = np.full((height, _GAP, 3) if axis else (_GAP, width, 3), 255, np.uint8)
    parts = [part for one in pictures for part in (gap, one)]
    return np.concatenate(parts[1:], axis)


def _even(picture: np.ndarray) -> np.ndarray:
    """Make both sides even, as browsers want them."""
    height, width = picture.shape[:2]
    return np.pad(picture, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")

"""Choose how far smoothing along the motion remembers, and how far key frames are trusted.

    python -m benchmarks.release.smoothing --photos DIR --photos DIR2

Take validation photos: clips are made of them, with pans, zooms, things that pass in front, cuts,
flicker and grain. Prints two tables in Markdown. Of smoothing: the warp error of ab and the
colorfulness as shares of what they are frame by frame, and by how much CIEDE2000 changes. Of key
frames, the true colors of each shot's first frame: CIEDE2000 of the others. The 95 % intervals are
over the clips. Nothing is stored.

Cost: with 6 clips about fifteen minutes a model on two processor cores.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import typer
from keras import ops

from benchmarks.films.made import MadeFilm, Recipe
from benchmarks.release.vividness import equal_parts
from benchmarks.report.text import markdown_table
from zoo.cli import options
from zoo.cli.scripts import run_script
from zoo.cli.startup import start_keras
from zoo.color.spaces import rgb_to_lab
from zoo.colorizer import Colorizer
from zoo.fullsize import FullSize
from zoo.inference.films.keyframes import Followed
from zoo.inference.films.smoothing import MotionSmoothing, Step
from zoo.inputs import LIGHTNESS, inputs_of_photos
from zoo.metrics.films import FilmScores, FilmTruth, TrueFrame, mean_over_time
from zoo.options import RENDER_FACTOR
from zoo.photos.division import read_photos
from zoo.photos.motion import Motion
from zoo.photos.photoset import PhotoSet
from zoo.prediction import Prediction
from zoo.preprocessing import resize

#: What a frame may count for in the next one; 0 is frame by frame.
KEPT = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98)
#: What colors of a key frame may be trusted in the next frame; 0 is none of them.
TRUST = (0.0, 0.9, 0.95, 0.97, 0.98, 0.99, 1.0)
#: Frames ahead.
AHEAD = (0, 8)

_RECIPE = Recipe(shots=4, length=(25, 45), fades=0.0, dissolves=0.0, flashes=0.0, flicker=0.03)
_SIZE = (144, 256)
#: Of the clips, in photos.
_PHOTOS = 6


@dataclass(frozen=True)
class Seen:
    """A frame of a clip, with what a model says of it.

    Attributes:
        true: the original, for scores.
        whole: the same, for merging.
        prediction: of a batch of 1.
        step: for the smoothing.
        motion: from the frame before; None for the first of a shot.
        ab: (H, W, 2), the true colors at the working size.
    """

    true: TrueFrame
    whole: FullSize
    prediction: Prediction
    step: Step
    motion: Motion | None
    ab: np.ndarray


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status."""
    return run_script(measure, argv=argv, interrupted="\nStopped.")


def measure(
    photos: options.Photos,
    models: Annotated[
        str, typer.Option(metavar="NAME[,NAME...]", help="Trained models.")
    ] = "zhang,mse_regression",
    clips: Annotated[int, typer.Option(min=2, help="How many are made.")] = 6,
) -> None:
    """Compare what smoothing and key frames do on made clips."""
    start_keras()
    from zoo.registry import load_model

    chosen = equal_parts([read_photos([path], "val").color_only() for path in photos], 10**6)
    films = [made_clip(chosen, number) for number in range(clips)]
    smoothed, keyed = [], []
    for name in models.split(","):
        model = load_model(name)
        found = [
            (smoothing_scores(model, seen), key_scores(model, seen)) for seen in _all(model, films)
        ]
        smoothed += smoothing_rows(name, [one for one, _ in found])
        keyed += key_rows(name, [other for _, other in found])
    headings = ["Model", "kept", "ahead", "warp error", "colorfulness", "CIEDE2000"]
    print("\n".join(markdown_table(headings, smoothed)))
    print()
    headings = ["Model", "trust", "CIEDE2000", "less without"]
    print("\n".join(markdown_table(headings, keyed)))


def made_clip(photos: PhotoSet, number: int) -> MadeFilm:
    """The clip of this number; each has photos of its own, as far as there are enough."""
    places = [(number * _PHOTOS + place) % len(photos) for place in range(_PHOTOS)]
    return MadeFilm([photos[place].read() for place in places], number, _RECIPE, _SIZE)


def _all(model: Colorizer, films: Sequence[MadeFilm]) -> Iterator[list[Seen]]:
    for film in films:
        yield list(look_at(model, film))


def look_at(model: Colorizer, film: MadeFilm) -> Iterator[Seen]:
    """The frames of a clip as a model sees them."""
    truth, before = FilmTruth(), None
    for number, rgb in enumerate(film):
        first = number in film.starts
        whole = FullSize(rgb[None], threads=1)
        inputs = inputs_of_photos(model.inputs, whole, int(RENDER_FACTOR.default))
        lightness = ops.convert_to_numpy(inputs[LIGHTNESS.name])[0, ..., 0]
        motion = None if first or before is None else Motion.between(before, lightness)
        before = lightness
        prediction = model.predict(inputs)
        shares = ops.convert_to_numpy(prediction.shares())[0]
        step = Step(shares, lightness.shape[0] // shares.shape[0], first, motion)
        ab = ops.convert_to_numpy(resize(rgb_to_lab(rgb[None])[..., 1:], lightness.shape))[0]
        yield Seen(truth.add(rgb, cut=first), whole, prediction, step, motion, ab)


def smoothing_scores(
    model: Colorizer, seen: Sequence[Seen]
) -> dict[tuple[float, int], dict[str, float]]:
    """The means of a clip's scores by what is kept and how many frames ahead count."""
    return {
        (kept, ahead): _smoothed(model, seen, kept, ahead)
        for kept in KEPT
        for ahead in (AHEAD if kept else (0,))
    }


def _smoothed(model: Colorizer, seen: Sequence[Seen], kept: float, ahead: int) -> dict[str, float]:
    smoothing, scores = MotionSmoothing(kept), FilmScores()
    for number, one in enumerate(seen):
        coming = []
        for other in seen[number + 1 : number + 1 + ahead]:
            if other.step.first:
                break
            coming.append(other.step)
        shares = smoothing.smoothed(one.step, coming)
        ab = model.decode(one.prediction.with_shares(shares[None]))
        scores.add(one.true, one.whole.merge(ab)[0])
    return scores.means()


def key_scores(model: Colorizer, seen: Sequence[Seen]) -> dict[float, float]:
    """Mean CIEDE2000 of a clip's frames by trust, each shot's first one having its true colors."""
    plain = [ops.convert_to_numpy(model.decode(one.prediction))[0] for one in seen]
    found = {}
    for trust in TRUST:
        scores, followed = FilmScores(), None
        for one, ab in zip(seen, plain, strict=True):
            if one.motion is None or followed is None:
                followed = Followed(one.ab, np.ones((*one.ab.shape[:2], 1), np.float32))
                continue
            followed = followed.along(one.motion.there, one.motion.seen_before, trust)
            mixed = ab + followed.trust * (followed.ab - ab)
            scores.add(one.true, one.whole.merge(mixed[None])[0])
        found[trust] = scores.means()["ciede2000"]
    return found


def smoothing_rows(
    name: str, clips: Sequence[Mapping[tuple[float, int], Mapping[str, float]]]
) -> list[list[str]]:
    """One row for each setting."""
    plain = (0.0, 0)
    rows = []
    for setting in clips[0]:
        row = [name, f"{setting[0]:g}", str(setting[1])]
        for metric in ("warp_error", "colorfulness"):
            ratios = [clip[setting][metric] / clip[plain][metric] for clip in clips]
            row.append(_text(ratios, 3))
        row.append(_text([one[setting]["ciede2000"] - one[plain]["ciede2000"] for one in clips], 3))
        rows.append(row)
    return rows


def key_rows(name: str, clips: Sequence[Mapping[float, float]]) -> list[list[str]]:
    """One row for each trust."""
    return [
        [
            name,
            f"{trust:g}",
            _text([clip[trust] for clip in clips], 2),
            _text([clip[trust] - clip[TRUST[0]] for clip in clips], 2),
        ]
        for trust in TRUST
    ]


def _text(of_clips: Sequence[float], digits: int) -> str:
    one = mean_over_time(np.array(of_clips), 1)  # of clips, which are independent
    return f"{one.mean:.{digits}f} [{one.low:.{digits}f}, {one.high:.{digits}f}]"


if __name__ == "__main__":
    sys.exit(main())

"""Coloring one film: reading, the networks, smoothing, merging and encoding overlap."""

import os
import shutil
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from keras import ops
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from zoo import registry
from zoo.errors import ZooError
from zoo.fullsize import FullSize
from zoo.inference.films.encoding import (
    CODECS,
    STATE_ASPECT,
    Look,
    PartWriter,
    Span,
    join,
    open_part,
)
from zoo.inference.films.keyframes import Followed, KeyFrames, read_key_frame
from zoo.inference.films.plan import (
    FilmSettings,
    Piece,
    Plan,
    Watch,
    identity_of,
    make_plan,
    read_state,
    shared_plan,
    write_state,
)
from zoo.inference.films.smoothing import SMOOTHINGS, Step
from zoo.inference.pipeline import Pipeline, Stage
from zoo.inputs import LIGHTNESS, inputs_of_photos
from zoo.networks.runner import FixedWeights, Runner
from zoo.options import RENDER_FACTOR
from zoo.photos.film import Film
from zoo.photos.motion import Motion
from zoo.prediction import Prediction
from zoo.preprocessing import working_size
from zoo.transfer.reference import Reference

if TYPE_CHECKING:
    from zoo.colorizer import Colorizer

#: What the state after a part calls the L of its last frame.
_BEFORE = "lightness"


#: Colors groups of a plan's parts in other processes, by `color_shots`; yields numbers of frames
#: that are done. Closing it ends that.
Elsewhere = Callable[[Plan, Sequence[Sequence[int]]], Generator[int, None, None]]


@dataclass(frozen=True)
class FilmOutcome:
    """What has become of a film.

    Attributes:
        target: the file.
        frames: how many it has.
        shots: how many were found.
        repeated: how many frames could not be decoded, and are the one before once more.
        notes: what else its owner should know, a sentence each.
    """

    target: Path
    frames: int
    shots: int
    repeated: int
    notes: tuple[str, ...] = ()


def colorize_video(
    path: str | os.PathLike,
    out: str | os.PathLike,
    model: "Colorizer | str",
    *,
    settings: FilmSettings | None = None,
    progress: bool = False,
    watch: Watch | None = None,
    runner: Runner | None = None,
    elsewhere: Elsewhere | None = None,
    **options: Any,
) -> FilmOutcome:
    """Color a film; a run that was stopped goes on where it was when it is repeated.

    Size, frame rate and the times of frames stay; sound and subtitles are copied; each frame keeps
    its own lightness.

    Args:
        path: of the film, in whatever container and codec FFmpeg reads.
        out: the file to write; its suffix says the container.
        model: a model, a trained folder, or a name that comes trained.
        settings: smoothing, key frames, which part, codec; see `FilmSettings`.
        progress: show a progress bar with frames a second and the time left.
        watch: is told how far it is; see `Watch`.
        runner: runs the networks; one with fixed weights by default.
        elsewhere: colors the shots in other processes; see `Elsewhere`.
        **options: see `model.options`.

    Raises:
        ZooError: if the film cannot be read or the file cannot be written; what is finished stays.
    """
    source, target, wanted = Path(path), Path(out), settings or FilmSettings()
    if os.path.realpath(source) == os.path.realpath(target):
        raise ZooError(f"{target} is the film itself; give another file.")
    if target.suffix.lower() not in CODECS[wanted.codec].suffixes:
        known = ", ".join(CODECS[wanted.codec].suffixes)
        raise ZooError(f"A film in {wanted.codec} cannot be in {target}; name it {known}.")
    colorizer = registry.load_model(model) if isinstance(model, str) else model
    with Film(source) as film:
        precision = Runner.precision if runner is None else runner.precision
        identity = identity_of(source, colorizer, options, wanted, precision)
        plan = make_plan(film, target, identity, wanted, progress, watch)
        left = plan.left()
        if elsewhere is None:
            colored = _color_parts(film, colorizer, plan, left, wanted, options, runner)
        else:
            colored = elsewhere(plan, plan.together_elsewhere(left))
        with closing(colored):
            _follow(colored, film, plan, left, progress, watch)
        notes = [*film.notes, *_finished(film, plan, target, wanted)]
        if film.aspect != 1 and wanted.codec not in STATE_ASPECT:
            notes.append(
                f"Its pixels are not square, which a film in {wanted.codec} does not state; choose "
                f"{' or '.join(STATE_ASPECT)} to keep its shape."
            )
    if plan.timeline.cut_short:
        notes.append("The film is cut short; what there is of it is colored.")
    shutil.rmtree(plan.folder, ignore_errors=True)
    missing = len(plan.timeline.missing)
    return FilmOutcome(target, plan.frames, len(plan.shots), missing, tuple(notes))


def _finished(film: Film, plan: Plan, target: Path, settings: FilmSettings) -> list[str]:
    times, unit = plan.timeline.times, film.time_base
    start = times[0] * unit if settings.start else None
    last = times[-1] * unit + 1 / film.rate
    span = Span(start, None if settings.end is None else Fraction(last))
    return join(plan.part_files, times, film, target, span)


def color_shots(
    path: Path,
    out: Path,
    parts: Sequence[int],
    model: "Colorizer",
    settings: FilmSettings,
    runner: Runner,
    **options: Any,
) -> None:
    """Color the parts of a film that another process divided, and that are not finished.

    Args:
        path: of the film.
        out: the file that the other process will write.
        parts: numbers of parts; of a shot all that are not finished.
        model: the model.
        settings: as the other process has them.
        runner: runs the networks.
        **options: see `model.options`.

    Raises:
        ZooError: if there is no such division, or the film cannot be read.
    """
    with Film(path) as film:
        plan = shared_plan(film, out)
        left = [number for number in plan.left() if number in parts]
        with closing(_color_parts(film, model, plan, left, settings, options, runner)) as colored:
            for _ in colored:
                pass


def _color_parts(
    film: Film,
    model: "Colorizer",
    plan: Plan,
    left: Sequence[int],
    settings: FilmSettings,
    options: Mapping[str, Any],
    runner: Runner | None = None,
) -> Generator[int, None, None]:
    """Color these parts; yield numbers of frames that are done."""
    if not left:
        return
    factor = int(model.resolve_options(options)[RENDER_FACTOR.name])
    size = working_size(*film.size, factor)
    keys = _key_frames(film, plan, settings, size)
    height, width = film.size
    shown = (height, 2 * width) if settings.preview else film.size
    look = Look(shown, film.rate, film.time_base, film.aspect, CODECS[settings.codec])
    with ExitStack() as stack:
        fixed = stack.enter_context(FixedWeights(model.networks.values(), plan.frames))
        sink = _Sink(plan, look, settings.preview, stack.enter_context(ExitStack()))
        reader = _Reader(film, plan, settings.look_ahead)
        eyes = _Eyes(model, factor, plan, bool(keys) or SMOOTHINGS[settings.smoothing].needs_motion)
        brush = _Brush(model, runner or fixed, options, plan, settings, keys)
        stages = (
            Stage(reader.read),
            Stage(eyes.look),
            Stage(brush.color),
            Stage(_merge, threads=2),
            Stage(sink.write),
        )
        flow = stack.enter_context(closing(Pipeline(stages).run(plan.pieces(left))))
        for piece, _ in flow:
            yield len(piece.numbers)


def _follow(
    colored: Iterator[int],
    film: Film,
    plan: Plan,
    left: Sequence[int],
    progress: bool,
    watch: Watch | None,
) -> None:
    """Show how many frames are done, and tell it."""
    done = plan.frames - sum(len(plan.parts[number]) for number in left)
    with _bar(progress and bool(left)) as bar:
        task = bar.add_task(f"Coloring {film.path.name}", total=plan.frames, completed=done)
        for frames in colored:
            bar.advance(task, frames)
            done += frames
            if watch is not None:
                watch(done, plan.frames)


class _Speed(ProgressColumn):
    """Frames a second."""

    def render(self, task: Task) -> Text:
        return Text("" if task.speed is None else f"{task.speed:.1f} frames/s")


def _bar(wanted: bool) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Speed(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not wanted,
    )


def _key_frames(
    film: Film, plan: Plan, settings: FilmSettings, size: tuple[int, int]
) -> KeyFrames | None:
    if not settings.key_frames and settings.reference is None:
        return None
    colors, timeline = {}, plan.timeline
    seconds = (np.array(timeline.times) - timeline.origin) * float(film.time_base)
    for time, path in settings.key_frames.items():
        number = int(np.abs(seconds - time).argmin())
        if abs(seconds[number] - time) > max(1.0, 2 / float(film.rate)):
            raise ZooError(
                f"There is no frame at {time:g} s for the key frame {path}: what is colored of the "
                f"film goes from {seconds[0]:.2f} to {seconds[-1]:.2f} s; give another time."
            )
        colors[number] = read_key_frame(path, film.size, size)

    def lightness(first: int, stop: int) -> Iterable[np.ndarray]:
        with Film(film.path) as again:
            for number, frame in enumerate(again.frames(plan.timeline, first), first):
                if number == stop:
                    return
                whole = FullSize(again.rgb(frame)[None], threads=1)
                yield whole.working_lightness(size)[0, ..., 0]

    matched = None
    if settings.reference is not None:
        reference = Reference.read(settings.reference)

        def matched(frame: FullSize) -> Followed:
            return Followed(*reference.key_frame(frame, size))

    return KeyFrames(colors, plan.first_of_shot, lightness, matched)


# ---------------------------------------------------------------------- stages


class _Reader:
    """Decodes frames: those of a piece, and those that it looks ahead to."""

    def __init__(self, film: Film, plan: Plan, ahead: int) -> None:
        self._film, self._plan, self._ahead = film, plan, ahead
        self._frames: Iterator[Any] = iter(())
        self._next = -1

    def read(self, piece: Piece) -> tuple[Piece, dict[int, np.ndarray]]:
        """The frames that have not been handed over before, by number."""
        stop = self._plan.seen_for(piece, self._ahead)[-1].stop
        first = max(piece.first, self._next)
        if first != self._next:
            self._frames = self._film.frames(self._plan.timeline, first)
        found = {n: self._film.rgb(next(self._frames)) for n in range(first, stop)}
        self._next = max(first, stop)
        return piece, found


@dataclass(frozen=True)
class _Seen:
    """A frame, what the networks see of it, and how it differs from the one before."""

    whole: FullSize
    inputs: Mapping[str, np.ndarray]
    motion: Motion | None

    @property
    def lightness(self) -> np.ndarray:
        """(H, W) at the working size."""
        found: np.ndarray = self.inputs[LIGHTNESS.name][0, ..., 0]
        return found


class _Eyes:
    """Looks at frames as the networks do, and at the motion between them."""

    def __init__(self, model: "Colorizer", factor: int, plan: Plan, motion: bool) -> None:
        self._model, self._factor, self._plan, self._motion = model, factor, plan, motion
        self._before: tuple[int, np.ndarray] | None = None

    def look(self, read: tuple[Piece, dict[int, np.ndarray]]) -> tuple[Piece, dict[int, _Seen]]:
        piece, frames = read
        return piece, {number: self._seen(number, rgb) for number, rgb in frames.items()}

    def _seen(self, number: int, rgb: np.ndarray) -> _Seen:
        whole = FullSize(rgb[None], threads=1)
        given = inputs_of_photos(self._model.inputs, whole, self._factor)
        inputs = {name: ops.convert_to_numpy(value) for name, value in given.items()}
        motion, seen = None, _Seen(whole, inputs, None)
        if self._motion and not self._plan.begins_shot(number):
            motion = Motion.between(self._lightness_before(number), seen.lightness)
        self._before = number, seen.lightness
        return _Seen(whole, inputs, motion)

    def _lightness_before(self, number: int) -> np.ndarray:
        if self._before is not None and self._before[0] == number - 1:
            return self._before[1]
        part = next(n for n, part in enumerate(self._plan.parts) if part.start == number)
        return read_state(self._plan.state_file(part - 1))[_BEFORE]


@dataclass(frozen=True)
class _Colored:
    """The frames of a piece with their ab, and what is to be remembered after it."""

    piece: Piece
    wholes: Sequence[FullSize]
    ab: np.ndarray
    state: Mapping[str, np.ndarray] | None


class _Brush:
    """Runs the networks, smooths what they say, and makes color of it."""

    def __init__(
        self,
        model: "Colorizer",
        runner: Runner,
        options: Mapping[str, Any],
        plan: Plan,
        settings: FilmSettings,
        keys: KeyFrames | None,
    ) -> None:
        self._model, self._runner, self._options = model, runner, options
        self._plan, self._settings = plan, settings
        self._smoothing = SMOOTHINGS[settings.smoothing]()
        self._keys = keys
        self._seen: dict[int, _Seen] = {}
        self._predictions: dict[int, tuple[Prediction, list[Step]]] = {}
        self._last = -1

    def color(self, looked: tuple[Piece, dict[int, _Seen]]) -> _Colored:
        piece, seen = looked
        self._seen.update(seen)
        self._go_on_at(piece)
        own = [self._seen[number] for number in piece.numbers]
        if self._settings.smoothing == "none":
            ab = self._model.decode(self._predicted(own), **self._options)
        else:
            ab = self._smoothed(piece)
        if self._keys is not None:
            pairs = zip(piece.numbers, ab, own, strict=True)
            ab = np.stack(
                [self._keys.mixed(n, one, seen.motion, seen.whole) for n, one, seen in pairs]
            )
        for number in piece.numbers:
            del self._seen[number]
        self._predictions.pop(piece.first, None)
        self._last = piece.stop - 1
        return _Colored(piece, [one.whole for one in own], ab, self._state_after(piece, own[-1]))

    def _go_on_at(self, piece: Piece) -> None:
        """Recall what was remembered when a part of the same shot was finished."""
        if piece.first == self._last + 1 or self._plan.begins_shot(piece.first):
            return
        state = read_state(self._plan.state_file(piece.part - 1))
        self._smoothing.restore(state)
        if self._keys is not None:
            self._keys.restore(state)

    def _state_after(self, piece: Piece, last: _Seen) -> dict[str, np.ndarray] | None:
        """What is to be remembered, if a part ends here and its shot goes on."""
        ends = piece.stop == self._plan.parts[piece.part].stop
        if not ends or piece.stop == self._plan.frames or self._plan.begins_shot(piece.stop):
            return None
        keys = {} if self._keys is None else self._keys.state()
        return {**self._smoothing.state(), **keys, _BEFORE: last.lightness}

    def _predicted(self, seen: Sequence[_Seen]) -> Prediction:
        inputs = {
            name: np.concatenate([one.inputs[name] for one in seen]) for name in seen[0].inputs
        }
        return self._model.predict(inputs, runner=self._runner, **self._options)

    def _smoothed(self, piece: Piece) -> np.ndarray:
        """The ab of a piece, from predictions that are smoothed in time."""
        ahead, steps = self._settings.look_ahead, []
        for one in self._plan.seen_for(piece, ahead):
            if one.first not in self._predictions:
                self._predictions[one.first] = self._stepped(one)
            steps += self._predictions[one.first][1]
        prediction, own = self._predictions[piece.first]
        smoothed = [
            self._smoothing.smoothed(step, steps[place + 1 : place + 1 + ahead])
            for place, step in enumerate(own)
        ]
        return self._model.decode(prediction.with_shares(np.stack(smoothed)), **self._options)

    def _stepped(self, piece: Piece) -> tuple[Prediction, list[Step]]:
        """The prediction of a piece, and each of its frames for the smoothing."""
        seen = [self._seen[number] for number in piece.numbers]
        prediction = self._predicted(seen)
        shares = ops.convert_to_numpy(prediction.shares())
        stride = ops.shape(prediction.lightness)[1] // shares.shape[1]
        numbered = zip(piece.numbers, shares, seen, strict=True)
        return prediction, [
            Step(own, stride, self._plan.begins_shot(number), one.motion)
            for number, own, one in numbered
        ]


@dataclass(frozen=True)
class _Merged:
    """The frames of a piece in color, beside what they were."""

    colored: _Colored
    rgb: Sequence[np.ndarray]


def _merge(colored: _Colored) -> _Merged:
    pairs = zip(colored.wholes, colored.ab, strict=True)
    return _Merged(colored, [whole.merge(ab[None])[0] for whole, ab in pairs])


class _Sink:
    """Encodes frames into the parts of the film."""

    def __init__(self, plan: Plan, look: Look, preview: bool, opened: ExitStack) -> None:
        self._plan, self._look, self._preview = plan, look, preview
        #: Ends with an error where a part has not been finished, which is dropped then.
        self._opened = opened
        self._writer: PartWriter | None = None
        self._failed = False

    def write(self, merged: _Merged) -> None:
        """Add frames; nothing more after a failure, when others may be on their way still."""
        if self._failed:
            return
        self._failed = True
        self._add(merged)
        self._failed = False

    def _add(self, merged: _Merged) -> None:
        colored, piece = merged.colored, merged.colored.piece
        if self._writer is None:
            part = open_part(self._plan.part_files[piece.part], self._look)
            self._writer = self._opened.enter_context(part)
        for number, whole, rgb in zip(piece.numbers, colored.wholes, merged.rgb, strict=True):
            frame = np.concatenate([_gray(whole), rgb], axis=1) if self._preview else rgb
            self._writer.write(frame, self._plan.timeline.times[number])
        if piece.stop == self._plan.parts[piece.part].stop:
            if colored.state is not None:
                write_state(self._plan.state_file(piece.part), colored.state)
            self._writer = None
            self._opened.close()


def _gray(whole: FullSize) -> np.ndarray:
    """A frame without its chroma."""
    return whole.merge(np.zeros((1, 1, 1, 2), np.float32))[0]

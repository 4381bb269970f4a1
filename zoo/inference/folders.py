"""Coloring many photos: decoding, the networks and encoding overlap."""

import math
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from keras import ops
from PIL import Image

from zoo.files import atomic_path
from zoo.fullsize import FullSize
from zoo.hints.marks import Hints
from zoo.inference.jobs import Job, Made, Outcome, carry_out
from zoo.inference.large import LARGE, LargePhoto, pixels_of
from zoo.inference.pipeline import Stage
from zoo.inputs import LIGHTNESS, inputs_of_photos
from zoo.networks.runner import FixedWeights, Runner
from zoo.options import RENDER_FACTOR
from zoo.photos.decoding import Decoded, read_file, read_photo, write_photo
from zoo.photos.vips import (
    DEEP_SUFFIXES,
    has_16_bits,
    has_vips,
    read_deep,
    write_deep,
)
from zoo.prediction import Distribution
from zoo.preprocessing import resize
from zoo.transfer.reference import Reference, progress_bar

if TYPE_CHECKING:
    from zoo.colorizer import Colorizer

#: Pixels of photos that networks see together, at full size and at the working size. More of them
#: take more memory and no less time.
_TOGETHER, _SEEN_TOGETHER = 2**21, 2**18

#: Of a stage: each holds a photo at full size.
_MOST_THREADS = 8

#: Small ones of photos.
_MOST_COPIES = 16


def run_jobs(
    model: "Colorizer",
    jobs: Sequence[Job],
    options: Mapping[str, Any],
    keep_profile: bool = False,
    reference: Reference | None = None,
    runner: Runner | None = None,
    copies: "SmallCopies | None" = None,
    cores: int | None = None,
) -> Outcome:
    """Make and write each file; a reference gives its colors to every photo.

    Colors are saved in sRGB, or with `keep_profile` in the photo's own color profile; photos of 16
    bits a channel with 16 where the extra `vips` is installed. Whoever comes again with other jobs
    gives a `runner`, and `copies` for small versions, that stay. All `cores` are used where None.
    """
    # Of many photos there is a bar already.
    told_steps = reference.steps if reference is not None and len(jobs) == 1 else 0
    with (
        FixedWeights(model.networks.values(), len(jobs)) as fixed,
        progress_bar(told_steps) as told,
    ):
        # Threads of stages that work at the same time are enough for all cores.
        threads = cores if len(jobs) == 1 else 1
        steps = _Steps(
            model,
            runner or fixed,
            options,
            keep_profile,
            threads,
            reference,
            told,
            copies or SmallCopies(),
        )
        # Merging and encoding take twice the time of decoding and looking.
        cores = min(cores or os.cpu_count() or 2, _MOST_THREADS)
        stages = (
            Stage(steps.look, threads=max(1, cores // 2)),
            Stage(steps.color, together=_goes_with),
            Stage(steps.write, threads=cores),
        )
        return carry_out(jobs, stages)


class _Photo:
    """A photo in memory, as `LargePhoto` is one in a file."""

    def __init__(self, read: Decoded, threads: int | None) -> None:
        self._whole = FullSize(read.rgb[None], threads=threads)
        self._alpha, self.profile = read.alpha, read.profile

    @property
    def size(self) -> tuple[int, int]:
        return self._whole.size

    def working_lightness(self, size: tuple[int, int]) -> np.ndarray:
        return self._whole.working_lightness(size)

    def save(self, path: Path, ab: np.ndarray, profile: bytes | None) -> None:
        rgb = self._whole.merge(ab)[0]
        write = write_deep if rgb.dtype == np.uint16 else write_photo
        write(path, rgb, self._alpha, profile)


@dataclass(frozen=True)
class _Small:
    """A small copy of a photo, and the photo's own height and width."""

    photo: Decoded
    size: tuple[int, int]


class SmallCopies:
    """Small copies of the photos that came last, so that several models share one decoding.

    Threads may share them: whoever wants a copy that another one makes waits for that.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[tuple[Path, int], Future[_Small]] = {}

    def of(self, source: Path, side: int) -> _Small:
        """A copy of at most `side` px on the long side, of a file that does not change."""
        key = source, side
        with self._lock:
            found = self._kept.pop(key, None)
            made = self._kept[key] = found or Future()
            while len(self._kept) > _MOST_COPIES:
                del self._kept[next(iter(self._kept))]
        if found is None:
            try:
                made.set_result(_small(source, side))
            except BaseException as error:  # noqa: BLE001 - whoever waits gets it, too
                made.set_exception(error)
                with self._lock:
                    self._kept.pop(key, None)
        return made.result()


def _small(source: Path, side: int) -> _Small:
    read = read_photo(read_file(source))
    small = Image.fromarray(read.rgb)
    small.thumbnail((side, side), Image.Resampling.LANCZOS)
    copy = Decoded(np.array(small), None, read.profile)
    return _Small(copy, (read.rgb.shape[0], read.rgb.shape[1]))


class _Preview(_Photo):
    """A small version of a photo, which has the photo's own size where hints are placed."""

    def __init__(self, small: _Small, threads: int | None) -> None:
        super().__init__(small.photo, threads)
        self._own = small.size

    @property
    def size(self) -> tuple[int, int]:
        return self._own


@dataclass(frozen=True)
class _Seen:
    """A photo as it was read, and what the networks see of it."""

    job: Job
    photo: _Photo | LargePhoto
    inputs: Mapping[str, np.ndarray]
    reduced: bool


@dataclass(frozen=True)
class _Steps:
    """What is done with a photo on its way from one file to the other."""

    model: "Colorizer"
    runner: Runner
    options: Mapping[str, Any]
    keep_profile: bool
    threads: int | None  # of a step with a photo; None for as many as there are cores
    reference: Reference | None
    told: Callable[[], None]  # after each step of a transfer
    copies: SmallCopies

    def look(self, job: Job) -> _Seen:
        photo, reduced = self._opened(job)
        if job.hints is not None:
            job.hints.require_within(*photo.size)  # before the networks run
        factor = int(self.model.resolve_options(self.options)[RENDER_FACTOR.name])
        inputs = inputs_of_photos(self.model.inputs, photo, factor)
        inputs = self.model.told(inputs, job.hints, photo.size)
        arrays = {name: ops.convert_to_numpy(value) for name, value in inputs.items()}
        return _Seen(job, photo, arrays, reduced)

    def _opened(self, job: Job) -> tuple[_Photo | LargePhoto, bool]:
        """A job's photo, and whether it has 16 bits a channel that cannot be kept."""
        if job.side is not None:
            return _Preview(self.copies.of(job.source, job.side), self.threads), False
        if has_vips() and pixels_of(job.source) > LARGE:
            return LargePhoto(job.source), False
        data = read_file(job.source)
        deep = job.target.suffix.lower() in DEEP_SUFFIXES and has_16_bits(data)
        if deep and has_vips():
            return _Photo(read_deep(data, job.name), self.threads), False
        return _Photo(read_photo(data), self.threads), deep

    def color(self, seen: Sequence[_Seen]) -> list[tuple[_Seen, list[np.ndarray]]]:
        """Run the networks once for all: with each photo its ab, or how sure they are.

        A list, because a photo may have several answers.
        """
        inputs = {
            name: np.concatenate([one.inputs[name] for one in seen]) for name in seen[0].inputs
        }
        prediction = self.model.predict(inputs, runner=self.runner, **self.options)
        if seen[0].job.confidence:
            assert isinstance(prediction, Distribution)
            found = [ops.convert_to_numpy(prediction.confidence())]
        else:
            first = seen[0]  # the only one, if it has hints or answers
            found = self.model.colored(
                prediction,
                self._said_first(first.job.hints),
                first.inputs[LIGHTNESS.name],
                first.photo.size,
                answers=first.job.answers,
                **self.options,
            )
        return [
            (one, [self._recolored(one, answer[number : number + 1]) for answer in found])
            for number, one in enumerate(seen)
        ]

    def _said_first(self, hints: Hints | None) -> Hints | None:
        """What hints say of the model's colors: marks are said after a reference, and win."""
        return hints if hints is None or self.reference is None else hints.without_marks()

    def _recolored(self, seen: _Seen, ab: np.ndarray) -> np.ndarray:
        """An answer with the reference's colors, and behind them the marks of hints."""
        if self.reference is None or seen.job.confidence:
            return ab
        ab, lightness = self.reference.recolored(ab, seen.photo, self.told)
        return self.model.followed(ab, seen.job.hints, lightness, seen.photo.size, **self.options)

    def write(self, colored: tuple[_Seen, list[np.ndarray]]) -> Made:
        """Write the files of a job."""
        seen, answers = colored
        if not seen.job.confidence:
            profile = seen.photo.profile if self.keep_profile else None
            targets = seen.job.targets
            # The first one says that all are there, so that it is written last, and none is left of
            # an earlier run.
            for old in targets if len(targets) > 1 else []:
                old.unlink(missing_ok=True)
            for target, ab in reversed(list(zip(targets, answers, strict=False))):
                seen.photo.save(target, ab, profile)
            return Made(seen.reduced, len(answers))
        (found,) = answers
        sure = ops.convert_to_numpy(resize(found, seen.photo.size))[0, ..., 0]
        with atomic_path(seen.job.target) as temporary:  # white where it is sure
            levels = np.rint(255 * np.clip(sure, 0, 1)).astype(np.uint8)
            Image.fromarray(levels).save(temporary, "PNG")
        return Made()


def _goes_with(others: Sequence[_Seen], one: _Seen) -> bool:
    """Whether the networks see a photo together with others: it has their size, and all are small.

    Photos wait for each other at full size. One with hints or answers is seen alone.
    """
    first = others[0]
    if any(each.job.hints is not None or each.job.answers for each in (first, one)):
        return False
    alike = all(value.shape == one.inputs[name].shape for name, value in first.inputs.items())
    pixels = sum(math.prod(each.photo.size) for each in (*others, one))
    seen = (len(others) + 1) * one.inputs[LIGHTNESS.name].size
    few = pixels <= _TOGETHER and seen <= _SEEN_TOGETHER
    return alike and one.job.confidence == first.job.confidence and few

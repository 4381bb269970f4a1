"""Coloring many photos: decoding, the networks and encoding overlap."""

import math
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from keras import ops
from PIL import Image
from rich.console import Console
from rich.progress import track

from zoo.files import atomic_path
from zoo.fullsize import FullSize
from zoo.inference.jobs import Job
from zoo.inference.pipeline import Failure, Pipeline, Stage
from zoo.inputs import inputs_of_photos
from zoo.networks.runner import FixedWeights, Runner
from zoo.options import RENDER_FACTOR
from zoo.photos.decoding import Decoded, PhotoError, read_photo, write_photo
from zoo.prediction import Distribution
from zoo.preprocessing import resize

if TYPE_CHECKING:
    from zoo.colorizer import Colorizer

#: Pixels of photos that networks see together.
_TOGETHER = 2**21


def run_jobs(
    model: "Colorizer",
    jobs: Sequence[Job],
    options: Mapping[str, Any],
    keep_profile: bool = False,
) -> dict[str, str]:
    """Make and write each file; return the reasons why some photos could not be read, by name.

    Colors are saved in sRGB, or with `keep_profile` in the photo's own color profile.
    """
    failures = {}
    with FixedWeights(model.networks.values(), len(jobs)) as runner:
        steps = _Steps(model, runner, options, keep_profile)
        stages = (
            Stage(steps.look, threads=2),
            Stage(steps.color, together=_goes_with),
            Stage(steps.write, threads=2),
        )
        console = Console(stderr=True)
        with closing(Pipeline(stages, (PhotoError,)).run(jobs)) as made:
            shown = track(made, "Coloring", len(jobs), console=console, disable=len(jobs) < 2)
            for job, result in shown:
                if isinstance(result, Failure):
                    assert isinstance(result.error, PhotoError)
                    failures[job.name] = result.error.reason
    return failures


@dataclass(frozen=True)
class _Seen:
    """A photo as it was read, and what the networks see of it."""

    job: Job
    photo: FullSize
    read: Decoded
    inputs: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class _Steps:
    """What is done with a photo on its way from one file to the other."""

    model: "Colorizer"
    runner: Runner
    options: Mapping[str, Any]
    keep_profile: bool

    def look(self, job: Job) -> _Seen:
        read = read_photo(job.source)
        photo = FullSize(read.rgb[None])
        factor = int(self.model.resolve_options(self.options)[RENDER_FACTOR.name])
        inputs = inputs_of_photos(self.model.inputs, photo, factor)
        arrays = {name: ops.convert_to_numpy(value) for name, value in inputs.items()}
        return _Seen(job, photo, read, arrays)

    def color(self, seen: Sequence[_Seen]) -> list[tuple[_Seen, np.ndarray]]:
        """Run the networks once for all: with each photo its ab, or how sure they are."""
        inputs = {
            name: np.concatenate([one.inputs[name] for one in seen]) for name in seen[0].inputs
        }
        prediction = self.model.predict(inputs, runner=self.runner, **self.options)
        if seen[0].job.confidence:
            assert isinstance(prediction, Distribution)
            found = ops.convert_to_numpy(prediction.confidence())
        else:
            found = self.model.decode(prediction, **self.options)
        return [(one, found[number : number + 1]) for number, one in enumerate(seen)]

    def write(self, colored: tuple[_Seen, np.ndarray]) -> None:
        seen, found = colored
        if not seen.job.confidence:
            profile = seen.read.profile if self.keep_profile else None
            write_photo(seen.job.target, seen.photo.merge(found)[0], seen.read.alpha, profile)
            return
        sure = ops.convert_to_numpy(resize(found, seen.photo.size))[0, ..., 0]
        with atomic_path(seen.job.target) as temporary:  # white where it is sure
            levels = np.rint(255 * np.clip(sure, 0, 1)).astype(np.uint8)
            Image.fromarray(levels).save(temporary, "PNG")


def _goes_with(others: Sequence[_Seen], one: _Seen) -> bool:
    """Whether the networks see a photo together with others: it has their size, and all are small.

    Photos wait for each other at full size.
    """
    first = others[0]
    alike = all(value.shape == one.inputs[name].shape for name, value in first.inputs.items())
    pixels = sum(math.prod(each.photo.size) for each in (*others, one))
    return alike and one.job.confidence == first.job.confidence and pixels <= _TOGETHER

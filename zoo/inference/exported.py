"""Coloring by an exported folder and ONNX Runtime (the extra `onnx`), without TensorFlow.

Starting takes tenths of a second instead of several, and a fifth of the memory. Photos are colored
in one piece, so that memory grows with the photo.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from zoo.card import read_card
from zoo.errors import ZooError, valid_choice
from zoo.files import sha256_of_file
from zoo.inference.jobs import Job, Made, Outcome, carry_out
from zoo.inference.pipeline import Stage
from zoo.photos.decoding import Decoded, PhotoError, read_file, read_photo, write_photo
from zoo.photos.vips import has_16_bits

_FILE, _FORMAT = "model.onnx", "onnx"
#: The graph's input and output: see `zoo.export.signatures.COLORIZE`.
_TAKES, _GIVES = "photos", "colorized"

#: Photos of more pixels are refused: the graph keeps dozens of numbers for each.
_MOST = 2**24


def is_exported(folder: Path) -> bool:
    """Whether `zoo export` has written an ONNX file into this folder."""
    return (folder / _FILE).is_file()


class ExportedModel:
    """The ONNX file of an exported folder. Loading it runs no code from it.

    Args:
        folder: that `zoo export --format onnx` wrote.
        cores: how many the network may use; all where None.

    Raises:
        ZooError: if ONNX Runtime is missing, or the file is not the exported one.
    """

    def __init__(self, folder: Path, cores: int | None = None) -> None:
        try:
            import onnxruntime
        except ImportError as error:
            raise ZooError(
                f"{folder} is an exported model, and coloring by it needs ONNX Runtime; run "
                "`pip install 'colorization-zoo[onnx]'`, or give the trained folder."
            ) from error
        self._folder, path = folder, folder / _FILE
        exported = read_card(folder).export
        artifact = None if exported is None else exported.artifacts.get(_FORMAT)
        if artifact is None or artifact.sha256.get(_FILE) != sha256_of_file(path):
            raise ZooError(
                f"{path} is not the file that the folder's card tells of; export the model again."
            )
        try:
            settings = onnxruntime.SessionOptions()
            settings.intra_op_num_threads = cores or 0
            settings.log_severity_level = 3  # it warns of options, which are inputs with defaults
            self._session = onnxruntime.InferenceSession(
                str(path), settings, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # its exceptions have no common type
            raise ZooError(f"{path} cannot be loaded; export the model again.") from error

    def option_values(self, given: Mapping[str, str]) -> dict[str, np.ndarray]:
        """The given options as inputs of the graph.

        Raises:
            ZooError: if one is fixed in the file, or no number.
        """
        free = [one.name for one in self._session.get_overridable_initializers()]
        values = {}
        for name, text in given.items():
            valid_choice(f"option that {self._folder} leaves open", name, free)
            try:
                values[name] = np.array(float(text), np.float32)
            except ValueError as error:
                raise ZooError(f"The option {name} must be a number; got {text!r}.") from error
        return values

    def colorize(self, rgb: np.ndarray, options: Mapping[str, Any]) -> np.ndarray:
        """Color a photo, (H, W, 3) uint8 sRGB, as the model that was exported does."""
        (colored,) = self._session.run([_GIVES], {_TAKES: rgb[None], **options})
        return colored[0]

    def run_jobs(
        self, jobs: Sequence[Job], options: Mapping[str, Any], keep_profile: bool = False
    ) -> Outcome:
        """Make and write each file, as `zoo.inference.folders.run_jobs` does, with 8 bits."""
        stages = (
            Stage(_read, threads=2),
            Stage(partial(self._color, options)),
            Stage(partial(_write, keep_profile), threads=2),
        )
        return carry_out(jobs, stages)

    def _color(self, options: Mapping[str, Any], read: "_Read") -> "_Read":
        rgb = self.colorize(read.photo.rgb, options)
        return replace(read, photo=read.photo._replace(rgb=rgb))


@dataclass(frozen=True)
class _Read:
    """A photo in memory, and whether its file has 16 bits a channel."""

    job: Job
    photo: Decoded
    deep: bool


def _read(job: Job) -> _Read:
    data = read_file(job.source)
    photo = read_photo(data)
    if photo.rgb.shape[0] * photo.rgb.shape[1] > _MOST:
        remedy = "give the trained folder, which colors it piece by piece"
        raise PhotoError(str(job.source), "too many pixels for an exported model", remedy)
    return _Read(job, photo, has_16_bits(data))


def _write(keep_profile: bool, read: _Read) -> Made:
    profile = read.photo.profile if keep_profile else None
    write_photo(read.job.target, read.photo.rgb, read.photo.alpha, profile)
    return Made(read.deep)

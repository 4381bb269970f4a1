"""Compare exported models with what they were made of, in a fresh process without the zoo."""

import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from PIL import Image

from zoo import preprocessing
from zoo.card import Outcome
from zoo.errors import ZooError
from zoo.export import runner

if TYPE_CHECKING:
    from zoo.colorizer import Colorizer

#: How far float32 artifacts may be off, in levels of 255.
ALLOWED = 1

#: The least side of a photo that is larger than every stripe.
_LARGE = 1030


@dataclass(frozen=True)
class Call:
    """A call of an artifact, and the photos that are expected of it.

    Attributes:
        signature: its name.
        inputs: arrays by name, or lists of files' bytes.
        expected: a photo, or one for each file, uint8.
        photo: makes a photo of the answer.
    """

    signature: str
    inputs: dict[str, Any]
    expected: Sequence[np.ndarray]
    photo: Callable[[np.ndarray], np.ndarray] = np.asarray


@dataclass
class Check:
    """An artifact and the calls that it has to answer.

    Attributes:
        title: what it is, for messages.
        format: "saved_model", "onnx" or "litert".
        path: of the file or folder.
        exact: whether it may be off by no more than `ALLOWED`.
        calls: what is compared.
    """

    title: str
    format: str
    path: Path
    exact: bool
    calls: list[Call] = field(default_factory=list)


def check(checks: Sequence[Check]) -> list[Outcome]:
    """Run artifacts in one fresh process and compare their answers with what is expected.

    Raises:
        ZooError: if one cannot be run, or is exact and differs.
    """
    answers = _answers(checks)
    outcomes = []
    for one, parts in zip(checks, answers, strict=True):
        pairs = [
            (call.photo(answer), expected)
            for call, found in zip(one.calls, parts, strict=True)
            for answer, expected in zip(found, call.expected, strict=True)
        ]
        outcomes.append(_compared(one, pairs))
    return outcomes


def _compared(one: Check, pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> Outcome:
    from zoo.metrics import Pair

    worst, errors = 0, []
    for answer, expected in pairs:
        if answer.shape != expected.shape or answer.dtype != np.uint8:
            raise ZooError(
                f"The {one.title} was not kept: for a photo of shape {expected.shape} it gives "
                f"{answer.shape} {answer.dtype}; please report this model and photo size."
            )
        off = int(np.abs(answer.astype(int) - expected).max())
        if one.exact and off > ALLOWED:
            raise ZooError(
                f"The {one.title} was not kept: on a photo of {expected.shape[-2]} x "
                f"{expected.shape[-3]} px it is {off} of 255 off the model's own colors, and "
                f"{ALLOWED} is allowed; choose another format or other options."
            )
        worst = max(worst, off)
        photos = [array.reshape(-1, *array.shape[-2:])[..., :3] for array in (answer, expected)]
        errors.append(Pair(*photos).ciede2000.mean())
    return Outcome(worst, round(float(np.mean(errors)), 4), len(pairs))


def _answers(checks: Sequence[Check]) -> list[list[list[np.ndarray]]]:
    """For each artifact and call, the parts of the answer."""
    with tempfile.TemporaryDirectory() as folder:
        request, inputs, outputs = (Path(folder) / n for n in ("r.json", "in.npz", "out.npz"))
        arrays: dict[str, np.ndarray] = {}
        request.write_text(json.dumps([_described(one, arrays) for one in checks]), "utf-8")
        np.savez(inputs, **arrays)
        command = [sys.executable, "-P", runner.__file__, request, inputs, outputs]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            env=_environment(),
        )
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
            titles = ", ".join(one.title for one in checks)
            raise ZooError(
                f"What was written cannot be run, and was not kept ({titles}): {last[:500]}; "
                "choose another format or other options."
            )
        with np.load(outputs, allow_pickle=False) as found:
            return [
                [
                    [found[f"{number}.{index}.{part}"] for part in range(len(call.expected))]
                    for index, call in enumerate(one.calls)
                ]
                for number, one in enumerate(checks)
            ]


def _environment() -> dict[str, str]:
    """That of this process, with TensorFlow quiet and off any GPU that this process may hold."""
    return os.environ | {"TF_CPP_MIN_LOG_LEVEL": "2", "CUDA_VISIBLE_DEVICES": "-1"}


def _described(one: Check, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    """A check for the runner; its arrays are added to those that go along."""

    def stored(values: np.ndarray | bytes) -> str:
        key = str(len(arrays))
        arrays[key] = np.frombuffer(values, np.uint8) if isinstance(values, bytes) else values
        return key

    calls = []
    for call in one.calls:
        keys = {
            name: [stored(v) for v in values] if isinstance(values, list) else stored(values)
            for name, values in call.inputs.items()
        }
        calls.append({"signature": call.signature, "inputs": keys})
    return {"format": one.format, "path": str(one.path), "calls": calls}


# ---------------------------------------------------------------------- what is asked


def check_photos(photo: np.ndarray, render_factor: int) -> list[np.ndarray]:
    """A photo at sizes that find mistakes, (H, W, 3) uint8 each.

    A single pixel, odd sides, portrait, landscape, a strip, and larger than the working size and
    than a stripe.
    """
    larger = max(_LARGE, preprocessing.RENDER_UNIT * render_factor + 7)
    sizes = ((1, 1), (37, 23), (90, 64), (64, 121), (3, 50), (larger, larger - 9))
    image = Image.fromarray(photo)
    return [
        np.asarray(image.resize((width, height), Image.Resampling.LANCZOS))
        for height, width in sizes
    ]


class Questions:
    """The calls that an artifact has to answer, with the model's own answers to them.

    Args:
        model: what was exported.
        photos: (H, W, 3) uint8, of several sizes.
        options: every option as the model was exported with it.
    """

    def __init__(
        self, model: "Colorizer", photos: Sequence[np.ndarray], options: dict[str, float]
    ) -> None:
        self._model, self._photos, self._options = model, photos, options
        self._heat = {
            name: np.array(options[name], "float32") for name in ("temperature",) if name in options
        }
        self._expected = [self._colored(photo[None]) for photo in photos]

    def saved_model(self) -> list[Call]:
        """Photos, gray batches, files, L, and another temperature."""
        photos = [photo[None] for photo in self._photos]
        calls = [
            self._photo_call("serving_default", photo, expected)
            for photo, expected in zip(photos, self._expected, strict=True)
        ]
        gray = np.concatenate([photos[1], photos[1][:, ::-1]])[..., 1:2]
        expected = self._colored(np.repeat(gray, 3, axis=-1))
        calls += [self._photo_call("serving_default", gray, expected), self._files(), self._ab()]
        if self._heat:
            calls.append(self._warmer("serving_default"))
        return calls

    def onnx(self) -> list[Call]:
        """Photos, and another temperature."""
        calls = [
            Call("", {"photos": photo[None]}, [expected])
            for photo, expected in zip(self._photos, self._expected, strict=True)
        ]
        return [*calls, self._warmer("")] if self._heat else calls

    def litert_network(self) -> list[Call]:
        """L at the working size, whose ab is merged with the photo here."""
        return [
            self._network_call("predict_ab", photo, expected)
            for photo, expected in zip(self._photos, self._expected, strict=True)
        ]

    def litert_photo(self, size: tuple[int, int]) -> list[Call]:
        """A photo of the one size."""
        image = Image.fromarray(self._photos[-1]).resize(size[::-1], Image.Resampling.LANCZOS)
        photo = np.asarray(image)[None]
        return [self._photo_call("colorize", photo, self._colored(photo))]

    def _colored(self, photos: np.ndarray, **changes: float) -> np.ndarray:
        return self._model.colorize_batch(photos, **(self._options | changes))

    def _photo_call(self, signature: str, photos: np.ndarray, expected: np.ndarray) -> Call:
        return Call(signature, {"photos": photos} | self._heat, [expected])

    def _warmer(self, signature: str) -> Call:
        photo = self._photos[2][None]
        heat = self._options["temperature"] / 2 + 0.1
        inputs = {"photos": photo, "temperature": np.array(heat, "float32")}
        return Call(signature, inputs, [self._colored(photo, temperature=heat)])

    def _files(self) -> Call:
        """All photos but the largest in one batch, one as JPEG and one with opacity."""
        images = [Image.fromarray(photo) for photo in self._photos[:-1]]
        images[2].putalpha(Image.linear_gradient("L").resize(images[2].size))
        files = [_file(image, "PNG") for image in images] + [_file(images[1], "JPEG")]
        expected = [self._model.colorize(data, **self._options) for data in files]
        inputs = {"photo_bytes": files} | self._heat
        return Call("colorize_encoded", inputs, expected, _decoded)

    def _ab(self) -> Call:
        photo, expected = self._photos[1], self._expected[1]
        return self._network_call("predict_ab", photo, expected)

    def _network_call(self, signature: str, photo: np.ndarray, expected: np.ndarray) -> Call:
        size = preprocessing.working_size(*photo.shape[:2], int(self._options["render_factor"]))
        lightness = preprocessing.working_lightness(photo[None], size)
        lightness = keras.ops.convert_to_numpy(lightness)
        if len(self._model.inputs) > 1:
            # Here the whole photo is known by its L at the working size alone.
            prediction = self._model.predict({"lightness": lightness}, **self._options)
            ab = self._model.decode(prediction, **self._options)
            expected = preprocessing.merge(photo[None], ab)
        inputs = {"lightness": lightness} | self._heat
        return Call(signature, inputs, [expected], lambda ab: preprocessing.merge(photo[None], ab))


def _file(image: Image.Image, kind: str) -> bytes:
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


def _decoded(data: np.ndarray) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data.tobytes())))

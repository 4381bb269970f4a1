"""What exported models are asked before they are kept, and the model's own answers."""

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from zoo import preprocessing
from zoo.export.checking import Call
from zoo.export.signatures import COLORIZE, COLORIZE_ENCODED, PREDICT_AB, SERVING_DEFAULT, as_inputs
from zoo.fullsize import FullSize
from zoo.inputs import LIGHTNESS
from zoo.options import RENDER_FACTOR

if TYPE_CHECKING:
    from zoo.colorizer import Colorizer

#: The least side of a photo that is larger than every stripe.
_LARGE = 1030


def check_photos(photo: np.ndarray, render_factor: int) -> list[np.ndarray]:
    """A photo at sizes that find mistakes, (H, W, 3) uint8 each."""
    # Larger than the working size and than a stripe.
    larger = max(_LARGE, preprocessing.RENDER_UNIT * render_factor + 7)
    sizes = ((1, 1), (37, 23), (90, 64), (64, 121), (3, 50), (larger, larger - 9))
    image = Image.fromarray(photo)
    return [
        np.asarray(image.resize((width, height), Image.Resampling.LANCZOS))
        for height, width in sizes
    ]


def other_values(model: "Colorizer", values: Mapping[str, float]) -> dict[str, float]:
    """For every option that is an input a value halfway from the exported to an extreme one."""
    others = {}
    for option in model.options:
        if option.export == "input":
            value = values[option.name]
            middle = (value + (option.low if value > option.low else option.high)) / 2
            others[option.name] = int(middle) if option.whole else middle
    return others


class Questions:
    """The calls that an artifact has to answer, with the model's own answers to them.

    Forms of a function that take options are asked with other values than the exported ones.
    """

    def __init__(
        self, model: "Colorizer", photos: Sequence[np.ndarray], options: Mapping[str, Any]
    ) -> None:
        self._model, self._photos, self._options = model, photos, dict(options)
        self._others = other_values(model, options)
        self._expected = [self._colored(photo[None]) for photo in photos]

    def saved_model(self) -> list[Call]:
        photo, gray = self._photos[1], self._photos[1][None, ..., 1:2]
        gray = np.concatenate([gray, gray[:, :, ::-1]])
        expected = self._colored(np.repeat(gray, 3, axis=-1))
        calls = [
            *self._photo_calls(SERVING_DEFAULT),
            Call(SERVING_DEFAULT, {COLORIZE.takes: gray}, [expected]),
            self._files_call(COLORIZE_ENCODED.name, self._photos[:-1]),
            self._network_call(PREDICT_AB.name, photo),
        ]
        if self._others:
            calls += [
                self._photo_call(COLORIZE.with_options, photo, **self._others),
                self._files_call(COLORIZE_ENCODED.with_options, [photo], **self._others),
                self._network_call(PREDICT_AB.with_options, photo, **self._others),
            ]
        return calls

    def onnx(self) -> list[Call]:
        """Photos; this format has one function, whose options may be left out."""
        calls = self._photo_calls(COLORIZE.name)
        if self._others:
            calls.append(self._photo_call(COLORIZE.name, self._photos[1], **self._others))
        return calls

    def web(self, photos: Sequence[np.ndarray] = ()) -> list[Call]:
        """L of photos, by default those of all formats, and every option, which is an input."""
        given = {name: self._options[name] for name in self._others}
        chosen = photos or self._photos
        calls = [self._network_call(PREDICT_AB.name, photo, **given) for photo in chosen]
        if self._others:
            calls.append(self._network_call(PREDICT_AB.name, self._photos[1], **self._others))
        return calls

    def litert(self, size: tuple[int, int] | None) -> list[Call]:
        """A photo of the one size, or L at the working size, whose ab is merged with the photo."""
        if size is None:
            calls = [self._network_call(PREDICT_AB.name, photo) for photo in self._photos]
            if self._others:
                photo = self._photos[1]
                calls.append(self._network_call(PREDICT_AB.with_options, photo, **self._others))
            return calls
        image = Image.fromarray(self._photos[-1]).resize(size[::-1], Image.Resampling.LANCZOS)
        photo = np.asarray(image)
        calls = [self._photo_call(COLORIZE.name, photo)]
        if self._others:
            calls.append(self._photo_call(COLORIZE.with_options, photo, **self._others))
        return calls

    def _colored(self, photos: np.ndarray, **given: float) -> np.ndarray:
        return self._model.colorize_batch(photos, **(self._options | given))

    def _photo_calls(self, name: str) -> list[Call]:
        return [
            Call(name, {COLORIZE.takes: photo[None]}, [expected])
            for photo, expected in zip(self._photos, self._expected, strict=True)
        ]

    def _photo_call(self, name: str, photo: np.ndarray, **given: float) -> Call:
        inputs = {COLORIZE.takes: photo[None], **as_inputs(given)}
        return Call(name, inputs, [self._colored(photo[None], **given)])

    def _files_call(self, name: str, photos: Sequence[np.ndarray], **given: float) -> Call:
        """All photos in one batch, one of them also as JPEG, the last one with opacity."""
        images = [Image.fromarray(photo) for photo in photos]
        jpeg = _file(images[len(images) // 2], "JPEG")
        images[-1].putalpha(Image.linear_gradient("L").resize(images[-1].size))
        files = [*(_file(image, "PNG") for image in images), jpeg]
        expected = [self._model.colorize(data, **(self._options | given)) for data in files]
        return Call(name, {COLORIZE_ENCODED.takes: files, **as_inputs(given)}, expected, _decoded)

    def _network_call(self, name: str, photo: np.ndarray, **given: float) -> Call:
        """L of a photo at the working size: all that is known of the photo here."""
        options = self._options | given
        height, width, _ = photo.shape
        size = preprocessing.working_size(height, width, int(options[RENDER_FACTOR.name]))
        whole = FullSize(photo[None])
        inputs = {LIGHTNESS.name: whole.working_lightness(size)}
        ab = self._model.decode(self._model.predict(inputs, **options), **options)
        return Call(name, {**inputs, **as_inputs(given)}, [whole.merge(ab)], whole.merge)


def _file(image: Image.Image, kind: str) -> bytes:
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


def _decoded(data: np.ndarray) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data.tobytes())))

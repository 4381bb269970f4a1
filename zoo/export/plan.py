"""What to export: formats, weights, size and options, checked before anything is written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo import preprocessing
from zoo.errors import ZooError, valid_choice
from zoo.fullsize import FullSize
from zoo.options import CONSENSUS, EDGE_RADIUS, RENDER_FACTOR

if TYPE_CHECKING:
    from zoo.colorizer import Colorizer
    from zoo.photos.photoset import PhotoSet

FORMATS = ("saved_model", "onnx", "litert", "web")
WEIGHTS = ("float32", "float16", "int8")

#: What each format needs beside TensorFlow, by the extra that installs it.
_EXTRAS = {"onnx": "onnx", "litert": "litert", "web": "onnx"}
_NEEDS = {"onnx": ("onnx", "onnxruntime", "tf2onnx"), "litert": ("ai_edge_litert",)}

#: So many photos show the range of every layer's numbers.
_CALIBRATION_PHOTOS = 64


@dataclass(frozen=True)
class Plan:
    """What to export.

    Attributes:
        formats: of `FORMATS`.
        weights: of `WEIGHTS`.
        size: (height, width) of the photos that the LiteRT file takes; None: L of any size.
        options: the value of every option of the model.
        calibration: for int8, L of some photos at the working size, each (1, h, w, 1).
    """

    formats: tuple[str, ...]
    weights: str
    size: tuple[int, int] | None
    options: Mapping[str, Any]
    calibration: tuple[np.ndarray, ...] = ()


def make_plan(
    model: "Colorizer",
    formats: Sequence[str],
    weights: str | None,
    size: tuple[int, int] | None,
    calibration: "PhotoSet | None",
    options: Mapping[str, Any],
) -> Plan:
    """Check what is asked for; see `Colorizer.export`."""
    chosen = _formats(formats)
    if weights is None:
        weights = "int8" if chosen == ("web",) else "float32"
    valid_choice("kind of weights", weights, WEIGHTS)
    values = _options(model, options)
    if size is not None and ("litert" not in chosen or min(size) < 1):
        raise ZooError(
            f"A size is for the format litert, and at least 1 x 1 px; got {size} and "
            f"{', '.join(chosen)}; the other formats take photos of any size."
        )
    resized = values.get(CONSENSUS.name, 0) > 2 or values.get(EDGE_RADIUS.name, 0) > 0
    if "litert" in chosen and size is None and resized:
        raise ZooError(
            "LiteRT cannot resize what has no fixed size: a consensus of 3 or 6 and an edge_radius "
            "need --size there; give one, or leave these options out."
        )
    if weights == "int8" and (chosen not in (("litert",), ("web",)) or size is not None):
        raise ZooError(
            "int8 is for the formats litert or web alone, and for the network without a fixed "
            "size: the colors of a whole photo need more than 8 bits on their way; change one of "
            "these."
        )
    if (weights == "int8" and chosen == ("litert",)) != (calibration is not None):
        raise ZooError(
            "Calibration photos are for int8 of litert, which needs them to see the range of each "
            "layer's numbers; give both or neither."
        )
    examples = () if calibration is None else _examples(calibration, values)
    return Plan(chosen, weights, size, values, examples)


def _formats(names: Sequence[str]) -> tuple[str, ...]:
    chosen = tuple(dict.fromkeys(valid_choice("format", name, FORMATS) for name in names))
    if not chosen:
        raise ZooError(f"No format was given; choose from: {', '.join(FORMATS)}.")
    if "web" in chosen and len(chosen) > 1:
        raise ZooError("The format web is a folder of its own; export the other formats elsewhere.")
    for name in chosen:
        extra = _EXTRAS.get(name, "")
        missing = [module for module in _NEEDS.get(extra, ()) if find_spec(module) is None]
        if missing:
            raise ZooError(
                f"The format {name} needs {', '.join(missing)}: install the extra with "
                f'`pip install "colorization-zoo[{extra}]"`.'
            )
    return chosen


def _options(model: "Colorizer", given: Mapping[str, Any]) -> Mapping[str, Any]:
    values = model.resolve_options(given)
    for option in model.options:
        if option.export == "refused" and values[option.name] != option.default:
            raise ZooError(
                f"An exported {model.name} has no {option.name}: it draws random numbers, which "
                "differ between formats; leave that option out."
            )
    absent = {option.name for option in model.options if option.export == "absent"}
    if asked := sorted(absent & given.keys()):
        raise ZooError(f"Exported models take no hints, and no {asked[0]}; leave that option out.")
    return {name: value for name, value in values.items() if name not in absent}


def _examples(photos: "PhotoSet", options: Mapping[str, float]) -> tuple[np.ndarray, ...]:
    """L of photos spread over a set, as the network sees it."""
    found = []
    for photo in photos.spread(min(_CALIBRATION_PHOTOS, len(photos))):
        rgb = photo.read()
        height, width, _ = rgb.shape
        size = preprocessing.working_size(height, width, int(options[RENDER_FACTOR.name]))
        found.append(FullSize(rgb[None]).working_lightness(size))
    return tuple(found)

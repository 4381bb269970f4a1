"""The golden outputs, item by item: how they are computed, stored and compared.

An item is an array with a name like "zhang/astronaut.png/defaults/ab". Stored is the SHA-256 of all
of it, which has to be the same where machine and versions are the same, and a sample of its values,
which elsewhere have to be about the same.
"""

import hashlib
import json
import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from golden import outputs
from PIL import Image
from skimage.color import rgb2lab

FOLDER = Path(__file__).parent
HASHES, SAMPLES, MADE_ON = "hashes.json", "samples.npz", "made_on.json"
TRAININGS, VARIABLES = "trainings.json", "variables.json"

#: Each shipped model's second setting, beside its defaults.
OTHER: dict[str, dict[str, float]] = {
    "mse_regression": {"render_factor": 4},
    "fusion": {"render_factor": 4},
    "zhang": {"temperature": 0.0},
    "colorunet": {"temperature": 0.2},
    "knn_patches": {"k": 8, "weights": 1.0},
    "som_patches": {"temperature": 0.2},
    "gan": {"saturation": 2.0},
    "nogan": {"saturation": 0.5, "noise": 3},
}

#: Short sides of the photos in px; two of them are no multiples of any network's stride.
_SIDES = (128, 121, 117)
#: Every so many places are stored, of photos and of ab; odd, to be at odds with all strides.
_STEP = 7
#: So many values of each weight are stored.
_VALUES = 32
#: How far values may be off on other machines, by the last part of an item's name: ab in its own
#: unit, photos in levels of 255.
_ALLOWED = {"ab": 0.05, "photo": 2}
#: So large a share has to be that near: the nearest of two neighbors may be the other one.
_SHARE = 0.99

Items = dict[str, np.ndarray]


# ---------------------------------------------------------------------- computed


def predictions(name: str) -> Items:
    """What a shipped model predicts of photos, at its defaults and at another setting."""
    model, items = outputs.load(name), {}
    for photo, rgb in _photos().items():
        for setting, options in (("defaults", {}), ("other", OTHER[name])):
            # The render factor decides at which size a photo's L is predicted from.
            factor = options.get("render_factor")
            seen = rgb if factor is None else _shrunk(rgb, 16 * int(factor))
            place = f"{name}/{photo}/{setting}"
            items[f"{place}/ab"] = outputs.predict(model, _lightness(seen), options)
            items[f"{place}/photo"] = outputs.colorize(model, rgb, options)
    return items


def saved_model(name: str) -> Items:
    """What a shipped model answers as a SavedModel, to the last photo."""
    *_, rgb = _photos().values()
    answers = outputs.saved_model_answers(outputs.load(name), rgb, _lightness(rgb))
    return {f"{name}/saved_model/{kind}": value for kind, value in answers.items()}


def training(name: str) -> tuple[dict[str, Any], Items]:
    """How a short training goes, and the weights that it ends with."""
    model, outcome = outputs.train(name)
    weights = outputs.variables(model)
    return outcome, {f"{name}/training/{key}": value for key, value in weights.items()}


def shapes(name: str) -> dict[str, list[int]]:
    """The shape of each weight of a shipped model by its name."""
    weights = outputs.variables(outputs.load(name))
    return {key: list(value.shape) for key, value in weights.items()}


def _photos() -> dict[str, np.ndarray]:
    photos = outputs.photos().items()
    return {name: _shrunk(rgb, side) for (name, rgb), side in zip(photos, _SIDES, strict=True)}


def _shrunk(rgb: np.ndarray, side: int) -> np.ndarray:
    picture = Image.fromarray(rgb)
    scale = side / min(picture.size)
    size = tuple(round(length * scale) for length in picture.size)
    return np.asarray(picture.resize(size, Image.Resampling.LANCZOS))


def _lightness(rgb: np.ndarray) -> np.ndarray:
    return rgb2lab(rgb)[None, ..., :1].astype("float32")


# ---------------------------------------------------------------------- stored


def sha256(value: np.ndarray) -> str:
    """Of an array's type, shape and bytes."""
    digest = hashlib.sha256(f"{value.dtype.str} {value.shape}".encode())
    digest.update(np.ascontiguousarray(value).tobytes())
    return digest.hexdigest()


def sample(item: str, value: np.ndarray) -> np.ndarray:
    """The part of an item that is stored."""
    if item.split("/")[1] == "training":
        flat = value.ravel()
        return flat[np.linspace(0, flat.size - 1, min(flat.size, _VALUES)).astype(int)]
    return value[..., ::_STEP, ::_STEP, :]


def machine() -> dict[str, str]:
    """What the last bits of numbers depend on."""
    packages = ("keras", "tensorflow", "numpy", "scipy", "scikit-learn", "scikit-image", "pillow")
    return {
        "processor": _processor(),
        "threads": os.environ.get("TF_NUM_INTRAOP_THREADS") or str(os.cpu_count()),
        "python": platform.python_version(),
        "backend": outputs.backend(),
        **{package: version(package) for package in packages},
    }


def _processor() -> str:
    """Its name, and the numbers that tell processors of one name apart."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    pairs = (line.partition(":")[::2] for line in reversed(lines))
    facts = {key.strip(): value.strip() for key, value in pairs}
    vectors = [flag for flag in facts.get("flags", "").split() if flag.startswith(("avx", "amx"))]
    numbers = (facts.get(key, "") for key in ("model name", "cpu family", "model", "stepping"))
    return " ".join([*numbers, *sorted(vectors)])


def write_json(name: str, content: Any, folder: Path = FOLDER) -> None:
    """Write one of the files."""
    text = json.dumps(content, indent=1, ensure_ascii=False)
    (folder / name).write_text(text + "\n", "utf-8")


def read_json(name: str) -> Any:
    """Read one of the files."""
    return json.loads((FOLDER / name).read_text("utf-8"))


# ---------------------------------------------------------------------- compared


def is_exact() -> bool:
    """Whether this is the machine, and these are the versions, that the outputs were made on."""
    return read_json(MADE_ON)["machine"] == machine()


def differences(items: Items) -> list[str]:
    """In what these items differ from the stored ones, one line each."""
    hashes, made_on, exact = read_json(HASHES), read_json(MADE_ON), is_exact()
    lines = []
    with np.load(FOLDER / SAMPLES) as samples:
        for item, value in items.items():
            if item not in hashes:
                lines.append(f"{item} is not stored")
            elif exact and item not in made_on["varying"]:
                if sha256(value) != hashes[item]:
                    lines.append(f"{item} is not the same to the bit{_off(item, value, samples)}")
            elif not _near(item, value, samples):
                lines.append(f"{item} is not near what is stored{_off(item, value, samples)}")
    return lines


def _near(item: str, value: np.ndarray, samples: Any) -> bool:
    allowed = _ALLOWED.get(item.rsplit("/", 1)[1])
    if item.split("/")[1] == "training" or allowed is None:
        return True  # after some steps of training, weights may differ by any amount
    stored, found = samples[item].astype(float), sample(item, value)
    return stored.shape == found.shape and (abs(stored - found) <= allowed).mean() >= _SHARE


def _off(item: str, value: np.ndarray, samples: Any) -> str:
    stored, found = samples[item].astype(float), sample(item, value)
    if stored.shape != found.shape:
        return f": its shape is {found.shape} where it was {stored.shape}"
    return f": the sampled values are up to {abs(stored - found).max():.3g} off"

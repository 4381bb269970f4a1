"""What the golden outputs are outputs of: every call of the zoo that they need, and nothing else.

When the zoo's interface changes, this file follows; the stored outputs stay.
"""

import tempfile
from pathlib import Path
from typing import Any

import keras
import numpy as np

import zoo
from zoo import registry

#: 20 steps at the tiny presets' batch size of 4: 10 rounds of 2, for a model of one stage.
BUDGET = 80


def models() -> list[str]:
    """Names of all models."""
    return zoo.list_models()


def shipped() -> list[str]:
    """Names of the models whose trained weights come with the package."""
    return zoo.list_pretrained()


def load(name: str) -> Any:
    """A model with the weights that come with the package."""
    return zoo.load_model(name)


def photos() -> dict[str, np.ndarray]:
    """Photos that no model learned from, by name: (H, W, 3) uint8."""
    return {photo.name: photo.read() for photo in zoo.sample_photos("test")}


def predict(model: Any, lightness: np.ndarray, options: dict[str, float]) -> np.ndarray:
    """(N, H, W, 1) L in [0, 100] -> (N, H, W, 2) float32 ab."""
    return model.decode(model.predict({"lightness": lightness}, **options), **options)


def colorize(model: Any, rgb: np.ndarray, options: dict[str, float]) -> np.ndarray:
    """(H, W, 3) uint8 -> the same in the model's colors."""
    return model.colorize(rgb, **options)


def saved_model_answers(
    model: Any, rgb: np.ndarray, lightness: np.ndarray
) -> dict[str, np.ndarray]:
    """What the model answers as a SavedModel: the colorized "photo", and "ab" of L.

    `model.export` writes the same file, but checks it, too, which takes half a minute more.
    """
    import tensorflow as tf

    from zoo.export import saved_model
    from zoo.export.graph import Graph

    with tempfile.TemporaryDirectory() as folder:
        saved_model.write(Graph(model, model.resolve_options({})), Path(folder))
        loaded = tf.saved_model.load(folder)
        photo = loaded.colorize(tf.constant(rgb[None]))["colorized"]
        ab = loaded.predict_ab(tf.constant(lightness))["ab"]
        return {"photo": photo.numpy()[0], "ab": ab.numpy()}


def train(name: str) -> tuple[Any, dict[str, Any]]:
    """Train the smallest preset for a few rounds: the model, and how it went."""
    model = zoo.create_model(name, registry.entry(name).preset_or_only("tiny"), seed=0)
    history = model.fit(
        zoo.sample_photos("train"),
        zoo.sample_photos("val"),
        budget=zoo.Budget(photos_seen=BUDGET),
        precision="float32",
    )
    return model, {
        "best_round": history.details.get("best_round"),
        "best_score": history.details.get("best_score"),
        "photos_seen": history.photos_seen,
        "last_values": {name: curve[-1] for name, curve in history.curves.items()},
    }


def variables(model: Any) -> dict[str, np.ndarray]:
    """Every weight by its name, which is its key in stored weights."""
    return {name: np.array(keras.ops.convert_to_numpy(v)) for name, v in model.variables().items()}


def set_variables(model: Any, values: dict[str, np.ndarray]) -> None:
    """Give a model other weights, by the names that `variables` has."""
    model.assign(values)


def backend() -> str:
    """The backend that computes."""
    return keras.backend.backend()

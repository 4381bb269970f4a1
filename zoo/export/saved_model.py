"""SavedModel: what `tf.saved_model.load`, `tensorflow_hub.load` and TF Serving take."""

from collections.abc import Callable
from pathlib import Path

import tensorflow as tf

from zoo.export.encoded import colorize_encoded
from zoo.export.graph import TEMPERATURE, Graph


def write(graph: Graph, folder: Path) -> None:
    """Write the functions of a graph, each one as a signature and as an attribute.

    The temperature is an input with a default: TF Serving takes it from the signature, Python from
    the attribute (signatures that are called from Python want all of their inputs).

    Args:
        graph: of photos of any size.
        folder: the SavedModel's.
    """
    photos = tf.TensorSpec((None, None, None, None), tf.uint8, "photos")
    heat = [] if graph.temperature is None else [tf.TensorSpec((), tf.float32, TEMPERATURE)]
    # Traced once, for the two functions that it is a part of.
    photo = tf.function(
        lambda *inputs: graph.photo(*inputs, striped=True),
        input_signature=[photos, *heat],
        autograph=False,
    )

    def colorize(photos: tf.Tensor, *heat: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"colorized": photo(photos, *heat)}

    def colorize_files(files: tf.Tensor, *heat: tf.Tensor) -> dict[str, tf.Tensor]:
        # TF Serving hands strings over as base64 if their name ends in this way.
        return {"colorized_bytes": colorize_encoded(files, lambda rgb: photo(rgb, *heat))}

    def predict_ab(lightness: tf.Tensor, *heat: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"ab": graph.chroma(lightness, *heat)}

    files = tf.TensorSpec((None,), tf.string, "photo_bytes")
    lightness = tf.TensorSpec((None, None, None, 1), tf.float32, "lightness")
    module, default = tf.Module(), graph.temperature
    module.colorize = _function(colorize, [photos, *heat], default)
    module.colorize_encoded = _function(colorize_files, [files, *heat], default)
    module.predict_ab = _function(predict_ab, [lightness, *heat], default)
    signatures = {
        "serving_default": module.colorize,
        "colorize_encoded": module.colorize_encoded,
        "predict_ab": module.predict_ab,
    }
    tf.saved_model.save(module, str(folder), signatures=signatures)


def _function(
    action: Callable[..., dict[str, tf.Tensor]],
    specs: list[tf.TensorSpec],
    temperature: float | None,
) -> Callable[..., dict[str, tf.Tensor]]:
    """A function of one input and, where there is one, of the temperature."""
    if temperature is None:
        return tf.function(lambda given: action(given), input_signature=specs, autograph=False)
    default = tf.constant(temperature, tf.float32)

    def with_temperature(given: tf.Tensor, temperature: tf.Tensor = default) -> dict:
        return action(given, temperature)

    return tf.function(with_temperature, input_signature=specs, autograph=False)

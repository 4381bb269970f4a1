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
    module = tf.Module()
    module.colorize = _function(
        lambda photos, heat: {"colorized": graph.photo(photos, heat, striped=True)},
        tf.TensorSpec((None, None, None, None), tf.uint8, "photos"),
        graph.temperature,
    )
    module.colorize_encoded = _function(
        lambda files, heat: {
            # TF Serving hands strings over as base64 if their name ends in this way.
            "colorized_bytes": colorize_encoded(
                files, lambda photo: graph.photo(photo, heat, striped=True)
            )
        },
        tf.TensorSpec((None,), tf.string, "photo_bytes"),
        graph.temperature,
    )
    module.predict_ab = _function(
        lambda lightness, heat: {"ab": graph.chroma(lightness, heat)},
        tf.TensorSpec((None, None, None, 1), tf.float32, "lightness"),
        graph.temperature,
    )
    signatures = {
        "serving_default": module.colorize,
        "colorize_encoded": module.colorize_encoded,
        "predict_ab": module.predict_ab,
    }
    tf.saved_model.save(module, str(folder), signatures=signatures)


def _function(
    action: Callable[[tf.Tensor, tf.Tensor | None], dict[str, tf.Tensor]],
    spec: tf.TensorSpec,
    temperature: float | None,
) -> Callable[..., dict[str, tf.Tensor]]:
    """A function of one input and, where there is one, of the temperature."""
    if temperature is None:
        return tf.function(
            lambda given: action(given, None), input_signature=[spec], autograph=False
        )
    default = tf.constant(temperature, tf.float32)

    def with_temperature(given: tf.Tensor, temperature: tf.Tensor = default) -> dict:
        return action(given, temperature)

    heat = tf.TensorSpec((), tf.float32, TEMPERATURE)
    return tf.function(with_temperature, input_signature=[spec, heat], autograph=False)

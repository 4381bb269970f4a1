"""SavedModel: what `tf.saved_model.load`, `tensorflow_hub.load` and TF Serving take."""

from pathlib import Path

import tensorflow as tf

from zoo.export.encoded import colorize_encoded
from zoo.export.graph import Graph
from zoo.export.signatures import (
    COLORIZE,
    COLORIZE_ENCODED,
    PREDICT_AB,
    SERVING_DEFAULT,
    functions,
    option_specs,
)


def write(graph: Graph, folder: Path) -> None:
    """Write the functions of a graph, each one as a signature and as an attribute.

    Options that are left out have the value of the export: TF Serving finds it in the signature,
    Python in the attribute (signatures that are called from Python want all of their inputs).
    """
    photos = tf.TensorSpec((None, None, None, None), tf.uint8, COLORIZE.takes)
    files = tf.TensorSpec((None,), tf.string, COLORIZE_ENCODED.takes)
    lightness = tf.TensorSpec((None, None, None, 1), tf.float32, PREDICT_AB.takes)
    # Traced once, for all the functions that it is a part of.
    photo = tf.function(
        lambda *inputs: graph.photo(*inputs, striped=True),
        input_signature=[photos, *option_specs(graph.options)],
        autograph=False,
    )

    def encoded(data: tf.Tensor, *options: tf.Tensor) -> tf.Tensor:
        return colorize_encoded(data, lambda rgb: photo(rgb, *options))

    attributes = (
        functions(COLORIZE, photos, photo, graph.options)
        | functions(COLORIZE_ENCODED, files, encoded, graph.options)
        | functions(PREDICT_AB, lightness, graph.ab, graph.options)
    )
    module = tf.Module()
    for name, function in attributes.items():
        setattr(module, name, function)
    signatures = {SERVING_DEFAULT: attributes.pop(COLORIZE.name), **attributes}
    tf.saved_model.save(module, str(folder), signatures=signatures)

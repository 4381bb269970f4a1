"""The graph of a model: stripes, folded normalization, halved weights, inputs."""

import numpy as np
import tensorflow as tf

import zoo
from predictions import off
from zoo import conformance
from zoo.export.graph import Graph, halves_well


def test_stripes_change_nothing(model, photos, monkeypatch):
    values = model.resolve_options({"render_factor": 2})
    for pixels in (1, 200):  # a row at a time, and a few
        monkeypatch.setattr("zoo.export.graph._STRIPE_PIXELS", pixels)
        graph = Graph(model, values)
        striped = tf.function(lambda *a, graph=graph: graph.photo(*a, striped=True))
        found = striped(tf.constant(photos), tf.constant(0.38))
        assert off(found, model.colorize_batch(photos, render_factor=2)) <= 1


def test_normalization_becomes_a_part_of_the_convolutions(photos):
    """And the model is left as it was."""
    model = conformance.shaken(zoo.create_model("gan:tiny"))
    before = model.colorize_batch(photos, render_factor=2)
    graph = Graph(model, model.resolve_options({"render_factor": 2}))
    operations = {node.op for node in graph._ab.graph.as_graph_def().node}
    assert "Conv2D" in operations
    assert "Rsqrt" not in operations
    np.testing.assert_array_equal(model.colorize_batch(photos, render_factor=2), before)


def test_half_weights_are_half_as_large(tmp_path, photos):
    model = conformance.shaken(zoo.create_model("mse_regression:tiny", width=16))
    sizes = {}
    for half in (False, True):
        graph = Graph(model, model.resolve_options({"render_factor": 2}), half=half)
        nodes = graph._ab.graph.as_graph_def().node
        sizes[half] = sum(node.ByteSize() for node in nodes if node.op == "Const")
        found = graph.photo(tf.constant(photos), striped=False)
        expected = model.colorize_batch(photos, render_factor=2)
        assert np.abs(np.asarray(found).astype(int) - expected).mean() < (0.5 if half else 0.01)
    assert sizes[True] < 0.6 * sizes[False]


def test_only_what_stays_finite_is_halved():
    weights = np.full(1024, 65504, "float32")
    assert halves_well(weights)
    assert not halves_well(weights[:1023])  # no space is saved
    for wrong in (65536, -65536, np.inf, np.nan):
        weights[-1] = wrong
        assert not halves_well(weights)

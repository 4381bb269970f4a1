"""The compact models in PyTorch are those of the zoo, and their steps are compared."""

import time

import numpy as np
import pytest
from conftest import eagerly
from keras import ops

from benchmarks.speed import training
from zoo.registry import create_model, entry, list_models

#: Without dropout, whose random numbers differ.
SMALL = {"train_size": 32, "batch_size": 2, "dropout": 0.0}


def test_every_compact_model_around_an_encoder_has_a_row():
    presets = {name: entry(name).load().PRESETS.get("compact") for name in list_models()}
    encoded = {
        name for name, preset in presets.items() if preset and getattr(preset.config, "encoder", "")
    }
    assert encoded == set(training.MODELS)


@pytest.mark.parametrize("name", training.MODELS)
def test_parameters_outputs_and_losses_are_equal(name):
    torch = pytest.importorskip("torch")
    # The features of nogan's loss need 32 px of the generator's output.
    model = create_model(name, "compact", **SMALL | {"train_size": 128 if name == "nogan" else 32})
    ours = model.networks["colorizer"]
    batch = training.batch_of(model)
    step, given = training.torch_step(model, batch, "channels_last")
    theirs = training.torch_network(model)
    assert sum(one.numel() for one in theirs.parameters()) + sum(
        one.numel() for key, one in theirs.state_dict().items() if "running" in key
    ) == sum(int(np.prod(one.shape)) for one in ours.weights)
    learning = sum(one.numel() for one in theirs.parameters() if one.requires_grad)
    assert learning == sum(int(np.prod(one.shape)) for one in ours.trainable_weights)
    tensors = {name: ops.convert_to_tensor(values) for name, values in batch.items()}
    expected = np.array(ours(model.network_input(tensors), training=False))
    with torch.inference_mode():
        found = theirs.eval()(given.seen, given.beside).permute(0, 2, 3, 1).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-3 * np.abs(expected).max())
    task = training.task_of(model)
    loss = task.step_loss(tensors, task(tensors, training=True), training=True)
    assert step(given) == pytest.approx(float(ops.convert_to_numpy(loss)), rel=2e-3)


def test_a_step_is_compared_with_pytorch():
    pytest.importorskip("torch")
    with eagerly():
        row = training.step_row("mse_regression", time.monotonic(), repetitions=1, **SMALL)
    assert row.title == "training step of mse_regression:compact, 32 px, 2 at once"
    assert row.higher_is_better
    assert row.ratio == pytest.approx(row.ours.median / row.alternative.median)
    assert row.alternative.name.startswith("PyTorch, c")


def test_without_pytorch_one_sentence_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr("benchmarks.speed.training.find_spec", lambda name: None)
    assert training.main([]) == 2
    assert capsys.readouterr().err == "This needs PyTorch; run `pip install torch`.\n"

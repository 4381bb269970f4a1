"""The authors' PyTorch weights become a model that computes the same; nothing else is accepted."""

import sys

import numpy as np
import pytest

import zoo
from zoo.cli import main
from zoo.errors import ZooError
from zoo.models.guided.hinted_weights import FILE_NAME, convert

# The published network, layer by layer: place of each convolution in its block, and widths.
_BLOCKS = {
    1: (1, (0, 2)),
    2: (2, (0, 2)),
    3: (4, (0, 2, 4)),
    **dict.fromkeys((4, 5, 6, 7), (8, (0, 2, 4))),
    8: (4, (1, 3)),
    9: (2, (1,)),
    10: (2, (1,)),
}


def state_dict(width):
    """Random arrays with the names and shapes of the authors' network, but narrower."""
    shapes = {}

    def layer(name, inner, outer, side=3, transposed=False):
        shapes[f"{name}.weight"] = (
            (inner, outer, side, side) if transposed else (outer, inner, side, side)
        )
        shapes[f"{name}.bias"] = (outer,)

    before = 4
    for block, (factor, places) in _BLOCKS.items():
        after = factor * width
        if block >= 8:
            short = 11 - block
            layer(f"model{block}up.0", before, after, 4, transposed=True)
            layer(f"model{short}short{block}.0", _BLOCKS[short][0] * width, after)
            before = after
        for place in places:
            layer(f"model{block}.{place}", before, after)
            before = after
        if block < 10:
            norm = f"model{block}.{places[-1] + 2}"
            for part in ("weight", "bias", "running_mean", "running_var"):
                shapes[f"{norm}.{part}"] = (after,)
            shapes[f"{norm}.num_batches_tracked"] = ()
    layer("model_class.0", 4 * width, 529, 1)
    layer("model_out.0", 2 * width, 2, 1)
    generator = np.random.default_rng(0)
    return {name: _random(generator, name, shape) for name, shape in shapes.items()}


def _random(generator, name, shape):
    """Values that keep the activations on the scale of 1."""
    if name.endswith("running_var"):
        return generator.uniform(0.5, 2, shape).astype("float32")
    if len(shape) == 4:
        inputs = shape[0] * 4 if "up." in name else np.prod(shape[1:])
        return generator.normal(0, np.sqrt(2 / inputs), shape).astype("float32")
    return generator.normal(0.3, 0.2, shape).astype("float32")


def torch_answers(state, lightness, said, mask_center):
    """The authors' network in PyTorch's own functions."""
    import torch
    from torch.nn import functional

    weights = {name: torch.from_numpy(np.asarray(array)) for name, array in state.items()}

    def conv(x, name, dilation=1):
        kernel, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
        return functional.conv2d(x, kernel, bias, 1, dilation * (kernel.shape[2] // 2), dilation)

    def norm(x, name):
        parts = ("running_mean", "running_var", "weight", "bias")
        return functional.batch_norm(x, *(weights[f"{name}.{one}"] for one in parts))

    def block(x, number):
        places = _BLOCKS[number][1]
        x = functional.relu(x) if number >= 8 else x
        for place in places:
            x = conv(x, f"model{number}.{place}", 2 if number in (5, 6) else 1)
            x = functional.leaky_relu(x, 0.2) if number == 10 else functional.relu(x)
        return x if number == 10 else norm(x, f"model{number}.{places[-1] + 2}")

    seen = np.concatenate([(lightness - 50) / 100, said[..., :2], said[..., 2:] - mask_center], -1)
    found = {1: block(torch.from_numpy(seen).permute(0, 3, 1, 2).float(), 1)}
    for number in range(2, 8):
        x = found[number - 1]
        found[number] = block(x[:, :, ::2, ::2] if number <= 4 else x, number)
    for number in (8, 9, 10):
        name = f"model{number}up.0"
        grown = functional.conv_transpose2d(
            found[number - 1], weights[f"{name}.weight"], weights[f"{name}.bias"], 2, 1
        )
        short = conv(found[11 - number], f"model{11 - number}short{number}.0")
        found[number] = block(grown + short, number)
    logits = conv(found[8], "model_class.0")
    ab = 110 * torch.tanh(conv(found[10], "model_out.0"))
    return [one.permute(0, 2, 3, 1).numpy() for one in (logits, ab)]


@pytest.mark.parametrize("mask_center", [0.0, 0.5])
def test_the_converted_network_computes_the_same(mask_center):
    pytest.importorskip("torch")
    state, generator = state_dict(width=8), np.random.default_rng(1)
    model = convert(state, mask_center=mask_center, width=8)
    lightness = generator.uniform(0, 100, (1, 32, 48, 1)).astype("float32")
    said = generator.uniform(0, 1, (1, 32, 48, 3)).astype("float32")
    logits, ab = torch_answers(state, lightness, said, mask_center)
    prediction = model.predict({"lightness": lightness, "hints": said})
    assert 0.1 < logits.std() < 10
    assert 1 < np.abs(ab).mean() < 109
    np.testing.assert_allclose(np.array(prediction.logits), logits, atol=1e-3)
    np.testing.assert_allclose(np.array(prediction.ab), ab, atol=0.02)
    np.testing.assert_array_equal(
        model.bins.centers[[0, 22, 23]], [[-110, -110], [-110, 110], [-100, -110]]
    )


def test_the_published_file_is_imported_with_its_mask_not_centered(tmp_path, monkeypatch, capsys):
    torch = pytest.importorskip("torch")
    file, out = tmp_path / "published.pth", tmp_path / "run"
    state = state_dict(width=64)
    torch.save({name: torch.from_numpy(np.asarray(a)) for name, a in state.items()}, file)
    monkeypatch.setattr(sys, "argv", ["zoo", "import-weights", "hinted", str(file), "--out", out])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code, capsys.readouterr().err
    model = zoo.load_model(out)
    assert (model.name, model.preset, model.config.mask_center) == ("hinted", "paper", 0.0)
    assert model.defaults["render_factor"] == 16
    assert model.card.origin.file == "published.pth"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda state: state.pop("model3short8.0.bias"), r"lacks model3short8\.0\.bias"),
        (lambda state: state.update(extra=np.zeros(1)), "has extra too many"),
        (lambda state: state["model1.0.weight"].fill(np.nan), r"model1\.0\.weight holds NaN"),
        (lambda state: state.update({"model_out.0.bias": np.zeros(3)}), r"has the shape \(3,\)"),
    ],
)
def test_other_weights_are_refused_in_one_sentence(change, words):
    state = state_dict(width=4)
    change(state)
    with pytest.raises(ZooError, match=words) as refused:
        convert(state, width=4)
    assert FILE_NAME in str(refused.value) or "get the file again" in str(refused.value)

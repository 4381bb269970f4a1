"""The authors' PyTorch weights become a model that computes the same; nothing else is accepted."""

import os
import pickle
import sys
from dataclasses import asdict

import numpy as np
import pytest

import zoo
from zoo.cli import main
from zoo.cli.tables import card_tables
from zoo.errors import ZooError
from zoo.files import sha256_of_file
from zoo.models.classification.zhang_weights import FILE_NAME, convert, import_weights
from zoo.networks.state_dict import read_state_dict

# Convolutions of each block by their place in it, and the place of the normalization after them.
_PLACES = {1: (0, 2), 2: (0, 2), **dict.fromkeys(range(3, 8), (0, 2, 4))}
_FACTORS = {1: 1, 2: 2, 3: 4, 4: 8, 5: 8, 6: 8, 7: 8}


def state_dict(width: int) -> dict[str, np.ndarray]:
    """Random arrays with the names and shapes of the authors' network, but narrower."""
    shapes: dict[str, tuple[int, ...]] = {}
    before = 1
    for block, places in _PLACES.items():
        after = width * _FACTORS[block]
        for place in places:
            shapes |= conv_shapes(f"model{block}.{place}", (after, before, 3, 3), after)
            before = after
        norm = f"model{block}.{places[-1] + 2}"
        for part in ("weight", "bias", "running_mean", "running_var"):
            shapes[f"{norm}.{part}"] = (after,)
        shapes[f"{norm}.num_batches_tracked"] = ()
    after = width * 4
    shapes |= conv_shapes("model8.0", (before, after, 4, 4), after)
    shapes |= conv_shapes("model8.2", (after, after, 3, 3), after)
    shapes |= conv_shapes("model8.4", (after, after, 3, 3), after)
    shapes |= conv_shapes("model8.6", (313, after, 1, 1), 313)
    shapes["model_out.weight"] = (2, 313, 1, 1)
    rng = np.random.default_rng(0)
    return {name: random_array(rng, name, shape) for name, shape in shapes.items()}


def conv_shapes(name: str, kernel: tuple[int, ...], outputs: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": kernel, f"{name}.bias": (outputs,)}


def random_array(rng: np.random.Generator, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Values that keep the activations, and so the logits, on the scale of 1."""
    if name.endswith("running_var"):
        return rng.uniform(0.5, 2.0, shape).astype("float32")
    if len(shape) == 4:
        inputs = shape[0] * 4 if name == "model8.0.weight" else np.prod(shape[1:])
        return rng.normal(0.0, np.sqrt(2.0 / inputs), shape).astype("float32")
    middle = 1.0 if shape and name.split(".")[1] in ("4", "6") and ".weight" in name else 0.0
    return (middle + rng.normal(0.0, 0.2, shape)).astype("float32")


def torch_logits(state: dict[str, np.ndarray], lightness: np.ndarray) -> np.ndarray:
    """The authors' network in PyTorch's own functions: (N, H, W, 1) L -> (N, H/4, W/4, 313)."""
    import torch
    from torch.nn import functional

    weights = {name: torch.from_numpy(np.asarray(array)) for name, array in state.items()}

    def of(name: str, *parts: str) -> list[torch.Tensor]:
        return [weights[f"{name}.{part}"] for part in parts]

    def conv(x: torch.Tensor, name: str, stride: int = 1, dilation: int = 1) -> torch.Tensor:
        kernel, bias = of(name, "weight", "bias")
        padding = dilation * (kernel.shape[2] // 2)
        return functional.conv2d(x, kernel, bias, stride, padding, dilation)

    x = (torch.from_numpy(lightness).permute(0, 3, 1, 2) - 50) / 100
    for block, places in _PLACES.items():
        for place in places:
            stride = 2 if block <= 3 and place == places[-1] else 1
            dilation = 2 if block in (5, 6) else 1
            x = functional.relu(conv(x, f"model{block}.{place}", stride, dilation))
        norm = of(f"model{block}.{places[-1] + 2}", "running_mean", "running_var", "weight", "bias")
        x = functional.batch_norm(x, *norm, training=False, eps=1e-5)
    x = functional.conv_transpose2d(x, *of("model8.0", "weight", "bias"), stride=2, padding=1)
    for place in (2, 4, 6):
        x = conv(functional.relu(x), f"model8.{place}")
    return x.permute(0, 2, 3, 1).numpy()


@pytest.fixture(scope="module")
def state() -> dict[str, np.ndarray]:
    return state_dict(width=4)


# ------------------------------------------------------------------ what comes out


def test_the_published_file_becomes_a_model_that_computes_the_same(tmp_path, monkeypatch, capsys):
    torch = pytest.importorskip("torch")
    state = state_dict(width=64)
    file = tmp_path / "published.pth"
    torch.save({name: torch.from_numpy(np.asarray(a)) for name, a in state.items()}, file)
    out = tmp_path / "run"
    monkeypatch.setattr(sys, "argv", ["zoo", "import-weights", "zhang", str(file), "--out", out])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code, capsys.readouterr().err
    assert f"zoo colorize PHOTO --model {out}" in capsys.readouterr().out

    model = zoo.load_model(out)
    assert (model.name, model.preset) == ("zhang", "paper")
    lightness = np.random.default_rng(1).uniform(0, 100, (1, 64, 96, 1)).astype("float32")
    expected = torch_logits(state, lightness)
    prediction = model.predict({"lightness": lightness})
    logits = prediction.logits
    assert expected.shape == logits.shape == (1, 16, 24, 313)
    assert 0.3 < expected.std() < 3.0
    np.testing.assert_allclose(np.array(logits), expected, atol=1e-4)

    centers = 110 * state["model_out.weight"][:, :, 0, 0].T
    np.testing.assert_allclose(model.bins.centers, centers, rtol=1e-6)
    # The colors are those of the authors' program: the plain mean over their bins.
    shares = np.exp(expected - expected.max(-1, keepdims=True))
    mean = (shares / shares.sum(-1, keepdims=True)) @ centers
    ab = np.array(model.colors(prediction, model.defaults["temperature"]))
    np.testing.assert_allclose(ab, mean, atol=0.05)
    assert model.defaults == {"render_factor": 16, "temperature": 1.0}
    origin = {"file": "published.pth", "sha256": sha256_of_file(file)}
    assert asdict(model.card.origin) == origin
    (table,) = card_tables(model.card)
    facts, shown = (set(column.cells) for column in table.columns)
    assert shown >= set(origin.values())
    assert "trained on" not in facts


def test_the_bins_are_in_step_and_the_transposed_kernel_is_not_mixed_up(state):
    model = convert(state, width=4)
    centers = 110 * state["model_out.weight"][:, :, 0, 0].T
    np.testing.assert_allclose(model.bins.centers, centers, rtol=1e-6)
    variables = model.variables()
    kernel = variables["colorizer/conv8_1/kernel"]
    assert kernel[1, 2, 3, 5] == state["model8.0.weight"][5, 3, 1, 2]
    kernel = variables["colorizer/conv3_2/kernel"]
    assert kernel[1, 2, 3, 5] == state["model3.2.weight"][5, 3, 1, 2]
    variance = variables["colorizer/norm2/moving_variance"]
    np.testing.assert_array_equal(variance, state["model2.4.running_var"])


def test_steps_of_the_normalization_are_not_needed(state):
    without = {name: array for name, array in state.items() if "num_batches" not in name}
    assert len(without) == len(state) - 7
    convert(without, width=4)


# ------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model8.6.weight": None}, ["lacks model8.6.weight;"]),
        ({"model1.4.running_var": None, "extra": 1.0}, ["running_var, and has extra too many"]),
        ({"model5.0.bias": np.zeros(9)}, ["model5.0.bias has the shape (9,)", "(32,)"]),
        ({"model8.0.weight": np.zeros((16, 32, 4, 4))}, ["model8.0.weight", "(32, 16, 4, 4)"]),
        ({"model_out.weight": np.zeros((313, 2))}, ["model_out.weight", "(2, 313, 1, 1)"]),
        ({"model2.4.weight": np.full(8, np.nan)}, ["model2.4.weight", "NaN"]),
    ],
)
def test_other_weights_are_refused_in_one_sentence(state, change, words):
    changed = {name: array for name, array in (state | change).items() if array is not None}
    with pytest.raises(ZooError) as error:
        convert(changed, width=4)
    for word in words:
        assert word in str(error.value)
    assert str(error.value).endswith(".pth.") or "NaN" in words


def test_many_missing_names_are_counted(state):
    with pytest.raises(ZooError, match=r"model1.4.bias and 70 more, and has nothing too"):
        convert({"nothing": np.zeros(1)}, width=4)


class _Mischief:
    def __init__(self, target: str) -> None:
        self.target = target

    def __reduce__(self):
        return os.mkdir, (self.target,)


@pytest.mark.parametrize("zipped", [True, False])
def test_code_in_the_file_is_refused_and_not_executed(tmp_path, zipped):
    torch = pytest.importorskip("torch")
    made = tmp_path / "made"
    content = {"model1.0.weight": torch.zeros(1), "other": _Mischief(str(made))}
    file = tmp_path / "bad.pth"
    torch.save(content, file, _use_new_zipfile_serialization=zipped)
    with pytest.raises(ZooError, match=r"bad.pth holds code .* not executed"):
        read_state_dict(file, FILE_NAME)
    assert not made.exists()
    # It would have done harm: the same file, read in the way that trusts it.
    torch.load(file, weights_only=False)
    assert made.exists()


def test_a_plain_pickle_with_code_is_refused_and_not_executed(tmp_path):
    pytest.importorskip("torch")
    made = tmp_path / "made"
    file = tmp_path / "bad.pth"
    file.write_bytes(pickle.dumps(_Mischief(str(made))))
    with pytest.raises(ZooError, match=r"bad\.pth"):
        read_state_dict(file, FILE_NAME)
    assert not made.exists()


def test_damaged_and_other_files_are_refused(tmp_path, state):
    torch = pytest.importorskip("torch")
    whole = tmp_path / "whole.pth"
    torch.save({"weight": torch.ones(1000)}, whole)
    assert read_state_dict(whole, FILE_NAME)["weight"].shape == (1000,)
    files = {
        "truncated.pth": whole.read_bytes()[:2000],
        "empty.pth": b"",
        "text.pth": b"<html>not found</html>",
        "number.pth": pickle.dumps(5),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    torch.save({"state_dict": {"weight": torch.ones(2)}}, tmp_path / "nested.pth")
    torch.save([torch.ones(2)], tmp_path / "list.pth")
    for name in [*files, "nested.pth", "list.pth"]:
        with pytest.raises(ZooError, match=rf"{name} is no PyTorch file of weights") as error:
            import_weights(tmp_path / name)
        assert str(error.value).endswith(".")
    with pytest.raises(ZooError, match=r"no file .*none\.pth"):
        import_weights(tmp_path / "none.pth")


def call(monkeypatch, capsys, *arguments) -> tuple[int, str]:
    monkeypatch.setattr(sys, "argv", ["zoo", "import-weights", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code, capsys.readouterr().err


def test_the_command_refuses_other_models_and_a_folder_in_use(tmp_path, monkeypatch, capsys):
    out = tmp_path / "run"
    status, error = call(monkeypatch, capsys, "colorunet", tmp_path / "a.pth", "--out", out)
    assert (status, error.count("\n")) == (2, 1)
    assert "'colorunet'" in error
    assert "choose from: zhang, hinted." in error
    assert not out.exists()
    zoo.create_model("gray").save(out)
    before = sha256_of_file(out / "card.json")
    status, error = call(monkeypatch, capsys, "zhang", tmp_path / "a.pth", "--out", out)
    assert (status, error.count("\n")) == (2, 1)
    assert "holds a trained model already" in error
    assert sha256_of_file(out / "card.json") == before

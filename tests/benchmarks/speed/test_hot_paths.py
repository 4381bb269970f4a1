import json
import os
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny_runs import make_photos

from benchmarks.harness.memory import peak_memory
from benchmarks.speed import against_torch, hot_paths, patches, timing
from benchmarks.speed.limited import TimeShares
from benchmarks.speed.timing import Measurement, Row
from zoo.errors import ZooError
from zoo.photos.loader import PhotoLoader
from zoo.photos.photoset import PhotoSet

ROW = Row(
    "loading [warm]",
    "photos/s",
    True,
    Measurement("ours", 6000.0, 5000.0, 7000.0),
    Measurement("theirs", 600.0, 500.0, 700.0),
)


def test_table_and_json_say_the_same(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(hot_paths, "measure", lambda folder: [ROW])
    assert hot_paths.main(["--json", str(tmp_path / "speed.json")]) == 0
    (row,) = json.loads((tmp_path / "speed.json").read_text())["rows"]
    assert row["ratio"] == 10
    assert row["ours"]["median"] == 6000
    printed = capsys.readouterr().out
    assert "10.00" in printed
    assert "6,000" in printed


def test_mistakes_get_one_sentence(capsys):
    assert hot_paths.main(["--photos", "no/such/folder"]) == 2
    assert "does not exist" in capsys.readouterr().err


def test_repetitions_are_timed_after_a_warm_up(monkeypatch):
    calls, clock = [], iter([0, 1, 10, 12, 20, 24])
    monkeypatch.setattr(timing.time, "perf_counter", lambda: next(clock))
    taken = timing.measure_seconds("nothing", lambda: calls.append(1), repetitions=3)
    assert len(calls) == 2 + 3
    assert taken == Measurement("nothing", 2, 1, 4, repetitions=3)


def test_rates_are_of_the_median_the_slowest_and_the_fastest(monkeypatch):
    taken = Measurement("reading", 2.0, 1.0, 4.0, repetitions=5)
    monkeypatch.setattr(timing, "measure_seconds", lambda name, action: taken)
    assert timing.measure_rate("reading", 8, None) == Measurement("reading", 4.0, 2.0, 8.0, 5)


def test_the_plain_loop_makes_what_the_loader_makes(tmp_path):
    make_photos(tmp_path / "photos", ["a.png", "b.png", "c.png"], seed=5)
    for path in (tmp_path / "photos").iterdir():
        Image.open(path).resize((130, 120)).save(path)
    photos = PhotoSet.from_folder(tmp_path / "photos")
    plain = hot_paths._plain_batch(photos, 0)
    loader = PhotoLoader(photos, hot_paths._SIZE, hot_paths._BATCH, steps=1, cache_dir=tmp_path)
    assert plain.shape == loader.batch(0).shape
    assert plain.dtype == np.uint8


def test_without_pytorch_one_sentence_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr(against_torch, "find_spec", lambda name: None)
    assert hot_paths.main(["--against", "torch"]) == 2
    captured = capsys.readouterr()
    assert captured.err == "--against torch needs PyTorch; run `pip install torch`.\n"
    assert not captured.out


def test_networks_and_steps_are_compared_with_pytorch():
    pytest.importorskip("torch")
    shares = TimeShares(time.monotonic() + 60, 8)
    small = {"side": 16, "batches": (1, 2), "width": 4}
    rows = [
        *against_torch.forward_rows(shares, "float32", **small, repetitions=8),
        *against_torch.int8_rows(shares, **small, repetitions=8),
        *against_torch.step_rows(shares, **small, depth=4),
        *against_torch.forward_rows(shares, "bfloat16", **small, repetitions=8),
    ]
    assert len(rows) == against_torch.ROWS
    assert [row.title.split(", ", 1)[1] for row in rows] == [
        "16 px, 1 at once, float32",
        "16 px, 2 at once, float32",
        "16 px, 1 at once, int8",
        "16 px, 2 at once, int8",
        "16 px, 1 at once, float32",
        "16 px, 2 at once, float32",
        "16 px, 1 at once, bfloat16",
        "16 px, 2 at once, bfloat16",
    ]
    assert not any(row.higher_is_better for row in rows)
    assert all(row.ours.name.startswith("zoo") for row in rows)
    assert all(row.alternative.name.startswith("PyTorch, c") for row in rows)


def test_the_adversarial_nets_in_pytorch_are_those_of_the_zoo():
    """In parameters, and in what both nets answer with equal weights."""
    torch = pytest.importorskip("torch")
    from benchmarks.speed.peers.pix2pix import Discriminator, Generator
    from zoo.registry import create_model

    model = create_model("gan:paper", width=4, depth=4, patch_width=4)
    theirs = {"colorizer": Generator(4, 4).eval(), "discriminator": Discriminator(2, 4).eval()}
    for name, net in theirs.items():
        ours = model.networks[name]
        count = sum(int(np.prod(variable.shape)) for variable in ours.trainable_variables)
        assert count == sum(parameter.numel() for parameter in net.parameters())
        convolutions = [layer for layer in net.modules() if hasattr(layer, "stride")]
        kernels = [layer for layer in ours.layers if hasattr(layer, "kernel")]
        assert len(convolutions) == len(kernels)
        for layer, convolution in zip(kernels, convolutions, strict=True):
            kernel = torch.tensor(np.array(layer.kernel))
            convolution.weight.data = kernel.permute(3, 2, 0, 1).contiguous()
            if convolution.bias is not None:
                convolution.bias.data.zero_()
    generator = np.random.default_rng(0)
    lightness = generator.uniform(-1, 1, (1, 32, 32, 1)).astype("float32")
    with torch.inference_mode():
        made = theirs["colorizer"](torch.from_numpy(lightness).permute(0, 3, 1, 2))
        pair = torch.cat([torch.from_numpy(lightness).permute(0, 3, 1, 2), made], dim=1)
        answers = theirs["discriminator"](pair).permute(0, 2, 3, 1).numpy()
    ours = np.array(model.networks["colorizer"]({"lightness": lightness}, training=False))
    np.testing.assert_allclose(made.permute(0, 2, 3, 1).numpy(), ours, atol=1e-5)
    pair = {"lightness": lightness, "ab": ours}
    judged = np.array(model.networks["discriminator"](pair, training=False))
    np.testing.assert_allclose(answers, judged, atol=1e-5)


def test_the_network_in_pytorch_is_that_of_the_zoo():
    torch = pytest.importorskip("torch")
    from benchmarks.speed.peers.zhang import ZhangNetwork
    from zoo.models.classification.zhang_weights import convert

    torch.manual_seed(0)
    theirs = ZhangNetwork().eval()
    for name, value in theirs.state_dict().items():
        if value.ndim == 4:
            torch.nn.init.kaiming_normal_(value)
        elif "running" in name:
            value.uniform_(0.5, 1.5)
    state = {name: value.numpy() for name, value in theirs.state_dict().items()}
    batch = np.random.default_rng(0).random((1, 24, 32, 1), "float32")
    with torch.inference_mode():
        expected = theirs(torch.from_numpy(batch).permute(0, 3, 1, 2)).permute(0, 2, 3, 1).numpy()
    given = convert(state).networks["colorizer"].predict_on_batch({"lightness": batch})
    assert given.shape == expected.shape == (1, 6, 8, 313)
    assert abs(given - expected).max() < 1e-4 * expected.std()


def test_times_are_taken_in_turn_and_a_photo(monkeypatch):
    calls, clock = [], iter(range(1000))
    monkeypatch.setattr(timing.time, "perf_counter", lambda: next(clock))
    first, second = timing.measure_in_turn(
        {"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, photos=4, repetitions=3
    )
    assert "".join(calls) == "ab" * 5
    assert first == Measurement("a", 0.25, 0.25, 0.25, repetitions=3)
    assert second.name == "b"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_peak_memory_is_in_megabytes():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    present = pages * os.sysconf("SC_PAGE_SIZE") / 1e6
    assert 0.9 * present <= peak_memory() <= 50 * present


def test_large_photos_have_the_size_they_are_named_for():
    for megapixels, (height, width) in timing.MEGAPIXELS.items():
        assert height * width == megapixels * 1e6


def test_soft_encoding_gives_what_scikit_learn_gives(monkeypatch):
    given = []

    def call(name, count, action):
        given.append([np.asarray(part) for part in action()])
        return Measurement.once(name, count)

    monkeypatch.setattr(hot_paths, "_BATCH", 1)
    monkeypatch.setattr(hot_paths, "measure_rate", call)
    row = hot_paths.soft_encoding_row()
    assert row.higher_is_better
    assert row.title == "soft-encoding over 5 of 313 bins"
    (ours, theirs) = (dense(*one) for one in given)
    np.testing.assert_allclose(ours, theirs, atol=1e-4)


def dense(indices, shares):
    """Each color's share of every bin."""
    found = np.zeros((len(indices), 313))
    np.put_along_axis(found, indices, shares, axis=1)
    return found


def test_training_steps_are_compared_in_processes_of_their_own(monkeypatch):
    called = []
    times = {"zhang": [(3.0, 30.0), (1.0, 50.0), (2.0, 40.0)], "mse_regression": [(1.0, 20.0)] * 3}

    def in_new_process(function, name):
        called.append(name)
        assert function is hot_paths._training_step
        return times[name][called.count(name) - 1]

    monkeypatch.setattr(hot_paths, "in_new_process", in_new_process)
    monkeypatch.setattr(hot_paths.sys, "platform", "linux")
    step, memory = hot_paths.training_step_rows()
    assert called == ["zhang", "mse_regression"] * 3
    assert (step.ours.median, step.ours.low, step.ours.high, step.ratio) == (2.0, 1.0, 3.0, 2.0)
    assert (memory.ours.median, memory.unit, memory.ratio) == (40.0, "MB", 2.0)


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("name", ["zhang", "mse_regression"])
def test_a_training_step_of_either_loss_trains(monkeypatch, name):
    losses = []

    def call(name, action, repetitions):
        losses.extend(action() for _ in range(3))
        return Measurement.once(name, repetitions)

    monkeypatch.setattr(hot_paths, "_SIZE", 32)
    monkeypatch.setattr("zoo.training.precision.fastest_precision", lambda: "float32")
    monkeypatch.setattr(hot_paths, "measure_seconds", call)
    seconds, growth = hot_paths._training_step(name)
    assert seconds == 20
    assert growth >= 0
    first, *_, last = np.array(losses).reshape(3, -1)[:, 0]
    assert 0 < last < first


def test_the_map_is_compared_with_minisom_and_k_means(tmp_path, monkeypatch):
    monkeypatch.setattr(patches, "_MAPS", (3,))
    make_photos(tmp_path / "photos", ["a.png", "b.png", "c.png"], seed=5)
    for path in (tmp_path / "photos").iterdir():
        Image.open(path).resize((130, 120)).save(path)
    photos = PhotoSet.from_folder(tmp_path / "photos")
    rows = patches.codebook_rows(photos, pixels=3000, passes=2)
    assert [row.alternative.name for row in rows[::2]] == ["MiniSom, 2 passes", "MiniBatchKMeans"]
    assert all(0 < row.ratio < 1.3 for row in rows[1::2])  # of the errors


def test_without_minisom_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setattr(patches, "find_spec", lambda name: None)
    with pytest.raises(ZooError, match="pip install minisom"):
        patches.codebook_rows(None)


def test_votes_are_compared_with_scikit_learn(monkeypatch):
    monkeypatch.setattr(timing, "in_new_process", lambda function, sizes: (1.0, 2.0))
    equally, everywhere, memory = patches.neighbor_rows(patches=300, side=32)
    assert equally.alternative.name == "scikit-learn"
    assert everywhere.alternative.name == "scikit-learn, every pixel"
    assert (memory.unit, memory.ratio) == ("MB", 2.0)

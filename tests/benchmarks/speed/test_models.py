"""The columns of speed: counted by hand, measured on the smallest models, shown by the report."""

import csv
import json
import shutil

import keras
import pytest
from tiny_runs import TINY

from benchmarks import run_all
from benchmarks.report.page import write_report
from benchmarks.speed import models as models_module
from benchmarks.speed.models import SIDE, multiply_adds


def test_multiply_adds_are_those_counted_by_hand():
    lightness = keras.Input((None, None, 1), name="lightness")
    other = keras.Input((5,), name="embedding")
    x = keras.layers.Conv2D(8, 3, strides=2, padding="same")(lightness)
    x = keras.layers.Conv2D(4, 3, padding="same", dilation_rate=2)(x)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.Conv2DTranspose(2, 4, strides=2, padding="same")(x)
    scale = keras.layers.Dense(2)(other)
    inputs = {"lightness": lightness, "embedding": other}
    network = keras.Model(inputs, keras.layers.Multiply()([x, scale]))
    half = (SIDE // 2) ** 2
    # Outputs times kernel times input channels; a transposed convolution's inputs times kernel
    # times output channels.
    by_hand = half * 9 * 1 * 8 + half * 9 * 8 * 4 + half * 16 * 4 * 2 + 5 * 2
    assert multiply_adds(network) == by_hand


def test_what_cannot_be_counted_is_not():
    from zoo.registry import create_model

    assert multiply_adds(None) == 0
    # It searches its table in a loop over parts of the photo.
    assert multiply_adds(create_model("knn_patches:tiny").networks["colorizer"]) is None


@pytest.fixture(scope="module")
def timed(finished, photos, tmp_path_factory):
    """A copy of the finished benchmark with its speed measured."""
    out = tmp_path_factory.mktemp("timed") / "out"
    shutil.copytree(finished, out)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(models_module, "BATCHES", (1, 2))
        patch.setattr(models_module, "SIDE", 64)
        arguments = [*TINY, *photos, "--out", str(out), "--resume", "--speed"]
        assert run_all.main(arguments) == 0
        # A second time finds everything measured.
        before = {path: path.stat().st_mtime_ns for path in (out / "speed").iterdir()}
        assert run_all.main(arguments) == 0
    assert before == {path: path.stat().st_mtime_ns for path in (out / "speed").iterdir()}
    return out


def test_every_model_is_timed(timed):
    results = [json.loads(path.read_text()) for path in (timed / "results").glob("*.json")]
    for result in results:
        speed = json.loads((timed / "speed" / f"{result['row_key']}.json").read_text())
        assert speed["deterministic"] is False
        for name in ("latency_seconds", "photos_per_second"):
            assert 0 < speed[name]["low"] <= speed[name]["median"] <= speed[name]["high"]
        # A photo takes at most its latency: the best batch is no worse than single photos.
        assert speed["photos_per_second"]["batch"] in (1, 2)
        folder = timed / "models" / result["key"]
        files = [folder / name for name in ("config.json", "weights.npz", "card.json")]
        assert speed["bytes_on_disk"] == sum(len(file.read_bytes()) for file in files)
        assert (timed / "environments" / f"{speed['environment']}.json").is_file()
    rates = {
        result["cell"]["model"]: json.loads(
            (timed / "speed" / f"{result['row_key']}.json").read_text()
        )["training_photos_per_second"]
        for result in results
    }
    assert rates["gray"] is None
    assert rates["mse_regression"]["low"] > 0


def test_the_report_shows_speed(timed, tmp_path):
    with (timed / "speed.csv").open(newline="") as file:
        rows = {row["title"]: row for row in csv.DictReader(file)}
    assert set(rows) == {"gray:default", "mean_color:default", "mse_regression:tiny"}
    assert rows["gray:default"]["multiply_adds"] == "0"
    assert int(rows["mse_regression:tiny"]["multiply_adds"]) > 10_000
    assert rows["gray:default"]["training_photos_per_second"] == ""
    table = (timed / "leaderboard.md").read_text().partition("## Speed")[2]
    assert table.count("\n| ") == 4
    page = (timed / "report.html").read_text()
    assert "<h2>Speed</h2>" in page
    assert page.count("against latency (ms); on the Pareto front") == 2
    copy = shutil.copytree(timed, tmp_path / "copy")
    shutil.rmtree(copy / "speed")
    write_report(copy)
    page = (copy / "report.html").read_text()
    assert "<h2>Speed</h2>" not in page
    assert "latency (ms)" not in page

import base64
import csv
import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import types
from dataclasses import asdict
from pathlib import Path

import dying_cells
import numpy as np
import pytest
from PIL import Image
from tiny_runs import ROOT, TINY, make_photos

from benchmarks import run_all
from benchmarks.harness import runs
from benchmarks.harness.photos import benchmark_photos
from benchmarks.harness.rows import chosen_rows
from zoo import executors
from zoo.models import MODELS, ModelEntry


def results_of(out):
    """The stored results by the model's name."""
    stored = [json.loads(path.read_text()) for path in (out / "results").glob("*.json")]
    return {result["cell"]["model"]: result for result in stored}


def scores_of(out, model="mse_regression"):
    return results_of(out)[model]["report"]["scores"]


@pytest.fixture
def register(monkeypatch):
    """Register a model for one test: its class, or an exception that its module raises."""

    def add(name, kind):
        module = types.ModuleType(f"zoo.models.{name}")
        module.Model = kind
        monkeypatch.setitem(sys.modules, f"zoo.models.{name}", module)
        line = ModelEntry(name, f"{name}:Model", "for a test", ("default",))
        monkeypatch.setitem(MODELS, name, line)

    return add


def model_that(error):
    """A class of models whose learning raises what `error()` returns, if anything."""
    from zoo.models.baselines import Gray

    class Faulty(Gray):
        def learn(self, train, validation, plan):
            problem = error()
            if problem is not None:
                raise problem
            return super().learn(train, validation, plan)

    return Faulty


def only(models, photos, out):
    return [*TINY, *photos, "--models", models, "--out", str(out)]


def test_every_cell_leaves_result_model_and_pictures(finished):
    results = results_of(finished)
    assert set(results) == {"gray", "mean_color", "mse_regression"}
    for result in results.values():
        key = result["key"]
        assert result["status"] == "ok"
        assert (finished / "results" / f"{key}.json").is_file()
        assert not (finished / "models" / key / "checkpoint.npz").exists()
        assert len(list((finished / "pictures" / key).iterdir())) == 3
        assert result["deterministic"] is True
        assert result["peak_memory_mb"] > 100
        assert result["seconds"]["all"] >= result["seconds"]["training"]
        stored = finished / "environments" / f"{result['environment']}.json"
        assert {"processor", "memory_gib", "keras", "git"} <= set(json.loads(stored.read_text()))
        assert "--budget 16" in result["command"]
    assert results["gray"]["cell"]["preset"] == "default"
    assert results["mse_regression"]["history"]["photos_seen"] == 16
    assert results["mse_regression"]["parameters"] > 1000


def test_saved_models_give_the_stored_scores(finished, photos):
    from zoo.evaluation.evaluate import evaluate
    from zoo.photos.photoset import PhotoSet
    from zoo.registry import load_model

    result = results_of(finished)["mse_regression"]
    model = load_model(finished / "models" / result["key"])
    report = evaluate(model, PhotoSet.from_folder(photos[3]), size=32)
    assert report.to_json()["scores"] == result["report"]["scores"]
    assert asdict(model.card.test_scores["test photos"])["summary"] == result["summary"]


def test_gray_photos_of_the_folder_teach_and_test_nothing(tmp_path):
    make_photos(tmp_path / "photos", [f"{number:02}.png" for number in range(40)], seed=5)
    for number in range(40):
        gray = np.random.default_rng(number).integers(0, 256, (6, 5), dtype=np.uint8)
        Image.fromarray(gray).save(tmp_path / "photos" / f"gray{number:02}.png")
    folder = str(tmp_path / "photos")
    division, _ = benchmark_photos([Path(folder)], None, trains=True, tell=print)
    parts = (division.train, division.validation or (), division.test)
    names = sorted(photo.name for part in parts for photo in part)
    assert names == [f"{number:02}.png" for number in range(40)]


def test_prints_where_the_files_are(finished, photos, capsys):
    arguments = [*TINY, *photos, "--out", str(finished), "--resume"]
    assert run_all.main(arguments) == 0
    printed = capsys.readouterr()
    assert printed.out.splitlines() == [
        str(finished / name)
        for name in (
            "leaderboard.csv",
            "leaderboard.md",
            "per_photo.csv",
            "differences.csv",
            "comparison.png",
            "report.html",
        )
    ]
    assert "finished before" in printed.err


def test_resume_repeats_failures_alone(tmp_path, photos, register):
    problems = [RuntimeError("first line\nsecond line"), None]
    register("faulty", model_that(lambda: problems.pop(0)))
    arguments = only("gray,faulty,mean_color", photos, tmp_path / "out")
    assert run_all.main(arguments) == 1
    first = results_of(tmp_path / "out")
    assert {name: result["status"] for name, result in first.items()} == {
        "gray": "ok",
        "faulty": "failed",
        "mean_color": "ok",
    }
    assert first["faulty"]["error"] == "RuntimeError: first line"
    assert "in learn" in first["faulty"]["traceback"]
    table = (tmp_path / "out" / "leaderboard.md").read_text()
    assert "| faulty:default | – | – |" in table
    assert "failed: RuntimeError: first line" in table

    assert run_all.main([*arguments, "--resume"]) == 0
    second = results_of(tmp_path / "out")
    assert second["faulty"]["status"] == "ok"
    # Untouched to the last bit, time of finishing included.
    assert all(second[name] == first[name] for name in ("gray", "mean_color"))


def test_a_model_that_cannot_be_imported_is_a_row(tmp_path, photos, monkeypatch, register):
    line = ModelEntry("absent", "no_such_module:Model", "for a test", ("default",))
    monkeypatch.setitem(MODELS, "absent", line)
    arguments = only("absent", photos, tmp_path / "out")
    assert run_all.main(arguments) == 1
    assert results_of(tmp_path / "out")["absent"]["error"].startswith("ModuleNotFoundError")
    assert not (tmp_path / "out" / "comparison.png").exists()

    register("absent", model_that(lambda: None))
    assert run_all.main([*arguments, "--resume"]) == 0
    assert len(list((tmp_path / "out" / "results").iterdir())) == 1


def test_interrupt_keeps_what_is_finished(tmp_path, photos, register, capsys):
    register("stopped", model_that(KeyboardInterrupt))
    arguments = only("gray,stopped,mean_color", photos, tmp_path / "out")
    assert run_all.main(arguments) == 130
    assert "--resume" in capsys.readouterr().err
    assert set(results_of(tmp_path / "out")) == {"gray"}


@pytest.mark.usefixtures("eager")
def test_interrupted_training_ends_as_an_undisturbed_one(tmp_path, photos, finished, monkeypatch):
    from zoo.training.trainer import Trainer

    end_round = Trainer.end_round

    def interrupt_second_round(self, graph, index, logs):
        end_round(self, graph, index, logs)
        if index == 1:
            signal.raise_signal(signal.SIGINT)

    arguments = only("mse_regression:tiny", photos, tmp_path / "out")
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "end_round", interrupt_second_round)
        assert run_all.main(arguments) == 130
    assert list((tmp_path / "out" / "models").glob("*/checkpoint.npz"))
    assert results_of(tmp_path / "out") == {}
    assert run_all.main([*arguments, "--resume"]) == 0
    assert scores_of(tmp_path / "out") == scores_of(finished)


@pytest.mark.usefixtures("eager")
def test_a_disturbed_run_ends_with_the_table_of_an_undisturbed_one(
    tmp_path, photos, finished, monkeypatch, capsys
):
    out = tmp_path / "out"
    assert run_all.main(only("gray,mean_color", photos, out)) == 0
    before = results_of(out)
    arguments = [*TINY, *photos, "--out", str(out), "--resume"]
    with monkeypatch.context() as patch:
        # In a process of its own, which is killed once its training has a checkpoint.
        patch.setattr(runs, "run_local", executors.run_local)
        patch.setattr(runs, "run_cell", dying_cells.run_or_die)
        assert run_all.main(arguments) == 1
    assert int((out / "killed").read_text()) != os.getpid()
    assert "killed from outside" in results_of(out)["mse_regression"]["error"]
    assert list((out / "models").glob("*/checkpoint.npz"))

    assert run_all.main(arguments) == 0
    assert {name: results_of(out)[name] for name in before} == before
    for name in ("leaderboard.csv", "per_photo.csv", "differences.csv"):
        assert timeless(out / name) == timeless(finished / name)
    assert (out / "comparison.png").read_bytes() == (finished / "comparison.png").read_bytes()


def test_it_runs_as_a_script_wherever_it_is_called_from(tmp_path):
    command = [sys.executable, str(ROOT / "benchmarks" / "run_all.py"), "--models", "grey"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert ended.returncode == 2
    assert "did you mean 'gray'" in ended.stderr
    assert ended.stderr.count("\n") == 1


def timeless(path):
    """A table's rows without what depends on the machine's time and memory."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    measured = {"training_seconds", "peak_memory_mb"}
    return [{name: row[name] for name in row.keys() - measured} for row in rows]


@pytest.mark.usefixtures("eager")
def test_rows_are_trained_once_a_seed_and_stand_as_one(tmp_path, photos):
    out = tmp_path / "out"
    arguments = only("mean_color,mse_regression:tiny", photos, out)
    assert run_all.main([*arguments, "--seeds", "0,3"]) == 0
    results = [json.loads(path.read_text()) for path in (out / "results").glob("*.json")]
    assert len(results) == 4
    of_seeds = {
        result["cell"]["seed"]: result["summary"]["ab_rmse"]["mean"]
        for result in results
        if result["cell"]["model"] == "mse_regression"
    }
    assert of_seeds[0] != of_seeds[3]
    with (out / "leaderboard.csv").open(newline="") as file:
        rows = {row["model"]: row for row in csv.DictReader(file)}
    assert set(rows) == {"mean_color", "mse_regression"}
    row = rows["mse_regression"]
    # Squared errors are pooled over the seeds as they are over the photos.
    pooled = np.sqrt(np.mean(np.square([of_seeds[0], of_seeds[3]])))
    assert float(row["ab_rmse"]) == pytest.approx(pooled, rel=1e-12)
    assert row["ab_rmse_by_seed"] == f"{of_seeds[0]!r} {of_seeds[3]!r}"
    table = (out / "leaderboard.md").read_text()
    assert "and seeds 0, 3;" in table
    assert "## Seeds" in table
    assert "<h2>Seeds</h2>" in (out / "report.html").read_text()
    # One seed more trains what is new.
    stamps = {result["key"]: result["finished_at"] for result in results}
    assert run_all.main([*arguments, "--seeds", "0,3,5", "--resume"]) == 0
    now = [json.loads(path.read_text()) for path in (out / "results").glob("*.json")]
    assert len(now) == 6
    assert all(stamps.get(one["key"], one["finished_at"]) == one["finished_at"] for one in now)


def test_a_trained_model_is_scored_as_it_is(tmp_path, photos, finished):
    trained = results_of(finished)["mse_regression"]
    folder = shutil.copytree(finished / "models" / trained["key"], tmp_path / "my model")
    out = tmp_path / "out"
    assert run_all.main(only(f"gray,{folder}", photos, out)) == 0
    result = results_of(out)["mse_regression"]
    assert result["report"]["scores"] == trained["report"]["scores"]
    assert result["history"]["photos_seen"] == 0
    assert result["cell"]["label"] == "my model"
    table = (out / "leaderboard.md").read_text()
    assert "- my model: mse_regression:tiny." in table
    assert "- Trained weights, scored as they are: my model." in table
    # Other weights are another cell.
    other = results_of(finished)["mse_regression"]["cell"] | {"weights": "none"}
    assert result["cell"]["weights"] not in (None, other["weights"])
    (folder / "weights.npz").write_bytes(b"damaged")
    assert run_all.main(only(f"gray,{folder}", photos, tmp_path / "damaged")) == 2


def test_networks_score_the_photos_and_are_in_the_key(tmp_path, photos, capsys):
    from hub_modules import save_module

    module = save_module(tmp_path / "module")
    networks = ["--network", f"classifier=hub:{module}", "--network", "lpips=keras:VGG16"]
    out = tmp_path / "out"
    arguments = [*only("gray,mean_color", photos, out), "--seeds", "0,1"]
    assert run_all.main([*arguments, *networks]) == 0
    result = results_of(out)["gray"]
    reference = result["cell"]["networks"][f"classifier=hub:{module}"]
    assert len(reference) == 64
    (agreement,) = [name for name in result["summary"] if name.startswith("agreement")]
    table = (out / "leaderboard.md").read_text()
    assert "classifier agreement" in table
    # What is missing is said with its reason, and fails nothing.
    assert result["cell"]["networks"]["lpips=keras:VGG16"] == "missing"
    assert "LPIPS" in (out / "report.html").read_text()
    with (out / "leaderboard.csv").open(newline="") as file:
        rows = {row["model"]: row for row in csv.DictReader(file)}
    assert 0 <= float(rows["gray"][agreement]) <= 1
    # Other networks do not stand in one table, and another network of that name is another cell.
    assert run_all.main([*arguments, "--resume"]) == 2
    assert "different: networks that score photos" in capsys.readouterr().err
    save_module(module, seed=1)
    assert run_all.main([*arguments, *networks, "--resume"]) == 2


def test_a_killed_process_is_a_row(tmp_path, photos, monkeypatch):
    def run_and_die(function, tasks, prepare):
        for number, _ in enumerate(tasks):
            yield number, "its process was killed from outside."

    monkeypatch.setattr(runs, "run_local", run_and_die)
    out = tmp_path / "out"
    assert run_all.main(only("gray", photos, out)) == 1
    assert results_of(out)["gray"]["error"] == "its process was killed from outside."
    assert "failed: its process was killed" in (out / "leaderboard.md").read_text()
    assert "Traceback" not in (out / "report.html").read_text()
    monkeypatch.undo()
    assert run_all.main([*only("gray", photos, out), "--resume"]) == 0
    assert results_of(out)["gray"]["status"] == "ok"


def test_a_suite_that_needs_photos_says_so(tmp_path, capsys):
    assert run_all.main(["--suite", "compact", "--out", str(tmp_path / "out")]) == 2
    assert "--photos DIR" in capsys.readouterr().err


def test_suites_have_defaults_that_the_command_line_overrides(monkeypatch):
    read = {}

    @functools.wraps(run_all.benchmark)
    def remember(**options):
        read.update(options)

    monkeypatch.setattr(run_all, "benchmark", remember)
    assert run_all.main(["--suite", "speed"]) == 0
    assert (read["budget"], read["speed"], read["preset"]) == ("64", True, "compact")
    assert run_all.main(["--suite", "speed", "--budget", "32", "--preset", "tiny"]) == 0
    assert (read["budget"], read["speed"], read["preset"]) == ("32", True, "tiny")
    assert run_all.main(["--models", "gray"]) == 0
    assert read["speed"] is False


@pytest.mark.usefixtures("eager")
def test_an_adversarial_training_is_drawn_in_the_report(tmp_path, photos):
    out = tmp_path / "out"
    assert run_all.main(only("gan:tiny,mse_regression:tiny", photos, out)) == 0
    key = results_of(out)["gan"]["key"]
    picture = base64.b64encode((out / "models" / key / "training.png").read_bytes()).decode()
    page = (out / "report.html").read_text()
    assert page.count(picture) == 1
    assert page.count("Adversarial training of") == 1
    assert not (out / "models" / key / "checkpoints").exists()


def test_a_dry_run_shows_what_is_left_and_runs_nothing(finished, photos, capsys, tmp_path):
    arguments = only("gray,mse_regression:tiny,colorunet:tiny", photos, finished)
    before = files_in(finished)
    assert run_all.main([*arguments, "--dry-run"]) == 0
    printed = capsys.readouterr().out
    lines = {
        line.split()[1].partition(":")[0]: line for line in printed.splitlines() if "│" in line
    }
    assert "finished" in lines["gray"]
    assert "would run" in lines["colorunet"]
    assert "not known yet" in lines["colorunet"]
    assert "1 of them never ran" in printed
    assert files_in(finished) == before
    # Elsewhere nothing is finished, but how long it takes is known.
    out = tmp_path / "new"
    assert run_all.main([*only("mse_regression:tiny", photos, out), "--dry-run"]) == 0
    printed = capsys.readouterr().out
    assert "about 0." in printed
    assert "never ran" not in printed
    assert not out.exists()


def test_collect_renders_what_is_stored(finished, tmp_path, capsys):
    out = shutil.copytree(finished, tmp_path / "copy")
    page = (out / "report.html").read_bytes()
    (out / "report.html").unlink()
    assert run_all.main(["--collect", "--out", str(out)]) == 0
    assert (out / "report.html").read_bytes() == page
    assert "report.html" in capsys.readouterr().out
    assert run_all.main(["--collect", "--out", str(tmp_path / "nothing")]) == 2
    assert "There are no results" in capsys.readouterr().err


def files_in(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_used_folder_is_refused(finished, photos, capsys):
    before = {path: path.read_bytes() for path in (finished / "results").iterdir()}
    assert run_all.main([*TINY, *photos, "--out", str(finished)]) == 2
    message = capsys.readouterr().err
    assert "--resume" in message
    assert "--out" in message
    assert before == {path: path.read_bytes() for path in (finished / "results").iterdir()}


def test_resuming_under_other_conditions_is_refused(finished, photos, capsys):
    arguments = [*TINY, *photos, "--out", str(finished), "--resume", "--size", "48"]
    assert run_all.main(arguments) == 2
    assert "different: training size" in capsys.readouterr().err


def test_a_file_in_the_way_of_the_folder_is_refused_before_training(tmp_path, photos, capsys):
    (tmp_path / "file").write_text("")
    assert run_all.main([*TINY, *photos, "--out", str(tmp_path / "file" / "out")]) == 2
    assert "Cannot write" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--models", "grey"], "did you mean 'gray'"),
        (["--models", "mse_regression:huge"], "preset of mse_regression"),
        (["--models", "mse_regression:"], "preset of mse_regression"),
        (["--suite", "ablations"], "did you mean 'ablation'?); choose from: pretrained,"),
        (["--suite", "ablation", "--models", "gray"], "leave one of them away"),
        (["--resume", "--collect"], "exclude each other"),
        (["--precision", "float16"], "choose from: auto, float32"),
        (["--suite", "ablation", "--preset", "huge"], "preset of mse_regression"),
        (["--budget", "lots"], "Cannot read the budget"),
        (["--photos", "no/such/folder"], "does not exist"),
    ],
)
def test_mistakes_get_one_sentence(tmp_path, capsys, arguments, message):
    assert run_all.main([*arguments, "--out", str(tmp_path / "out")]) == 2
    printed = capsys.readouterr().err
    assert message in printed
    assert printed.count("\n") == 1


@pytest.mark.parametrize(
    "arguments", [["--size", "0"], ["--seeds", "-1"], ["--seeds", "1,1"], ["--test-size", "x"]]
)
def test_impossible_numbers_are_refused(arguments):
    assert run_all.main(arguments) == 2


def test_scoring_the_training_photos_is_refused(tmp_path, photos, capsys):
    arguments = ["--photos", photos[1], "--test-photos", photos[1], "--out", str(tmp_path / "out")]
    assert run_all.main(arguments) == 2
    assert "12 of the photos to learn from are also among those" in capsys.readouterr().err


def test_a_part_of_the_photos_is_set_aside_for_the_test(tmp_path):
    make_photos(tmp_path / "photos", [f"{number:02}.png" for number in range(60)], seed=3)
    division, _ = benchmark_photos([tmp_path / "photos"], None, trains=True, tell=print)
    parts = (division.train, division.validation or (), division.test)
    assert sum(map(len, parts)) == 60
    assert len({photo.sha256 for part in parts for photo in part}) == 60
    assert len(parts[2]) >= 1


def test_too_few_photos_for_a_test_are_refused(tmp_path, capsys):
    make_photos(tmp_path / "photos", ["one.png"], seed=3)
    arguments = ["--photos", str(tmp_path / "photos"), "--out", str(tmp_path / "out")]
    assert run_all.main(arguments) == 2
    assert "--test-photos" in capsys.readouterr().err


def test_a_model_is_run_once():
    rows = chosen_rows(None, "gray, mse_regression:tiny,gray", "tiny")
    chosen = [(row.model, row.preset) for row in rows]
    assert chosen == [("gray", "default"), ("mse_regression", "tiny")]


def test_mistakes_are_found_before_a_framework_is_imported():
    code = "import sys; from benchmarks.run_all import main; main(['--models', 'none'])"
    code += "; assert not {'keras', 'tensorflow', 'matplotlib'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True)

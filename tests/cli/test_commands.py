"""The command `zoo`, mostly in this process; where a process' own behavior matters, in another."""

import csv
import dataclasses
import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from films import make_film, moving
from PIL import Image

import zoo
from zoo import registry
from zoo.cli import main
from zoo.cli.settings import parse_fields, parse_value
from zoo.cli.tables import duration
from zoo.errors import TrainingInterrupted, ZooError
from zoo.files import read_json, sha256_of_file, write_json

HEAVY = ("keras", "tensorflow", "jax", "torch", "skimage", "matplotlib")
TINY = ("mse_regression:tiny", "--precision", "float32")


@dataclass
class Result:
    status: int
    out: str
    err: str

    def refused(self, *words: str, status: int = 2) -> None:
        """One sentence on standard error that contains the words, and no traceback."""
        assert self.status == status, self.err
        assert "Traceback" not in self.out + self.err
        last = self.err.strip().splitlines()[-1]
        assert last.endswith("."), last
        for word in words:
            assert word in last


def call(*arguments) -> int:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["zoo", *map(str, arguments)])
        patch.setenv("COLUMNS", "200")
        with pytest.raises(SystemExit) as ended:
            main()
    return ended.value.code or 0


@pytest.fixture
def run(capsys):
    def call_and_read(*arguments) -> Result:
        capsys.readouterr()
        status = call(*arguments)
        return Result(status, *capsys.readouterr())

    return call_and_read


def make_photos(folder: Path, count: int, seed: int = 0, suffix: str = ".png") -> Path:
    rng = np.random.default_rng(seed)
    for number in range(count):
        path = folder / ("sea", "tree")[number % 2] / f"{number}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        coarse = rng.integers(0, 256, (4, 5, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((40, 32), Image.Resampling.BICUBIC).save(path)
    return folder


@pytest.fixture(autouse=True)
def no_trained_weights(tmp_path, monkeypatch):
    """Names are untrained models here; `test_pretrained.py` is about those that come trained."""
    monkeypatch.setattr("zoo.pretrained.FOLDER", tmp_path / "none")


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> Path:
    return make_photos(tmp_path_factory.mktemp("data") / "photos", 6)


@pytest.fixture(scope="module")
def trained(tmp_path_factory, photos) -> Path:
    """A trained folder; nobody writes into it."""
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    tensorboard = folder.parent / "events"
    arguments = ("--photos", photos, "--val-photos", photos, "--out", folder, "--budget", 16)
    assert call("train", *TINY, *arguments, "--tensorboard", tensorboard) == 0
    return folder


@pytest.fixture
def copied(trained, tmp_path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "copied"))


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.array(image)


def weights(folder: Path) -> dict[str, np.ndarray]:
    with np.load(folder / "weights.npz") as archive:
        return dict(archive)


# ------------------------------------------------------------------ help, list, info


@pytest.mark.parametrize("arguments", [["--help"], ["list"]])
def test_answers_at_once_without_a_framework(arguments):
    code = (
        "import sys, time\n"
        "from zoo.cli import main\n"
        f"sys.argv = ['zoo', *{arguments!r}]\n"
        "try: main()\n"
        "except SystemExit as ended: status = ended.code or 0\n"
        f"loaded = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "print(status, time.process_time(), *loaded, file=sys.stderr)\n"
    )
    seconds = []
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        status, spent, *loaded = done.stderr.split()
        assert (int(status), loaded) == (0, [])
        seconds.append(float(spent))
    assert min(seconds) <= 1.0  # a framework takes several


def test_module_and_version():
    done = subprocess.run(
        [sys.executable, "-m", "zoo", "--version"], capture_output=True, text=True
    )
    assert done.stdout.strip() == f"colorization-zoo {zoo.__version__}"


def test_start_of_keras_shows_errors_but_no_chatter():
    done = subprocess.run(
        [sys.executable, "-m", "zoo", "info", "gray"], capture_output=True, text=True
    )
    assert done.returncode == 0
    assert done.stderr == ""


def test_chatter_and_real_messages_are_told_apart(tmp_path):
    (tmp_path / "keras.py").write_text(
        "import os\n"
        "os.write(2, b'I0000 00:00:1 port.cc:1] oneDNN is on\\nE0000 00:00:1 x.cc:1] broken\\n')\n"
        "class ops: zeros = lambda size: os.write(2, b'a warning\\n')\n"
    )
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import zoo.cli.startup as s"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; s.start_keras()"], capture_output=True, text=True
    )
    assert done.stderr == "E0000 00:00:1 x.cc:1] broken\na warning\n"


def test_list_shows_every_model_and_filters(run):
    everything = run("list")
    assert all(name in everything.out for name in registry.list_models())
    assert "compact, paper, tiny" in everything.out
    some = run("list", "m*")
    assert "mse_regression" in some.out
    assert "gray" not in some.out
    run("list", "x*").refused("x*", "gray")


def test_info_of_a_name_and_of_a_trained_folder(run, trained):
    untrained = run("info", "mse_regression:paper")
    for word in ("1603.08511", "batch_size=40", "render_factor", "1 to 64"):
        assert word in untrained.out
    told = run("info", trained)
    for word in ("mse_regression:tiny", "6 photos", "best score", "float32"):
        assert word in told.out
    run("info", "gary").refused("gary")


def test_info_says_in_what_presets_of_papers_depart_from_them(run):
    told = " ".join(run("info", "zhang:paper").out.split())
    assert "Departures of zhang:paper" in told
    for one in registry.entry("zhang").load().PRESETS["paper"].departures:
        for word in f"{one.paper} {one.here} {one.why}".split():
            assert word in told
    assert "Departures of zhang:compact" not in told  # its numbers are ours
    assert "Departures" not in run("info", "gray").out


def test_a_preset_without_departures_says_so(run, monkeypatch):
    presets = registry.entry("zhang").load().PRESETS
    plain = dataclasses.replace(presets["paper"], departures=())
    monkeypatch.setitem(presets, "paper", plain)
    assert "none known" in run("info", "zhang").out


# ------------------------------------------------------------------ what ends a command


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (ZooError("Give less."), 2, ["Give less."]),
        (TrainingInterrupted("Stopped after 5 photos."), 130, ["Stopped after 5"]),
        (KeyboardInterrupt(), 130, ["Interrupted."]),
        (OSError(errno.ENOSPC, "No space left on device", "x.npz"), 1, ["x.npz", "No space"]),
        (PermissionError(errno.EACCES, "Permission denied", "here"), 1, ["here", "Permission"]),
        (OSError("odd"), 1, ["odd"]),
        (MemoryError(), 1, ["memory"]),
    ],
)
def test_each_end_is_one_sentence_with_its_status(run, monkeypatch, error, status, words):
    def fail(*arguments):
        raise error

    monkeypatch.setattr(registry, "list_models", fail)
    run("list").refused(*words, status=status)


def test_usage_errors_are_typers_with_status_2(run):
    for arguments in (["list", "--nonsense"], ["nonsense"], ["train", "gray"]):
        assert run(*arguments).status == 2


# ------------------------------------------------------------------ training


def test_train_saves_a_model_tells_what_came_out_and_removes_the_checkpoint(run, photos, tmp_path):
    (tmp_path / "photos").symlink_to(photos)
    out = tmp_path / "run"
    told = run("train", "mean_color", "--size", 32, "--photos", tmp_path / "photos", "--out", out)
    assert told.status == 0
    assert "6 photos in 2 classes" in told.out
    assert f"zoo colorize PHOTO --model {out}" in told.out
    assert sorted(path.name for path in out.iterdir()) == [
        "card.json",
        "config.json",
        "weights.npz",
    ]


def test_a_gradient_training_validates_and_writes_tensorboard_events(trained):
    assert not (trained / "checkpoint.npz").exists()
    training = read_json(trained / "card.json")["training"]
    assert training["photos_seen"] == 16
    assert training["validation_photos"] == 6
    assert training["details"]["best_score"] is not None
    assert list((trained.parent / "events").rglob("events.out.tfevents.*"))


def test_without_validation_photos_a_share_is_split_off(run, tmp_path):
    data = make_photos(tmp_path / "photos", 40)
    settings = ("--size", 32, "--photos", data, "--out", tmp_path / "run")
    assert run("train", "mean_color", *settings).status == 0
    training = read_json(tmp_path / "run/card.json")["training"]
    assert training["validation_photos"] > 0
    assert training["photos"] + training["validation_photos"] == 40


def manifest(folder: Path, splits: list[str]) -> Path:
    path = folder / "photos.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "split"])
        names = sorted(photo.relative_to(folder) for photo in folder.rglob("*.png"))
        writer.writerows(zip(names, splits, strict=True))
    return path


def test_splits_of_a_manifest(run, tmp_path):
    data = make_photos(tmp_path / "photos", 6)
    table = manifest(data, ["train", "train", "train", "val", "val", "test"])
    settings = ("--size", 32, "--photos", table, "--out", tmp_path / "run")
    assert run("train", "mean_color", *settings).status == 0
    training = read_json(tmp_path / "run/card.json")["training"]
    assert (training["photos"], training["validation_photos"]) == (3, 2)
    scored = run("evaluate", "gray", "--photos", table, "--metric", "psnr")
    assert "1 photo" in scored.out


def test_several_folders_and_manifests_of_photos(run, tmp_path):
    plain = make_photos(tmp_path / "plain", 4)
    split = make_photos(tmp_path / "split", 3, seed=5)
    table = manifest(split, ["train", "val", "test"])
    both = ("--photos", plain, "--photos", table)
    train = ("train", "mean_color", "--size", 32)
    assert run(*train, *both, "--out", tmp_path / "run").status == 0
    training = read_json(tmp_path / "run/card.json")["training"]
    assert (training["photos"], training["validation_photos"]) == (5, 1)
    more = ("--val-photos", plain, "--val-photos", split)
    assert run(*train, "--photos", table, *more, "--out", tmp_path / "b").status == 0
    assert read_json(tmp_path / "b/card.json")["training"]["validation_photos"] == 7


def test_from_trains_a_model_further_on_other_photos(run, trained, photos, tmp_path):
    out = tmp_path / "further"
    more = ("--photos", make_photos(tmp_path / "more", 6, seed=9), "--from", trained)
    arguments = ["train", "mse_regression", *more, "--out", out, "--precision", "float32"]
    changes = ["--set", "learning_rate=1e-9", "--freeze", "stem1*,head", "--size", "16,32"]
    changes += ["--start", "shrink"]
    assert run(*arguments, *changes, "--budget", 8).status == 0
    before, after = weights(trained), weights(out)
    moved = {name for name, value in before.items() if (after[name] != value).any()}
    assert moved
    assert not any("/stem1/" in name or "/head/" in name for name in moved)
    initial = zoo.create_model("mse_regression:tiny", seed=0).variables()
    for name in (name for name in moved if "kernel" in name):
        expected = 0.4 * before[name] + 0.1 * np.array(initial[name].value)
        np.testing.assert_allclose(after[name], expected, atol=1e-6)
    training = read_json(out / "card.json")["training"]
    assert training["started_from"]["weights_sha256"] == sha256_of_file(trained / "weights.npz")
    assert training["sizes"] == [16, 32]
    assert training["freeze"] == ["stem1*", "head"]
    assert training["start"] == "shrink"


def test_a_model_is_trained_further_on_a_film(run, trained, photos, tmp_path, monkeypatch):
    """Beside photos, validated on another film; gray scenes are left out, and it is said."""
    colored, gray = moving(10), moving(6, seed=1)[..., :1].repeat(3, axis=-1)
    film = make_film(tmp_path / "film.mkv", np.concatenate([colored, gray]), rate=10)
    other = make_film(tmp_path / "other.mkv", moving(5, seed=2), rate=10)
    learn = ["train", "mse_regression", "--from", trained, "--precision", "float32", "--budget", 8]
    learn += ["--photos", film, "--photos", photos, "--val-photos", other]
    told = run(*learn, "--out", tmp_path / "a")
    assert told.status == 0
    assert "Caution: 6 of 16 frames" in told.err
    assert "Photos: 16 photos in 3 classes" in told.out
    assert "choosing the best weights on 5 others" in told.out
    monkeypatch.delattr("zoo.photos.film.Film.walk")  # no film is gone through again
    assert run(*learn, "--out", tmp_path / "b").status == 0
    before, after = weights(trained), weights(tmp_path / "a")
    assert any((after[name] != before[name]).any() for name in before)
    cards = [read_json(tmp_path / name / "card.json")["training"] for name in ("a", "b")]
    for kind in ("fingerprint", "validation_fingerprint"):
        assert cards[0][kind] == cards[1][kind] is not None


def test_train_refuses_films_that_it_cannot_learn_from(run, tmp_path, monkeypatch):
    gray = make_film(tmp_path / "gray.mkv", moving(4)[..., :1].repeat(3, axis=-1))
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no film")
    learn = ("train", *TINY, "--out", tmp_path / "run")
    run(*learn, "--photos", gray).refused("gray.mkv", "none of its frames has color")
    run(*learn, "--photos", broken).refused("broken.mp4", "not a film, or damaged")
    run(*learn, "--photos", tmp_path / "none.mp4").refused("no such file")
    monkeypatch.setitem(sys.modules, "av", None)
    run(*learn, "--photos", gray).refused("pip install 'colorization-zoo[video]'")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["zhang"], ["of the model mse_regression, not zhang"]),
        (["mse_regression:compact"], ["of the preset tiny, not compact"]),
        (["mse_regression", "--set", "width=8"], ["do not fit", "width=8"]),
        (["mse_regression", "--freeze", "stem9*"], ["no layer stem9* to freeze", "stem1"]),
        (["mse_regression", "--start", "anew"], ["start", "continue, shrink, fresh"]),
        (["mse_regression", "--size", "64,x"], ["size '64,x'", "64,96,128"]),
        (["mse_regression", "--size", "0"], ["size '0'"]),
    ],
)
def test_what_cannot_be_trained_further_is_refused(
    run, trained, photos, tmp_path, arguments, words
):
    out = tmp_path / "out"
    more = ["--from", trained, "--photos", photos, "--out", out]
    run("train", *arguments, *more, "--precision", "float32").refused(*words)
    assert not (out / "card.json").exists()


@pytest.mark.usefixtures("eager")
def test_checkpoints_are_shown_and_chosen(run, photos, tmp_path):
    out = tmp_path / "gan"
    data = ("--photos", photos, "--val-photos", photos)
    told = run("train", "gan:tiny", *data, "--out", out, "--budget", 32, "--precision", "float32")
    assert f"zoo checkpoints {out}" in told.out
    shown = run("checkpoints", out)
    assert shown.status == 0
    assert shown.out.count("the run's model") == 1
    for name in ("checkpoints.png", "checkpoints.webp", "training.png", "steps.csv"):
        assert (out / name).stat().st_size > 100
    names = sorted(path.name for path in (out / "checkpoints").iterdir() if path.is_dir())
    assert len(names) == 8
    assert all(name in shown.out for name in names)
    other = names[0] if f"{names[0]} ←" not in shown.out else names[1]
    assert run("checkpoints", out, "--pick", other).status == 0
    assert f"{other} ←" in run("checkpoints", out).out
    run("checkpoints", out, "--pick", "999").refused("checkpoint", "999", names[0])


def test_a_run_without_checkpoints_says_which_models_keep_some(run, trained):
    run("checkpoints", trained).refused("no checkpoints", "gan")


@pytest.mark.usefixtures("eager")
def test_a_training_that_goes_wrong_warns_in_one_sentence(run, photos, tmp_path, monkeypatch):
    from zoo.models.adversarial import stages

    def odd(curves):
        return f"The colors are odd: {curves['loss'][-1]:.3f}."

    monkeypatch.setattr(stages, "warning", odd)
    data = ("--photos", photos, "--out", tmp_path / "gan", "--precision", "float32")
    told = run("train", "gan:tiny", *data, "--budget", 32)
    assert told.status == 0
    assert told.err.count("Caution: The colors are odd") == 1  # not once a round
    assert "Warning" not in told.err
    (stored,) = read_json(tmp_path / "gan/card.json")["training"]["details"]["warnings"]
    assert stored.startswith("The colors are odd")


def test_set_changes_the_configuration(run, photos, tmp_path):
    arguments = ["train", *TINY, "--photos", photos, "--out", tmp_path / "run", "--budget", 4]
    assert run(*arguments, "--set", "learning_rate=3e-4", "--set", "width=6").status == 0
    config = read_json(tmp_path / "run/config.json")["config"]
    assert (config["learning_rate"], config["width"]) == (3e-4, 6)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["zhagn"], ["no model 'zhagn'", "mse_regression"]),
        (["mse_regression:huge"], ["no preset", "compact"]),
        (
            ["mse_regression:tiny", "--preset", "paper"],
            ["'mse_regression:tiny' names its preset", "'paper' is another"],
        ),
        ([*TINY, "--budget", "lots"], ["'lots'", "15min"]),
        ([*TINY, "--budget", "0"], ["above 0"]),
        ([*TINY, "--set", "wdth=4"], ["wdth", "width"]),
        ([*TINY, "--set", "width=four"], ["width=four", "whole number"]),
        ([*TINY, "--set", "learning_rate=nan"], ["finite"]),
        ([*TINY, "--set", "width"], ["'width'", "name=value"]),
        ([*TINY, "--set", "width=0"], ["width must be at least 1"]),
        ([*TINY, "--precision", "float8"], ["float8", "mixed_bfloat16"]),
        ([*TINY, "--size", "33"], ["33", "multiple of 4"]),
    ],
)
def test_train_refuses(run, photos, tmp_path, arguments, words):
    out = tmp_path / "run"
    run("train", *arguments, "--photos", photos, "--out", out).refused(*words)
    assert not list(tmp_path.rglob("*.json"))


def test_train_refuses_photos_that_it_cannot_use(run, tmp_path):
    (tmp_path / "empty").mkdir()
    gray = tmp_path / "gray"
    gray.mkdir()
    Image.new("L", (20, 20), 90).save(gray / "gray.png")
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "text.png").write_text("no picture")
    out = ["--out", tmp_path / "run"]
    run("train", *TINY, *out, "--photos", tmp_path / "empty").refused("no readable photo")
    run("train", *TINY, *out, "--photos", tmp_path / "none").refused("none", "does not exist")
    run("train", *TINY, *out, "--photos", tmp_path / "none.csv").refused("none.csv")
    run("train", *TINY, *out, "--photos", gray).refused("color")
    run("train", *TINY, *out, "--photos", broken).refused("text.png", "not an image")


def test_gray_photos_are_not_counted_among_those_that_teach(run, tmp_path):
    folder = make_photos(tmp_path / "photos", 2)
    Image.new("L", (20, 20), 90).save(folder / "gray.png")
    told = run("train", *TINY, "--budget", 4, "--photos", folder, "--out", tmp_path / "run")
    assert "3 photos" in told.out
    assert "1 gray photo; gray and toned ones are left out." in told.out
    assert "Learning from 2 photos" in told.out


def test_a_trained_folder_is_never_trained_over(run, photos, copied):
    before = sha256_of_file(copied / "weights.npz")
    arguments = ["train", *TINY, "--photos", photos, "--out", copied]
    run(*arguments).refused("trained model already", "zoo info")
    resumed = run(*arguments, "--resume")
    assert resumed.status == 0
    assert "nothing is left" in resumed.out
    assert sha256_of_file(copied / "weights.npz") == before


def test_a_run_folder_that_cannot_be_made_is_refused_before_any_work(run, photos, tmp_path):
    (tmp_path / "file").write_text("in the way")
    told = run("train", *TINY, "--photos", photos, "--out", tmp_path / "file/run")
    told.refused("file/run", "Cannot write")
    assert told.out == ""


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_folder_without_write_permission_is_refused(run, photos, trained, tmp_path):
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    run("train", *TINY, "--photos", photos, "--out", locked).refused("locked", "Permission")
    colorize = ["colorize", photos, "--model", trained, "--out", locked]
    run(*colorize).refused("locked", "Permission")


def test_a_full_disk_while_training(run, photos, tmp_path, monkeypatch):
    def full(*arguments, **values):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    arguments = ["--photos", photos, "--out", tmp_path / "run", "--budget", 8]
    run("train", *TINY, *arguments).refused("checkpoint.npz", "No space left")
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["steps.csv"]


def test_an_interrupted_training_resumes_to_the_same_weights(run, photos, tmp_path):
    arguments = ["train", *TINY, "--photos", photos, "--val-photos", photos, "--budget", "800"]
    out = tmp_path / "interrupted"
    process = subprocess.Popen(
        [sys.executable, "-m", "zoo", *map(str, arguments), "--out", str(out)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    # The first of at least eight rounds ends with a checkpoint: most is still to come then.
    deadline = time.monotonic() + 60
    while not (out / "checkpoint.npz").exists() and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    Result(process.returncode, stdout, stderr).refused(
        "Stopped after", str(out), "--resume", status=130
    )
    assert not (out / "card.json").exists()

    run(*arguments, "--out", out).refused("unfinished", "--resume")
    different = run(*arguments, "--out", out, "--resume", "--seed", 1)
    different.refused("another run", "seed")
    assert run(*arguments, "--out", out, "--resume").status == 0
    assert sorted(path.name for path in out.iterdir()) == [
        "card.json",
        "config.json",
        "steps.csv",
        "weights.npz",
    ]
    undisturbed = run(*arguments, "--out", tmp_path / "undisturbed", "--resume")
    assert "starting anew" in undisturbed.out
    expected, resumed = weights(tmp_path / "undisturbed"), weights(out)
    assert expected.keys() == resumed.keys()
    for name, value in expected.items():
        # A busy machine's threads may add in another order; a lost moment moves weights by 1e-3.
        np.testing.assert_allclose(resumed[name], value, rtol=0, atol=1e-4, err_msg=name)


# ------------------------------------------------------------------ evaluating


def test_evaluate_shows_intervals_and_differences_and_writes_them(run, trained, photos, tmp_path):
    stored = tmp_path / "new/scores.json"
    told = run("evaluate", trained, "gray", "--photos", photos, "--json", stored, "--size", 24)
    assert told.status == 0
    for word in (
        "PSNR ↑",
        "CIEDE2000 ↓",
        "mse_regression:",
        "tiny",
        "…",
        "Differences to",
        "paired",
    ):
        assert word in told.out
    assert told.out.count("no claims") == 2
    first, second = json.loads(stored.read_text())
    report = zoo.evaluation.report.Report.from_json(second["report"])
    assert (first["run"], second["run"], report.model) == (str(trained), "gray", "gray:default")
    assert report.size == 24


def test_evaluate_marks_differences_that_exclude_zero(run, trained, tmp_path):
    data = make_photos(tmp_path / "photos", 30)
    told = run("evaluate", "gray", trained, "--photos", data, "--metric", "colorfulness")
    assert "no claims" not in told.out
    assert " *" in told.out.partition("Differences")[2].partition("excludes zero")[0]


def test_evaluate_passes_options_on(run, trained, photos, tmp_path):
    common = ["evaluate", trained, "--photos", photos, "--metric", "psnr"]
    assert run(*common, "--json", tmp_path / "a.json", "-o", "render_factor=1").status == 0
    (entry,) = json.loads((tmp_path / "a.json").read_text())
    assert entry["report"]["options"] == {"render_factor": 1}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["gray", "--metric", "pnsr"], ["no metric 'pnsr'", "psnr"]),
        (["gray", "--metric", "top1@net"], ["no metric 'top1@net'", "psnr"]),
        (["gray", "-o", "temperature=1"], ["no option", "render_factor"]),
        (["gray", "-o", "render_factor=900"], ["1 to 64", "900"]),
        (["gray", "gray"], ["twice"]),
        (["mse_regression"], ["trained first", "zoo train mse_regression"]),
        (["nowhere/run"], ["no folder or model 'nowhere/run'", "gray"]),
        (["gray", "--json", "."], ["is a folder"]),
    ],
)
def test_evaluate_refuses(run, photos, arguments, words):
    run("evaluate", *arguments, "--photos", photos).refused(*words)


def test_evaluate_refuses_a_missing_folder_of_photos(run, tmp_path):
    run("evaluate", "gray", "--photos", tmp_path / "none").refused("none", "does not exist")


@pytest.fixture(scope="module")
def module(tmp_path_factory) -> Path:
    """A TF Hub module of 9 classes, one of them "sea"."""
    from hub_modules import save_module

    folder = save_module(tmp_path_factory.mktemp("hub") / "little")
    (folder.parent / "labels.txt").write_text("\n".join(["sea", *"bcdefghi"]))
    return folder


def test_evaluate_by_networks_shows_true_and_gray_photos_too(
    run, trained, photos, module, tmp_path
):
    networks = [f"{kind}=hub:{module}" for kind in ("classifier", "frechet")]
    options = [part for network in networks for part in ("--network", network)]
    stored = tmp_path / "scores.json"
    common = ["--photos", photos, "--metric", "psnr", "--json", stored]
    told = run("evaluate", trained, *common, *options)
    assert told.status == 0
    assert told.err.count("Caution: With 6 photos, fewer than 2,000") == 1
    table = told.out.partition("by networks")[2]
    for words in ("top-1", "classifier", "agreement", "Fréchet", "(little)", "true photos"):
        assert words in table
    assert "Seen: the photo's central square, resized to 16 x 16 px" in told.out
    assert "Over the 3 of the 6 photos whose label the classifier knows: sea." in told.out
    entries = {entry["run"]: entry["report"] for entry in json.loads(stored.read_text())}
    assert list(entries) == ["true photos", "gray photos", str(trained)]
    assert entries["true photos"]["scores"]["agreement@little"] == [1.0] * 6
    assert next(iter(entries[str(trained)]["scores"])) == "psnr"
    assert f" {entries['gray photos']['set_scores']['frechet@little']:.2f} " in table
    # Gray is not shown twice, and what is missing has its reason.
    (module.parent / "other.txt").write_text("\n".join("abcdefghi"))
    told = run(
        "evaluate", "gray", *common, "--network", f"{networks[0]},labels={module.parent}/other.txt"
    )
    assert [entry["run"] for entry in json.loads(stored.read_text())] == ["true photos", "gray"]
    reason = "the classifier knows none of the labels (sea, tree)."
    assert f"No top-1 (little), top-5 (little): {reason}" in told.out


@pytest.mark.parametrize(
    ("network", "words"),
    [
        ("classifier", ["METRIC=NETWORK"]),
        ("fid=keras:InceptionV3", ["no metric 'fid'", "frechet (FID"]),
        ("classifier=hub:/nowhere", ["no TF Hub module in /nowhere"]),
        ("classifier=hub:{module},labels={module}/saved_model.pb", ["saved_model.pb"]),
        ("classifier=hub:{module},labels={module}/../short.txt", ["2 class names", "9 classes"]),
        ("lpips=keras:VGG16", ["weights=FILE,linear=FILE"]),
    ],
)
def test_evaluate_refuses_networks(run, photos, module, network, words):
    (module.parent / "short.txt").write_text("a\nb\n")
    given = network.format(module=module)
    run("evaluate", "gray", "--photos", photos, "--network", given).refused(*words)


# ------------------------------------------------------------------ damaged models


def test_changed_weights(run, copied, photos):
    path = copied / "weights.npz"
    path.write_bytes(path.read_bytes() + b"\0")
    run("evaluate", copied, "--photos", photos).refused("sha256")


def replace_weights(folder: Path, values: dict[str, np.ndarray]) -> None:
    np.savez(folder / "weights.npz", **values)
    card = read_json(folder / "card.json")
    digest = sha256_of_file(folder / "weights.npz")
    write_json(folder / "card.json", card | {"weights_sha256": digest})


def test_weights_of_another_model(run, copied, photos):
    other = zoo.create_model("gray").save(copied.parent / "other")
    replace_weights(copied, weights(other))
    run("evaluate", copied, "--photos", photos).refused("weights of another model")


def test_weights_that_are_not_finite(run, copied, photos):
    values = weights(copied)
    values[next(iter(values))].flat[0] = np.nan
    replace_weights(copied, values)
    run("evaluate", copied, "--photos", photos).refused("NaN")


# ------------------------------------------------------------------ coloring


def test_colorize_mirrors_a_folder_and_skips_what_is_there(run, trained, photos, tmp_path):
    out = tmp_path / "colorized"
    arguments = ["colorize", photos, "--model", trained, "--out", out]
    assert "Colored 6 photos" in run(*arguments).out
    names = sorted(path.relative_to(out).as_posix() for path in out.rglob("*.png"))
    assert names == sorted(path.relative_to(photos).as_posix() for path in photos.rglob("*.png"))
    assert pixels(out / names[0]).shape == (32, 40, 3)

    (out / names[0]).unlink()
    before = (out / names[1]).stat().st_mtime_ns
    again = run(*arguments)
    assert "Colored 1 photo " in again.out
    assert "Skipped 5" in again.out
    assert (out / names[1]).stat().st_mtime_ns == before
    assert "Colored 6 photos" in run(*arguments, "--overwrite").out
    assert (out / names[1]).stat().st_mtime_ns > before


def test_colorize_says_where_bits_were_lost(run, trained, tmp_path, monkeypatch):
    deep = np.random.default_rng(0).integers(0, 65536, (32, 40), dtype=np.uint16)
    Image.fromarray(deep).save(tmp_path / "scan.tif")
    monkeypatch.setattr("zoo.inference.folders.has_vips", lambda: False)
    done = run("colorize", tmp_path / "scan.tif", "--model", trained, "--out", tmp_path / "out")
    assert done.status == 0
    assert "1 photo of 16 bits a channel got 8" in done.out
    assert "colorization-zoo[vips]" in done.out


def test_colorize_leaves_its_own_outputs_out(run, trained, tmp_path, monkeypatch):
    make_photos(tmp_path, 2)
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        assert run("colorize", ".", "--model", trained).status == 0
    assert len(list((tmp_path / "colorized").rglob("*.png"))) == 2


def test_colorize_keeps_formats_and_opacity(run, trained, tmp_path):
    rgba = np.full((20, 30, 4), 200, np.uint8)
    rgba[..., 3] = np.arange(30)
    Image.fromarray(rgba).save(tmp_path / "a.png")
    Image.fromarray(rgba[..., :3]).save(tmp_path / "b.jpg")
    Image.fromarray(rgba[..., :3]).save(tmp_path / "c.gif")
    out = tmp_path / "out"
    sources = [tmp_path / name for name in ("a.png", "b.jpg", "c.gif")]
    assert run("colorize", *sources, "--model", trained, "--out", out).status == 0
    assert sorted(path.name for path in out.iterdir()) == ["a.png", "b.jpg", "c.png"]
    np.testing.assert_array_equal(pixels(out / "a.png")[..., 3], rgba[..., 3])
    with Image.open(out / "b.jpg") as image:
        assert image.format == "JPEG"


def test_colorize_lists_what_it_cannot_read(run, trained, tmp_path):
    data = make_photos(tmp_path / "photos", 2, suffix=".jpg")
    whole = (data / "sea/0.jpg").read_bytes()
    (data / "truncated.jpg").write_bytes(whole[: len(whole) // 2])
    (data / "text.png").write_text("no picture")
    told = run("colorize", data, "--model", trained, "--out", tmp_path / "out")
    assert told.status == 1
    assert "Colored 2 photos" in told.out
    assert "2 files could not be read" in told.err
    assert "text.png: not an image" in told.err
    assert "truncated.jpg: damaged" in told.err
    assert "Traceback" not in told.err
    assert len(list((tmp_path / "out").rglob("*.*"))) == 2


def test_colorize_refuses_before_any_work(run, trained, photos, tmp_path):
    out = ["--model", trained, "--out", tmp_path / "out"]
    run("colorize", tmp_path / "none.jpg", *out).refused("none.jpg")
    (tmp_path / "empty").mkdir()
    run("colorize", tmp_path / "empty", *out).refused("no photo or film in")
    run("colorize", photos / "sea", photos, *out[:2], "--out", photos).refused("would replace")
    other = make_photos(tmp_path / "other", 1)
    run("colorize", photos, other, *out).refused("both write", "0.png")
    (tmp_path / "file").write_text("in the way")
    run("colorize", photos, *out[:2], "--out", tmp_path / "file").refused("Cannot write")
    run("colorize", photos, *out, "-o", "temperature=1").refused("no option", "render_factor")
    run("colorize", photos, *out, "-o", "render_factor=x").refused("whole number")
    run("colorize", photos, *out, "-o", "render_factor").refused("name=value")
    run("colorize", photos, *out, "--model", "mse_regression").refused("zoo train")
    assert not list(tmp_path.glob("out/*"))


@pytest.fixture(scope="module")
def unsure(tmp_path_factory) -> Path:
    """A folder of a model with a distribution, far from even and far from certain."""
    model = zoo.create_model("zhang:tiny")
    head = model.networks["colorizer"].get_layer("head")
    head.kernel.assign(head.kernel * 300)
    return model.save(tmp_path_factory.mktemp("unsure") / "run")


def test_confidence_is_saved_in_gray_beside_each_photo(run, unsure, photos, tmp_path):
    out = tmp_path / "out"
    told = run("colorize", photos, "--model", unsure, "--out", out, "--confidence")
    assert told.status == 0
    assert "Colored 6 photos" in told.out
    assert "confidence of 6 photos" in told.out
    names = {path.relative_to(out).as_posix() for path in out.rglob("*.*")}
    inputs = {path.relative_to(photos).as_posix() for path in photos.rglob("*.png")}
    assert names == inputs | {name.replace(".png", "_confidence.png") for name in inputs}
    expected = zoo.load_model(unsure).confidence(photos / "sea/0.png")
    levels = pixels(out / "sea/0_confidence.png")
    assert (levels.dtype, levels.shape) == (np.uint8, (32, 40))
    # Many photos are colored by a graph of fixed weights, which rounds in another order.
    np.testing.assert_allclose(levels.astype(int), np.rint(255 * expected), rtol=0, atol=1)
    assert len(np.unique(levels)) > 10
    # Coloring is not changed by it.
    colored = zoo.load_model(unsure).colorize(photos / "sea/0.png").astype(int)
    np.testing.assert_allclose(pixels(out / "sea/0.png").astype(int), colored, rtol=0, atol=1)


@pytest.mark.parametrize(("bias", "level"), [(0.0, 0), (100.0, 255)])
def test_confidence_goes_from_black_for_anything_to_white_for_sure(run, tmp_path, bias, level):
    model = zoo.create_model("zhang:tiny")
    head = model.networks["colorizer"].get_layer("head")
    head.kernel.assign(head.kernel * 0)
    head.bias.assign(bias * (np.arange(len(model.bins)) == 7))
    model.save(tmp_path / "run")
    Image.new("L", (50, 20), 90).save(tmp_path / "a.jpg")
    arguments = ["--model", tmp_path / "run", "--out", tmp_path / "out", "--confidence"]
    assert run("colorize", tmp_path / "a.jpg", *arguments).status == 0
    levels = pixels(tmp_path / "out/a_confidence.png")
    np.testing.assert_array_equal(levels, np.full((20, 50), level))


def test_confidence_is_added_to_photos_that_are_colored_already(run, unsure, photos, tmp_path):
    out = tmp_path / "out"
    arguments = ["colorize", photos, "--model", unsure, "--out", out]
    assert run(*arguments).status == 0
    before = (out / "sea/0.png").stat().st_mtime_ns
    added = run(*arguments, "--confidence")
    assert "Colored 0 photos" in added.out
    assert "confidence of 6 photos" in added.out
    assert "Skipped 6" in added.out
    assert (out / "sea/0.png").stat().st_mtime_ns == before
    (out / "sea/0_confidence.png").unlink()
    (out / "tree/1.png").unlink()
    again = run(*arguments, "--confidence")
    assert "Colored 1 photo " in again.out
    assert "confidence of 1 photo " in again.out
    assert len(list(out.rglob("*.png"))) == 12


def test_confidence_refuses_before_any_work(run, trained, unsure, photos, tmp_path):
    out = ["--out", tmp_path / "out", "--confidence"]
    for model in (trained, "gray"):
        told = run("colorize", photos, "--model", model, *out)
        told.refused("no distribution", "zhang", "colorunet")
    data = make_photos(tmp_path / "photos", 1)
    shutil.copy(data / "sea/0.png", data / "sea/0_confidence.png")
    told = run("colorize", data, "--model", unsure, *out)
    told.refused("both write", "sea/0_confidence.png")
    # The coloring itself has a name of its own: without the option there is no clash.
    assert run("colorize", data, "--model", unsure, *out[:2]).status == 0


def test_an_unreadable_photo_is_listed_once_with_confidence_too(run, unsure, tmp_path):
    (tmp_path / "text.png").write_text("no picture")
    arguments = ["--model", unsure, "--out", tmp_path / "out", "--confidence"]
    told = run("colorize", tmp_path / "text.png", *arguments)
    assert told.status == 1
    assert "Colored 0 photos" in told.out
    assert "confidence of 0 photos" in told.out
    assert told.err.count("text.png: not an image") == 1


@pytest.mark.parametrize("options", [(), ("--confidence",)])
def test_a_full_disk_while_coloring_leaves_no_half_photo(
    run, unsure, photos, tmp_path, monkeypatch, options
):
    save = Image.Image.save

    def full(image, file, *arguments, **values):
        if image.mode == "RGB" and options:
            return save(image, file, *arguments, **values)
        file.write_bytes(b"half of it")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    out = tmp_path / "out"
    told = run("colorize", photos / "sea/0.png", "--model", unsure, "--out", out, *options)
    told.refused("0_confidence.png" if options else "0.png", "No space left")
    left = [path.name for path in out.rglob("*") if path.is_file()]
    assert left == (["0.png"] if options else [])


# ------------------------------------------------------------------ comparing


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".svg"])
def test_compare_draws_one_picture(run, trained, photos, tmp_path, suffix):
    out = tmp_path / f"new/comparison{suffix}"
    arguments = ["compare", photos / "sea/0.png", "--model", trained, "--out", out]
    assert run(*arguments, "-o", "render_factor=2").status == 0
    assert [path.name for path in out.parent.iterdir()] == [out.name]
    if suffix != ".svg":
        height, width = pixels(out).shape[:2]
        assert width > 2 * height > 600


def test_compare_decodes_the_photo_once(run, trained, photos, tmp_path, monkeypatch):
    opened, read = [], Image.open
    monkeypatch.setattr(Image, "open", lambda *given: opened.append(given) or read(*given))
    models = ["--model", trained, "--model", "levin"]
    out = tmp_path / "comparison.png"
    assert run("compare", photos / "sea/0.png", *models, "--out", out).status == 0
    assert len(opened) == 1


def test_compare_wraps_many_models_and_long_names(run, trained, photos, tmp_path):
    copies = []
    for number in range(3):
        copies += ["--model", tmp_path / f"a rather long name of a $run${number}"]
        shutil.copytree(trained, copies[-1])
    out = tmp_path / "comparison.png"
    assert run("compare", photos / "sea/0.png", *copies, "--out", out).status == 0
    height, width = pixels(out).shape[:2]
    assert height > width / 2


def test_compare_refuses(run, trained, photos, tmp_path):
    photo = photos / "sea/0.png"
    out = ["--out", tmp_path / "a.png"]
    run("compare", tmp_path / "none.png", "--model", trained, *out).refused("no such file")
    run("compare", photo, "--model", trained, "--out", photo).refused("the photo itself")
    run("compare", photo, "--model", trained, "--out", tmp_path / "a.doc").refused(".doc", ".png")
    run("compare", photo, "--model", trained, *out, "-o", "k=1").refused("no option")
    assert list(tmp_path.iterdir()) == []


# ------------------------------------------------------------------ small parts


@pytest.mark.parametrize(
    ("text", "hint", "value"),
    [
        ("3", int, 3),
        ("3e-4", float, 3e-4),
        ("cosine", str, "cosine"),
        ("yes", bool, True),
        ("False", bool, False),
        ("1, 2,3", tuple[int, ...], (1, 2, 3)),
        ("none", int | None, None),
        ("5", int | None, 5),
    ],
)
def test_values_take_their_fields_type(text, hint, value):
    parsed = parse_value(text, hint)
    assert parsed == value
    assert type(parsed) is type(value)


@dataclass(frozen=True)
class Config:
    flag: bool = True
    sizes: tuple[int, ...] = (1, 2)
    limit: float | None = None
    prior: tuple[float, ...] = ()


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("flag", "maybe", "true or false"),
        ("sizes", "1,x", "commas"),
        ("limit", "inf", "a finite number"),
        ("prior", "0.5;0.5", r"commas between, or a \.npy file of them\.$"),
        ("prior", "nowhere.npy", r"\.npy file"),
    ],
)
def test_values_of_another_type_are_refused(name, text, words):
    with pytest.raises(ZooError, match=words):
        parse_fields(Config(), {name: text}, "field")


def test_numbers_come_from_a_file(tmp_path):
    np.save(tmp_path / "prior.npy", np.array([0.25, 0.75], "float32"))
    path = str(tmp_path / "prior.npy")
    assert parse_fields(Config(), {"prior": path}, "field") == {"prior": (0.25, 0.75)}


def test_a_file_of_objects_is_refused_unread(tmp_path):
    class Trap:
        def __reduce__(self):
            return Path.touch, (tmp_path / "executed",)

    np.save(tmp_path / "trap.npy", np.array([Trap()], dtype=object), allow_pickle=True)
    for content in ((tmp_path / "trap.npy").read_bytes(), b"no array"):
        (tmp_path / "prior.npy").write_bytes(content)
        with pytest.raises(ZooError, match="npy file of them"):
            parse_fields(Config(), {"prior": str(tmp_path / "prior.npy")}, "field")
    assert not (tmp_path / "executed").exists()


def test_durations_are_words():
    assert [duration(s) for s in (0.42, 12.4, 200, 7500)] == [
        "0.42 s",
        "12 s",
        "3 min 20 s",
        "2 h 5 min",
    ]

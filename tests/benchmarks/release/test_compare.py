"""Jobs of a queue side by side on test photos, with paired differences."""

import csv
import re

import numpy as np
import pytest
from tiny_runs import make_photos

from benchmarks.release import compare as comparing
from benchmarks.release import train
from benchmarks.release.jobs import QUEUES, Job
from benchmarks.report import labels
from benchmarks.report.apart import UNSEEN
from zoo import PhotoSet, conformance, create_model, evaluate
from zoo.evaluation.report import compare
from zoo.registry import load_model

pytestmark = pytest.mark.usefixtures("eager")

METRICS = ("ciede2000", "auc", "colorfulness", "delta_colorfulness")


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """A folder with two jobs that have ended, of three, and two sets of photos."""
    monkeypatch.setattr(labels, "FEWEST", 2)
    jobs = [
        Job(name, "mse_regression", "8", (32,), "tiny") for name in ("first", "second", "third")
    ]
    monkeypatch.setitem(QUEUES, "small", tuple(jobs))
    for number, name in enumerate(("first", "second")):
        model = conformance.shaken(create_model("mse_regression:tiny", seed=number))
        model.fitted = True
        model.save(tmp_path / "runs" / name)
    for label, count in (("cats", 2), ("dogs", 1), ("sky", 1), ("things", 2)):
        names = [f"{number}.png" for number in range(count)]
        make_photos(tmp_path / "here" / "test" / label, names, seed=len(label) + count)
    make_photos(tmp_path / "there" / "test", ["a.png", "b.png"], seed=20)
    return tmp_path / "runs"


def words(runs, *further):
    sets = [f"--test-photos={runs.parent / place / 'test'}" for place in ("here", "there")]
    return ["compare", "small", "--out", str(runs), "--test-size", "32", *sets, *further]


def scored(runs, place, names=("first", "second")):
    photos = PhotoSet.from_folder(runs.parent / place / "test")
    models = [create_model("gray"), *(load_model(runs / name) for name in names)]
    return [evaluate(model, photos, size=32, metrics=METRICS) for model in models]


def cells(table):
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table]


def test_a_table_for_each_set_with_paired_differences(runs, capsys):
    assert train.main(words(runs)) == 0
    text = (runs / "compare-small.md").read_text()
    assert text in capsys.readouterr().out
    for place in ("here", "there"):
        section = re.search(rf"## {place}/test\n(.*?)(?=\n## |\Z)", text, re.S)[1]
        found = cells([line for line in section.splitlines() if line.startswith("|")])
        assert [row[0] for row in found[2:5]] == ["gray", "first", "second"]
        assert found[0][4:] == [
            f"{metric} less {of}" for of in ("gray", "first") for metric in ("CIEDE2000", "AuC")
        ]
        gray, first, second = scored(runs, place)
        summary, less_gray = second.summary(), compare(second, gray)["ciede2000"]
        truth = np.mean(second.scores["colorfulness"] - second.scores["delta_colorfulness"])
        assert found[4][1] == f"{summary['ciede2000'].mean:.2f}"
        assert found[4][2] == f"{summary['auc'].mean:.4f}"
        assert found[4][3] == f"{summary['colorfulness'].mean / truth:.0%}"
        assert found[2][3] == "0%"
        assert found[4][4].startswith(f"{less_gray.mean:+.2f}")
        assert found[4][4].endswith(f"[{less_gray.low:+.2f}, {less_gray.high:+.2f}]")
        assert found[4][7].startswith(f"{compare(second, first)['auc'].mean:+.4f}")
        assert found[2][4:] == ["–"] * 4
        assert found[3][6:] == ["–"] * 2
        assert "no claims of significance" in section
    assert "cats" in text
    assert "other (dogs, sky)" in text


def test_the_file_for_programs_has_every_figure(runs):
    assert train.main(words(runs)) == 0
    with (runs / "compare-small.csv").open() as file:
        rows = list(csv.DictReader(file))
    gray, first, second = scored(runs, "here")
    chosen = np.array([label == "cats" for label in second.labels])
    (row,) = [
        row
        for row in rows
        if (row["set"], row["category"]) == ("here/test", "cats")
        and (row["job"], row["metric"]) == ("second", "auc")
    ]
    less_first = compare(second.only(chosen), first.only(chosen))["auc"]
    less_gray = compare(second.only(chosen), gray.only(chosen))["auc"]
    assert row["photos"] == "2"
    assert float(row["figure"]) == pytest.approx(second.scores["auc"][chosen].mean())
    for name, found in (("less_first", less_first), ("less_gray", less_gray)):
        stored = [float(row[f"{name}{end}"]) for end in ("", "_low", "_high")]
        assert stored == pytest.approx([found.mean, found.low, found.high])
    groups = 1 + len({"cats", "things", "other (dogs, sky)"}) + 1  # and `there`
    assert len(rows) == groups * 3 * 3


def test_a_job_is_scored_once_on_a_set(runs, monkeypatch):
    assert train.main(words(runs)) == 0
    before = (runs / "compare-small.csv").read_bytes()

    def refused(model, photos, **options):
        raise AssertionError(f"{model.name} is scored again")

    with monkeypatch.context() as patch:
        patch.setattr(comparing, "evaluate", refused)
        assert train.main(words(runs)) == 0
        assert (runs / "compare-small.csv").read_bytes() == before
        # Other labels are no other photos.
        (runs.parent / "here" / "test" / "cats").rename(runs.parent / "here" / "test" / "cows")
        assert train.main(words(runs)) == 0
    assert "cows" in (runs / "compare-small.md").read_text()
    conformance.shaken(create_model("mse_regression:tiny", seed=9)).save(runs / "second")
    calls = []
    monkeypatch.setattr(comparing, "evaluate", lambda *a, **o: calls.append(a) or evaluate(*a, **o))
    assert train.main(words(runs)) == 0
    assert len(calls) == 2  # other weights, on both sets


def test_photos_apart_are_in_their_own_table_alone(runs):
    assert train.main(words(runs, "--apart", "things")) == 0
    text = (runs / "compare-small.md").read_text()
    section = re.search(r"### here/test, apart\n(.*?)(?=\n## |\Z)", text, re.S)[1]
    assert "2 photos of things stand apart" in section
    assert UNSEEN not in section
    reports = scored(runs, "here")
    aside = np.array([label == "things" for label in reports[0].labels])
    rows = cells([line for line in text.splitlines() if line.startswith("| second")])
    for row, chosen in zip(rows, (~aside, aside), strict=False):
        assert row[1] == f"{reports[2].only(chosen).summary()['ciede2000'].mean:.2f}"
    assert text.count("things") == 1


@pytest.fixture
def trained(runs, monkeypatch):
    """A job that was trained, the photos that it learned from, and words to compare it with."""
    root = runs.parent
    make_photos(root / "learned", ["1.png", "2.png"], seed=30)
    make_photos(root / "val", ["1.png"], seed=31)
    monkeypatch.setitem(QUEUES, "small", (Job("job", "mse_regression", "4", (32,), "tiny"),))
    photos = ["--photos", str(root / "learned")]
    out = ["--val-photos", str(root / "val"), "--out", str(runs)]
    assert train.main(["run", "small", *photos, *out]) == 0
    return photos


def test_what_no_job_learned_from_is_said_where_it_is_known(runs, trained):
    assert train.main(words(runs, "--apart", "things", *trained)) == 0
    assert UNSEEN in (runs / "compare-small.md").read_text()


def test_photos_that_a_job_learned_from_are_refused(runs, trained, capsys):
    make_photos(runs.parent / "there" / "test" / "more", ["1.png", "2.png"], seed=30)
    assert train.main(words(runs, *trained)) == 2
    assert "give other photos with --test-photos" in capsys.readouterr().err


def test_other_photos_than_a_job_learned_from_are_refused(runs, trained, capsys):
    trained[1] = str(runs.parent / "val")
    assert train.main(words(runs, *trained)) == 2
    assert "The job job learned from other photos" in capsys.readouterr().err


def test_what_the_job_before_learned_from_counts_too(runs, trained, monkeypatch, capsys):
    monkeypatch.setitem(QUEUES, "before", QUEUES["small"])
    fields = {"preset": "tiny", "start": "job", "continues": True}
    monkeypatch.setitem(QUEUES, "small", (Job("later", "mse_regression", "4", (32,), **fields),))
    make_photos(runs.parent / "other", ["1.png"], seed=32)
    given = ["--photos", str(runs.parent / "other")]
    out = ["--val-photos", str(runs.parent / "val"), "--out", str(runs)]
    assert train.main(["run", "small", *given, *out]) == 0
    assert train.main(words(runs, *given)) == 2
    assert "The job job learned from other photos" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("further", "told"),
    [
        (["--apart", "thing"], "did you mean 'things'"),
        (["--test-photos=here/test"], "have the same name"),
    ],
)
def test_mistakes_are_told(runs, capsys, monkeypatch, further, told):
    monkeypatch.chdir(runs.parent)
    assert train.main(words(runs, *further)) == 2
    assert told in capsys.readouterr().err


def test_a_queue_of_which_no_job_has_ended_is_told(runs, capsys):
    assert train.main([*words(runs)[:3], str(runs / "empty"), *words(runs)[4:]]) == 2
    assert "No job of the queue small has ended" in capsys.readouterr().err

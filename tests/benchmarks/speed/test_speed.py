"""All measurements of speed by one command, and the page of them."""

import json
import re
from pathlib import Path

import pytest
import slow_rows
from PIL import Image

import benchmarks.speed.__main__ as speed
from benchmarks.speed import curves, page, sections
from benchmarks.speed.sections import Section
from zoo import create_model

ROOT = Path(__file__).parents[3]
STORED = ROOT / "benchmarks" / "results" / "speed.json"


def section(name, measure, rows, needs=()):
    return Section(name, f"The {name} part", "A beside B.", "command", rows, 1, measure, needs)


@pytest.fixture
def parts(monkeypatch):
    made = (
        section("whole", slow_rows.three_rows, 3),
        section("long", slow_rows.one_row_and_a_long_wait, 2),
        section("lacking", slow_rows.three_rows, 3, needs=("no_such_package",)),
    )
    for module in (speed, page):
        monkeypatch.setattr(module, "SECTIONS", made)


def test_parts_share_the_time_and_keep_the_rows_that_they_have(parts, tmp_path, capsys):
    out = tmp_path / "speed.json"
    assert speed.main(["run", "--minutes", "0.3", "--out", str(out)]) == 0
    found, said = json.loads(out.read_text()), capsys.readouterr()
    assert {name: len(rows) for name, rows in found["sections"].items()} == {"whole": 3, "long": 1}
    # The first part leaves most of its half to the second.
    left = int(re.search(r"row 0, (\d+) s left", said.out)[1])
    assert 4 <= left <= 9
    assert "The part lacking needs no_such_package" in said.err
    assert speed.main(["write", str(out), str(tmp_path)]) == 0
    text = (tmp_path / "speed.md").read_text()
    assert "| row 0," in text
    assert "ours: 1 s | theirs: 4 s | 0.25 | lower |" in text
    assert "1 of 2 rows did not fit into the time." in text
    assert text.count("did not fit") == 1
    assert f"python -m benchmarks.speed run --minutes 0.3 --out {out}" in text


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["run", "--only", "whale"], "whole"),
        (["run", "--only", "lacking"], "run `pip install no_such_package`"),
        (["write", "nothing.json", "."], "nothing.json"),
    ],
)
def test_mistakes_get_one_sentence(parts, words, sentence, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    more = ["--out", "speed.json"] if words[0] == "run" else []
    assert speed.main([*words, *more]) in (1, 2)
    said = capsys.readouterr().err
    assert sentence in said
    assert "Traceback" not in said
    assert not list(tmp_path.iterdir())


def test_curves_are_measured_and_drawn(parts, tmp_path, monkeypatch):
    monkeypatch.setattr(curves, "_SIZES", {0.001: (20, 50), 0.002: (40, 50)})
    monkeypatch.setattr(curves, "_NUMBERS", (1, 2))
    # Each would start TensorFlow in a new process.
    monkeypatch.setattr(curves, "in_new_process", lambda function, given: function(given))
    monkeypatch.setattr(speed, "MODEL", str(create_model("zhang:tiny").save(tmp_path / "model")))
    out = tmp_path / "speed.json"
    assert speed.main(["run", "--only", "whole", "--curves", "--out", str(out)]) == 0
    found = json.loads(out.read_text())["curves"]
    assert [one["megapixels"] for one in found["sizes"]] == [0.001, 0.002]
    assert [one["photos"] for one in found["numbers"]] == [1, 2]
    assert all(one["seconds"] > 0 for both in found.values() for one in both)
    assert speed.main(["write", str(out), str(tmp_path)]) == 0
    with Image.open(tmp_path / page.CURVES) as image:
        assert image.width > 500
    assert f"]({page.CURVES})" in (tmp_path / "speed.md").read_text()


def test_every_part_says_how_to_measure_it_alone():
    for one in sections.SECTIONS:
        module = one.command.split()[2]
        assert (ROOT / f"{module.replace('.', '/')}.py").is_file()


def test_the_page_is_that_of_the_stored_figures():
    found = json.loads(STORED.read_text())
    assert (ROOT / "docs" / "speed.md").read_text() == page.page(
        found, STORED.relative_to(ROOT).as_posix()
    )
    assert (ROOT / "docs" / page.CURVES).is_file()

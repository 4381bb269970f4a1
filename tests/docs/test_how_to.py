"""The pages that say how to add something are followed, word by word, in a copy of the files."""

import re
import runpy
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from doc_pages import DOCS, ROOT, blocks, follow

import zoo.models
from benchmarks.release.readme_tables import approaches_table
from zoo import conformance
from zoo.cli import main

# What the tests of a package need beside it.
TESTED = ("setup.cfg", "zoo", "tests/conftest.py", "tests/hub_modules.py")


def run(command: str, root: Path) -> str:
    """Run a command of a page in the copy, by this Python; what it wrote."""
    words = [sys.executable if word == "python" else word for word in shlex.split(command)]
    done = subprocess.run(words, cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def commands(page: str) -> list[str]:
    shells = [block.code for block in blocks(DOCS / page) if block.language == "bash"]
    return [line for shell in shells for line in shell.splitlines()]


# ---------------------------------------------------------------------- a model


@pytest.fixture
def huber(tmp_path, monkeypatch):
    """The copy in which the page's model is added; it is registered in this process, too."""
    root = follow("add_a_model.md", tmp_path / "copy")
    listed = runpy.run_path(root / "zoo/models/__init__.py")["MODELS"]
    assert [name for name in listed if name != "huber"] == list(zoo.models.MODELS)
    monkeypatch.setitem(zoo.models.MODELS, "huber", listed["huber"])
    folders = [*zoo.models.__path__, str(root / "zoo" / "models")]
    monkeypatch.setattr(zoo.models, "__path__", folders)
    yield root
    sys.modules.pop("zoo.models.huber", None)
    vars(zoo.models).pop("huber", None)


def test_add_a_model(huber, tmp_path, monkeypatch, capsys):
    checks = ["declares_itself", "predicts_finite_chroma_of_any_size", "saves_and_loads_exactly"]
    conformance.check_model("huber", [*checks, "every_parameter_gets_a_gradient"])

    monkeypatch.setattr(sys, "argv", ["zoo", "info", "huber"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    assert "Huber" in capsys.readouterr().out


def test_a_model_gets_its_place_in_the_documentation(huber):
    """By its file and its line alone."""
    changed = {block.file for block in blocks(DOCS / "add_a_model.md") if block.file}
    assert changed == {"zoo/models/huber.py", "zoo/models/__init__.py"}
    assert "| `huber` | regression of ab from L with the Huber loss |" in approaches_table()
    reference = runpy.run_path(str(DOCS / "hooks.py"))["models_reference"]()
    assert "::: zoo.models.huber\n    options:\n      members: [HuberConfig, Huber]\n" in reference


# ---------------------------------------------------------------------- a metric, a data set


def test_add_a_metric(tmp_path):
    root = follow("add_a_metric.md", tmp_path, *TESTED, "tests/metrics")
    (command,) = commands("add_a_metric.md")
    # Its own two tests, and those that every metric gets: its range, and the best figure.
    assert re.search(r"\b4 passed", run(command, root))
    assert "### chroma error\n" in (root / "docs/glossary.md").read_text()


def test_add_a_data_set(tmp_path):
    root = follow("add_a_data_set.md", tmp_path, *TESTED, "data_recipes", "tests/data_recipes")
    test, show, fetch = commands("add_a_data_set.md")
    assert re.search(r"\b4 passed", run(test, root))
    assert "pond" in run(f"python -m {show}", root)
    assert fetch.startswith("zoo data prepare pond ")  # there is nothing to fetch


@pytest.mark.parametrize("page", ["add_a_model.md", "add_a_metric.md", "add_a_data_set.md"])
def test_commands_name_files_that_exist(page):
    for command in commands(page):
        for word in shlex.split(command):
            assert not word.startswith("tests/") or (ROOT / word).exists(), word


def test_the_first_page_s_example_runs(tmp_path, monkeypatch):
    (block,) = blocks(DOCS / "index.md")
    # The calls are the same for every model, and this one has nothing to learn.
    code = block.code.replace('"zhang"', '"gray"')
    assert code != block.code
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "index.md", "exec"), {})
    assert (tmp_path / "runs" / "zhang" / "card.json").is_file()

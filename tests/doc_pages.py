"""The documentation as text: its pages, what stands in them, and what they tell people to do."""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"

_PARSER = MarkdownIt("commonmark").enable("table")


@dataclass(frozen=True)
class Block:
    """A block of code: its language, the file that it is said to be in, and the code."""

    language: str
    file: str | None
    code: str


def parse(text: str) -> list[Token]:
    return _PARSER.parse(text)


def blocks(page: Path) -> list[Block]:
    found = []
    for token in parse(page.read_text(encoding="utf-8")):
        if token.type == "fence":
            language, file = re.fullmatch(r'(\w*)(?: title="([^"]+)")?', token.info).groups()
            found.append(Block(language, file, token.content))
    return found


def headings(text: str) -> list[str]:
    """The text of each heading, without its markup."""
    tokens = parse(text)
    lines = [tokens[i + 1] for i, token in enumerate(tokens) if token.type == "heading_open"]
    kinds = ("text", "code_inline")
    return ["".join(part.content for part in one.children if part.type in kinds) for one in lines]


def table_rows(text: str) -> list[list[str]]:
    """The cells of all rows of all tables, as they are written, headings included."""
    rows = [line.strip().strip("|").split(" | ") for line in text.splitlines() if line[:1] == "|"]
    return [[cell.strip() for cell in row] for row in rows]


def follow(page: str, root: Path, *needed: str) -> Path:
    """Do all that a page says to a copy of the files that it speaks of.

    `needed` are further files and folders to copy.
    """
    steps = [block for block in blocks(DOCS / page) if block.file is not None]
    for name in needed:
        _copy(name, root)
    for step in steps:
        if step.language == "diff" and not (root / step.file).exists():
            _copy(step.file, root)
    for step in steps:
        _do(step, root / step.file)
    return root


def _copy(name: str, root: Path) -> None:
    source, target = ROOT / name, root / name
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "*.npz"))
    else:
        shutil.copyfile(source, target)


def _do(step: Block, path: Path) -> None:
    """Make a file, or change one: a diff without line numbers, whose place must be unmistakable."""
    if step.language != "diff":
        assert not path.exists(), f"{path} is there already"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(step.code, encoding="utf-8")
        return
    present, changed = "", []
    for line in step.code.splitlines():
        if line == "...":  # stands for whatever is in between
            present += "((?s:.*?))"
            changed.append(None)
        elif line.startswith("+"):
            changed.append(line[1:] + "\n")
        else:
            present += re.escape(line[1:] + "\n")
            changed.append(line[1:] + "\n")
    text = path.read_text(encoding="utf-8")
    places = list(re.finditer("^" + present, text, re.MULTILINE))
    assert len(places) == 1, f"{path} has {len(places)} places for:\n{step.code}"
    found = places[0]
    skipped = iter(found.groups())
    new = "".join(next(skipped) if part is None else part for part in changed)
    path.write_text(text[: found.start()] + new + text[found.end() :], encoding="utf-8")

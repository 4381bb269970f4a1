"""Links lead somewhere, checked without a network: files, headings in them, pictures."""

import itertools
import json
import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from doc_pages import DOCS, ROOT, headings, parse

PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SOURCES = [*PAGES, *NOTEBOOKS]

_OUTSIDE = re.compile(r"[a-z][a-z0-9+.-]*:|//", re.IGNORECASE)


def text_of(source: Path) -> str:
    """A page, or what a notebook says between its code."""
    text = source.read_text(encoding="utf-8")
    if source.suffix != ".ipynb":
        return text
    cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "markdown"]
    return "\n\n".join("".join(cell["source"]) for cell in cells)


def links(text: str) -> list[str]:
    """Targets of links and pictures, in Markdown or HTML, but not of those within code."""
    found = []
    for token in itertools.chain.from_iterable((t, *(t.children or ())) for t in parse(text)):
        if token.type in ("html_inline", "html_block"):
            found += re.findall(r'\b(?:href|src)="([^"]+)"', token.content)
        found += [value for name, value in token.attrs.items() if name in ("href", "src")]
    return found


def anchors(text: str) -> set[str]:
    """Where links into a page may lead, by GitHub's rule: words, joined by hyphens."""
    found: dict[str, int] = {}
    for heading in headings(text):
        anchor = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        found[anchor] = found.get(anchor, -1) + 1
        if found[anchor]:
            found[f"{anchor}-{found[anchor]}"] = 0
    return set(found)


def has_anchor(target: Path, anchor: str) -> bool:
    text = text_of(target)
    if target.parent == DOCS / "api":  # names there are anchors, made of docstrings
        described = re.findall(r"^::: (\S+)", text, re.MULTILINE)
        if any(f"{anchor}.".startswith(f"{name}.") for name in described):
            return True
    return anchor in anchors(text)


def broken(source: Path) -> list[str]:
    found = []
    for link in links(text_of(source)):
        if _OUTSIDE.match(link):
            continue
        path, _, anchor = unquote(link).partition("#")
        target = source.parent / path if path else source
        if not target.exists() or (anchor and not has_anchor(target, anchor)):
            found.append(link)
    return found


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(source):
    assert not broken(source)


def test_the_check_finds_what_is_broken(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "# A `b`: c, d\n\n## Twice\n\n## Twice\n\n"
        "[1](page.md#a-b-c-d) [2](#twice-1) [3](missing.md) [4](#a-b) [5](page.md#twice-2)\n"
        '![6](missing.png) <img src="missing.jpg"> <a href="#twice">7</a> `[8](missing.md)`\n\n'
        "```\n[9](missing.md)\n```\n\n[10](https://example.org/missing.md) [11][below]\n\n"
        "[below]: missing.txt\n"
    )
    assert broken(page) == [
        "missing.md",
        "#a-b",
        "page.md#twice-2",
        "missing.png",
        "missing.jpg",
        "missing.txt",
    ]


def test_notebooks_are_read(tmp_path):
    cells = [
        {"cell_type": "markdown", "source": ["[a](missing.md)\n", "[b](#here)"]},
        {"cell_type": "markdown", "source": ["# Here"]},
        {"cell_type": "code", "source": ["x = '[c](missing.md)'"]},
    ]
    notebook = tmp_path / "1.ipynb"
    notebook.write_text(json.dumps({"cells": cells}))
    assert broken(notebook) == ["missing.md"]

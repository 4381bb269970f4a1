"""The documentation site is built without a warning, and needs nothing from elsewhere."""

import os
import re
import subprocess
import sys

import pytest
from doc_pages import DOCS, ROOT

import zoo

pytest.importorskip("mkdocs", reason="the site is built with the extra `docs`")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    # What the theme's authors have to say of MkDocs' next version is no warning about the site.
    quiet = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=quiet, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


def test_every_page_is_built(site):
    pages = [page.relative_to(DOCS).with_suffix(".html") for page in DOCS.rglob("*.md")]
    assert len(pages) > 10
    assert all((site / page).is_file() for page in pages)


def test_nothing_comes_from_elsewhere(site):
    """Links may lead away; what a page is made of may not: scripts, styles, fonts, pictures."""
    parts = re.compile(r'<(?:script|img|link|iframe|source)\b[^>]*\b(?:src|href)="([^"]+)"')
    for page in site.rglob("*.html"):
        for part in parts.findall(page.read_text(encoding="utf-8")):
            assert not re.match(r"[a-z]+:|//", part), (page, part)
    for style in site.rglob("*.css"):
        assert not re.search(r"url\([\"']?(?:https?:)?//", style.read_text(encoding="utf-8"))


def test_public_names_are_described(site):
    reference = "".join(page.read_text(encoding="utf-8") for page in (site / "api").glob("*.html"))
    for name in set(zoo.__all__) - {"__version__"}:
        home = getattr(zoo, name).__module__
        assert (
            f'id="{home}.{name}"' in reference or f'id="zoo.metrics.networks.{name}"' in reference
        )

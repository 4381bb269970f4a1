"""The reference leaves out no model, no option and no metric."""

import re
import runpy

from doc_pages import DOCS, headings

import zoo
from benchmarks.harness.cells import PROTOCOL
from zoo import registry
from zoo.evaluation.report import MIN_PHOTOS_FOR_CLAIMS
from zoo.metrics import registry as metrics
from zoo.metrics.networks.frechet import FEW_PHOTOS

GLOSSARY = (DOCS / "glossary.md").read_text(encoding="utf-8")
TERMS = headings(GLOSSARY)


def test_every_model_is_described():
    hooks = runpy.run_path(str(DOCS / "hooks.py"))
    page = hooks["on_page_markdown"]((DOCS / "api" / "models.md").read_text(encoding="utf-8"))
    described = set(re.findall(r"^::: (\S+)$", page, re.MULTILINE))
    for name in zoo.list_models():
        model = registry.entry(name).load()
        assert model.__module__ in described
        assert re.search(rf"members: \[.*\b{model.__name__}\b", page)


def test_every_metric_is_in_the_glossary():
    for metric in [*metrics._ALL, *metrics._OF_NETWORKS]:
        assert metric.title in TERMS


def test_every_option_is_in_the_glossary():
    for name in zoo.list_models():
        for option in registry.entry(name).load().options:
            assert f"`{option.name}`" in GLOSSARY


def test_the_method_states_the_numbers_that_the_code_has():
    page = " ".join((DOCS / "benchmark_method.md").read_text(encoding="utf-8").split())
    assert f"the *protocol*, at present {PROTOCOL}." in page
    assert f"fewer than {MIN_PHOTOS_FOR_CLAIMS} test photos" in page
    assert f"under {FEW_PHOTOS:,} a caution" in page


def test_terms_are_explained_once():
    assert len(set(TERMS)) == len(TERMS) > 60
    for entry in GLOSSARY.split("\n### ")[1:]:
        _, _, explanation = entry.partition("\n\n")
        assert re.match(r"\w", explanation), entry

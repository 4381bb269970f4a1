"""The reference leaves out no model, no option and no metric."""

import re
import runpy
from typing import ClassVar

from doc_pages import DOCS, headings, table_rows

import zoo
from benchmarks.harness.cells import PROTOCOL
from benchmarks.report.leaderboard import RANKING
from zoo import registry
from zoo.colorizer import Departure, Preset
from zoo.evaluation.report import MIN_PHOTOS_FOR_CLAIMS
from zoo.metrics import color_prior
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


def test_every_departure_is_shown_where_its_model_is():
    hooks = runpy.run_path(str(DOCS / "hooks.py"))
    page = hooks["on_page_markdown"]((DOCS / "api" / "models.md").read_text(encoding="utf-8"))
    for name in zoo.list_models():
        model = registry.entry(name).load()
        place = page.partition(f"::: {model.__module__}\n")[2].partition("\n::: ")[0]
        for preset, known in model.PRESETS.items():
            heading = f"**Departures of `{name}:{preset}`**\n"
            assert (heading in place) == known.follows_a_source
            if known.departures:
                told = place.partition(heading)[2].partition("\n**")[0]
                rows = [[one.paper, one.here, one.why] for one in known.departures]
                assert table_rows(told) == [["paper", "here", "why"], ["---"] * 3, *rows]


def test_no_departure_and_bars_in_a_departure_are_written_as_markdown_wants_it():
    hooks = runpy.run_path(str(DOCS / "hooks.py"))
    paper = Preset(None, "Nobody 1999", (Departure("|a|", "b", "c"),))

    class Model:
        PRESETS: ClassVar = {"paper": paper, "plain": Preset(None, "Nobody 1999")}

    rows, none = hooks["departures_tables"]("model", Model)
    assert rows.endswith("| \\|a\\| | b | c |")
    assert none.endswith("None is known.")


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
    assert RANKING in page
    assert f"of {color_prior().photos:,} training photos" in page


def test_terms_are_explained_once():
    assert len(set(TERMS)) == len(TERMS) > 60
    for entry in GLOSSARY.split("\n### ")[1:]:
        _, _, explanation = entry.partition("\n\n")
        assert re.match(r"\w", explanation), entry

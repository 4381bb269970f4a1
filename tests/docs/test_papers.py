"""Every paper that models, metrics and comments lean on has its entry, and every entry its use."""

import re

import pytest
from doc_pages import DOCS, ROOT, table_rows

import zoo
from zoo import registry
from zoo.metrics import registry as metrics

yaml = pytest.importorskip("yaml", reason="it comes with the extra `docs`")

BIBLIOGRAPHY = (DOCS / "papers.bib").read_text(encoding="utf-8")
PAGE = (DOCS / "papers.md").read_text(encoding="utf-8")

REQUIRED = {
    "article": {"author", "title", "journal", "year"},
    "inproceedings": {"author", "title", "booktitle", "year"},
    "misc": {"author", "title"},
}
#: As in "Zhang et al. 2016", "Zhang, Isola and Efros 2016", "Richart and Visca".
NAMED = re.compile(r"([A-Z]\w+)(?: et al\.|(?:, [A-Z]\w+)* and [A-Z]\w+)(?: (\d{4}))?")


def entries() -> dict[str, dict[str, str]]:
    """The fields of each entry by key; its type is among them."""
    found = {}
    for kind, key, body in re.findall(r"^@(\w+)\{(\w+),\n(.*?)^\}$", BIBLIOGRAPHY, re.M | re.S):
        assert key not in found
        fields = re.findall(r"^  (\w+) = \{(.*)\},$", body, re.MULTILINE)
        assert len(fields) == len(body.splitlines())
        found[key] = dict(fields) | {"type": kind}
    return found


ENTRIES = entries()


def first_author(entry: dict[str, str]) -> str:
    return entry["author"].partition(",")[0].strip("{}")


def keys_of(source: str) -> set[str]:
    """The entries of the papers that a sentence names; it is an error if one has none."""
    found = set()
    for author, year in NAMED.findall(source):
        keys = {
            key
            for key, entry in ENTRIES.items()
            if (first_author(entry), entry.get("year", "")) == (author, year)
        }
        assert keys or not year, f"no entry for {author} {year}, of {source!r}"
        found |= keys
    return found


def test_entries_are_whole():
    assert BIBLIOGRAPHY.count("@") == len(ENTRIES)
    for key, entry in ENTRIES.items():
        assert REQUIRED[entry["type"]] <= entry.keys(), key
        assert all(value.count("{") == value.count("}") for value in entry.values()), key
        assert key.startswith(re.sub(r"\W", "", first_author(entry)).lower()), key
        assert entry.get("year", "") in key, key
        assert ("eprint" in entry) == ("archiveprefix" in entry), key


def test_the_page_names_every_entry_and_no_other():
    named = [cell for row in table_rows(PAGE) for cell in row[-1:]]
    assert set(re.findall(r"`(\w+)`", " ".join(named))) == set(ENTRIES)


def test_the_page_links_to_what_the_entries_say():
    for key, entry in ENTRIES.items():
        rows = [row for row in table_rows(PAGE) if f"`{key}`" in row[-1]]
        for link in (f"arxiv.org/abs/{entry.get('eprint')}", f"doi.org/{entry.get('doi')}"):
            assert link.endswith("None") or any(link in " ".join(row) for row in rows), key


@pytest.mark.parametrize("name", zoo.list_models())
def test_every_preset_s_source_has_its_entry(name):
    rows = [row for row in table_rows(PAGE) if f"`{name}`" in row[0]]
    stated = set(re.findall(r"`(\w+)`", " ".join(row[-1] for row in rows)))
    for preset in registry.entry(name).load().PRESETS.values():
        keys = keys_of(preset.source)
        assert keys or preset.source == "by definition" or preset.source.startswith("ours: ")
        assert keys <= stated, preset.source


@pytest.mark.parametrize("metric", [*metrics._ALL, *metrics._OF_NETWORKS], ids=lambda m: m.name)
def test_every_metric_s_source_has_its_entry(metric):
    keys_of(metric.source)


def test_every_preprint_in_the_code_has_its_entry():
    known = {entry.get("eprint") for entry in ENTRIES.values()}
    for package in ("zoo", "benchmarks", "data_recipes"):
        for path in (ROOT / package).rglob("*.py"):
            text = re.sub(r"\s+", " ", path.read_text(encoding="utf-8"))
            named = set(re.findall(r"arXiv (\d{4}\.\d{5})", text))
            assert named <= known, f"{path}: {named - known}"


def test_an_unknown_paper_is_noticed():
    assert keys_of("ours: the method of Zhang et al. 2016 on a U-Net") == {"zhang2016"}
    assert keys_of("Baldassarre et al. 2017, and Zhang, Isola and Efros 2018") == {
        "baldassarre2017",
        "zhang2018",
    }
    with pytest.raises(AssertionError, match="no entry for Nobody 2002"):
        keys_of("Nobody et al. 2002, section 2")


def test_the_software_can_be_cited():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= citation.keys()
    assert citation["cff-version"] == "1.2.0"
    assert citation["version"] == zoo.__version__
    assert citation["license"] == "MIT"
    assert all("name" in author or "family-names" in author for author in citation["authors"])

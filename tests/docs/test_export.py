"""The page about exports names the options of all models as they are declared."""

from doc_pages import DOCS

from zoo import list_models, registry

HERE = {"input": "an input", "fixed": "fixed", "refused": "its default alone", "absent": "absent"}


def test_the_table_of_options_follows_the_declarations():
    owners = {}
    for name in list_models():
        for option in registry.entry(name).load().options:
            owners.setdefault((option.name, option.export), []).append(f"`{name}`")
    rows = []
    for (option, export), names in owners.items():
        models = "all" if len(names) == len(list_models()) else ", ".join(names)
        rows.append(f"| `{option}` | {models} | {HERE[export]} |")
    page = (DOCS / "export.md").read_text(encoding="utf-8").splitlines()
    assert [row for row in rows if row not in page] == []

"""What the site makes of the registry when it is built: a section for each file of models."""

import inspect
from typing import Any

from zoo import registry
from zoo.colorizer import Colorizer

_MARK = "<!-- models -->"


def on_page_markdown(markdown: str, **site: Any) -> str:
    """Put the sections where the page marks their place."""
    return markdown.replace(_MARK, models_reference()) if _MARK in markdown else markdown


def departures_tables(name: str, model: type[Colorizer]) -> list[str]:
    """For each preset that follows a source, in what it departs from it, as Markdown."""
    found = []
    for preset, known in model.PRESETS.items():
        if known.follows_a_source:
            rows = [("paper", "here", "why"), ("---",) * 3]
            rows += [(one.paper, one.here, one.why) for one in known.departures]
            lines = [" | ".join(cell.replace("|", "\\|") for cell in row) for row in rows]
            table = "\n".join(f"| {line} |" for line in lines)
            told = table if known.departures else "None is known."
            found.append(f"**Departures of `{name}:{preset}`**\n\n{told}")
    return found


def models_reference() -> str:
    """Name each file of models once, in the registry's order, with what it has to show.

    The tables of its presets' departures follow.
    """
    members: dict[str, list[str]] = {}
    tables: dict[str, list[str]] = {}
    for name in registry.list_models():
        model = registry.entry(name).load()
        module = inspect.getmodule(model)
        assert module is not None
        config = type(next(iter(model.PRESETS.values())).config)
        shown = members.setdefault(module.__name__, [])
        own = [one.__name__ for one in (config, model) if one.__module__ == module.__name__]
        shown += [one for one in own if one not in shown]
        tables.setdefault(module.__name__, []).extend(departures_tables(name, model))
    return "\n\n".join(
        f"::: {module}\n"
        "    options:\n"
        f"      members: [{', '.join(names)}]\n"
        '      filters: ["!^[_a-z]", "^options$", "^realness$"]\n'
        "      show_if_no_docstring: true" + "".join(f"\n\n{table}" for table in tables[module])
        for module, names in members.items()
    )

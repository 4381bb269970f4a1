"""What the site makes of the registry when it is built: a section for each file of models."""

import inspect
from typing import Any

from zoo import registry

_MARK = "<!-- models -->"


def on_page_markdown(markdown: str, **site: Any) -> str:
    """Put the sections where the page marks their place."""
    return markdown.replace(_MARK, models_reference()) if _MARK in markdown else markdown


def models_reference() -> str:
    """Name each file of models once, in the registry's order, with what it has to show."""
    members: dict[str, list[str]] = {}
    for name in registry.list_models():
        model = registry.entry(name).load()
        module = inspect.getmodule(model)
        assert module is not None
        config = type(next(iter(model.PRESETS.values())).config)
        shown = members.setdefault(module.__name__, [])
        own = [one.__name__ for one in (config, model) if one.__module__ == module.__name__]
        shown += [one for one in own if one not in shown]
    return "\n\n".join(
        f"::: {module}\n"
        "    options:\n"
        f"      members: [{', '.join(names)}]\n"
        '      filters: ["!^[_a-z]", "^options$", "^realness$"]\n'
        "      show_if_no_docstring: true"
        for module, names in members.items()
    )

"""Find the rows that a command line asks for: those of a suite, or of models by name."""

import dataclasses
from collections.abc import Sequence

from benchmarks.suites import DEFAULT_SUITE, Row, load_suite, trained
from zoo.cli.settings import parse_fields, parse_pairs
from zoo.errors import ZooError, valid_choice
from zoo.registry import entry, resolve


def chosen_rows(
    suite: str | None, models: str | None, preset: str, has_photos: bool = True
) -> list[Row]:
    """List the rows to run, in order, none twice, each with its preset.

    Args:
        suite: its name; the default suite where neither it nor `models` is given.
        models: folders and names as of `zoo.registry.resolve`, with commas between; trained weights
            are scored as they are.
        preset: of rows that leave it open.
        has_photos: whether there is a folder of photos to learn from.
    """
    if models is None:
        found = load_suite(suite or DEFAULT_SUITE)
        if found.needs_photos and not has_photos:
            needs = "needs a folder of photos: give one with --photos DIR."
            raise ZooError(f"The suite {suite} {needs}")
        wanted = found.rows
    elif suite is None:
        named = (resolve(text.strip()) for text in models.split(","))
        wanted = tuple(
            trained(one) if one.folder else Row(one.entry.name, preset=one.preset) for one in named
        )
    else:
        raise ZooError("--suite and --models both say what to compare: leave one of them away.")
    rows: list[Row] = []
    for row in wanted:
        chosen = entry(row.model).preset_or_only(row.preset or preset)
        row = dataclasses.replace(row, preset=chosen)
        rows += [row] if row not in rows else []
    return rows


def configured(rows: Sequence[Row], given: list[str] | None) -> list[Row]:
    """Apply --set MODEL.FIELD=VALUE to the rows; a row's own configuration comes first."""
    rows = list(rows)
    for target, text in parse_pairs(given, "--set").items():
        model, _, field = target.partition(".")
        valid_choice("model in this benchmark", model, tuple({row.model: None for row in rows}))
        for number, row in enumerate(rows):
            if row.model == model and row.preset is not None:
                base = entry(model).load().PRESETS[row.preset].config
                values = parse_fields(base, {field: text}, f"configuration field of {model}")
                rows[number] = dataclasses.replace(row, config=values | row.config)
    return rows

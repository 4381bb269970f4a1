"""The rows that a command line asks for: those of a suite, or of models by name."""

import dataclasses
from collections.abc import Sequence

from benchmarks.suites import DEFAULT_SUITE, Row, load_suite, trained
from zoo.cli.settings import parse_fields, parse_pairs
from zoo.errors import ZooError, valid_choice
from zoo.registry import entry, resolve


def chosen_rows(
    suite: str | None, models: str | None, preset: str, has_photos: bool = True
) -> list[Row]:
    """The rows to run, in order, none twice, each with its preset.

    Args:
        suite: its name; the default suite where neither it nor `models` is given.
        models: folders and names as of `zoo.registry.resolve`, with commas between; trained weights
            are scored as they are.
        preset: of rows that leave it open.
        has_photos: whether there is a folder of photos to learn from.

    Raises:
        ZooError: if both are given, something named does not exist, or the suite needs photos.
    """
    if models is None:
        found = load_suite(suite or DEFAULT_SUITE)
        if found.needs_photos and not has_photos:
            raise ZooError(
                f"The suite {suite} needs a folder of photos: give one with --photos DIR."
            )
        wanted = found.rows
    elif suite is None:
        wanted = tuple(_named_row(text.strip()) for text in models.split(","))
    else:
        raise ZooError("--suite and --models both say what to compare: leave one of them away.")
    rows = [
        dataclasses.replace(row, preset=entry(row.model).preset_or_only(row.preset or preset))
        for row in wanted
    ]
    return [row for number, row in enumerate(rows) if row not in rows[:number]]


def configured(rows: Sequence[Row], given: list[str] | None) -> list[Row]:
    """The rows with the fields that --set changes; a row's own configuration comes first.

    Raises:
        ZooError: if something is not MODEL.FIELD=VALUE, names no row's model or no field, or is no
            such value.
    """
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


def _named_row(name: str) -> Row:
    named = resolve(name)
    return Row(named.entry.name, preset=named.preset) if named.folder is None else trained(named)

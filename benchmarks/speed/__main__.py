"""Measure all that is said of speed, and write the page of it.

    python -m benchmarks.speed run --out speed.json
    python -m benchmarks.speed run --only networks,photos --minutes 10 --curves --out speed.json
    python -m benchmarks.speed write speed.json docs

`run` shares its time, five minutes if nothing else is said, among the parts: each is measured in a
process of its own, which is stopped when its share is over, and keeps the rows that it has by then.
What is there after each part is written at once. `--curves` also colors photos of 0.01 to 48
megapixels, and folders of 10 to 10,000 photos, which takes four minutes more.

`write` makes `speed.md` of it, and draws the curves beside it.

It needs the extra `benchmark`, and for some parts others; a part that lacks one is named and left
out. Let nothing else run.
"""

import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.speed.curves import draw_curves, over_numbers, over_sizes
from benchmarks.speed.hot_paths import told
from benchmarks.speed.limited import rows_within
from benchmarks.speed.page import CURVES, page
from benchmarks.speed.sections import MODEL, SECTIONS, Section
from benchmarks.speed.timing import Row, print_table
from zoo.cli.scripts import run_script
from zoo.errors import ZooError, valid_choice
from zoo.files import atomic_path, read_json, require_writable, write_json

Out = Annotated[Path, typer.Option(metavar="FILE", help="Write all figures there, as JSON.")]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status."""
    return run_script(run, write, argv=argv, interrupted="Stopped; finished parts are kept.")


def run(
    out: Out,
    minutes: Annotated[
        float, typer.Option(min=0.1, help="When it ends, without the curves.")
    ] = 5.0,
    only: Annotated[
        str | None,
        typer.Option(metavar="A,B,...", help=f"Parts: {', '.join(s.name for s in SECTIONS)}."),
    ] = None,
    curves: Annotated[
        bool, typer.Option("--curves", help="Also measure time and memory over size and number.")
    ] = False,
) -> None:
    """Measure how fast all is."""
    from benchmarks.harness.environment import describe_environment

    chosen = _chosen(only)
    require_writable(out.parent)
    found: dict[str, Any] = {"environment": describe_environment(), "minutes": minutes}
    found["sections"], every = {}, []
    end = time.monotonic() + 60 * minutes
    for place, section in enumerate(chosen):
        share = section.share / sum(later.share for later in chosen[place:])
        rows = _measured(section, share * (end - time.monotonic()))
        every += rows
        found["sections"][section.name] = [asdict(row) | {"ratio": row.ratio} for row in rows]
        write_json(out, found)
    print_table(every)
    if curves:
        found["curves"] = {"sizes": over_sizes(MODEL), "numbers": over_numbers(MODEL)}
        write_json(out, found)


def write(
    measured: Annotated[Path, typer.Argument(metavar="FILE", help="What `run` has written.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the page goes.")],
) -> None:
    """Write the page of what was measured."""
    require_writable(folder)
    found = read_json(measured)
    text = page(found, measured.as_posix())
    if "curves" in found:
        draw_curves(folder / CURVES, **found["curves"])
    with atomic_path(folder / "speed.md") as temporary:
        temporary.write_text(text, encoding="utf-8")


def _chosen(only: str | None) -> list[Section]:
    """The parts that are asked for, of which all can be measured.

    Raises:
        ZooError: if there is no such part, or one that was asked for by name lacks something.
    """
    by_name = {section.name: section for section in SECTIONS}
    names = list(by_name) if only is None else only.split(",")
    chosen = [by_name[valid_choice("part", name, tuple(by_name))] for name in names]
    for section in chosen:
        if not section.ready:
            lacking, wanted = ", ".join(section.needs), " ".join(section.needs)
            sentence = f"The part {section.name} needs {lacking}; run `pip install {wanted}`."
            if only is not None:
                raise ZooError(sentence)
            print(f"{sentence} It is left out.", file=sys.stderr)
    return [section for section in chosen if section.ready]


def _measured(section: Section, seconds: float) -> list[Row]:
    print(section.title, flush=True)
    return told(rows_within(seconds, section.measure), section.rows, seconds / 60)


if __name__ == "__main__":
    sys.exit(main())

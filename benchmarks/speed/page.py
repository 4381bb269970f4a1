"""The page of speed, as text: a pure function of what `benchmarks.speed` has measured."""

from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.report.text import markdown_table, three_digits
from benchmarks.speed.sections import SECTIONS, Section
from benchmarks.speed.timing import Measurement, Row

#: What the curves are called beside the page.
CURVES = "speed.png"

_HEAD = """# Speed

Each figure stands beside a named alternative that was measured in the same run, in turn: what slows
the machine slows both, and their ratio is what carries over to other machines. A time is the median
after a warm-up. This page is written by two commands; with nothing else running:

```bash
{run}
python -m benchmarks.speed write {file} docs
```
"""
_CURVES_TEXT = f"""## Cost against size and number

Seconds and peak memory of a photo over its megapixels, and of a folder over the number of its
photos (96 x 128 px each, the start of the model included). Time is linear in both once the start is
paid; memory does not grow with the number.

![Seconds and peak memory over megapixels and over the number of photos]({CURVES})
"""
_COLUMNS = ("what", "ours", "alternative", "ratio", "better")


def page(found: Mapping[str, Any], file: str) -> str:
    """Write the page.

    Args:
        found: what was measured, as `python -m benchmarks.speed run` writes it.
        file: where that lies, for the page's commands.
    """
    return "\n".join(_parts(found, file))


def _parts(found: Mapping[str, Any], file: str) -> Iterator[str]:
    curves = " --curves" if "curves" in found else ""
    run = f"python -m benchmarks.speed run --minutes {found['minutes']:g}{curves} --out {file}"
    yield _HEAD.format(run=run, file=file)
    yield f"Measured on: {_machine(found['environment'])}.\n"
    for section in SECTIONS:
        if section.name in found["sections"]:
            yield from _section(section, [row_of(one) for one in found["sections"][section.name]])
    if curves:
        yield _CURVES_TEXT


def _section(section: Section, rows: list[Row]) -> Iterator[str]:
    yield f"## {section.title}\n\n{section.text}\n"
    yield f"```bash\n{section.command}\n```\n"
    yield from markdown_table(_COLUMNS, [_cells(row) for row in rows])
    yield ""
    if len(rows) < section.rows:
        yield f"{section.rows - len(rows)} of {section.rows} rows did not fit into the time.\n"


def row_of(stored: Mapping[str, Any]) -> Row:
    """A row as it was before `dataclasses.asdict`."""
    ours, alternative = (Measurement(**stored[name]) for name in ("ours", "alternative"))
    return Row(stored["title"], stored["unit"], stored["higher_is_better"], ours, alternative)


def _cells(row: Row) -> list[str]:
    both = [
        f"{one.name}: {three_digits(one.median)} {row.unit}" for one in (row.ours, row.alternative)
    ]
    return [row.title, *both, f"{row.ratio:.2f}", "higher" if row.higher_is_better else "lower"]


def _machine(environment: Mapping[str, Any]) -> str:
    versions = (
        f"{environment['cores']} cores",
        f"Python {environment['python']}",
        f"Keras {environment['keras']}",
        f"{environment['backend']} {environment['backend_version']}",
    )
    return ", ".join((environment["processor"], *versions))

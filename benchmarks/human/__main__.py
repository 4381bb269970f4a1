"""Ask which metric agrees with people.

    python -m benchmarks.human data/hecd

The folder holds HECD, as its authors publish it or as `zoo data prepare hecd` fetched it: 1,300
recolorings that people rated. Its license is unclear, so that it is not part of this project and
must not be passed on. On two processor cores it takes some minutes.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from rich.console import Console
from rich.table import Table
from typer import Argument, Option

from zoo.cli.inputs import counted
from zoo.cli.scripts import run_script
from zoo.files import atomic_path, require_writable


def main(argv: Sequence[str] | None = None) -> int:
    """Run the comparison; return 0, 2 after a mistake, 130 after Ctrl-C."""
    stopped = "\nStopped; what is finished is kept: repeat the command with --resume to go on."
    return run_script(human, argv=argv, interrupted=stopped)


def human(
    folder: Annotated[Path, Argument(metavar="FOLDER", help="The folder that holds HECD.")],
    out: Annotated[Path, Option(metavar="DIR", help="Results.")] = Path("runs/human"),
    resume: Annotated[
        bool, Option("--resume", help="Keep the scenes that are scored in --out, do what is left.")
    ] = False,
) -> None:
    """Compare every metric's order of recolored photos with the order that people gave them."""
    from benchmarks.human.agreement import agreements, score
    from benchmarks.human.judgements import read_scenes
    from benchmarks.human.output import HEADINGS, files, rows

    scenes = read_scenes(folder)
    require_writable(out)
    pictures = sum(len(scene.recolorings) for scene in scenes)
    console = Console(stderr=True)
    console.print(f"{counted(len(scenes), 'scene')}, {counted(pictures, 'recoloring')}.")
    scores = score(scenes, keep=out / "scenes", resume=resume, progress=True)
    found = agreements(scenes, scores)
    contents = files(scenes, scores, found)
    for name, content in contents.items():
        with atomic_path(out / name) as temporary:
            temporary.write_bytes(content)
    table = Table(title="Rank correlation with people")
    for heading in HEADINGS:
        table.add_column(heading, no_wrap=heading != "Metric")
    for row in rows(found):
        table.add_row(*row)
    console.print(table, highlight=False)
    print("\n".join(str(out / name) for name in contents))


if __name__ == "__main__":
    sys.exit(main())

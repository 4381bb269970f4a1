"""Train, score and compare every model on the same photos with the same budget.

    python benchmarks/run_all.py
    python benchmarks/run_all.py --models gray,mse_regression:paper --photos DIR --budget 2h
    python benchmarks/run_all.py --suite ablation --photos DIR --budget 200000

Without options it scores the trained weights that come with the package on the photos that come
with scikit-image, scikit-learn and matplotlib, within five minutes on two processor cores. Each
training runs in a process of its own and its result is stored at once: after Ctrl-C, a crash or a
failing model, the same command with --resume does what is left.
"""

import shlex
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from rich.console import Console
from rich.table import Table
from typer import Context, Exit, Option

# As a script Python looks for modules in this folder, not in the one above with the packages.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.harness.photos import benchmark_photos, labels_apart
from benchmarks.harness.rows import chosen_rows, configured
from benchmarks.suites import DEFAULT_SUITE, MADE_FILM, SUITES, UNTRAINED, load_suite
from zoo.budget import Budget
from zoo.cli import options
from zoo.cli.scripts import run_script
from zoo.cli.startup import start_keras
from zoo.errors import ZooError, valid_choice
from zoo.executors import EXECUTORS
from zoo.files import require_writable

if TYPE_CHECKING:
    from benchmarks.harness.runs import Runs

_PRECISIONS = ("auto", "float32", "mixed_bfloat16")
_WHAT_SUITES_COMPARE = "; ".join(f"{name}, {summary}" for name, summary in SUITES.items())


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; return 0, 1 if a model failed, 2 after a mistake, 130 after Ctrl-C."""
    stopped = "\nStopped; what is finished is kept: repeat the command with --resume to go on."
    return run_script(benchmark, argv=argv, interrupted=stopped)


def _take_defaults(context: Context, suite: str | None) -> str | None:
    if suite is not None:
        context.default_map = load_suite(suite).defaults
    return suite


def benchmark(
    context: Context,
    suite: Annotated[
        str | None,
        Option(
            metavar="NAME",
            is_eager=True,
            callback=_take_defaults,
            help=f"What to compare ({_WHAT_SUITES_COMPARE}); {DEFAULT_SUITE} if not given.",
        ),
    ] = None,
    models: Annotated[
        str | None,
        Option(
            help="In place of a suite, with commas between: folders of trained models and names of "
            "those in the package, which are scored as they are; name:preset is trained."
        ),
    ] = None,
    preset: Annotated[str, Option(help="Of models with several.")] = "compact",
    settings: Annotated[
        list[str] | None,
        Option(
            "--set",
            metavar="MODEL.FIELD=VALUE",
            help="Change a configuration in the rows that leave the field open; repeatable.",
        ),
    ] = None,
    photos: Annotated[
        list[Path] | None,
        Option(
            metavar="DIR",
            help="Photos to learn from, a folder or a .csv manifest; repeatable; else samples.",
        ),
    ] = None,
    test_photos: Annotated[
        list[Path] | None,
        Option(
            metavar="DIR", help="Photos to score; repeatable; a tenth of --photos if not given."
        ),
    ] = None,
    size: Annotated[int, Option(min=1, metavar="PX", help="Side of training squares.")] = 96,
    test_size: Annotated[
        int, Option(min=1, metavar="PX", help="Larger test photos get this short side.")
    ] = 256,
    budget: options.TrainingBudget = "1000",
    seeds: Annotated[
        str, Option(metavar="N,N,...", help="Train every row once with each, as in 0,1,2.")
    ] = "0",
    precision: options.Precision = "auto",
    network: options.MetricNetworks = None,
    apart: options.LabelsApart = None,
    speed: Annotated[
        bool, Option("--speed", help="Measure latency, throughput, memory and size, too.")
    ] = False,
    degrade: Annotated[
        bool, Option("--degrade", help="Score models on blurred, grainy, faded photos, too.")
    ] = False,
    hints: Annotated[
        bool, Option("--hints", help="Score models that are told some of the true colors, too.")
    ] = False,
    films: Annotated[
        list[str] | None,
        Option(
            "--film",
            metavar="FILE",
            help="A film in color to score models on, too; repeatable; "
            f"`{MADE_FILM}` is one made of the test photos.",
        ),
    ] = None,
    executor: options.Executor = "local",
    out: Annotated[Path, Option(metavar="DIR", help="Results.")] = Path("runs/benchmark"),
    resume: Annotated[
        bool, Option("--resume", help="Keep what is finished in --out, do what is left.")
    ] = False,
    dry_run: Annotated[
        bool, Option("--dry-run", help="Show what would run and about how long, and stop.")
    ] = False,
    collect: Annotated[
        bool, Option("--collect", help="Render what is stored in --out, and run nothing.")
    ] = False,
) -> None:
    """Train, score and compare models on the same photos with the same budget."""
    if resume + dry_run + collect > 1:
        raise ZooError("--resume, --dry-run and --collect exclude each other: give one of them.")
    console = Console(stderr=True)
    if collect:
        return _finish(out, console)
    rows = chosen_rows(suite, models, preset, has_photos=photos is not None)
    valid_choice("precision", precision, _PRECISIONS)
    valid_choice("executor", executor, tuple(EXECUTORS))
    amount, repetitions = Budget.parse(budget), _parse_seeds(seeds)
    if not dry_run:
        _prepare_folder(out, resume)
    trains = any(row.budget != UNTRAINED for row in rows)
    tell = partial(_say, console)
    division, shown = benchmark_photos(photos, test_photos, trains, tell)
    assert division.test is not None
    labels = labels_apart(division.test, apart)
    start_keras()
    from benchmarks.films.clips import prepare_clips
    from benchmarks.harness.cells import Conditions, cells_of
    from benchmarks.harness.migrate import migrate
    from benchmarks.harness.runs import Runs
    from benchmarks.speed.models import measure_speed

    conditions = Conditions(
        **vars(division),
        shown=shown,
        train_size=size,
        test_size=test_size,
        budget=amount,
        precision=precision,
        command=shlex.join(["python", "benchmarks/run_all.py", *context.obj]),
        networks=tuple(network or ()),
        apart=labels,
        films=() if dry_run else prepare_clips(films or (), division.test, out, tell),
    )
    if resume:
        migrate(out)
    cells = cells_of(conditions, configured(rows, settings), repetitions)
    runs = Runs(cells, conditions, out, executor)
    if dry_run:
        return _show_plan(runs)
    failed = runs.train_and_score(console)
    if degrade:
        failed += runs.score_degraded(console)
    if hints:
        failed += runs.score_hints(console)
    failed += runs.score_films(console)
    if speed:
        failed += runs.measure_speed(measure_speed, console)
    _finish(out, console)
    raise Exit(1 if failed else 0)


def _say(console: Console, line: str) -> None:
    console.print(line, markup=False, highlight=False)


def _parse_seeds(text: str) -> tuple[int, ...]:
    parts = text.split(",")
    if not all(part.isascii() and part.isdigit() for part in parts) or len({*parts}) < len(parts):
        raise ZooError(f"Cannot read --seeds {text}; write different whole numbers, as in 0,1,2.")
    return tuple(map(int, parts))


def _show_plan(runs: "Runs") -> None:
    """Print what would run, and how long it would take as far as that is known."""
    from benchmarks.harness.rates import expected_seconds

    states = {"ok": "finished", "failed": "failed, would run again"}
    table = Table("Model", "Seed", "Key", "State", "Training and scoring")
    total, unknown = 0.0, 0
    for cell in runs.cells:
        state = states.get(runs.status(cell) or "", "would run")
        seconds = 0.0 if state == "finished" else expected_seconds(cell)
        total, unknown = total + (seconds or 0.0), unknown + (seconds is None)
        about = "not known yet" if seconds is None else f"about {seconds / 60:.1f} min"
        shown = "" if state == "finished" else about
        table.add_row(cell.title, str(cell.seed), cell.key, state, shown)
    console = Console()
    console.print(table, highlight=False)
    _say(console, f"Together about {total / 60:.0f} min.")
    if unknown:
        more = "of them never ran on this machine at this size: their time comes on top."
        _say(console, f"{unknown} {more}")


def _finish(out: Path, console: Console) -> None:
    """Render the report, print the leaderboard's main columns and the files' names."""
    from benchmarks.report.leaderboard import HEADLINE, Leaderboard, load_results
    from benchmarks.report.page import write_report
    from benchmarks.report.text import figure, heading

    paths = write_report(out)
    board = Leaderboard(tuple(load_results(out)))
    metrics = [metric for metric in board.metrics if metric.name in HEADLINE]
    table = Table(title="Leaderboard")
    table.add_column("Model", no_wrap=True)
    for name in [*map(heading, metrics), "Status"]:
        table.add_column(name, overflow="fold")
    for result in board.results:
        # The intervals would not fit beside each other: they are in the files.
        means = [figure(result, metric).partition(" ")[0] for metric in metrics]
        table.add_row(board.title(result), *means, result["status"])
    console.print(table, highlight=False)
    if board.caution:
        _say(console, board.caution)
    print("\n".join(str(path) for path in paths))


def _prepare_folder(out: Path, resume: bool) -> None:
    """Refuse a folder that cannot be used, before any time is spent."""
    if not resume and any(any(out.glob(f"{part}/*")) for part in ("results", "models")):
        raise ZooError(
            f"{out} already holds results: add --resume to keep them and do what is left, or "
            "choose another folder with --out."
        )
    require_writable(out / "results")


if __name__ == "__main__":
    sys.exit(main())

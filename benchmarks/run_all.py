"""Train, score and compare every model on the same photos with the same budget.

    python benchmarks/run_all.py
    python benchmarks/run_all.py --models gray,mse_regression:paper --photos DIR --budget 2h
    python benchmarks/run_all.py --suite ablation --photos DIR --budget 200000

Without options it takes the photos that come with scikit-image, scikit-learn and matplotlib, and
ends within five minutes on two processor cores. Each model's result is stored as soon as it is
there: after Ctrl-C, a crash or a failing model, the same command with --resume does what is left.
"""

import argparse
import dataclasses
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

# Run as a script, Python looks for modules in this folder and not in the one above it, where the
# packages `benchmarks` and `zoo` are. Everything below is imported by its full name in either case.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.suites import SUITES, Row, load_suite
from zoo.budget import Budget
from zoo.cli.settings import parse_fields, parse_pairs
from zoo.cli.startup import start_keras
from zoo.errors import TrainingInterrupted, ZooError, valid_choice
from zoo.files import read_json, require_writable
from zoo.photos.photoset import PhotoSet
from zoo.photos.samples import sample_photos
from zoo.registry import entry

if TYPE_CHECKING:
    from rich.console import Console

    from benchmarks.experiment import Cell, Conditions, Shown

# Sub-folders of --out that hold what was computed.
_KEPT = ("results", "models")
# What tells rows of one table apart, whatever their configuration has become.
_ROW_FIELDS = ("model", "preset", "label")
_VALIDATION_SHARE = 0.05
_TEST_SHARE = 0.1
_PHOTOS_SHOWN = 8
_TERMINAL_METRICS = ("auc_rebalanced", "ciede2000", "colorfulness")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark.

    Returns:
        The exit status: 0; 1 if a model failed; 2 after a mistake in the command; 130 after Ctrl-C.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    options = _parser().parse_args(arguments)
    try:
        return _run(options, shlex.join(["python", "benchmarks/run_all.py", *arguments]))
    except (KeyboardInterrupt, TrainingInterrupted):
        print(
            f"\nStopped; what is finished is kept in {options.out}: repeat the command with "
            "--resume to go on.",
            file=sys.stderr,
        )
        return 130
    except ZooError as error:
        print(error, file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Train, score and compare models on the same photos with the same budget.",
    )
    add = parser.add_argument
    suites = "; ".join(f"{name}, {summary}" for name, summary in SUITES.items())
    add("--suite", metavar="NAME", help=f"what to compare ({suites}); the first if not given")
    add("--models", help="names, or name:preset, with commas between, in place of a suite")
    add("--preset", default="compact", help="of models with several (%(default)s)")
    add(
        "--set",
        action="append",
        metavar="MODEL.FIELD=VALUE",
        help="change a configuration in the rows that leave the field open; may be repeated",
    )
    add(
        "--photos",
        type=Path,
        metavar="DIR",
        help="photos to learn from; the sample photos if not given",
    )
    add(
        "--test-photos",
        type=Path,
        metavar="DIR",
        help="photos to score; a tenth of --photos if not given",
    )
    add(
        "--size",
        type=_positive,
        default=96,
        metavar="PX",
        help="side of training squares (%(default)s)",
    )
    add(
        "--test-size",
        type=_positive,
        default=256,
        metavar="PX",
        help="short side that larger test photos are shrunk to (%(default)s)",
    )
    add(
        "--budget",
        default="1000",
        help="of each training: 1000 (photos seen), 90s, 2h (%(default)s)",
    )
    add("--seed", type=_natural, default=0, help="of initial weights and training (%(default)s)")
    add(
        "--precision",
        choices=("auto", "float32", "mixed_bfloat16"),
        default="auto",
        help="of the training; auto is the faster one of this machine (%(default)s)",
    )
    add(
        "--out",
        type=Path,
        default=Path("runs/benchmark"),
        metavar="DIR",
        help="results (%(default)s)",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--resume", action="store_true", help="keep what is finished in --out, do what is left"
    )
    what.add_argument(
        "--dry-run", action="store_true", help="show what would run and about how long, and stop"
    )
    what.add_argument(
        "--collect", action="store_true", help="render what is stored in --out, and run nothing"
    )
    return parser


def _run(options: argparse.Namespace, command: str) -> int:
    from rich.console import Console

    console = Console(stderr=True)
    if options.collect:
        _finish(options.out, console)
        return 0
    rows = _chosen_rows(options.suite, options.models, options.preset)
    budget = Budget.parse(options.budget)
    if not options.dry_run:
        _prepare_folder(options.out, options.resume)
    train, validation, test = _photos(options, console)
    start_keras()
    rows = _configured(rows, options.set)
    from benchmarks.experiment import Conditions
    from benchmarks.report import check_comparable

    conditions = Conditions(
        train=train,
        validation=validation,
        test=test,
        shown=_shown(options, train, test),
        train_size=options.size,
        test_size=options.test_size,
        budget=budget,
        seed=options.seed,
        precision=options.precision,
        command=command,
    )
    cells = [conditions.cell(row) for row in rows]
    stored = {path: read_json(path) for path in (options.out / "results").glob("*.json")}
    known = [result["cell"] for result in stored.values()]
    check_comparable([*known, *map(vars, cells)], options.out)
    if options.dry_run:
        _show_plan(cells, stored, budget, options.out)
        return 0
    failed = _run_cells(cells, stored, conditions, options.out, console)
    _finish(options.out, console)
    return 1 if failed else 0


def _show_plan(
    cells: "Sequence[Cell]", stored: dict[Path, dict[str, Any]], budget: Budget, out: Path
) -> None:
    """Print what would run, and the time that it would take as far as that is known."""
    from rich.console import Console
    from rich.table import Table

    from benchmarks.experiment import expected_seconds, result_path

    states = {"ok": "finished", "failed": "failed, would run again"}
    table = Table("Model", "Key", "State", "Training and scoring")
    total, unknown = 0.0, 0
    for cell in cells:
        state = states.get(stored.get(result_path(out, cell), {}).get("status"), "would run")
        seconds = 0.0 if state == "finished" else expected_seconds(cell, budget)
        total, unknown = total + (seconds or 0.0), unknown + (seconds is None)
        about = "not known yet" if seconds is None else f"about {seconds / 60:.1f} min"
        table.add_row(cell.title, cell.key, state, "" if state == "finished" else about)
    console = Console()
    console.print(table, highlight=False)
    console.print(f"Together about {total / 60:.0f} min.", highlight=False)
    if unknown:
        console.print(
            f"{unknown} of them never ran on this machine at this size: their time comes on top.",
            highlight=False,
        )


def _run_cells(
    cells: "Sequence[Cell]",
    stored: dict[Path, dict[str, Any]],
    conditions: "Conditions",
    out: Path,
    console: "Console",
) -> int:
    """Run the cells that have not finished yet; return how many of all failed."""
    from benchmarks.experiment import relabel, result_path, run_cell

    failed = 0
    for number, cell in enumerate(cells, start=1):
        place = f"{number}/{len(cells)} {cell.title}"
        known = stored.get(result_path(out, cell))
        if known is not None and known["status"] == "ok":
            console.print(f"{place}: finished before", highlight=False)
            relabel(known, cell, out)
            continue
        _forget_failures(stored, cell)
        console.print(place, highlight=False)
        result = run_cell(cell, conditions, out, progress=True)
        if result["status"] == "failed":
            failed += 1
            console.print(f"{place} failed: {result['error']}", markup=False, highlight=False)
    return failed


def _forget_failures(stored: dict[Path, dict[str, Any]], cell: "Cell") -> None:
    """Remove the row's earlier failures: mending its code may have changed its key."""
    for path, result in stored.items():
        same = all(result["cell"].get(name) == getattr(cell, name) for name in _ROW_FIELDS)
        if same and result["status"] == "failed":
            path.unlink()


def _finish(out: Path, console: "Console") -> None:
    """Render the report, print the leaderboard's main columns, and say where everything is."""
    from rich.table import Table

    from benchmarks.report import Leaderboard, figure, heading, load_results, write_report

    paths = write_report(out)
    board = Leaderboard(tuple(load_results(out)))
    metrics = [metric for metric in board.metrics if metric.name in _TERMINAL_METRICS]
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
        console.print(board.caution, highlight=False)
    print("\n".join(str(path) for path in paths))


def _chosen_rows(suite: str | None, models: str | None, preset: str) -> list[Row]:
    """The rows to run, in order, none twice, each with its preset."""
    if models is None:
        wanted = load_suite(suite)
    elif suite is None:
        wanted = [_named_row(text.strip()) for text in models.split(",")]
    else:
        raise ZooError("--suite and --models both say what to compare: leave one of them away.")
    chosen: list[Row] = []
    for line in wanted:
        asked = preset if line.preset is None else line.preset
        row = dataclasses.replace(line, preset=entry(line.model).preset_or_only(asked))
        if row not in chosen:
            chosen.append(row)
    return chosen


def _configured(rows: Sequence[Row], given: Sequence[str] | None) -> list[Row]:
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
            if row.model == model:
                base = entry(model).load().PRESETS[row.preset].config
                values = parse_fields(base, {field: text}, f"configuration field of {model}")
                rows[number] = dataclasses.replace(row, config=values | row.config)
    return rows


def _named_row(text: str) -> Row:
    """The row of a model that is given as "name" or "name:preset"."""
    name, colon, preset = text.partition(":")
    return Row(name, preset=preset if colon else None)


def _prepare_folder(out: Path, resume: bool) -> None:
    """Refuse a folder that cannot be used, before any time is spent."""
    used = any((out / part).is_dir() and any((out / part).iterdir()) for part in _KEPT)
    if used and not resume:
        raise ZooError(
            f"{out} already holds results: add --resume to keep them and do what is left, or "
            "choose another folder with --out."
        )
    require_writable(out / "results")


def _photos(
    options: argparse.Namespace, console: "Console"
) -> tuple[PhotoSet, PhotoSet | None, PhotoSet]:
    """The photos for training, validation (None where there are too few) and test."""
    if options.photos is None:
        # One validation photo says nothing about which weights are best: the last ones are kept.
        train, validation, test = sample_photos("train"), PhotoSet(()), sample_photos("test")
    else:
        folder = PhotoSet.from_folder(options.photos, progress=True)
        console.print(f"{options.photos}: {folder.summary()}", markup=False, highlight=False)
        shares = {"val": _VALIDATION_SHARE}
        if options.test_photos is None:
            shares["test"] = _TEST_SHARE
        parts = folder.split(**shares)
        train, validation, test = parts["train"], parts["val"], parts.get("test")
    if options.test_photos is not None:
        test = PhotoSet.from_folder(options.test_photos, progress=True)
        console.print(f"{options.test_photos}: {test.summary()}", markup=False, highlight=False)
    if not len(train) or not len(test):
        raise ZooError(
            f"{options.photos} has too few photos to set some aside for the test; add photos, or "
            "give a folder of test photos with --test-photos."
        )
    _refuse_leaks([*train, *validation], test)
    return train, validation if len(validation) else None, test


def _refuse_leaks(seen: Sequence[Any], test: PhotoSet) -> None:
    """Refuse test photos that the models have seen: their scores would mean nothing."""
    known = {photo.sha256 for photo in seen}
    leaks = [photo.name for photo in test if photo.sha256 in known]
    if leaks:
        raise ZooError(
            f"{len(leaks):,} of the test photos are also training photos (the first: {leaks[0]}); "
            "remove them from one of the folders, or leave --test-photos away to have a part of "
            "--photos set aside."
        )


def _shown(options: argparse.Namespace, train: PhotoSet, test: PhotoSet) -> "list[Shown]":
    """The photos for the reports: of the samples all, of folders the first test photos."""
    from benchmarks.experiment import Shown

    shown = [Shown(photo, "test") for photo in test[:_PHOTOS_SHOWN]]
    if options.photos is None and options.test_photos is None:
        shown += [Shown(photo, "trained on") for photo in train]
    return shown


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive whole number")
    return number


def _natural(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text} is negative")
    return number


if __name__ == "__main__":
    sys.exit(main())

"""Train, score and compare every model on the same photos with the same budget.

    python benchmarks/run_all.py
    python benchmarks/run_all.py --models gray,mse_regression:paper --photos DIR --budget 2h

Without options it takes the photos that come with scikit-image, scikit-learn and matplotlib, and
ends within five minutes on two processor cores. Each model's result is stored as soon as it is
there: after Ctrl-C, a crash or a failing model, the same command with --resume does what is left.
"""

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

# Run as a script, Python looks for modules in this folder and not in the one above it, where the
# packages `benchmarks` and `zoo` are. Everything below is imported by its full name in either case.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from zoo.budget import Budget
from zoo.cli.startup import start_keras
from zoo.errors import TrainingInterrupted, ZooError
from zoo.files import read_json, require_writable
from zoo.photos.photoset import PhotoSet
from zoo.photos.samples import sample_photos
from zoo.registry import entry, list_models

if TYPE_CHECKING:
    from rich.console import Console

    from benchmarks.experiment import Cell, Conditions, Shown

# Sub-folders of --out that hold what was computed.
_KEPT = ("results", "models")
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
    add("--models", help="names, or name:preset, with commas between; all if not given")
    add("--preset", default="compact", help="of models with several (%(default)s)")
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
        default="8000",
        help="of each training: 8000 (photos seen), 90s, 2h (%(default)s)",
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
    add("--resume", action="store_true", help="keep what is finished in --out, do what is left")
    return parser


def _run(options: argparse.Namespace, command: str) -> int:
    models = _chosen_models(options.models, options.preset)
    budget = Budget.parse(options.budget)
    _prepare_folder(options.out, options.resume)

    from rich.console import Console

    console = Console(stderr=True)
    train, validation, test = _photos(options, console)
    start_keras()
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
    cells = [conditions.cell(name, preset) for name, preset in models]
    stored = {path: read_json(path) for path in (options.out / "results").glob("*.json")}
    known = [result["cell"] for result in stored.values()]
    check_comparable([*known, *map(vars, cells)], options.out)
    failed = _run_cells(cells, stored, conditions, options.out, console)
    _finish(options.out, console)
    return 1 if failed else 0


def _run_cells(
    cells: "Sequence[Cell]",
    stored: dict[Path, dict[str, Any]],
    conditions: "Conditions",
    out: Path,
    console: "Console",
) -> int:
    """Run the cells that have not finished yet; return how many of all failed."""
    from benchmarks.experiment import result_path, run_cell

    failed = 0
    for number, cell in enumerate(cells, start=1):
        place = f"{number}/{len(cells)} {cell.title}"
        known = stored.get(result_path(out, cell))
        if known is not None and known["status"] == "ok":
            console.print(f"{place}: finished before", highlight=False)
            continue
        _forget_failures(stored, cell)
        console.print(place, highlight=False)
        result = run_cell(cell, conditions, out, progress=True)
        if result["status"] == "failed":
            failed += 1
            console.print(f"{place} failed: {result['error']}", markup=False, highlight=False)
    return failed


def _forget_failures(stored: dict[Path, dict[str, Any]], cell: "Cell") -> None:
    """Remove the model's earlier failures: mending its code may have changed its key."""
    for path, result in stored.items():
        known = result["cell"]
        same = (known["model"], known["preset"]) == (cell.model, cell.preset)
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


def _chosen_models(names: str | None, preset: str) -> list[tuple[str, str]]:
    """(name, preset) of each model to run, in order, none twice."""
    wanted = list_models() if names is None else [name.strip() for name in names.split(",")]
    chosen = []
    for text in wanted:
        name, colon, own = text.partition(":")
        chosen.append((name, entry(name).preset_or_only(own if colon else preset)))
    return list(dict.fromkeys(chosen))


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

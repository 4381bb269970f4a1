"""Train, score and compare every model on the same photos with the same budget.

    python benchmarks/run_all.py
    python benchmarks/run_all.py --models gray,mse_regression:paper --photos DIR --budget 2h
    python benchmarks/run_all.py --suite ablation --photos DIR --budget 200000

Without options it takes the photos that come with scikit-image, scikit-learn and matplotlib, and
ends within five minutes on two processor cores: it scores the trained weights that come with the
package or, where there are none, trains every model for a moment. Each training runs in a process
of its own and its result is stored as soon as it is there: after Ctrl-C, a crash or a failing
model, the same command with --resume does what is left.
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

from benchmarks.suites import DEFAULT_SUITE, SUITES, UNTRAINED, Row, load_suite
from zoo.budget import Budget
from zoo.cli.settings import parse_fields, parse_pairs
from zoo.cli.startup import start_keras
from zoo.errors import ZooError, valid_choice
from zoo.executors import EXECUTORS
from zoo.files import require_writable
from zoo.photos.photoset import PhotoSet
from zoo.photos.samples import sample_photos
from zoo.registry import entry, resolve

if TYPE_CHECKING:
    from rich.console import Console

    from benchmarks.harness.cells import Cell, Conditions, Shown
    from benchmarks.harness.runs import Runs

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
    try:
        options = _options(arguments)
        return _run(options, shlex.join(["python", "benchmarks/run_all.py", *arguments]))
    except KeyboardInterrupt:
        print(
            "\nStopped; what is finished is kept: repeat the command with --resume to go on.",
            file=sys.stderr,
        )
        return 130
    except ZooError as error:
        print(error, file=sys.stderr)
        return 2


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line's options; those that are not given are the suite's, if it has them."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    if chosen.models is not None and chosen.suite is not None:
        raise ZooError("--suite and --models both say what to compare: leave one of them away.")
    if chosen.models is not None:
        return chosen
    name = chosen.suite or DEFAULT_SUITE
    suite = load_suite(name)
    if suite.needs_photos and chosen.photos is None and not chosen.collect:
        raise ZooError(f"The suite {name} needs a folder of photos: give one with --photos DIR.")
    parser.set_defaults(suite=name, **suite.defaults)
    return parser.parse_args(arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Train, score and compare models on the same photos with the same budget.",
    )
    add = parser.add_argument
    suites = "; ".join(f"{name}, {summary}" for name, summary in SUITES.items())
    add(
        "--suite",
        metavar="NAME",
        help=f"what to compare ({suites}); {DEFAULT_SUITE} if not given",
    )
    add(
        "--models",
        help="in place of a suite, with commas between: folders of trained models and names of "
        "those in the package, which are scored as they are; name:preset is trained",
    )
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
        action="append",
        metavar="DIR",
        help="photos to learn from; may be repeated; the sample photos if not given",
    )
    add(
        "--test-photos",
        type=Path,
        action="append",
        metavar="DIR",
        help="photos to score; may be repeated; a tenth of --photos if not given",
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
    add(
        "--seeds",
        type=_seeds,
        default=(0,),
        metavar="N,N,...",
        help="train every row once with each, as in 0,1,2 (0)",
    )
    add(
        "--precision",
        choices=("auto", "float32", "mixed_bfloat16"),
        default="auto",
        help="of the training; auto is the faster one of this machine (%(default)s)",
    )
    add(
        "--network",
        action="append",
        default=[],
        metavar="METRIC=NETWORK",
        help="score with a pretrained network, too, as classifier=hub:FOLDER; may be repeated",
    )
    add(
        "--speed",
        action="store_true",
        help="measure latency, throughput, memory and size of each model, too",
    )
    add(
        "--executor",
        choices=tuple(EXECUTORS),
        default="local",
        help="; ".join(f"{name}: {what}" for name, what in EXECUTORS.items()) + " (%(default)s)",
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
    trains = any(row.budget != UNTRAINED for row in rows)
    train, validation, test = _photos(options, console, trains)
    start_keras()
    rows = _configured(rows, options.set)
    from benchmarks.harness.cells import Conditions
    from benchmarks.harness.runs import Runs
    from benchmarks.harness.stored import check_comparable

    conditions = Conditions(
        train=train,
        validation=validation,
        test=test,
        shown=_shown(options, train, test),
        train_size=options.size,
        test_size=options.test_size,
        budget=budget,
        precision=options.precision,
        command=command,
        networks=tuple(options.network),
    )
    cells = _cells(conditions, rows, options.seeds)
    runs = Runs(cells, conditions, options.out, options.executor)
    check_comparable([*runs.known_cells(), *map(vars, cells)], options.out)
    if options.dry_run:
        _show_plan(runs)
        return 0
    failed = runs.train_and_score(console)
    if options.speed:
        failed += runs.measure_speed(console)
    _finish(options.out, console)
    return 1 if failed else 0


def _cells(conditions: "Conditions", rows: Sequence[Row], seeds: Sequence[int]) -> "list[Cell]":
    """All rows with the first seed, then all with the next; what is not trained has one alone."""
    found = {}
    for seed in seeds:
        for row in rows:
            cell = conditions.cell(row, seed)
            found.setdefault(cell.key, cell)
    return list(found.values())


def _show_plan(runs: "Runs") -> None:
    """Print what would run, and the time that it would take as far as that is known."""
    from rich.console import Console
    from rich.table import Table

    from benchmarks.harness.rates import expected_seconds

    states = {"ok": "finished", "failed": "failed, would run again"}
    table = Table("Model", "Seed", "Key", "State", "Training and scoring")
    total, unknown = 0.0, 0
    for cell in runs.cells:
        state = states.get(runs.status(cell), "would run")
        seconds = 0.0 if state == "finished" else expected_seconds(cell)
        total, unknown = total + (seconds or 0.0), unknown + (seconds is None)
        about = "not known yet" if seconds is None else f"about {seconds / 60:.1f} min"
        shown = "" if state == "finished" else about
        table.add_row(cell.title, str(cell.seed), cell.key, state, shown)
    console = Console()
    console.print(table, highlight=False)
    console.print(f"Together about {total / 60:.0f} min.", highlight=False)
    if unknown:
        console.print(
            f"{unknown} of them never ran on this machine at this size: their time comes on top.",
            highlight=False,
        )


def _finish(out: Path, console: "Console") -> None:
    """Render the report, print the leaderboard's main columns, and say where everything is."""
    from rich.table import Table

    from benchmarks.report.page import Leaderboard, figure, heading, load_results, write_report

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
        wanted = load_suite(suite).rows
    else:
        wanted = [_named_row(text.strip()) for text in models.split(",")]
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


def _named_row(name: str) -> Row:
    """The row of a model: trained weights are scored as they are, under the name that was given."""
    named = resolve(name)
    if named.folder is None:
        return Row(named.entry.name, preset=named.preset)
    return Row(
        named.entry.name,
        label=named.folder.name,
        preset=named.preset,
        budget=UNTRAINED,
        start=str(named.folder),
    )


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
    options: argparse.Namespace, console: "Console", trains: bool
) -> tuple[PhotoSet, PhotoSet | None, PhotoSet]:
    """The photos for training, validation (None where there are too few) and test."""
    parts = {name: PhotoSet(()) for name in ("train", "val", "test")}
    if options.photos is not None:
        shares = {"val": _VALIDATION_SHARE}
        if options.test_photos is None:
            shares["test"] = _TEST_SHARE
        # A gray photo teaches nothing, and as a test it would reward the model that colors nothing.
        parts |= _folders(options.photos, console).color_only().split(**shares)
    elif trains:
        # One validation photo says nothing about which weights are best: the last ones are kept.
        parts |= {"train": sample_photos("train"), "test": sample_photos("test")}
    else:
        parts["test"] = sample_photos("all")
    if options.test_photos is not None:
        parts["test"] = _folders(options.test_photos, console)
    train, validation, test = parts["train"], parts["val"], parts["test"]
    if not len(test) or (trains and not len(train)):
        raise ZooError(
            f"{', '.join(map(str, options.photos))} has too few photos to set some aside for the "
            "test; add photos, or give a folder of test photos with --test-photos."
        )
    _refuse_leaks([*train, *validation], test)
    return train, validation if len(validation) else None, test


def _folders(folders: Sequence[Path], console: "Console") -> PhotoSet:
    """The photos of all these folders, each told of."""
    found = []
    for folder in folders:
        found.append(PhotoSet.from_folder(folder, progress=True))
        console.print(f"{folder}: {found[-1].summary()}", markup=False, highlight=False)
    return found[0] if len(found) == 1 else PhotoSet.joined(found)


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
    from benchmarks.harness.cells import Shown

    if options.photos is not None or options.test_photos is not None:
        return [Shown(photo, "test") for photo in test[:_PHOTOS_SHOWN]]
    shown = [Shown(photo, "test") for photo in test]
    return shown + [Shown(photo, "trained on") for photo in train]


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive whole number")
    return number


def _seeds(text: str) -> tuple[int, ...]:
    seeds = tuple(map(int, text.split(",")))
    if min(seeds) < 0 or len(set(seeds)) < len(seeds):
        raise argparse.ArgumentTypeError(f"{text} has a negative seed or one twice")
    return seeds


if __name__ == "__main__":
    sys.exit(main())

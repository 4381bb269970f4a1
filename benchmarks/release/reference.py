"""The committed reference results: store a run of the benchmark, and show it in the README.

    python -m benchmarks.release.reference store runs/held-out held-out
    python -m benchmarks.release.reference write
    python -m benchmarks.release.reference check

`store` copies a finished run's results into `benchmarks/results/`, without absolute paths, and
without pictures unless all are of photos that come with other packages. The cards of scored weights
of the package get their scores. `write` makes the README's tables and picture of what is stored,
and `check` says whether they are up to date.
"""

import dataclasses
import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from PIL import Image

from zoo.cli.scripts import run_script
from zoo.cli.startup import start_keras
from zoo.errors import ZooError, valid_choice
from zoo.files import atomic_path, read_json, write_json
from zoo.photos.decoding import read_rgb

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "benchmarks" / "results"

#: Significant digits of stored scores: more than any table shows.
_DIGITS = 6
_JPEG_QUALITY = 92


def main(argv: Sequence[str] | None = None) -> int:
    """Store, write or check; return the exit status, 1 if `check` finds something stale."""
    start_keras()
    return run_script(_store, _write, _check, argv=argv)


def _store(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="--out of benchmarks/run_all.py.")],
    photos: Annotated[str, typer.Argument(metavar="SET", help="Which photos were scored.")],
) -> None:
    """Keep the results of a finished run."""
    from benchmarks.release.readme_tables import SETS

    target = RESULTS / valid_choice("set of photos", photos, tuple(SETS))
    store(run, target)
    print(f"Stored in {target}.")
    for folder in add_scores_to_cards(target, photos):
        print(f"Its scores are in {folder / 'card.json'}.")


def _write() -> None:
    """Make the README's tables and picture."""
    for path in write(ROOT, RESULTS):
        print(path)


def _check() -> None:
    """Say what is stale."""
    names = stale(ROOT, RESULTS)
    if names:
        print(
            f"README.md is not what the stored results give ({', '.join(names)}); run "
            "`python -m benchmarks.release.reference write`.",
            file=sys.stderr,
        )
        raise typer.Exit(1)


def store(run: Path, target: Path) -> None:
    """Replace `target` by a finished run's results that are not of one machine and may be shared.

    Raises:
        ZooError: if there are no results, or a model failed.
    """
    from benchmarks.harness.stored import read_results

    failed = [one["cell"]["model"] for one in read_results(run) if one["status"] != "ok"]
    if failed:
        raise ZooError(
            f"{', '.join(failed)} failed in {run}; repeat its command with --resume, so that the "
            "reference is complete."
        )
    if target.exists():
        shutil.rmtree(target)
    for path in sorted((run / "results").glob("*.json")):
        result = _portable(read_json(path))
        free = _may_be_passed_on(result)
        result["pictures"] = _stored_pictures(run, target, result) if free else []
        result.get("temperature", {}).update(tiles=[])
        _write_compact(target / "results" / path.name, result)
    for part in ("environments", "speed"):
        for path in sorted((run / part).glob("*.json")):
            write_json(target / part / path.name, read_json(path))


def add_scores_to_cards(results: Path, name: str) -> list[Path]:
    """Write a set's stored scores into the cards of the scored weights; return their folders."""
    from benchmarks.harness.cells import weights_digest
    from benchmarks.release.readme_tables import SETS
    from zoo.card import Interval, Scores, read_card, write_card
    from zoo.evaluation.report import Report
    from zoo.registry import list_pretrained, shipped_folder

    by_weights = {
        weights_digest(folder): folder for folder in map(shipped_folder, list_pretrained())
    }
    changed = []
    for path in sorted((results / "results").glob("*.json")):
        result = read_json(path)
        folder = by_weights.get(result["cell"]["weights"])
        if folder is None:
            continue
        card, report = read_card(folder), Report.from_json(result["report"])
        report, _ = report.apart(result["cell"].get("apart", ()))
        # Not the stored report's: its scores are rounded.
        summary = {metric: Interval(**figure) for metric, figure in result["summary"].items()}
        scores = Scores(len(report.photos), report.fingerprint, report.size, summary)
        scored = card.test_scores | {SETS[name].lower(): scores}
        write_card(folder, dataclasses.replace(card, test_scores=scored))
        changed.append(folder)
    return changed


def write(root: Path, results: Path) -> list[Path]:
    """Draw the picture and put the tables into the README; return the files."""
    from benchmarks.release.readme_tables import PICTURE, Reference, updated

    reference = Reference(root, results)
    if not reference.boards():
        raise ZooError(f"There are no results in {results}; store a run there first.")
    reference.draw_picture()
    blocks = reference.blocks()
    readme = root / "README.md"
    text = updated(readme.read_text(encoding="utf-8"), blocks)
    with atomic_path(readme) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return [readme, root / PICTURE] if "picture" in blocks else [readme]


def stale(root: Path, results: Path) -> list[str]:
    """Name the README's blocks that are not what the stored results give."""
    from benchmarks.release.readme_tables import Reference, block_in

    readme = (root / "README.md").read_text(encoding="utf-8")
    found = Reference(root, results).blocks()
    return [name for name, content in found.items() if block_in(readme, name) != content]


def _portable(result: dict[str, Any]) -> dict[str, Any]:
    """A result without paths of the machine it was made on, its scores with fewer digits."""
    from benchmarks.harness.portable import portable_command

    cell = result["cell"]
    start = cell["start"] and f"zoo/pretrained/{Path(cell['start']).name}"
    portable = result | {
        "command": portable_command(result["command"]),
        "cell": cell | {"start": start},
        "report": _rounded_report(result["report"]),
    }
    if "robustness" in result:
        portable["robustness"] = {
            name: one | {"report": _rounded_report(one["report"])}
            for name, one in result["robustness"].items()
        }
    return portable


def _rounded_report(report: dict[str, Any]) -> dict[str, Any]:
    parts = (part for part in ("scores", "weights") if part in report)
    return report | {part: _rounded(report[part]) for part in parts}


def _rounded(columns: Mapping[str, Sequence[float | None]]) -> dict[str, list[float | None]]:
    return {
        name: [None if value is None else float(f"{value:.{_DIGITS}g}") for value in values]
        for name, values in columns.items()
    }


def _may_be_passed_on(result: dict[str, Any]) -> bool:
    """Whether all photos that a result has pictures of come with other packages."""
    from zoo.photos.samples import sample_photos

    free = {f"{photo.sha256[:16]}.png" for photo in sample_photos("all")}
    return all(shown["file"] in free for shown in result["pictures"])


def _stored_pictures(run: Path, target: Path, result: dict[str, Any]) -> list[dict[str, str]]:
    """Store a result's pictures small and as JPEG; return the result's list of them."""
    from benchmarks.report.figures import tile

    stored = []
    for shown in result["pictures"]:
        file = Path(shown["file"]).with_suffix(".jpg").name
        for folder in (result["key"], "truth"):
            small = Image.fromarray(tile(read_rgb(run / "pictures" / folder / shown["file"])))
            with atomic_path(target / "pictures" / folder / file) as temporary:
                small.save(temporary, quality=_JPEG_QUALITY, subsampling=0)
        stored.append(shown | {"file": file})
    return stored


def _write_compact(path: Path, content: Any) -> None:
    """Write JSON on one line: a thousand scores would take a thousand lines."""
    text = json.dumps(content, allow_nan=False, separators=(",", ":")) + "\n"
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())

"""Read what a benchmark's folder holds for the report: one result per row of the table.

Results of several seeds become one, whose scores are means over the seeds.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness.cells import PROTOCOL
from benchmarks.harness.environment import load_environment
from benchmarks.harness.portable import portable, portable_command
from benchmarks.suites import UNTRAINED
from zoo.errors import ZooError
from zoo.evaluation.report import Report
from zoo.files import read_json
from zoo.metrics import aggregates, get_metric

#: What a result may hold beside its own report: further ones, by name.
_PARTS = ("robustness", "hints")

#: A stored result as plain JSON.
Result = dict[str, Any]

# What results must share to stand in one table, and what to call it.
_SHARED = {
    "test_fingerprint": "test photos",
    "test_size": "test size",
    "networks": "networks that score photos",
    "prior": "prior of colors",
    "backend": "backend",
    "protocol": "protocol version",
    "apart": "labels that stand apart",
}
# The same of those that were trained.
_SHARED_TRAINING = {
    "train_fingerprint": "training photos",
    "validation_fingerprint": "validation photos",
}
# The same of those whose row has none of its own.
_SHARED_UNLESS_OWN = {"train_size": "training size", "budget": "budget"}


def read_results(out: Path) -> list[Result]:
    """Read the stored results, one per row of the table; failures stand for themselves.

    Each result holds its whole "environment" and, where measured, its "speed"; one of several seeds
    has "seeds" and, as "by_seed", each metric's figure by seed. "apart" is the report of the photos
    that stand apart, which take no part in the other reports. None names a folder of the machine.

    Raises:
        ZooError: if there are none, one is damaged, or they are of different conditions.
    """
    results = [_read_result(path) for path in sorted((out / "results").glob("*.json"))]
    if not results:
        raise ZooError(f"There are no results in {out}; run benchmarks/run_all.py first.")
    check_comparable([result["cell"] for result in results], out)
    _refuse_other_protocol(results[0]["cell"]["protocol"], out)
    for result in results:
        result["environment"] = load_environment(out, result["environment"])
    rows: dict[str, list[Result]] = {}
    for result in results:
        if result["status"] == "ok":
            rows.setdefault(result["row_key"], []).append(result)
    merged = list(map(merge_seeds, rows.values()))
    for result in merged:
        path = speed_path(out, result["row_key"])
        result |= {"speed": read_json(path)} if path.is_file() else {}
    return merged + [result for result in results if result["status"] != "ok"]


def _read_result(path: Path) -> Result:
    result = read_json(path)
    read = portable(result) | {"command": portable_command(result["command"])}
    labels = read["cell"].get("apart", ())
    return _divided(read, labels) if labels and read["status"] == "ok" else read


def _divided(result: Result, labels: Sequence[str]) -> Result:
    """Take the photos of these labels out of a result's reports; "apart" is the report of them."""
    headline, aside = Report.from_json(result["report"]).apart(labels)
    found = result | {"report": headline.to_json()}
    for part in _PARTS:
        found[part] = {
            name: one | {"report": Report.from_json(one["report"]).apart(labels)[0].to_json()}
            for name, one in result.get(part, {}).items()
        }
    return found | ({} if aside is None else {"apart": aside.to_json()})


def speed_path(out: Path, row_key: str) -> Path:
    """Name the file of the speed of a row's model, for all its seeds."""
    return out / "speed" / f"{row_key}.json"


def check_comparable(cells: Sequence[dict[str, Any]], out: Path) -> None:
    """Refuse cells, given as plain dictionaries, that may not stand in one table."""
    trained = [cell for cell in cells if cell["budget"] != UNTRAINED]
    differing = _differing(cells, _SHARED) + _differing(trained, _SHARED_TRAINING)
    for name, words in _SHARED_UNLESS_OWN.items():
        sharing = [cell for cell in trained if name not in cell.get("own", ())]
        differing += _differing(sharing, {name: words})
    if differing:
        raise ZooError(
            f"{out} holds results under other conditions (different: {', '.join(differing)}); "
            "repeat the first command with --resume added, or choose another folder with --out."
        )


def _refuse_other_protocol(protocol: int, out: Path) -> None:
    """Refuse results whose figures mean something else under the same names."""
    if protocol != PROTOCOL:
        raise ZooError(
            f"The results in {out} are of protocol {protocol}, and this version scores by protocol "
            f"{PROTOCOL}: run the benchmark anew, into a folder of its own."
        )


def _differing(cells: Sequence[dict[str, Any]], names: dict[str, str]) -> list[str]:
    # Cells of earlier versions lack what is empty by default.
    found = {
        name: {json.dumps(cell.get(name) or None, sort_keys=True) for cell in cells}
        for name in names
    }
    return [words for name, words in names.items() if len(found[name]) > 1]


def merge_seeds(results: Sequence[Result]) -> Result:
    """Average results that differ in their seed alone; their intervals are about the photos."""
    results = sorted(results, key=lambda result: result["cell"]["seed"])
    first = results[0]
    if len(results) == 1:
        return first
    merged = _mean_report([Report.from_json(result["report"]) for result in results])
    summary = {name: asdict(interval) for name, interval in merged.summary().items()}
    figures = [result["summary"] for result in results]
    pasts = [result["history"] for result in results]
    parts = {part: _mean_parts([result.get(part, {}) for result in results]) for part in _PARTS}
    films = _mean_films([result.get("films", {}) for result in results])
    if "apart" in first:
        aside = _mean_report([Report.from_json(result["apart"]) for result in results])
        first = first | {"apart": aside.to_json()}
    seen, seconds = (np.mean([past[name] for past in pasts]) for name in ("photos_seen", "seconds"))
    return (
        first
        | parts
        | {
            "films": films,
            "report": merged.to_json(),
            "summary": summary,
            "history": first["history"] | {"photos_seen": round(seen), "seconds": float(seconds)},
            "seeds": [result["cell"]["seed"] for result in results],
            "by_seed": {name: [one[name]["mean"] for one in figures] for name in summary},
        }
    )


def seeds_of(result: Result) -> list[int]:
    """List the seeds that a row's model was trained with; none where it is scored as it is."""
    cell = result["cell"]
    return [] if cell["budget"] == UNTRAINED else result.get("seeds", [cell["seed"]])


def _mean_parts(stored: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Average reports by name over the seeds; those that not all have, alike, are left out."""
    shared = [
        name
        for name, one in stored[0].items()
        if all(_without_report(other.get(name, {})) == _without_report(one) for other in stored)
    ]
    merged = {}
    for name in shared:
        report = _mean_report([Report.from_json(one[name]["report"]) for one in stored])
        merged[name] = stored[0][name] | {"report": report.to_json()}
    return merged


def _without_report(one: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in one.items() if name != "report"}


def _mean_films(stored: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Average each film's figures over the seeds, frame by frame; only films that all have."""
    merged = {}
    for name, first in stored[0].items():
        of_seeds = [other.get(name, {}) for other in stored]
        if any(one.get("digest") != first["digest"] for one in of_seeds):
            continue
        smoothings = {}
        for kind, one in first["smoothings"].items():
            scores = [other["smoothings"][kind]["scores"] for other in of_seeds]
            smoothings[kind] = one | {
                "scores": {
                    metric: _mean_frames([own[metric] for own in scores]) for metric in scores[0]
                }
            }
        merged[name] = first | {"smoothings": smoothings}
    return merged


def _mean_frames(seeds: Sequence[Sequence[float | None]]) -> list[float | None]:
    """The mean of each frame's figures; whether it has one depends on the film alone."""
    return [
        None if frame[0] is None else float(np.mean(frame)) for frame in zip(*seeds, strict=True)
    ]


def _mean_report(reports: Sequence[Report]) -> Report:
    """Average each photo's scores over the seeds; pooled errors are pooled over the seeds, too."""
    scores = {}
    for name in reports[0].scores:
        of_seeds = np.stack([report.scores[name] for report in reports], axis=-1)
        pooled = get_metric(name).aggregate is aggregates.root_mean_square
        mean = aggregates.root_mean_square if pooled else aggregates.mean
        scores[name] = mean(of_seeds)
    of_sets = [report.set_scores for report in reports]
    figures = {name: float(np.mean([one[name] for one in of_sets])) for name in of_sets[0]}
    return replace(reports[0], scores=scores, set_scores=figures)

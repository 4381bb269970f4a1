"""How to read a leaderboard: what its rows stand for, what networks saw, what is missing."""

from collections import defaultdict
from typing import Any

from benchmarks.harness.stored import Result
from benchmarks.report.leaderboard import SORT_METRIC, Leaderboard
from benchmarks.report.text import MISSING
from benchmarks.suites import UNTRAINED
from zoo.metrics import get_metric


def notes(board: Leaderboard) -> list[str]:
    """List how to read the table, one point each."""
    return [
        f"Sorted by {get_metric(SORT_METRIC).title}, best first; baselines are rows like the "
        "others. No single figure tells which colors people prefer: look at the pictures.",
        f"Rank: 1 plus the number of models that are better in {get_metric(SORT_METRIC).title} "
        "by a paired 95 % interval that excludes zero; = marks a tie.",
        "Arrows point to the better direction. Brackets hold 95 % bootstrap intervals over the "
        f"test photos; {MISSING} means that there is no figure.",
        "Training seconds depend on the machine and on what else it did: no speed comparison.",
        *(
            f"{board.title(result)}: {_definition(result)}."
            for result in board.results
            if result["cell"]["label"]
            or result["cell"]["own"]
            or result["cell"]["budget"] == UNTRAINED
        ),
        *_source_notes(board),
        *_missing_notes(board),
    ]


def _source_notes(board: Leaderboard) -> list[str]:
    """For each network what it sees, what it says of the true photos, and what to mind."""
    sources: dict[str, dict[str, Any]] = {}
    for result in board.finished:
        sources = result["report"].get("sources", {}) | sources
    notes = defaultdict(list)
    for name, source in sources.items():
        note = " ".join([f"Seen: {source['input']}.", *source["notes"]])
        notes[note].append(f"{get_metric(name).title} {source['truth']:.3f}")
    return [f"True photos: {', '.join(truths)}. {note}" for note, truths in notes.items()]


def _missing_notes(board: Leaderboard) -> list[str]:
    """Why metrics of networks are missing, and for which models."""
    found = defaultdict(list)
    for result in board.finished:
        reasons = defaultdict(list)
        for name, reason in result["report"].get("missing", {}).items():
            reasons[reason].append(get_metric(name).title)
        for reason, titles in reasons.items():
            found[reason, *titles].append(board.title(result))
    everyone = [board.title(result) for result in board.finished]
    return [
        f"No {', '.join(titles)}{'' if models == everyone else ' of ' + ', '.join(models)}: "
        f"{reason.rstrip('.')}."
        for (reason, *titles), models in found.items()
    ]


def _definition(result: Result) -> str:
    """What a row stands for, as in "zhang:compact with loss = plain"."""
    cell = result["cell"]
    changes = ", ".join(f"{name} = {value}" for name, value in cell["changes"].items())
    words = f"{cell['model']}:{cell['preset']}" + (f" with {changes}" if changes else "")
    if cell["start"] is not None:
        words += f", from the weights in {cell['start']}"
    if cell["budget"] == UNTRAINED:
        return f"{words}, scored as it is"
    names = {"train_size": f"{cell['train_size']} px", "budget": f"a budget of {cell['budget']}"}
    own = " and ".join(names[name] for name in cell["own"])
    return f"{words}, trained under its own conditions: {own}" if own else words

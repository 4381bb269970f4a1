"""How to read a leaderboard: what its rows stand for, what networks saw, what is missing."""

from collections import defaultdict
from typing import Any

from benchmarks.report.apart import apart_of
from benchmarks.report.leaderboard import RANKING, Leaderboard
from benchmarks.report.text import MISSING
from zoo.metrics import get_metric


def notes(board: Leaderboard) -> list[str]:
    """List how to read the table, one point each."""
    return [
        f"{RANKING} = marks a tie.",
        "Baselines are rows like the others. No figure tells which colors people prefer: look at "
        "the pictures.",
        *_effective_notes(board),
        "Arrows point to the better direction. Brackets hold 95 % bootstrap intervals over the "
        f"test photos; {MISSING} means that there is no figure.",
        "Training seconds depend on the machine and on what else it did: no speed comparison.",
        *_definition_notes(board),
        *_cost_notes(board),
        *_source_notes(board),
        *_missing_notes(board),
        *([aside.sentence] if (aside := apart_of(board)) else []),
    ]


def _effective_notes(board: Leaderboard) -> list[str]:
    """On how few photos each weighted figure rests."""
    return [
        f"{get_metric(name).title}: its weights are so uneven that it rests on as much as "
        f"{photos:,.0f} equally weighted photos of {board.results[0]['test_photos']:,} "
        "((Σw)² / Σw²), and it ranks nobody."
        for name, photos in board.effective_photos.items()
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


def _definition_notes(board: Leaderboard) -> list[str]:
    """What rows stand for where their titles do not say it; trained weights share one note."""
    cells = {board.title(result): result["cell"] for result in board.results}
    as_they_are = [title for title, cell in cells.items() if cell["start"] is not None]
    defined = {
        title: cell
        for title, cell in cells.items()
        if cell["own"] or (cell["label"] and not _says_all(cell))
    }
    notes = [f"{title}: {_definition(cell)}." for title, cell in defined.items()]
    if as_they_are and len(as_they_are) < len(cells):
        notes.append(f"Trained weights, scored as they are: {', '.join(as_they_are)}.")
    return notes


def _says_all(cell: dict[str, Any]) -> bool:
    """Whether a row's label is the name of its model, and nothing of the preset is changed."""
    return cell["label"] == cell["model"] and not cell["changes"]


def _definition(cell: dict[str, Any]) -> str:
    """What a row stands for, as in "zhang:compact with loss = plain"."""
    changes = ", ".join(f"{name} = {value}" for name, value in cell["changes"].items())
    words = f"{cell['model']}:{cell['preset']}" + (f" with {changes}" if changes else "")
    names = {"train_size": f"{cell['train_size']} px", "budget": f"a budget of {cell['budget']}"}
    own = " and ".join(names[name] for name in cell["own"])
    return f"{words}, trained under its own conditions: {own}" if own else words


def _cost_notes(board: Leaderboard) -> list[str]:
    """What the columns of time and size are, or why there is none."""
    if any("speed" in result for result in board.finished):
        return ["Time: the median for one photo, from RGB to RGB; the section on speed has more."]
    return ["Time is not measured here: --speed measures it."]

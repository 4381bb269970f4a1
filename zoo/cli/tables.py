"""The tables that the command line shows, from what the library returns. Nothing here prints."""

import dataclasses
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table
from rich.text import Text

from zoo.cli.inputs import counted
from zoo.registry import ModelEntry

if TYPE_CHECKING:
    from data_recipes.recipe import Recipe
    from zoo.card import Card, Interval, Scores, Study, Training
    from zoo.colorizer import Colorizer
    from zoo.evaluation.checkpoints import Checkpoint
    from zoo.evaluation.report import Report
    from zoo.hints.suggestions import Suggestion

_ARROWS = {"higher": "↑", "lower": "↓", None: ""}
# Columns hold "-0.036 … -0.018", "class-rebalanced" and most names; three fit into 80 characters.
_METRIC_WIDTH, _MODEL_WIDTH = 16, 19
_BETWEEN = 3


def models_table(entries: Iterable[ModelEntry], trained: Sequence[str]) -> Table:
    """One row a model: name, presets with the default first, whether `trained`, what it is."""
    table = Table("model", "presets", "trained", "summary")
    for entry in entries:
        mark, presets = "✓" if entry.name in trained else "–", ", ".join(entry.presets)
        table.add_row(f"[bold]{entry.name}[/bold]", presets, mark, entry.summary)
    return table


def data_sets_table(recipes: "Sequence[Recipe]") -> Table:
    """One row a data set: its name, what it is and how much, its license, what is by hand."""
    table = Table("data set", "what it is", "license", "by hand")
    for recipe in recipes:
        what = f"{escape(recipe.title)}\n[dim]{escape(recipe.size)}[/dim]"
        by_hand = escape(recipe.by_hand) or "–"
        table.add_row(f"[bold]{recipe.name}[/bold]", what, escape(recipe.license), by_hand)
    return table


def swatches_table(suggestions: "Sequence[Suggestion]", blocks: bool) -> Table:
    """One row per suggested color: with `blocks` the color itself, then name, ab, how likely."""
    table = Table.grid(padding=(0, 2))
    for one in suggestions:
        block = [Text("      ", style=f"on {one.color}")] if blocks else []
        a, b = (f"{value:4.0f}" for value in one.ab)
        table.add_row(*block, one.color, f"ab {a} {b}", f"{100 * one.probability:4.1f} %")
    return table


def presets_table(model_class: "type[Colorizer]") -> Table:
    """One row a preset: where its numbers come from, and its configuration."""
    table = Table("preset", "source", "configuration (--set field=value)")
    for name, preset in model_class.PRESETS.items():
        fields = dataclasses.asdict(preset.config).items()
        configuration = "\n".join(f"{field}={value}" for field, value in fields)
        table.add_row(f"[bold]{name}[/bold]", escape(preset.source), escape(configuration))
    return table


def departures_tables(name: str, model_class: "type[Colorizer]") -> Iterator[Table]:
    """For each preset that follows a source a table, one row a departure from it."""
    for preset, known in model_class.PRESETS.items():
        if known.follows_a_source:
            table = Table("paper", "here", "why", title=f"Departures of {name}:{preset}")
            for one in known.departures:
                table.add_row(*map(escape, dataclasses.astuple(one)))
            if not known.departures:
                table.add_row("none known")
            yield table


def options_table(model_class: "type[Colorizer]", defaults: dict[str, float]) -> Table:
    """One row an option: its default for this model, its range and its meaning."""
    table = Table("option (-o name=value)", "default", "range", "meaning")
    for option in model_class.options:
        table.add_row(
            f"[bold]{option.name}[/bold]",
            f"{defaults.get(option.name, option.default):g}",
            option.valid,
            escape(option.meaning),
        )
    return table


def checkpoints_table(checkpoints: "Sequence[Checkpoint]") -> Table:
    """One row a kept model, in the order given, with its scores on the validation photos."""
    further = sorted({name for one in checkpoints for name in one.scores if "_score" in name})
    table = Table("rank", "checkpoint", "photos seen", "AuC ↑", "colorfulness", "score ↓")
    for name in further:
        table.add_column(f"{name.removeprefix('val_').replace('_', ' ')} ↑")
    for rank, one in enumerate(checkpoints, start=1):
        scores = one.scores
        figures = ["–", "–", "–"]
        if one.score is not None:
            colorfulness = f"{scores['val_colorfulness']:.1f} of {scores['val_truth']:.1f}"
            figures = [f"{scores['val_auc']:.4f}", colorfulness, f"{one.score:.4f}"]
        name = f"[bold]{one.name}[/bold] ← the run's model" if one.chosen else one.name
        more = (f"{scores[name]:.3f}" if name in scores else "–" for name in further)
        table.add_row(str(rank), name, f"{one.photos_seen:,}", *figures, *more)
    return table


def card_tables(card: "Card") -> Iterator[Table]:
    """What a trained model's card tells, without its curves; then its scores, if it has some."""
    table = Table("trained model", f"{card.model}:{card.preset}")
    for name, value in _card_facts(card).items():
        if value is not None:
            table.add_row(name, escape(str(value)))
    yield table
    sets = card.validation_scores | card.test_scores
    if sets:
        yield _card_scores(sets)


def _card_facts(card: "Card") -> dict[str, Any]:
    facts = _training_facts(card.training) if card.training else {}
    for option in ("temperature", "saturation"):
        chosen = getattr(card, option)
        if chosen and chosen.study:
            facts[f"{option} chosen on"] = counted(chosen.study.photos, "photo")
    if card.origin:
        facts |= {"imported from": card.origin.file, "that file's sha256": card.origin.sha256}
    facts |= {"zoo version": card.zoo_version, "weights' sha256": card.weights_sha256}
    about = dataclasses.asdict(card.about) if card.about else {}
    titles = {"license": "license of the weights", "stored": "what is stored"}
    named = {titles.get(name, name.replace("_", " ")): text for name, text in about.items()}
    return facts | named


def _card_scores(sets: "dict[str, Scores]") -> Table:
    """One row a metric, one column a set of photos."""
    table = Table("mean and 95 % interval")
    for name, scored in sets.items():
        photos = "" if scored.photos is None else f"\n[dim]{counted(scored.photos, 'photo')}[/dim]"
        table.add_column(f"{escape(name)}{photos}")
    for metric in next(iter(sets.values())).summary:
        figures = (scored.summary.get(metric) for scored in sets.values())
        cells = ("–" if figure is None else _interval(figure) for figure in figures)
        table.add_row(_header(metric), *cells)
    return table


def _training_facts(training: "Training") -> dict[str, Any]:
    return {
        "trained on": f"{training.photos:,} photos",
        "photos' fingerprint": training.fingerprint,
        "validated on": f"{training.validation_photos:,} photos",
        "budget": training.budget,
        "photos seen": f"{training.photos_seen:,}",
        "time": duration(training.seconds),
        "training size": f"{', '.join(map(str, training.sizes))} px",
        "seed": training.seed,
        "backend": f"{training.backend}, Keras {training.keras_version}",
        **_details(training.details),
    }


def _details(details: dict[str, Any]) -> dict[str, Any]:
    """Without curves; of the stages that there were, what they saw. People count rounds from 1."""
    plain = {name: value for name, value in details.items() if not isinstance(value, list)}
    short = {name.replace("_", " "): value for name, value in plain.items()}
    if details.get("best_round") is not None:
        short["best round"] = details["best_round"] + 1
    stages = details.get("stages", ())
    seen = [f"{stage['name']} {counted(stage['photos_seen'], 'photo')}" for stage in stages]
    return short | {"stages": ", ".join(seen) or None}


def scores_tables(
    reports: "dict[str, Report]", width: int, *, by_networks: bool = False
) -> Iterator[Table]:
    """The figures of each model with their 95 % intervals, one row a model; none without figures.

    Where the metrics do not fit side by side into `width` characters, several tables follow.
    `by_networks` gives what pretrained networks say, in place of all else.
    """
    first = next(iter(reports.values()))
    what = "photos, by networks" if by_networks else "photos"
    title = f"{len(first.photos):,} {what}, mean and 95 % interval over the photos"
    summaries = {
        run: {name: one for name, one in report.summary().items() if ("@" in name) == by_networks}
        for run, report in reports.items()
    }
    if any(summaries.values()):
        caption = _no_claims(len(first.photos))
        yield from _metric_tables(summaries, reports, title, caption, width, _interval)


def weight_notes(report: "Report") -> list[str]:
    """On how many photos each weighted figure rests, in sentences."""
    from zoo.metrics import get_metric

    return [
        f"{get_metric(name).title} weighs photos unevenly: it rests on as much as {photos:,.1f} "
        f"equally weighted photos of {len(report.photos):,}."
        for name, photos in report.effective_photos.items()
    ]


def network_notes(report: "Report") -> list[str]:
    """How to read the figures of networks, and why some are missing, in sentences."""
    from zoo.metrics import get_metric

    notes, reasons = defaultdict(list), defaultdict(list)
    for name, source in report.sources.items():
        for note in (f"Seen: {source['input']}.", *source["notes"]):
            notes[note].append(get_metric(name).title)
    for name, reason in report.missing.items():
        reasons[f"{reason.rstrip('.')}."].append(get_metric(name).title)
    return [
        *(f"{', '.join(titles)}: {note}" for note, titles in notes.items()),
        *(f"No {', '.join(titles)}: {reason}" for reason, titles in reasons.items()),
    ]


def difference_tables(reports: "dict[str, Report]", width: int) -> Iterator[Table]:
    """Each further model minus the first one, paired over the photos; none for one model."""
    from zoo.evaluation.report import compare

    (base, first), *others = reports.items()
    if not others:
        return
    title = f"Differences to {base}, paired over the photos"
    caption = _no_claims(len(first.photos)) or "* the interval excludes zero"
    differences = {run: compare(report, first) for run, report in others}

    def cell(difference: "Interval") -> str:
        marked = first.supports_claims and difference.excludes_zero
        text = _interval(difference, sign="+")
        return f"[bold]{text} *[/bold]" if marked else text

    yield from _metric_tables(differences, reports, title, caption, width, cell)


def temperature_table(study: "Study", chosen: float) -> Table:
    """One row a temperature, the chosen one marked; then what to compare the figures with."""
    decimals = {"colorfulness": 1, "delta_colorfulness": 1, "auc": 4, "ciede2000": 2}
    table = Table(title=f"Means over {counted(study.photos, 'photo')}")
    table.caption = _no_claims(study.photos)
    for header in ("temperature", *map(_header, decimals)):
        table.add_column(header, justify="right")
    for row, temperature in enumerate(study.values):
        figures = [f"{study.means(name)[row]:.{digits}f}" for name, digits in decimals.items()]
        mark, style = ("chosen: ", "bold") if temperature == chosen else ("", "")
        table.add_row(f"{mark}{temperature:g}", *figures, style=style)
    table.add_section()
    gray = [f"{study.gray[name]:.{digits}f}" for name, digits in decimals.items()]
    table.add_row("gray photos", *gray, style="dim")
    table.add_row("true photos", f"{study.true_colorfulness:.1f}", style="dim")
    return table


def duration(seconds: float) -> str:
    """A time as people say it: "12 s", "3 min 20 s", "2 h 5 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.2g} s" if seconds < 10 else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _metric_tables(
    rows: "dict[str, dict[str, Interval]]",
    reports: "dict[str, Report]",
    title: str,
    caption: str | None,
    width: int,
    cell: "Callable[[Interval], str]",
) -> Iterator[Table]:
    metrics = list(next(iter(rows.values())))
    room = width - (_MODEL_WIDTH + _BETWEEN) - 1
    fitting = max(1, room // (_METRIC_WIDTH + _BETWEEN))
    for start in range(0, len(metrics), fitting):
        shown = metrics[start : start + fitting]
        table = Table(title=escape(title) if start == 0 else None, show_lines=True)
        table.caption = caption if shown[-1] == metrics[-1] else None
        table.add_column("model", width=_MODEL_WIDTH, overflow="fold")
        for name in shown:
            header = Text.from_markup(_header(name), overflow="fold")
            table.add_column(header, justify="right", width=_METRIC_WIDTH)
        for run, figures in rows.items():
            model = reports[run].model
            where = model.replace(":", ":\n")  # the column is narrow
            label = escape(run) if run == model else f"{escape(run)}\n[dim]{where}[/dim]"
            table.add_row(label, *(cell(figures[name]) for name in shown))
        yield table


def _header(name: str) -> str:
    from zoo.metrics import get_metric

    metric = get_metric(name)
    unit = f"\n[dim]{metric.unit}[/dim]" if metric.unit else ""
    return escape(f"{metric.title} {_ARROWS[metric.direction]}".strip()) + unit


def _interval(figure: "Interval", sign: str = "") -> str:
    """The figure over its interval, with as many decimals as two digits of its width need."""
    if figure.low is None or figure.high is None:
        return f"{figure.mean:.2f}"
    spread = figure.high - figure.low
    decimals = min(max(1 - math.floor(math.log10(spread)), 0), 5) if spread > 0 else 2
    ends = f"{figure.low:.{decimals}f} … {figure.high:.{decimals}f}"
    return f"{figure.mean:{sign}.{decimals}f}\n{ends}"


def _no_claims(photos: int) -> str | None:
    """What to say under figures of few photos; None where there are enough."""
    from zoo.evaluation.report import MIN_PHOTOS_FOR_CLAIMS

    if photos >= MIN_PHOTOS_FOR_CLAIMS:
        return None
    return f"Only {photos} photos: no claims are made from fewer than {MIN_PHOTOS_FOR_CLAIMS}."

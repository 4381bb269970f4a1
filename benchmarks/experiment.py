"""A cell of the benchmark: one model, trained and scored under conditions that its key pins down.

Everything is kept in one folder, each file written when it is whole:

    results/<key>.json              what became of it: scores, curves, environment, or the error
    models/<key>/                   the trained model; the checkpoint while it is being trained
    pictures/<key>/<photo>.png      what the model made of the photos that reports show
    pictures/<key>/<photo>-T<t>.png the first of them at the temperature t
    pictures/truth/<photo>.png      those photos themselves
"""

import dataclasses
import hashlib
import json
import shutil
import time
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import keras
import numpy as np
from PIL import Image

from benchmarks.environment import describe_environment
from benchmarks.suites import Row
from zoo import checkpoints, registry
from zoo.budget import Budget
from zoo.colorizer import Colorizer, History
from zoo.errors import TrainingInterrupted, ZooError
from zoo.evaluation import evaluate
from zoo.files import cache_folder, read_json, write_json
from zoo.models import position
from zoo.models.precision import fastest_precision, processor_name
from zoo.photos.decoding import write_photo
from zoo.photos.photoset import Photo, PhotoSet
from zoo.temperature import study

#: Part of every key: raise it when the same cell would now be trained or scored differently.
PROTOCOL = 1

#: Pictures for reports fit into a square of this side, in px.
TILE = 240

#: Reports show models that have a temperature at these and at their default. Every one costs a
#: pass over the validation photos.
TEMPERATURES = (0.0, 0.2, 0.38, 0.6, 1.0)

#: At most so many validation photos are scored at each temperature: more take time and hardly move
#: a mean.
STUDY_PHOTOS = 200


@dataclasses.dataclass(frozen=True)
class Cell:
    """One model under fixed conditions; equal cells give equal results.

    How reports call and explain a cell takes no part in comparing it and in its key.

    Attributes:
        model: the registered name.
        preset: the preset's name.
        config: the whole configuration, so that a changed preset is another cell.
        options: prediction options that differ from the trained model's defaults.
        train_photos: how many photos there are to learn from.
        train_fingerprint: of those photos.
        validation_fingerprint: of the photos that choose the best weights; None without any.
        test_fingerprint: of the photos that are scored.
        train_size: side of the training squares in px.
        test_size: short side that larger test photos are shrunk to, in px.
        budget: the budget, as `str(Budget)`.
        seed: of the initial weights and of the training.
        backend: Keras' backend.
        precision: of the training, never "auto".
        references: the sha256, by name, of what a model depends on beside its weights.
        protocol: the version of the rules that the benchmark follows.
        label: what reports call the cell; model and preset where None.
        changes: the fields of `config` that differ from the preset's.
    """

    model: str
    preset: str
    config: dict[str, Any]
    options: dict[str, Any]
    train_photos: int
    train_fingerprint: str
    validation_fingerprint: str | None
    test_fingerprint: str
    train_size: int
    test_size: int
    budget: str
    seed: int
    backend: str
    precision: str
    references: dict[str, str] = dataclasses.field(default_factory=dict)
    protocol: int = PROTOCOL
    label: str | None = dataclasses.field(default=None, compare=False)
    changes: dict[str, Any] = dataclasses.field(default_factory=dict, compare=False)

    @property
    def key(self) -> str:
        """16 hexadecimal digits that follow from all fields that are compared."""
        names = [field.name for field in dataclasses.fields(self) if field.compare]
        compared = {name: getattr(self, name) for name in names}
        text = json.dumps(compared, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def title(self) -> str:
        """The label; where there is none, model and preset as in "zhang:compact"."""
        return self.label or f"{self.model}:{self.preset}"


@dataclasses.dataclass(frozen=True)
class Shown:
    """A photo that reports show, and its role: "test" or "trained on"."""

    photo: Photo
    role: str


@dataclasses.dataclass(frozen=True)
class Conditions:
    """What the cells of one benchmark share.

    Attributes:
        train: photos to learn from.
        validation: photos that choose the best weights; None without any.
        test: photos that are scored.
        shown: photos that reports show.
        train_size: as in `Cell`.
        test_size: as in `Cell`.
        budget: how much training.
        seed: as in `Cell`.
        precision: of trainings by gradient: "float32", "mixed_bfloat16", or "auto".
        command: the command line, for the record.
    """

    train: PhotoSet
    validation: PhotoSet | None
    test: PhotoSet
    shown: Sequence[Shown]
    train_size: int
    test_size: int
    budget: Budget
    seed: int
    precision: str
    command: str

    def cell(self, row: Row) -> Cell:
        """The cell of a row whose preset is decided.

        Configuration and precision are decided here, so that the key holds them.
        """
        preset, changes = _preset_and_changes(row)
        return Cell(
            model=row.model,
            preset=row.preset,
            config=preset | changes,
            options={},
            train_photos=len(self.train),
            train_fingerprint=self.train.fingerprint,
            validation_fingerprint=self.validation.fingerprint if self.validation else None,
            test_fingerprint=self.test.fingerprint,
            train_size=self.train_size,
            test_size=self.test_size,
            budget=str(self.budget),
            seed=self.seed,
            backend=keras.backend.backend(),
            precision=_precision(row.model, self.precision) if preset else "float32",
            references=_references(row, preset | changes),
            label=row.label,
            changes=changes,
        )


def result_path(out: Path, cell: Cell) -> Path:
    """Where a cell's result is stored."""
    return out / "results" / f"{cell.key}.json"


def relabel(known: dict[str, Any], cell: Cell, out: Path) -> None:
    """Give a stored result, which another suite may have left, the cell's label if it has one."""
    if cell.label not in (None, known["cell"].get("label")):
        stored = known["cell"] | {"label": cell.label, "changes": cell.changes}
        write_json(result_path(out, cell), known | {"cell": stored})


def run_cell(
    cell: Cell, conditions: Conditions, out: Path, *, progress: bool = False
) -> dict[str, Any]:
    """Train, score and store one cell; an interrupted training goes on where it stopped.

    Args:
        cell: one that `conditions.cell` made.
        conditions: the photos and the budget.
        out: the benchmark's folder.
        progress: whether to show progress bars.

    Returns:
        The stored result. Its "status" is "ok", or "failed" with "error" and "traceback" if the
        model raised anything.

    Raises:
        TrainingInterrupted: after Ctrl-C, once the training's position is saved.
        ZooError: if the result cannot be written.
    """
    keras.utils.clear_session()  # frees what the previous cell's model held
    try:
        result = _run(cell, conditions, out, progress)
        write_json(result_path(out, cell), result)
    except TrainingInterrupted:
        raise
    except Exception as error:  # noqa: BLE001 - one model's failure must not end the others' runs
        result = _failure(cell, conditions, error)
        write_json(result_path(out, cell), result)
        return result
    position.discard(_model_folder(out, cell))
    # Nobody chooses by hand here, and a dozen models a cell would fill the disk.
    shutil.rmtree(_model_folder(out, cell) / checkpoints.FOLDER, ignore_errors=True)
    return result


def _run(cell: Cell, conditions: Conditions, out: Path, progress: bool) -> dict[str, Any]:
    folder, begun = _model_folder(out, cell), time.monotonic()
    model = registry.create_model(cell.model, cell.preset, seed=cell.seed, **cell.config)
    if dataclasses.asdict(model.config) != cell.config:
        raise ZooError(
            f"{cell.title} is not configured as its key says, because a model could not be loaded "
            "when the key was made; mend that and repeat the command with --resume."
        )
    history = model.fit(
        conditions.train,
        conditions.validation,
        budget=conditions.budget,
        size=cell.train_size,
        precision=cell.precision,
        run_dir=folder,
        resume=True,
        progress=progress,
    )
    started = time.monotonic()
    report = evaluate(
        model, conditions.test, size=cell.test_size, progress=progress, **cell.options
    )
    seconds = round(time.monotonic() - started, 2)
    summary = {name: dataclasses.asdict(value) for name, value in report.summary().items()}
    model.card["scores"] = {
        "protocol": cell.protocol,
        "test_fingerprint": cell.test_fingerprint,
        "test_size": cell.test_size,
        "summary": summary,
    }
    model.save(folder)
    result = {
        "status": "ok",
        **_record(cell, conditions),
        "summary": summary,
        "report": report.to_json(),
        "history": dataclasses.asdict(history),
        "parameters": sum(network.count_params() for network in model.networks.values()),
        "evaluation_seconds": seconds,
        "pictures": _save_pictures(model, cell, conditions.shown, out),
    }
    if "temperature" in model.defaults:
        result["temperature"] = _try_temperatures(model, cell, conditions, out, progress)
    _remember_rate(cell, history, time.monotonic() - begun)
    return result


def _failure(cell: Cell, conditions: Conditions, error: Exception) -> dict[str, Any]:
    lines = str(error).strip().splitlines()
    message = lines[0] if lines else "no message"
    return {
        "status": "failed",
        **_record(cell, conditions),
        "error": message if isinstance(error, ZooError) else f"{type(error).__name__}: {message}",
        "traceback": "".join(traceback.format_exception(error)),
    }


def _record(cell: Cell, conditions: Conditions) -> dict[str, Any]:
    """What is stored with every result, whether it is one or not."""
    return {
        "key": cell.key,
        "cell": dataclasses.asdict(cell),
        "test_photos": len(conditions.test),
        "command": conditions.command,
        "environment": describe_environment(),
        "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _preset_and_changes(row: Row) -> tuple[dict[str, Any], dict[str, Any]]:
    """The preset's configuration, and what the row wants to be different from it.

    Fields that the model does not have are among the changes: making the model refuses them. The
    configuration is empty where a model cannot be loaded: `run_cell` records that as a failure.
    """
    try:
        preset = _preset_config(row.model, row.preset)
        shared = _preset_config(row.like, row.preset) if row.like else {}
    except Exception:  # noqa: BLE001 - one model's failure must not end the others' runs
        return {}, row.config
    wanted = {name: value for name, value in shared.items() if name in preset} | row.config
    same = preset.items()
    return preset, {name: value for name, value in wanted.items() if (name, value) not in same}


def _preset_config(model: str, preset: str) -> dict[str, Any]:
    return dataclasses.asdict(registry.entry(model).load().PRESETS[preset].config)


def _precision(model: str, wanted: str) -> str:
    if not registry.entry(model).load().trains_by_gradient:
        return "float32"
    return fastest_precision() if wanted == "auto" else wanted


def _references(row: Row, config: dict[str, Any]) -> dict[str, str]:
    """Hashes of what the model refers to; none where it cannot be made: running it says why."""
    try:
        if registry.entry(row.model).load().references is Colorizer.references:
            return {}
        model = registry.create_model(row.model, row.preset, **config)
        return {name: found["sha256"] for name, found in model.references().items()}
    except Exception:  # noqa: BLE001 - one model's failure must not end the others' runs
        return {}


def expected_seconds(cell: Cell, budget: Budget) -> float | None:
    """About how long a cell takes here, by the last one like it; None where there was none."""
    known = _known_rates().get(_rate_key(cell))
    if known is None:
        return None
    if budget.minutes is not None:
        return 60 * budget.minutes + known["other_seconds"]
    return budget.photos_seen * known["seconds_per_photo"] + known["other_seconds"]


def _remember_rate(cell: Cell, history: History, seconds: float) -> None:
    rate = {
        "seconds_per_photo": history.seconds / max(1, history.photos_seen),
        "other_seconds": max(0.0, seconds - history.seconds),
    }
    write_json(_rates_file(), _known_rates() | {_rate_key(cell): rate})


def _rate_key(cell: Cell) -> str:
    size = f"{cell.train_size} px, {cell.precision}, {cell.backend}"
    return f"{cell.model}:{cell.preset}, {size}, {processor_name()}"


def _known_rates() -> dict[str, Any]:
    return read_json(_rates_file()) if _rates_file().is_file() else {}


def _rates_file() -> Path:
    return cache_folder() / "rates.json"


def _save_pictures(
    model: Colorizer, cell: Cell, shown: Sequence[Shown], out: Path
) -> list[dict[str, str]]:
    """Colorize the photos to show at the test photos' size, and store them small."""
    pictures = []
    for entry in shown:
        file = f"{entry.photo.sha256[:16]}.png"
        truth = entry.photo.read(short_side=cell.test_size)
        colored = model.colorize_batch(truth[None], **cell.options)[0]
        write_photo(out / "pictures" / cell.key / file, _tile(colored))
        write_photo(out / "pictures" / "truth" / file, _tile(truth))
        pictures.append({"photo": entry.photo.name, "role": entry.role, "file": file})
    return pictures


def _try_temperatures(
    model: Colorizer, cell: Cell, conditions: Conditions, out: Path, progress: bool
) -> dict[str, Any]:
    """Colorize and score at several temperatures, for reports to show: nothing is chosen by it.

    Only validation photos are scored: a temperature that somebody chooses by the test photos'
    scores would make those scores too good.
    """
    default = model.resolve_options(cell.options)["temperature"]
    temperatures = sorted({*TEMPERATURES, default})
    stored = {
        "default": default,
        "tiles": _save_tiles(model, cell, conditions.shown[:1], temperatures, out),
        "validation_photos": 0,
        "study": None,
    }
    if conditions.validation:
        photos = conditions.validation.color_only()
        scored = photos.spread(STUDY_PHOTOS)
        found = study(model, scored, temperatures, size=cell.test_size, progress=progress)
        stored |= {"validation_photos": len(photos), "study": found.to_json()}
    return stored


def _save_tiles(
    model: Colorizer, cell: Cell, shown: Sequence[Shown], temperatures: Sequence[float], out: Path
) -> list[dict[str, Any]]:
    """Colorize each photo at each temperature, and store them as `_save_pictures` does."""
    tiles = []
    for entry in shown:
        truth = entry.photo.read(short_side=cell.test_size)
        for temperature in temperatures:
            file = f"{entry.photo.sha256[:16]}-T{temperature:g}.png"
            options = cell.options | {"temperature": temperature}
            colored = model.colorize_batch(truth[None], **options)[0]
            write_photo(out / "pictures" / cell.key / file, _tile(colored))
            tiles.append({"temperature": temperature, "file": file})
    return tiles


def _tile(rgb: np.ndarray) -> np.ndarray:
    image = Image.fromarray(rgb)
    image.thumbnail((TILE, TILE), Image.Resampling.LANCZOS)
    return np.asarray(image)


def _model_folder(out: Path, cell: Cell) -> Path:
    return out / "models" / cell.key

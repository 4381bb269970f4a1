"""A cell of the benchmark: one model under conditions that its key pins down.

Cells are made before anything runs: plans show them, finished ones are found again by their key.
"""

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import keras

from benchmarks.films.clips import Clip
from benchmarks.harness.photos import Shown
from benchmarks.suites import UNTRAINED, Row
from zoo import registry
from zoo.budget import Budget
from zoo.colorizer import Colorizer
from zoo.errors import ZooError
from zoo.files import sha256_of_file
from zoo.metrics import color_prior
from zoo.metrics.networks import NetworkMetrics
from zoo.photos.photoset import PhotoSet
from zoo.training.precision import fastest_precision

#: Part of every key: raise it when the same cell would now be trained or scored differently. 3:
#: class-rebalanced AuC weighs colors by a fixed prior, no longer by the scored photos themselves.
PROTOCOL = 3


@dataclass(frozen=True)
class Cell:
    """One model under fixed conditions; equal cells give equal results.

    What only names or explains a cell is neither compared nor part of its key.

    Attributes:
        config: the whole configuration, so that a changed preset is another cell.
        options: prediction options that differ from the trained model's defaults.
        weights: the sha256 of the weights that the training starts from; None for fresh ones.
        train_photos: how many photos there are to learn from; 0 without training.
        validation_fingerprint: of the photos that choose the best weights; None without any.
        train_size: side of the training squares in px; 0 without training.
        test_size: short side that larger test photos are shrunk to, in px.
        budget: the budget, as `str(Budget)`; "none" for a model that is scored as it is.
        seed: tells repetitions of one row apart.
        precision: of the training, never "auto".
        references: the sha256, by name, of what a model depends on beside its weights.
        networks: the sha256, by specification, of the pretrained networks that score photos.
        prior: the sha256 of the prior that class-rebalanced AuC weighs colors by.
        label: the title in reports; model and preset where None.
        changes: the fields of `config` that differ from the preset's.
        start: the folder of the model that `weights` are of; None for fresh ones.
        own: those of "train_size" and "budget" that the row decides, not the whole benchmark.
        apart: labels whose test photos are scored, but count in no headline figure.
    """

    model: str
    preset: str
    config: dict[str, Any]
    options: dict[str, Any]
    weights: str | None
    train_photos: int
    train_fingerprint: str | None
    validation_fingerprint: str | None
    test_fingerprint: str
    train_size: int
    test_size: int
    budget: str
    seed: int
    backend: str
    precision: str
    references: dict[str, str] = field(default_factory=dict)
    networks: dict[str, str] = field(default_factory=dict)
    prior: str = field(default_factory=lambda: color_prior().sha256)
    protocol: int = PROTOCOL
    label: str | None = field(default=None, compare=False)
    changes: dict[str, Any] = field(default_factory=dict, compare=False)
    start: str | None = field(default=None, compare=False)
    own: tuple[str, ...] = field(default=(), compare=False)
    apart: tuple[str, ...] = field(default=(), compare=False)

    @property
    def key(self) -> str:
        """16 hexadecimal digits that follow from all fields that are compared."""
        return _digest(self._compared())[:16]

    @property
    def row_key(self) -> str:
        """The key without the seed: cells that share it are repetitions of one row."""
        return _digest({k: v for k, v in self._compared().items() if k != "seed"})[:16]

    @property
    def training_seed(self) -> int:
        """Decides initial weights and the photos' order; the same for every model."""
        photos, size = self.train_fingerprint, self.train_size
        return derived_seed(training_photos=photos, size=size, repetition=self.seed)

    @property
    def title(self) -> str:
        return self.label or f"{self.model}:{self.preset}"

    def _compared(self) -> dict[str, Any]:
        return {one.name: getattr(self, one.name) for one in fields(self) if one.compare}


def derived_seed(**axes: Any) -> int:
    """Hash named axes, in whatever order, to a seed below 2**31.

    Neighboring numbers on an axis give unrelated seeds.

    Examples:
        >>> derived_seed(size=96, repetition=0) == derived_seed(repetition=0, size=96)
        True
    """
    return int(_digest(axes)[:8], 16) % 2**31


def _digest(content: dict[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Conditions:
    """What the cells of one benchmark share.

    Attributes:
        validation: photos that choose the best weights; None without any.
        shown: photos that reports show.
        train_size, test_size: as in `Cell`; a row may have its own training size.
        budget: how much training, where a row has none of its own.
        precision: of trainings by gradient: "float32", "mixed_bfloat16", or "auto".
        networks: pretrained networks that score photos, as for `zoo.NetworkMetrics`.
        apart: as in `Cell`.
        films: those that models are scored on, too.
    """

    train: PhotoSet
    validation: PhotoSet | None
    test: PhotoSet
    shown: Sequence[Shown]
    train_size: int
    test_size: int
    budget: Budget
    precision: str
    command: str
    networks: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()
    films: tuple[Clip, ...] = ()

    @cached_property
    def network_references(self) -> dict[str, str]:
        """The sha256 of each network by its specification, "missing" where it is not at hand."""
        return NetworkMetrics(self.networks, skip_missing=True).references()

    def cell(self, row: Row, seed: int = 0) -> Cell:
        """Make the cell of one repetition of a row whose preset is decided."""
        preset, changes = _preset_and_changes(row)
        config = preset | changes
        fixed: dict[str, Any] = {
            "model": row.model,
            "preset": row.preset,
            "config": config,
            "options": {},
            "weights": None if row.start is None else weights_digest(Path(row.start)),
            "test_fingerprint": self.test.fingerprint,
            "test_size": self.test_size,
            "backend": keras.backend.backend(),
            "references": _references(row, config),
            "networks": self.network_references,
            "label": row.label,
            "changes": changes,
            "start": row.start,
            "apart": self.apart,
        }
        if row.budget == UNTRAINED:
            return Cell(**fixed, **_UNTRAINED, budget=UNTRAINED, seed=0)
        own = {"train_size": row.size, "budget": row.budget}
        return Cell(
            **fixed,
            train_photos=len(self.train),
            train_fingerprint=self.train.fingerprint,
            validation_fingerprint=self.validation.fingerprint if self.validation else None,
            train_size=row.size or self.train_size,
            budget=str(self.budget if row.budget is None else Budget.parse(row.budget)),
            seed=seed,
            precision=_precision(row.model, self.precision) if preset else "float32",
            own=tuple(name for name, value in own.items() if value is not None),
        )


def cells_of(conditions: Conditions, rows: Sequence[Row], seeds: Sequence[int]) -> list[Cell]:
    """List all rows with the first seed, then with the next; untrained rows have one cell."""
    cells = (conditions.cell(row, seed) for seed in seeds for row in rows)
    return list({cell.key: cell for cell in cells}.values())


#: The training of a model that is scored as it is.
_UNTRAINED: dict[str, Any] = {
    "train_photos": 0,
    "train_fingerprint": None,
    "validation_fingerprint": None,
    "train_size": 0,
    "precision": "float32",
}


def _preset_and_changes(row: Row) -> tuple[dict[str, Any], dict[str, Any]]:
    """The preset's configuration, and the fields in which the row differs from it.

    Unknown fields are among the changes: making the model refuses them. The configuration is empty
    where a model cannot be loaded: running the cell records that.
    """
    try:
        preset = _preset_config(row.model, row.preset)
        if row.start is not None:
            shared = dataclasses.asdict(registry.load_model(row.start).config)
        else:
            shared = _preset_config(row.like, row.preset) if row.like else {}
    except ZooError:
        raise  # the folder's own mistake is told before any time is spent
    except Exception:  # noqa: BLE001 - one model's failure must not end the others' runs
        return {}, row.config
    wanted = {name: value for name, value in shared.items() if name in preset} | row.config
    same = preset.items()
    return preset, {name: value for name, value in wanted.items() if (name, value) not in same}


def _preset_config(model: str, preset: str | None) -> dict[str, Any]:
    line = registry.entry(model)
    return dataclasses.asdict(line.load().PRESETS[line.preset_or_only(preset)].config)


def weights_digest(folder: Path) -> str:
    """Hash the trained model in a folder, its defaults included."""
    files = (folder / name for name in ("config.json", "weights.npz"))
    return _digest({file.name: sha256_of_file(file) for file in files})


def _precision(model: str, wanted: str) -> str:
    if not registry.entry(model).load().trains_by_gradient:
        return "float32"
    return fastest_precision() if wanted == "auto" else wanted


def _references(row: Row, config: dict[str, Any]) -> dict[str, str]:
    """Hash what the model refers to; nothing where it cannot be made: running it says why."""
    try:
        if registry.entry(row.model).load().references is Colorizer.references:
            return {}
        model = registry.create_model(row.model, row.preset, **config)
        return {name: found["sha256"] for name, found in model.references().items()}
    except Exception:  # noqa: BLE001 - one model's failure must not end the others' runs
        return {}

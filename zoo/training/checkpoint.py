"""A stage's position on disk: everything that the next step depends on, in one atomic file.

`checkpoint.npz`, or `checkpoint-NAME.npz` where a training has several stages, holds all variables
of the task (random-generator states included, which `save_weights` would lose), the optimizer's,
the running means of the round, the best weights so far, and as JSON the run, position and curves.
"""

import json
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo.errors import ZooError
from zoo.files import atomic_path

_STEM = "checkpoint"


@dataclass
class Progress:
    """Where a stage stands; `ended` says why it ended before its budget was used up.

    `too_small` counts the photos that were left out at each size; `photo_scores` has the scores of
    single validation photos after each round, by name; `best` and `averages` have weights.
    """

    step: int = 0
    seconds: float = 0.0
    curves: dict[str, list[float]] = field(default_factory=dict)
    best_score: float | None = None
    best_round: int | None = None
    ended: str | None = None
    warnings: list[str] = field(default_factory=list)
    too_small: dict[str, int] = field(default_factory=dict)
    photo_scores: dict[str, list[list[float]]] = field(default_factory=dict)
    best: dict[str, np.ndarray] = field(default_factory=dict)
    averages: dict[str, np.ndarray] = field(default_factory=dict)


#: The parts of it that are arrays.
_ARRAYS = ("best", "averages")


def training_variables(task: keras.Model) -> dict[str, Sequence[keras.Variable]]:
    """All state of a compiled task, in groups; the optimizer must be built."""
    return {
        "model": task.variables,
        "optimizer": task.optimizer.variables,
        "metrics": task.metrics_variables,
    }


def numpy_values(variables: Iterable[keras.Variable]) -> list[np.ndarray]:
    """Copies of what the variables hold now."""
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]


def file_of(run_dir: Path, stage: str) -> Path:
    """Where a stage's position is kept."""
    return run_dir / (f"{_STEM}-{stage}.npz" if stage else f"{_STEM}.npz")


def exists(run_dir: Path) -> bool:
    """Whether a folder holds the position of an unfinished training."""
    return any(run_dir.glob(f"{_STEM}*.npz"))


def discard(run_dir: Path) -> None:
    """Remove the positions of a training that has ended."""
    for path in run_dir.glob(f"{_STEM}*.npz"):
        path.unlink(missing_ok=True)


def unfinished(run_dir: Path) -> ZooError:
    """What to do about a folder with a position that is not to be resumed."""
    return ZooError(
        f"{run_dir} holds an unfinished training; resume it (--resume) or choose another folder."
    )


def save(path: Path, run: dict[str, Any], task: keras.Model, progress: Progress) -> None:
    """Write the position atomically: the previous checkpoint stays until this one is whole.

    Resuming with anything else than `run`, which is JSON, is refused.
    """
    arrays = {
        f"{group}/{index:05d}": keras.ops.convert_to_numpy(variable)
        for group, variables in training_variables(task).items()
        for index, variable in enumerate(variables)
    }
    position = dict(vars(progress))
    for part in _ARRAYS:
        arrays |= {f"{part}/{name}": value for name, value in position.pop(part).items()}
    arrays["about"] = np.array(json.dumps({"run": run, "progress": position}))
    with atomic_path(path) as temporary:
        np.savez(temporary, **arrays)


def stored_steps(path: Path) -> int:
    """The number of steps of the stored stage, which decides its learning rates."""
    return _about(path)["run"]["steps"]


def positions(run_dir: Path) -> dict[str, tuple[dict[str, Any], Progress]]:
    """The stages whose positions a folder holds, by name: of which run, and where they stand.

    Without the weights, which stay on disk.
    """
    found = {}
    for path in sorted(run_dir.glob(f"{_STEM}*.npz")):
        about = _about(path)
        name = path.stem.removeprefix(_STEM).removeprefix("-")
        found[name] = about["run"], Progress(**about["progress"])
    return found


def load(path: Path, run: dict[str, Any], task: keras.Model) -> Progress:
    """Set the task to a stored position of the same run and return it."""
    arrays, about = _read(path)
    differing = sorted(key for key in run if about["run"].get(key) != run[key])
    if differing:
        raise ZooError(
            f"{path} belongs to another run (different: {', '.join(differing)}); repeat the first "
            "command with nothing but --resume added, or choose another folder."
        )
    for group, variables in training_variables(task).items():
        for index, variable in enumerate(variables):
            variable.assign(arrays[f"{group}/{index:05d}"])
    progress = Progress(**about["progress"])
    for part in _ARRAYS:
        names = [name for name in arrays if name.startswith(f"{part}/")]
        setattr(progress, part, {name.removeprefix(f"{part}/"): arrays[name] for name in names})
    return progress


def _about(path: Path) -> dict[str, Any]:
    return _read(path, only=("about",))[1]


def _read(path: Path, only: Sequence[str] = ()) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The arrays, those of the names in `only` where there are any, and what they are about."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in only or archive.files}
        return arrays, json.loads(str(arrays.pop("about")))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise ZooError(
            f"{path} is not a readable checkpoint ({error}); delete it to start this run over."
        ) from error

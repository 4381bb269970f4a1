"""A training's position on disk: everything that the next step depends on, in one atomic file.

`checkpoint.npz` holds all variables of the training graph (random-generator states included, which
`save_weights` would lose), the optimizer's, the running means of the current round, the best
weights so far, and as JSON the run it belongs to, the position and the curves.
"""

import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo.errors import ZooError
from zoo.files import atomic_path

FILE_NAME = "checkpoint.npz"


@dataclass
class Progress:
    """Where a training stands: finished steps, curves by round, the best score and its weights."""

    step: int = 0
    seconds: float = 0.0
    curves: dict[str, list[float]] = field(default_factory=dict)
    best_score: float | None = None
    best_round: int | None = None
    best: dict[str, np.ndarray] = field(default_factory=dict)


def training_variables(graph: keras.Model) -> dict[str, Sequence[keras.Variable]]:
    """All state of a compiled training graph, in groups; the optimizer must be built."""
    return {
        "model": graph.variables,
        "optimizer": graph.optimizer.variables,
        "metrics": graph.metrics_variables,
    }


def save_checkpoint(
    run_dir: Path, run: dict[str, Any], graph: keras.Model, progress: Progress
) -> None:
    """Write the position atomically: the previous checkpoint stays until this one is whole.

    Args:
        run_dir: the run's folder.
        run: what the run is (JSON); resuming with anything else is refused.
        graph: the compiled training graph.
        progress: the position.

    Raises:
        ZooError: if the folder cannot be written.
    """
    arrays = {
        f"{group}/{index:05d}": keras.ops.convert_to_numpy(variable)
        for group, variables in training_variables(graph).items()
        for index, variable in enumerate(variables)
    }
    arrays |= {f"best/{name}": value for name, value in progress.best.items()}
    position = {key: value for key, value in vars(progress).items() if key != "best"}
    arrays["about"] = np.array(json.dumps({"run": run, "progress": position}))
    with atomic_path(run_dir / FILE_NAME) as temporary:
        np.savez(temporary, **arrays)


def stored_steps(run_dir: Path) -> int:
    """The number of steps of the stored training, which decides its learning rates.

    Raises:
        ZooError: if the file is damaged.
    """
    return _read(run_dir / FILE_NAME)[1]["run"]["steps"]


def load_checkpoint(run_dir: Path, run: dict[str, Any], graph: keras.Model) -> Progress:
    """Set the training graph to a stored position and return it.

    Raises:
        ZooError: if the file is damaged or belongs to another run, naming what differs.
    """
    path = run_dir / FILE_NAME
    arrays, about = _read(path)
    differing = sorted(key for key in run if about["run"].get(key) != run[key])
    if differing:
        raise ZooError(
            f"{path} belongs to another run (different: {', '.join(differing)}); repeat the first "
            "command with nothing but --resume added, or choose another folder."
        )
    for group, variables in training_variables(graph).items():
        for index, variable in enumerate(variables):
            variable.assign(arrays[f"{group}/{index:05d}"])
    best = {
        name.removeprefix("best/"): value
        for name, value in arrays.items()
        if name.startswith("best/")
    }
    return Progress(best=best, **about["progress"])


def _read(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = dict(archive)
        return arrays, json.loads(str(arrays.pop("about")))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise ZooError(
            f"{path} is not a readable checkpoint ({error}); delete it to start this run over."
        ) from error

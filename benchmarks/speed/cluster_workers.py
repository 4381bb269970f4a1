"""What `benchmarks.speed.cluster` lets workers do: they find it by this module's name."""

import os
import signal
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from zoo.cli.startup import start_keras
from zoo.inference.cluster import Coloring
from zoo.inference.jobs import Job, Outcome


def sleep(seconds: float) -> None:
    """Take no core."""
    time.sleep(seconds)


def recipe(model: str, cores: int | None = None, killed: Path | None = None) -> Coloring:
    """What colors; with `killed` the first worker to have colored half a chunk is killed."""
    start_keras()
    from zoo.inference.folders import run_jobs
    from zoo.registry import load_model

    loaded = load_model(model)
    photos = partial(run_jobs, loaded, options={}, cores=cores)
    if killed is not None:
        photos = partial(_color_or_die, killed, photos)
    return Coloring(photos, model=loaded)


def _color_or_die(killed: Path, photos: Any, jobs: Sequence[Job], **settings: Any) -> Outcome:
    try:
        killed.touch(exist_ok=False)
        photos(jobs[: len(jobs) // 2], **settings)
        os.kill(os.getpid(), signal.SIGKILL)
    except FileExistsError:
        pass
    outcome: Outcome = photos(jobs, **settings)
    return outcome

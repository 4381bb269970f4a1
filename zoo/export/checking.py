"""Compare exported models with what they were made of, in a fresh process without the zoo."""

import math
import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zoo.card import Outcome
from zoo.errors import ZooError
from zoo.export import runner

#: How far float32 artifacts may be off, in levels of 255.
ALLOWED = 1


@dataclass(frozen=True)
class Call:
    """A call of an artifact, and the photos that are expected of it.

    Attributes:
        inputs: arrays by name, or lists of files' bytes.
        expected: a photo, or one for each file, uint8.
        photo: makes a photo of the answer.
    """

    signature: str
    inputs: dict[str, Any]
    expected: Sequence[np.ndarray]
    photo: Callable[[np.ndarray], np.ndarray] = np.asarray


@dataclass(frozen=True)
class Check:
    """An artifact and the calls that it has to answer.

    Attributes:
        title: what it is, for messages.
        format: "saved_model", "onnx", "litert" or "web".
        exact: whether it may be off by no more than `ALLOWED`.
        most_moved: how far it may be off on average over all photos, in CIEDE2000.
    """

    title: str
    format: str
    path: Path
    exact: bool
    calls: list[Call]
    most_moved: float = math.inf


def check(checks: Sequence[Check]) -> list[Outcome]:
    """Run artifacts in one fresh process and compare their answers with what is expected."""
    return [_compared(*each) for each in zip(checks, _answers(checks), strict=True)]


def run(command: Sequence[str], **environment: str) -> str | None:
    """Run a program; return the last line of its complaint if it fails."""
    done = subprocess.run(
        command,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "2"} | environment,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    lines = done.stderr.strip().splitlines() or ["it says nothing"]
    return lines[-1] if done.returncode else None


def _compared(one: Check, answers: Sequence[Sequence[np.ndarray]]) -> Outcome:
    from zoo.metrics import Pair

    pairs = [
        (call.photo(answer), expected)
        for call, found in zip(one.calls, answers, strict=True)
        for answer, expected in zip(found, call.expected, strict=True)
    ]
    worst, errors = 0, []
    for answer, expected in pairs:
        if answer.shape != expected.shape or answer.dtype != np.uint8:
            raise ZooError(
                f"The {one.title} was not kept: for a photo of shape {expected.shape} it gives "
                f"{answer.shape} {answer.dtype}; please report this model and photo size."
            )
        off = int(np.abs(answer.astype(int) - expected).max())
        if one.exact and off > ALLOWED:
            raise ZooError(
                f"The {one.title} was not kept: on a photo of {expected.shape[-2]} x "
                f"{expected.shape[-3]} px it is {off} of 255 off the model's own colors, and "
                f"{ALLOWED} is allowed; choose another format or other options."
            )
        worst = max(worst, off)
        found, wanted = (one.reshape(-1, *one.shape[-2:])[..., :3] for one in (answer, expected))
        errors.append(Pair(found, wanted).ciede2000.mean())
    moved = float(np.mean(errors))
    if moved > one.most_moved:
        raise ZooError(
            f"The {one.title} was not kept: its weights move colors by {moved:.2f} CIEDE2000 on "
            f"average, and {one.most_moved:g} is allowed; give it weights of another kind, as "
            "float16 or float32."
        )
    asked = {call.signature: list(call.inputs) for call in one.calls}
    return Outcome(worst, round(moved, 4), len(pairs), asked)


def _answers(checks: Sequence[Check]) -> list[list[list[np.ndarray]]]:
    """For each artifact and call, the parts of the answer."""
    asked = [
        (one.format, str(one.path), [(call.signature, call.inputs) for call in one.calls])
        for one in checks
    ]
    with tempfile.TemporaryDirectory() as folder:
        request, answers = Path(folder) / "request", Path(folder) / "answers"
        request.write_bytes(pickle.dumps(asked))
        command = [sys.executable, "-P", runner.__file__, str(request), str(answers)]
        # Off any GPU that this process may hold.
        if failure := run(command, CUDA_VISIBLE_DEVICES="-1"):
            titles = ", ".join(one.title for one in checks)
            raise ZooError(
                f"What was written cannot be run, and was not kept ({titles}): {failure[:500]}; "
                "choose another format or other options."
            )
        return pickle.loads(answers.read_bytes())

"""Where tasks run: each in a process of its own, here one after the other or on a Ray cluster.

A process of its own starts with no memory of the others, so that its peak memory is its own and
whatever ends it, a crash of a library or the system's answer to a lack of memory, ends one task.
"""

import logging
import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from zoo.errors import TrainingInterrupted, ZooError

#: The ways to run tasks, and what each means.
EXECUTORS = {
    "local": "one after the other on this machine",
    "ray": "side by side on a Ray cluster, which RAY_ADDRESS names; without it, on this machine",
}

_PACKAGE = Path(__file__).resolve().parent
_INTERRUPTED = 130

#: A worker of a cluster that dies takes its task with it: the task goes on elsewhere this often.
_RETRIES = 3

Outcome = tuple[int, str | None]


def run_local(
    function: Callable[[Any], object],
    tasks: Sequence[Any],
    prepare: Callable[[], object] | None = None,
) -> Iterator[Outcome]:
    """Call a function with each task, in a new process each, one after the other.

    Args:
        function: one that a new process can import; what it returns is dropped.
        tasks: what can be pickled.
        prepare: is called in each process first, before what the function's module imports.

    Yields:
        The task's number, and why it came to nothing, in a sentence; None where it did not.
    """
    context = get_context("spawn")
    # A shell that starts a command in the background lets it ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, task in enumerate(tasks):
        # The task is unpickled under `_work`, where Ctrl-C is seen to.
        given = [pickle.dumps(part) for part in (prepare, (function, task))]
        process = context.Process(target=_work, args=given)
        process.start()
        try:
            process.join()
        except KeyboardInterrupt:
            _interrupt(process)
            raise
        if process.exitcode == _INTERRUPTED:
            raise KeyboardInterrupt
        yield number, _problem(process.exitcode or 0)


def _work(preparation: bytes, work: bytes) -> None:
    # Ctrl-C reaches the first process alone, which passes it on exactly once.
    os.setpgid(0, 0)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        prepare = pickle.loads(preparation)
        if prepare is not None:
            prepare()
        function, task = pickle.loads(work)
        function(task)
    except (KeyboardInterrupt, TrainingInterrupted):
        raise SystemExit(_INTERRUPTED) from None
    except ZooError as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None


def _end_with_parent() -> None:
    """Else a restarted command and what is left of it would write into one checkpoint."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _interrupt(process: BaseProcess) -> None:
    """Ask for the end, and wait for it; whoever asks again gets it at once."""
    if process.pid is not None and process.is_alive():
        os.kill(process.pid, signal.SIGINT)
    try:
        process.join()
    except KeyboardInterrupt:
        process.kill()
        process.join()


def _problem(exit_code: int) -> str | None:
    if exit_code == 0:
        return None
    if exit_code == -signal.SIGKILL:
        return (
            "its process was killed from outside, as the system does when memory runs out; free "
            "memory, or choose a smaller size or preset, and repeat the command."
        )
    if exit_code < 0:
        name = signal.Signals(-exit_code).name
        return f"its process was ended by {name}, which is a crash inside a library."
    return f"its process ended with exit status {exit_code}; what it wrote above says why."


def run_on_ray(
    function: Callable[[Any], object], tasks: Sequence[Any], packages: Sequence[Path] = ()
) -> Iterator[Outcome]:
    """The same on a Ray cluster, as many at once as it has room for, in the order of their ends.

    A task whose worker dies is tried again elsewhere. Every machine must reach the files that tasks
    name under the same paths; workers get `zoo` and the Python packages in the given folders.
    """
    try:
        import ray
    except ModuleNotFoundError as error:
        raise ZooError('--executor ray needs Ray; run `pip install -e ".[ray]"`.') from error
    _connect(ray, [_PACKAGE, *packages])
    remote = ray.remote(max_calls=1, max_retries=_RETRIES)(function)
    running = {remote.remote(task): number for number, task in enumerate(tasks)}
    try:
        while running:
            done, _ = ray.wait(list(running))
            for reference in done:
                yield running.pop(reference), _ray_problem(ray, reference)
    finally:
        ray.shutdown()


def _connect(ray: Any, packages: Sequence[Path]) -> None:
    try:
        ray.init(
            log_to_driver=False,
            logging_level=logging.ERROR,
            include_dashboard=False,
            runtime_env={"py_modules": [str(package) for package in packages]},
        )
    except (ConnectionError, OSError, RuntimeError, ValueError) as error:
        raise ZooError(
            f"Cannot reach or start a Ray cluster ({error}); check RAY_ADDRESS, or leave "
            "--executor ray away."
        ) from error


def _ray_problem(ray: Any, reference: Any) -> str | None:
    try:
        ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        return f"it raised {error.cause!r}."
    except ray.exceptions.RayError as error:
        lines = str(error).strip().splitlines()
        return f"its worker died {1 + _RETRIES} times ({lines[0] if lines else 'no message'})."
    return None

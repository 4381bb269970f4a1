"""Where tasks run: here one after the other, each in a process of its own, or on a Ray cluster.

A process of its own starts with no memory of the others, so that its peak memory is its own and
whatever ends it, a crash of a library or the system's answer to a lack of memory, ends one task.
"""

import logging
import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Self

from zoo.errors import TrainingInterrupted, ZooError

#: The ways to run tasks, and what each means.
EXECUTORS = {
    "local": "on this machine",
    "ray": "side by side on a Ray cluster, which RAY_ADDRESS names; without it, on this machine",
}

_PACKAGE = Path(__file__).resolve().parent
_INTERRUPTED = 130

#: A worker of a cluster that dies takes its task with it: the task goes on elsewhere this often.
_RETRIES = 3
#: So many tasks are with the cluster at most, so that memory does not grow with their number.
_SUBMITTED = 1000
#: Tasks that are to end early get so many seconds.
_SECONDS_TO_END = 20

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
    with (
        RayCluster(packages) as cluster,
        closing(cluster.run(function, tasks, new_process=True)) as answers,
    ):
        for number, answer in answers:
            yield number, answer.problem


@dataclass(frozen=True)
class Answer:
    """What has become of a task on a cluster: what the function returned, or why it did not.

    Attributes:
        value: what it returned.
        error: what it raised.
        death: why its worker died, each time that it was tried.
    """

    value: Any = None
    error: BaseException | None = None
    death: str | None = None

    @property
    def problem(self) -> str | None:
        """Why there is no value, in a sentence; None where there is one."""
        if self.error is not None:
            return f"it raised {self.error!r}."
        return self.death


class RayCluster:
    """A Ray cluster, to which the block of this context manager is connected.

    `RAY_ADDRESS` names it; without it one of this machine's processors starts, and ends with the
    block. Workers get `zoo` and the Python packages in the given folders.

    Args:
        packages: folders of further packages.
        environment: variables that workers have, beside those of their machines.
        processors: how many a cluster on this machine has; None for those that there are, or for
            a cluster that `RAY_ADDRESS` names.

    Raises:
        ZooError: if Ray is missing, or there is no cluster.
    """

    def __init__(
        self,
        packages: Sequence[Path] = (),
        environment: Mapping[str, str] | None = None,
        processors: int | None = None,
    ) -> None:
        try:
            import ray
        except ModuleNotFoundError as error:
            raise ZooError('--executor ray needs Ray; run `pip install -e ".[ray]"`.') from error
        self._ray: Any = ray
        self._packages, self._environment = [_PACKAGE, *packages], dict(environment or {})
        self._processors = processors

    def __enter__(self) -> Self:
        try:
            self._ray.init(
                num_cpus=self._processors,
                log_to_driver=False,
                logging_level=logging.ERROR,
                include_dashboard=False,
                runtime_env={
                    "py_modules": [str(package) for package in self._packages],
                    "env_vars": self._environment,
                },
            )
        except (ConnectionError, OSError, RuntimeError, ValueError) as error:
            raise ZooError(
                f"Cannot reach or start a Ray cluster ({error}); check RAY_ADDRESS, or leave "
                "--executor ray away."
            ) from error
        return self

    def __exit__(self, *exception: object) -> None:
        self._ray.shutdown()

    @property
    def workers(self) -> int:
        """How many tasks run at a time: each has a processor core of its own."""
        return max(1, int(self._ray.cluster_resources().get("CPU", 1)))

    def run(
        self, function: Callable[[Any], Any], tasks: Iterable[Any], *, new_process: bool = False
    ) -> Generator[tuple[int, Answer], None, None]:
        """Call a function with each task; yield numbers and answers in the order of their ends.

        A task whose worker dies is tried again, `_RETRIES` times. Tasks are taken when there is
        room for them. Close the generator if the loop over it may end early: tasks that run get a
        `KeyboardInterrupt`, and some seconds to end.

        Args:
            function: one that workers can import; what it returns comes back.
            tasks: what can be pickled.
            new_process: whether each task has a process of its own, rather than one in which others
                ran before it.
        """
        settings = {"max_calls": 1} if new_process else {}
        remote = self._ray.remote(max_retries=_RETRIES, **settings)(function)
        waiting = enumerate(tasks)
        running: dict[Any, int] = {}
        try:
            while True:
                for number, task in islice(waiting, _SUBMITTED - len(running)):
                    running[remote.remote(task)] = number
                if not running:
                    return
                done, _ = self._ray.wait(list(running))
                for reference in done:
                    yield running.pop(reference), self._answer(reference)
        finally:
            for reference in running:
                self._ray.cancel(reference)
            if running:
                self._ray.wait(list(running), num_returns=len(running), timeout=_SECONDS_TO_END)

    def _answer(self, reference: Any) -> Answer:
        exceptions = self._ray.exceptions
        try:
            return Answer(self._ray.get(reference))
        except exceptions.RayTaskError as error:
            return Answer(error=error.cause)
        except exceptions.RayError as error:
            lines = str(error).strip().splitlines()
            said = lines[0] if lines else "no message"
            return Answer(death=f"its worker died {1 + _RETRIES} times ({said}).")

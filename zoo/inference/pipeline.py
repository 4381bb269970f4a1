"""A pipeline: items go through stages that work at the same time, each in threads of its own.

What a stage does with one item overlaps with what the others do with those before and behind it:
decoding, the network and encoding share the cores. Few items are on their way at any time, so that
memory does not grow with their number. Threads suffice where the work lets go of Python's lock, as
Pillow, NumPy and networks do.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import Any, TypeVar

Item = TypeVar("Item")

#: An item with what has become of it so far.
_Carried = tuple[Any, Any]


@dataclass(frozen=True)
class Failure:
    """What an item leaves the pipeline with where a stage could do nothing with it."""

    error: Exception


@dataclass(frozen=True)
class Stage:
    """A step of a pipeline.

    Attributes:
        work: makes of what the stage before made what the next one takes; where there is
            `together`, of a list a list of the same length.
        threads: how many items, or lists, are worked on at a time.
        together: from a list of what the stage before made, and what comes next, to whether that
            joins the list. None for one at a time.
    """

    work: Callable[[Any], Any]
    threads: int = 1
    together: Callable[[Sequence[Any], Any], bool] | None = None


class Pipeline:
    """Stages, in their order.

    Args:
        stages: what is done with each item.
        expected: errors that concern an item alone: it leaves with a `Failure`, and the others go
            on. Any other error ends the run.
    """

    def __init__(self, stages: Sequence[Stage], expected: tuple[type[Exception], ...] = ()) -> None:
        self.stages, self.expected = tuple(stages), expected

    def run(self, source: Iterable[Item]) -> Generator[tuple[Item, Any], None, None]:
        """Yield each item of `source`, in order, with what the last stage made of it.

        Items are taken when there is room for them. Close the generator if the loop over it may
        end early: that drops what waits, ends the threads, and waits for what they are doing.
        """
        flow: Iterator[_Carried] = ((item, item) for item in source)
        with ExitStack() as stack:
            for stage in self.stages:
                pool = stack.enter_context(ThreadPoolExecutor(stage.threads))
                flow = stack.enter_context(closing(self._through(stage, pool, flow)))
            yield from flow

    def _through(
        self, stage: Stage, pool: ThreadPoolExecutor, flow: Iterator[_Carried]
    ) -> Generator[_Carried, None, None]:
        """What comes out of a stage. One more than is worked on waits, so that no thread does."""
        waiting: deque[Future[list[_Carried]]] = deque()
        try:
            for group in _groups(flow, stage.together):
                waiting.append(pool.submit(self._worked, stage, group))
                if len(waiting) > stage.threads:
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()

    def _worked(self, stage: Stage, group: list[_Carried]) -> list[_Carried]:
        items, values = zip(*group, strict=True)
        if isinstance(values[0], Failure):
            return group
        try:
            made = [stage.work(values[0])] if stage.together is None else stage.work(list(values))
        except self.expected as error:
            made = [Failure(error)] * len(group)
        return list(zip(items, made, strict=True))


def _groups(
    flow: Iterator[_Carried], together: Callable[[Sequence[Any], Any], bool] | None
) -> Iterator[list[_Carried]]:
    """Neighbors that a stage takes at once; a failure is alone."""
    group: list[_Carried] = []
    for item, value in flow:
        if group and not _joins([one for _, one in group], value, together):
            yield group
            group = []
        group.append((item, value))
    if group:
        yield group


def _joins(
    values: list[Any], value: Any, together: Callable[[Sequence[Any], Any], bool] | None
) -> bool:
    if together is None or isinstance(value, Failure) or isinstance(values[0], Failure):
        return False
    return together(values, value)

"""Running one function over many photos in threads, with a progress bar if wanted.

Threads suffice: Pillow's decoders, file reading and hashing all let go of Python's lock.
"""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_in_threads(
    function: Callable[[Item], Result], items: Sequence[Item], title: str, progress: bool
) -> Generator[Result, None, None]:
    """Yield `function(item)` for each item, in order, with a bar on standard error if `progress`.

    Only a few results wait at any time, so that memory does not grow with the number of items. An
    exception of `function`, which runs in 2 to 8 threads, ends the iteration. Close the generator
    if the loop over it may fail: that ends the threads and the bar.
    """
    results = _mapped(function, items)
    return _with_bar(results, len(items), title) if progress else results


def numbers_with_bar(count: int, title: str, progress: bool) -> Iterable[int]:
    """The numbers from 0 to `count` - 1, with a bar on standard error if `progress`."""
    from rich.console import Console
    from rich.progress import track

    return track(range(count), title, console=Console(stderr=True), disable=not progress)


def _mapped(
    function: Callable[[Item], Result], items: Iterable[Item]
) -> Generator[Result, None, None]:
    threads = min(8, max(2, os.cpu_count() or 2))
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) >= 16 * threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _with_bar(
    results: Generator[Result, None, None], total: int, title: str
) -> Generator[Result, None, None]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        yield from bar.track(results, total=total, description=title)

"""One group of work by itself, with nothing else under way."""

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from activecharge.execution.dispatcher import Dispatcher, Load
from activecharge.execution.executor import Executor
from activecharge.execution.tasks import Item, Lost, Shared, Value, WorkGroup, value_of


def run_group(
    executor: Executor,
    group: WorkGroup[Shared, Item, Value],
    kind: str | None = None,
    tick: Callable[[dict[str, Load]], None] | None = None,
) -> Iterator[tuple[int, Value | Lost]]:
    """Yield (index, value) of each item of a group, as each ends.

    Parameters
    ----------
    executor : Executor
        With nothing else under way.
    group : WorkGroup
    kind : str, optional
        What the load is called; the work's own name by default.
    tick : callable, optional
        Told the loads about every second while waiting.
    """
    dispatcher, ended = Dispatcher(executor), deque[tuple[Any, Any]]()
    name = kind or group.work.__name__
    dispatcher.open(
        name, group, deque(enumerate(group.items)), lambda key, value: ended.append((key, value))
    )
    try:
        while dispatcher.turn():
            while ended:
                yield ended.popleft()
            if tick:
                tick(dispatcher.loads())
    finally:
        executor.cancel()


def all_values(
    executor: Executor,
    group: WorkGroup[Shared, Item, Value],
    title: str,
    tick: Callable[[dict[str, Load]], None] | None = None,
) -> list[Value]:
    """The values of a group in the order of its items.

    Raises
    ------
    UserError
        If one is lost.
    """
    found = {
        index: value_of(title, value) for index, value in run_group(executor, group, title, tick)
    }
    return [found[index] for index in range(len(group.items))]

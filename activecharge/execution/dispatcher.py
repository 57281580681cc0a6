"""Hands items of work to an executor as places become free, and results to those who wait."""

import math
from collections import deque
from collections.abc import Callable, Generator, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from activecharge.execution.executor import Executor
from activecharge.execution.placement import Demand, allot, items_per_task
from activecharge.execution.tasks import (
    AnyGroup,
    Item,
    Result,
    Shared,
    Task,
    Value,
    WorkGroup,
    value_of,
)

Steps = Generator[AnyGroup, list[Any], Value]
"""Something that takes several steps and ends in a value: yields groups of work, and is sent the
values of each in the order of its items. See `do`."""

Activity = Steps[None]


def do(group: WorkGroup[Shared, Item, Value]) -> Steps[list[Value]]:
    """Within such steps, `values = yield from do(group)`: have a group done."""
    return (yield group)


@dataclass(frozen=True)
class Load:
    """How far one kind of work is: items ended, on workers, and waiting for a place."""

    done: int
    running: int
    waiting: int


@dataclass
class Queue:
    """Items of one kind that are under way, and who takes their values."""

    group: AnyGroup
    shared: object
    waiting: deque[tuple[Hashable, Any]]
    take: Callable[[Hashable, Any], None]
    seconds: float = math.inf
    running: int = 0
    done: int = 0


class Dispatcher:
    """Feeds an executor.

    Parameters
    ----------
    executor : Executor
    urgency : sequence of str
        Kinds of work by who goes first where places are short.
    alone : bool
        Work that needs no place is done in this process, since nothing else is under way
        meanwhile; otherwise on a worker, so that nobody waits for it.
    """

    def __init__(self, executor: Executor, urgency: Sequence[str] = (), alone: bool = False):
        self.executor = executor
        self._urgency, self._alone = urgency, alone
        self._queues: dict[str, Queue] = {}
        self._activities: set[str] = set()

    @property
    def activities(self) -> frozenset[str]:
        """Kinds of activities under way."""
        return frozenset(self._activities)

    def loads(self) -> dict[str, Load]:
        """What is under way, by kind."""
        return {
            kind: Load(queue.done, queue.running, len(queue.waiting))
            for kind, queue in self._queues.items()
        }

    def open(
        self,
        kind: str,
        group: AnyGroup,
        waiting: deque[tuple[Hashable, Any]],
        take: Callable[[Hashable, Any], None],
    ) -> None:
        """Open a queue that others may add to.

        Parameters
        ----------
        kind : str
        group : WorkGroup
            How its items are done; those of its own do not count.
        waiting : deque of (hashable, object)
            Keys and items.
        take : callable
            Given the key and the value, or `Lost`, of each item that ends.
        """
        self._queues[kind] = Queue(group, self.executor.share(group.shared), waiting, take)

    def begin(self, kind: str, activity: Activity) -> None:
        """Begin an activity."""
        self._activities.add(kind)
        self._go_on(kind, activity, None)

    def turn(self) -> bool:
        """Start what fits, wait a moment for what ends, and hand on its values.

        Returns
        -------
        bool
            Whether anything was under way.

        Raises
        ------
        UserError
            If an item of an activity is lost.
        """
        self._start_tasks()
        executor = self.executor
        if not executor.under_way():
            return False
        loads = self.loads()
        executor.log.load(
            {kind: load.running for kind, load in loads.items()},
            {kind: load.waiting for kind, load in loads.items()},
            executor.used(),
            executor.total(),
        )
        for result in executor.wait(timeout=1.0):
            self._take(result)
        return True

    def _start_tasks(self) -> None:
        """Start as many tasks as places allow."""
        executor = self.executor
        order = [kind for kind in self._urgency if kind in self._queues]
        order += [kind for kind in self._queues if kind not in order]
        demands, sizes = [], {}
        for kind in order:
            queue, slot = self._queues[kind], self._queues[kind].group.slot
            count = len(queue.waiting)
            room = executor.places(slot) if slot.needs else count
            sizes[kind] = items_per_task(queue.seconds, count, room, slot)
            tasks = math.ceil(count / sizes[kind])
            demands.append(Demand(kind, slot, tasks, queue.seconds * sizes[kind], room))
        starts = allot(executor.total(), executor.used(), demands)
        if not executor.under_way() and not any(starts.values()):
            # Nothing fits on any node there is: the executor says so, or waits for nodes to return.
            starts |= {demand.kind: 1 for demand in demands if demand.tasks}
        for kind, count in starts.items():
            for _ in range(count):
                self._start(kind, sizes[kind])

    def _start(self, kind: str, size: int) -> None:
        """Start the next items of a queue as one task."""
        queue = self._queues[kind]
        batch = [queue.waiting.popleft() for _ in range(min(size, len(queue.waiting)))]
        items = {(kind, key): item for key, item in batch}
        queue.running += len(items)
        self.executor.start(Task(queue.group.work, items, queue.group.slot, queue.shared))

    def _take(self, result: Result) -> None:
        kind, key = result.key
        queue = self._queues[kind]
        queue.running -= 1
        queue.done += 1
        if result.seconds:
            queue.seconds = result.seconds
        queue.take(key, result.value)

    def _go_on(self, kind: str, activity: Activity, values: list[object] | None) -> None:
        """Let an activity go on to its next group, or to its end."""
        while True:
            try:
                group = next(activity) if values is None else activity.send(values)
            except StopIteration:
                self._queues.pop(kind, None)
                self._activities.discard(kind)
                return
            here = self._alone and not group.slot.needs
            if group.items and not here:
                break
            values = [group.work(group.shared, item) for item in group.items]
        found: dict[Hashable, object] = {}

        def take(key: Hashable, value: object) -> None:
            found[key] = value_of(kind, value)
            if len(found) == len(group.items):
                self._go_on(kind, activity, [found[index] for index in range(len(found))])

        self.open(kind, group, deque(enumerate(group.items)), take)

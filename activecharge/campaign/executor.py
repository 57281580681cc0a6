"""Where pieces of work run: here, one after another, or on Ray."""

import contextlib
import math
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from activecharge.campaign.executor_options import ClusterOptions, ExecutorOptions
from activecharge.campaign.facts import Facts
from activecharge.campaign.resources import GIB, Resources, Slot, places, total
from activecharge.campaign.scheduler import pieces_per_task

__all__ = ["Executor", "Finished", "InlineExecutor", "Key", "Lost", "Slot", "Work", "open_executor"]


@dataclass(frozen=True)
class Lost:
    """Stands for the result of work whose process died more often than it is worth retrying."""

    reason: str


Work = Callable[[Any, Any], Any]
"""A module-level function of (shared, item)."""

Key = Any
"""By which a piece of work is known; anything hashable."""


@dataclass(frozen=True)
class Finished:
    """A piece of work that has ended.

    Attributes
    ----------
    key : Key
        By which it was started.
    value : object
        What the work returned, or `Lost`.
    seconds : float
        Time it took.
    """

    key: Key
    value: Any
    seconds: float


class Executor(ABC):
    """Runs pieces of work somewhere else, or later.

    Parameters
    ----------
    facts : Facts, optional
        Where it is noted what ran when and where.
    """

    def __init__(self, facts: Facts | None = None):
        self.facts = facts or Facts(None)
        self._counted: Sequence[Resources] | None = None
        self._total: Resources = {}
        self._places: dict[Slot, int] = {}

    def places(self, slot: Slot) -> int:
        """How many pieces of work of one slot run at a time where there is nothing else."""
        self._count()
        if slot not in self._places:
            self._places[slot] = places(self.nodes(), slot)
        return self._places[slot]

    def total(self) -> Resources:
        """What all nodes have."""
        self._count()
        return self._total

    def _count(self) -> None:
        """Count anew where the nodes are others; there may be hundreds, asked for at each turn."""
        nodes = self.nodes()
        if nodes is not self._counted:
            self._counted, self._total, self._places = nodes, total(nodes), {}

    @abstractmethod
    def nodes(self) -> Sequence[Resources]:
        """What each node has, at present; the same object while nothing changes."""

    @abstractmethod
    def used(self) -> Resources:
        """What the tasks under way hold."""

    @abstractmethod
    def share(self, value: Any) -> Any:
        """Lay something out once for many tasks; give the result to `start`."""

    @abstractmethod
    def start(self, work: Work, pieces: Mapping[Key, Any], slot: Slot, shared: Any = None) -> None:
        """Start a task that does some pieces of work one after another.

        Parameters
        ----------
        work : callable
        pieces : mapping
            Items by keys that no other piece under way has.
        slot : Slot
        shared : object, optional
            As `share` returned it.
        """

    @abstractmethod
    def wait(self, timeout: float) -> list[Finished]:
        """What has finished, if need be within `timeout` seconds from now.

        An exception that the work raised is raised here; a process that died too often yields
        `Lost`.
        """

    @abstractmethod
    def under_way(self) -> int:
        """Tasks started and not finished."""

    @abstractmethod
    def cancel(self) -> None:
        """Forget all that is under way; it ends with the executor at the latest."""

    @abstractmethod
    def close(self) -> None:
        """Stop all workers."""

    def map(
        self,
        work: Work,
        items: Sequence[Any],
        slot: Slot,
        shared: Any = None,
        tick: Callable[[], None] | None = None,
    ) -> Iterator[tuple[int, Any]]:
        """Yield (index, result) of `work(shared, item)` for each item, as each finishes.

        A few tasks for each place are in flight, the rest waits here. `tick` is called about
        every second while waiting. Errors are as in `wait`.
        """
        common = self.share(shared)
        waiting = deque(enumerate(items))
        left = len(items)
        seconds = math.inf
        try:
            while waiting or self.under_way():
                room = self.places(slot)
                while waiting and self.under_way() < 3 * max(room, 1):
                    size = pieces_per_task(seconds, len(waiting), room, slot)
                    batch: dict[Key, Any] = dict(waiting.popleft() for _ in range(size))
                    self.start(work, batch, slot, common)
                if tick:
                    tick()
                if self.facts.due:
                    # Each place runs one of the tasks under way; the others wait at its door.
                    running = min(self.under_way(), room)
                    used = {name: running * amount for name, amount in slot.needs.items()}
                    kind = work.__name__
                    self.facts.load({kind: running}, {kind: left - running}, used, self.total())
                for done in self.wait(timeout=1.0):
                    left -= 1
                    seconds = done.seconds
                    yield done.key, done.value
        finally:
            self.cancel()


class InlineExecutor(Executor):
    """One piece after another in this process, when it is waited for.

    Parameters
    ----------
    options : ExecutorOptions, optional
        Its one place is as large as the largest piece of work.
    facts : Facts, optional
    """

    def __init__(self, options: ExecutorOptions | None = None, facts: Facts | None = None):
        super().__init__(facts)
        options = options or ExecutorOptions(kind="inline")
        node = {
            "CPU": max(options.label_cpus, options.member_cpus),
            "GPU": math.ceil(options.member_gpus),
            "memory": (options.label_memory or 0.0) * GIB,
        }
        self._nodes: list[Resources] = [node | options.label_resources]
        self._waiting: deque[tuple[Work, Key, Any, Slot, Any]] = deque()

    def nodes(self) -> Sequence[Resources]:
        return self._nodes

    def used(self) -> Resources:
        return self._nodes[0] if self._waiting else {}

    def share(self, value: Any) -> Any:
        return value

    def start(self, work: Work, pieces: Mapping[Key, Any], slot: Slot, shared: Any = None) -> None:
        self._waiting += [(work, key, item, slot, shared) for key, item in pieces.items()]

    def wait(self, timeout: float) -> list[Finished]:
        if not self._waiting:
            return []
        work, key, item, _, shared = self._waiting.popleft()
        begun = time.time()
        start = time.perf_counter()
        value = work(shared, item)
        seconds = time.perf_counter() - start
        self.facts.piece(work.__name__, begun, seconds, "inline")
        return [Finished(key, value, seconds)]

    def under_way(self) -> int:
        return len(self._waiting)

    def cancel(self) -> None:
        self._waiting.clear()

    def close(self) -> None:
        self.cancel()


@contextlib.contextmanager
def open_executor(
    options: ExecutorOptions, cluster: ClusterOptions | None = None, facts: Facts | None = None
) -> Iterator[Executor]:
    """The executor that a campaign asks for; closed at the end.

    Parameters
    ----------
    options : ExecutorOptions
    cluster : ClusterOptions, optional
        Absent: this machine.
    facts : Facts, optional
        Where it is noted what ran when and where.
    """
    executor: Executor
    if options.kind == "inline":
        executor = InlineExecutor(options, facts)
    else:
        from activecharge.campaign.cluster import connect
        from activecharge.campaign.ray_executor import RayExecutor

        executor = RayExecutor(connect(options, cluster or ClusterOptions()), facts)
    try:
        yield executor
    finally:
        executor.close()

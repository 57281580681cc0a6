"""A campaign in virtual time: the real policy and dispatcher, with clocks and work made up.

Used by tests and by `tests/benchmarks/scaling.py`.
"""

import heapq
from collections import deque
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from activecharge.campaign.loop.policy import Policy, Standing, policy_of
from activecharge.campaign.settings.schedule_options import ScheduleOptions, StreamingOptions
from activecharge.execution.dispatcher import Activity, do
from activecharge.execution.executor import Executor
from activecharge.execution.resources import NO_PLACE, Resources, Slot, total
from activecharge.execution.tasks import Result, Task, Work, WorkGroup

Duration = Callable[[np.random.Generator], float]
"""Draws the seconds that a piece of work takes."""


@dataclass(frozen=True)
class Span:
    """A task that ran."""

    kind: str
    begin: float
    end: float
    needs: Mapping[str, float]


class SimulatedExecutor(Executor):
    """Nodes on which work takes the time that its `shared` says, and nothing else happens.

    A task starts on the first node with room for it, in the order of arrival, as on Ray.

    Parameters
    ----------
    nodes : sequence of mapping
    rng : numpy.random.Generator
    """

    def __init__(self, nodes: Sequence[Resources], rng: np.random.Generator):
        super().__init__()
        self.now = 0.0
        self.spans: list[Span] = []
        self._rng, self._nodes = rng, list(nodes)
        self._free = [dict(node) for node in nodes]
        self._waiting: deque[tuple[str, list[Hashable], Slot, Duration]] = deque()
        self._ends: list[tuple[float, int, list[Hashable], float, Slot, int]] = []
        self._serial = 0
        self._used = total([])

    def nodes(self) -> Sequence[Resources]:
        return self._nodes

    def used(self) -> Resources:
        return self._used

    def share(self, value: Any) -> Any:
        return value

    def start(self, task: Task) -> None:
        self._waiting.append((task.work.__name__, list(task.items), task.slot, task.shared))
        for name, amount in task.slot.needs.items():
            self._used[name] += amount
        self._place()

    def wait(self, timeout: float) -> list[Result]:
        self.now, _, keys, seconds, slot, node = heapq.heappop(self._ends)
        for name, amount in slot.needs.items():
            self._free[node][name] += amount
            self._used[name] -= amount
        self._place()
        return [Result(key, None, seconds / len(keys)) for key in keys]

    def under_way(self) -> int:
        return len(self._ends) + len(self._waiting)

    def cancel(self) -> None:
        raise NotImplementedError("a simulation runs to its end")

    def close(self) -> None:
        """Nothing to stop."""

    def _place(self) -> None:
        blocked: set[Slot] = set()
        for _ in range(len(self._waiting)):
            kind, keys, slot, duration = self._waiting.popleft()
            node = None if slot in blocked else self._find(slot.needs)
            if node is None:
                blocked.add(slot)
                self._waiting.append((kind, keys, slot, duration))
                continue
            for name, amount in slot.needs.items():
                self._free[node][name] -= amount
            seconds = sum(duration(self._rng) for _ in keys)
            self._serial += 1
            end = self.now + seconds
            heapq.heappush(self._ends, (end, self._serial, keys, seconds, slot, node))
            self.spans.append(Span(kind, self.now, end, slot.needs))

    def _find(self, needs: Mapping[str, float]) -> int | None:
        for index, free in enumerate(self._free):
            if all(free.get(name, 0.0) >= amount - 1e-9 for name, amount in needs.items()):
                return index
        return None


def label(shared: Any, item: Any) -> None:
    """Kinds of work, by their names alone."""


def walk(shared: Any, item: Any) -> None:
    """See `label`."""


def gather(shared: Any, item: Any) -> None:
    """See `label`."""


def predict(shared: Any, item: Any) -> None:
    """See `label`."""


def choose(shared: Any, item: Any) -> None:
    """See `label`."""


def train(shared: Any, item: Any) -> None:
    """See `label`."""


@dataclass
class SimulatedCampaign:
    """A campaign that counts labels and has none, see `schedule.Plan`.

    Attributes
    ----------
    label_slot, member_slot : Slot
    initial, batch, budget : int
        Labels of the first round, of each further one, and in all.
    members, walks, chunks : int
        Tasks of a training, of an exploration and of its scoring.
    durations : mapping of str to Duration
        Seconds by kind of work.
    schedule : ScheduleOptions
    """

    label_slot: Slot
    member_slot: Slot
    initial: int
    batch: int
    budget: int
    members: int
    walks: int
    chunks: int
    durations: Mapping[str, Duration]
    schedule: ScheduleOptions = field(default_factory=StreamingOptions)
    waiting: deque[tuple[Hashable, Any]] = field(default_factory=deque)
    done: int = 0
    learnt: int = 0
    chosen: int = 0
    rounds: int = 0
    trained: int = -1
    committees: int = 0
    seen_by: list[int] = field(default_factory=list)
    explored: bool = False
    most_waiting: int = 0

    def __post_init__(self) -> None:
        self._select(self.initial)

    @property
    def labels(self) -> WorkGroup:
        return WorkGroup(label, (), self.label_slot, self.durations["label"])

    def policy(self, places: int) -> Policy:
        return policy_of(self.schedule, self.batch, self.initial, places)

    def standing(self, under_way: frozenset[str], labelling: int) -> Standing:
        self.most_waiting = max(self.most_waiting, len(self.waiting))
        return Standing(
            under_way=under_way,
            queued=len(self.waiting),
            labelling=labelling,
            fresh=self.done - self.learnt,
            has_committee=self.committees > 0,
            selections=self.seen_by.count(self.committees),
            round_has_committee=self.trained == self.rounds - 1,
            explored=self.explored,
            more=self.chosen < self.budget,
            more_later=self.chosen + self.batch < self.budget,
            interrupted=False,
            unpublished=False,
        )

    def begin(self, kind: str) -> Activity:
        found = {"explore": self._explore, "select": self._choose, "train": self._train}
        return found[kind]()

    def keep(self, key: Hashable, value: Any) -> None:
        self.done += 1

    def _explore(self) -> Activity:
        yield from do(self._group(walk, self.walks))
        self.explored = True

    def _choose(self) -> Activity:
        by, self.explored = self.committees, False
        yield from do(self._group(gather, 1, NO_PLACE))
        yield from do(self._group(predict, self.chunks))
        yield from do(self._group(choose, 1, NO_PLACE))
        self.seen_by.append(by)
        self._select(min(self.batch, self.budget - self.chosen))

    def _train(self) -> Activity:
        labels, self.trained = self.done, self.rounds - 1
        yield from do(self._group(train, self.members))
        self.learnt, self.committees = labels, self.committees + 1

    def _select(self, count: int) -> None:
        self.waiting.extend((self.chosen + i, None) for i in range(count))
        self.chosen += count
        self.rounds += 1

    def _group(self, work: Work, count: int, slot: Slot | None = None) -> WorkGroup:
        slot = self.member_slot if slot is None else slot
        return WorkGroup(work, range(count), slot, self.durations[work.__name__])

"""The streaming schedule: labels, training and exploration overlap on whatever places are free."""

import math
from collections import Counter, deque
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from activecharge.campaign.executor import Executor, Finished, Key, Lost, Work
from activecharge.campaign.resources import Slot
from activecharge.campaign.scheduler import Demand, Policy, Standing, allot, due, pieces_per_task
from activecharge.errors import UserError

URGENCY = ("train", "select", "explore", "settle", "label")
"""Kinds of work by who goes first where places are short. The few long trainings come first, and
the many short pieces of an exploration fill what they leave: the other way about, either waits for
the other's end."""


@dataclass(frozen=True)
class Order:
    """Pieces of one kind of work that an activity needs done before it goes on."""

    work: Work
    items: Sequence[Any]
    slot: Slot
    shared: Any = None


Activity = Generator[Order, list[Any], None]
"""A part of a campaign: yields orders, and is sent the results of each, in order of the items."""


class Plan(Protocol):
    """What a streaming campaign consists of; a simulated one has this shape, too."""

    @property
    def labels(self) -> Order:
        """How labels are made; its items are not looked at."""

    @property
    def queue(self) -> deque[tuple[Key, Any]]:
        """Labels that wait, with a key each."""

    def policy(self, places: int) -> Policy:
        """When to begin what, if so many labels can run at a time."""

    def standing(self, under_way: frozenset[str], labelling: int) -> Standing:
        """Where the campaign stands."""

    def begin(self, kind: str) -> Activity:
        """An activity that is due, see `scheduler.due`."""

    def keep(self, key: Key, result: Any) -> None:
        """Take in a label, or what there is in its place."""


def stream(plan: Plan, executor: Executor) -> None:
    """Run a streaming campaign until nothing is due and nothing under way."""
    desk = Desk(plan, executor)
    while True:
        policy = plan.policy(executor.places(plan.labels.slot))
        begun = due(plan.standing(desk.activities, desk.labelling), policy)
        for kind in begun:
            desk.begin(kind)
        desk.start_tasks()
        if not executor.under_way():
            if not begun:
                return
            continue  # what needed nothing done has ended already, and may call for more
        desk.note_load()
        for finished in executor.wait(timeout=1.0):
            desk.take(finished)


@dataclass
class Line:
    """One kind of work under way: pieces that wait, and results that are there."""

    work: Work
    slot: Slot
    shared: Any
    waiting: deque[tuple[Key, Any]]
    seconds: float = math.inf
    activity: Activity | None = None
    results: dict[Key, Any] = field(default_factory=dict)
    expected: int = 0


class Desk:
    """Hands out the pieces of all that is under way, and the results to those who wait for them."""

    def __init__(self, plan: Plan, executor: Executor):
        self._plan, self._executor = plan, executor
        labels = plan.labels
        shared = executor.share(labels.shared)
        self._lines = {"label": Line(labels.work, labels.slot, shared, plan.queue)}
        self._running: Counter[str] = Counter()

    @property
    def activities(self) -> frozenset[str]:
        """Kinds of activities under way."""
        return frozenset(self._lines) - {"label"}

    @property
    def labelling(self) -> int:
        """Labels that run."""
        return self._running["label"]

    def begin(self, kind: str) -> None:
        """Begin an activity."""
        self._go_on(kind, self._plan.begin(kind), None)

    def start_tasks(self) -> None:
        """Start as many tasks as the scheduler allows."""
        executor = self._executor
        demands, sizes = [], {}
        for kind in filter(self._lines.__contains__, URGENCY):
            line = self._lines[kind]
            room = executor.places(line.slot) if line.slot.needs else len(line.waiting)
            sizes[kind] = pieces_per_task(line.seconds, len(line.waiting), room, line.slot)
            tasks = math.ceil(len(line.waiting) / sizes[kind])
            demands.append(Demand(kind, line.slot, tasks, line.seconds * sizes[kind], room))
        counts = allot(executor.total(), executor.used(), demands)
        if not executor.under_way() and not any(counts.values()):
            # Nothing fits on any node there is: the executor says so, or waits for nodes to return.
            counts |= {demand.kind: 1 for demand in demands if demand.tasks}
        for kind, count in counts.items():
            line = self._lines[kind]
            for _ in range(count):
                size = min(sizes[kind], len(line.waiting))
                batch = [line.waiting.popleft() for _ in range(size)]
                pieces = {(kind, key): item for key, item in batch}
                self._running[kind] += len(pieces)
                executor.start(line.work, pieces, line.slot, line.shared)

    def take(self, finished: Finished) -> None:
        """Give a result to whoever waits for it."""
        kind, key = finished.key
        self._running[kind] -= 1
        line = self._lines[kind]
        if finished.seconds:
            line.seconds = finished.seconds
        if line.activity is None:
            self._plan.keep(key, finished.value)
            return
        if isinstance(finished.value, Lost):
            raise UserError(
                f"{kind}: {finished.value.reason}; see whether memory ran out, then run again to "
                "resume"
            )
        line.results[key] = finished.value
        if len(line.results) == line.expected:
            results = [line.results[index] for index in range(line.expected)]
            self._go_on(kind, line.activity, results)

    def note_load(self) -> None:
        """Write down how much is under way."""
        running = {kind: self._running[kind] for kind in self._lines}
        waiting = {kind: len(line.waiting) for kind, line in self._lines.items()}
        executor = self._executor
        executor.facts.load(running, waiting, executor.used(), executor.total())

    def _go_on(self, kind: str, activity: Activity, results: list[Any] | None) -> None:
        """Let an activity go on to its next order, or to its end."""
        while True:
            try:
                order = next(activity) if results is None else activity.send(results)
            except StopIteration:
                self._lines.pop(kind, None)
                return
            if order.items:
                break
            results = []
        self._lines[kind] = Line(
            order.work,
            order.slot,
            self._executor.share(order.shared),
            deque(enumerate(order.items)),
            activity=activity,
            expected=len(order.items),
        )

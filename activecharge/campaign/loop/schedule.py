"""Drives a campaign, or a simulated one: begins what is due, and keeps workers fed."""

from collections import deque
from collections.abc import Callable, Hashable
from typing import Any, Protocol

from activecharge.campaign.loop.policy import URGENCY, Policy, Standing, due
from activecharge.execution.dispatcher import Activity, Dispatcher, Load
from activecharge.execution.executor import Executor
from activecharge.execution.tasks import AnyGroup


class Plan(Protocol):
    """What can be driven."""

    @property
    def labels(self) -> AnyGroup:
        """How labels are made; its items are not looked at."""

    @property
    def waiting(self) -> deque[tuple[Hashable, Any]]:
        """Labels that wait, with a key each."""

    def policy(self, places: int) -> Policy:
        """When to begin what, if so many labels can run at a time."""

    def standing(self, under_way: frozenset[str], labelling: int) -> Standing:
        """Where the campaign stands."""

    def begin(self, kind: str) -> Activity:
        """An activity that is due."""

    def keep(self, key: Hashable, value: Any) -> None:
        """Take in a label, or what there is in its place."""


def drive(
    plan: Plan, executor: Executor, tick: Callable[[dict[str, Load]], None] | None = None
) -> None:
    """Go on until nothing is due and nothing under way.

    Parameters
    ----------
    plan : Plan
    executor : Executor
    tick : callable, optional
        Told about every second what is under way.
    """
    dispatcher = Dispatcher(executor, URGENCY, alone=plan.policy(1).in_turn)
    dispatcher.open("label", plan.labels, plan.waiting, plan.keep)
    while True:
        policy = plan.policy(executor.places(plan.labels.slot))
        running = dispatcher.loads()["label"].running
        begun = due(plan.standing(dispatcher.activities, running), policy)
        for kind in begun:
            dispatcher.begin(kind, plan.begin(kind))
        # What needed no worker has ended already, and may call for more.
        if not dispatcher.turn() and not begun:
            return
        if tick:
            tick(dispatcher.loads())

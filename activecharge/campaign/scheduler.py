"""What to start next: pure functions of what is under way, without clocks and without Ray.

The same rules steer campaigns on Ray, campaigns in one process, and the simulation of large
clusters in `tests/benchmarks/scaling.py`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from activecharge.campaign.resources import Resources, Slot, total

SHORT = 0.25
"""Time that a task should take at least [s]: starting one costs some 4 ms. Pieces of work that
are shorter travel together."""

SHORT_ON_GPU = 60.0
"""The same for tasks on a GPU [s], each of which starts a process and loads libraries anew."""

BRIEF = 2.0
"""Tasks shorter than this [s] also queue at the workers, so that none waits for this process."""


@dataclass(frozen=True)
class Policy:
    """How a streaming campaign balances fresh committees against busy workers.

    Attributes
    ----------
    enough : int
        New labels that start a training.
    enough_at_first : int
        Labels that start the very first one.
    low : int
        A selection begins when no more labels than these wait.
    ahead : int
        Exploration for it begins so many labels before.
    selections : int
        Selections that one committee makes; then a newer one is waited for.
    """

    enough: int
    enough_at_first: int
    low: int
    ahead: int
    selections: int


@dataclass(frozen=True)
class Standing:
    """Where a streaming campaign stands.

    Attributes
    ----------
    under_way : frozenset of str
        Of "explore", "select", "train" and "settle".
    queued, labelling : int
        Labels that wait and that run.
    fresh : int
        Labels that no committee has learnt from.
    has_committee : bool
    selections : int
        Those of the newest committee.
    round_has_committee : bool
        Whether the last round's training was begun.
    explored : bool
        Whether candidates for the next selection are there.
    more : bool
        Whether rounds, label budget and targets allow another selection.
    more_later : bool
        Whether they allow yet another after it.
    interrupted : bool
        Whether a training was begun by a process that is no more.
    unsettled : bool
        Whether a committee waits to be published and judged.
    """

    under_way: frozenset[str]
    queued: int
    labelling: int
    fresh: int
    has_committee: bool
    selections: int
    round_has_committee: bool
    explored: bool
    more: bool
    more_later: bool
    interrupted: bool
    unsettled: bool


def due(now: Standing, policy: Policy) -> list[str]:
    """Which of "explore", "select", "train" and "settle" should begin now.

    A selection begins in time to keep the label workers fed, by the newest committee there is;
    meanwhile the next exploration is on its way. A training begins when enough new labels are in,
    at most once a round; or when nothing else can go on. After the last selection it waits for all
    labels, since nobody waits for it.
    """
    selecting = "select" in now.under_way
    dry = not now.queued and not now.labelling and not selecting
    fresh_eyes = now.selections < policy.selections or (dry and not now.fresh)
    may_select = now.more and now.has_committee and fresh_eyes
    wanted = now.has_committee and (now.more_later if selecting else now.more)
    enough = policy.enough if now.has_committee else policy.enough_at_first
    in_time = now.more and not now.round_has_committee and now.fresh >= enough
    at_last = dry and not may_select
    found = []
    if wanted and not now.explored and now.queued <= policy.low + policy.ahead:
        found.append("explore")
    if may_select and now.explored and now.queued <= policy.low:
        found.append("select")
    if now.interrupted or (now.fresh and (in_time or at_last)):
        found.append("train")
    if now.unsettled:
        found.append("settle")
    return [kind for kind in found if kind not in now.under_way]


@dataclass(frozen=True)
class Demand:
    """Tasks of one kind that wait to be started.

    Attributes
    ----------
    kind : str
    slot : Slot
    tasks : int
        How many wait.
    seconds : float
        What the last one took; infinite if none has finished.
    places : int
        How many the cluster can run at a time.
    """

    kind: str
    slot: Slot
    tasks: int
    seconds: float = math.inf
    places: int = 1


def allot(have: Resources, used: Resources, demands: Sequence[Demand]) -> dict[str, int]:
    """How many tasks of each kind to start now.

    Parameters
    ----------
    have : mapping
        What all nodes have together.
    used : mapping
        What tasks under way hold.
    demands : sequence of Demand
        The urgent ones first. What an urgent task lacks is kept free for it, so that a stream
        of small tasks cannot starve a large one.
    """
    free = total([have, {name: -amount for name, amount in used.items()}])
    starts = {}
    for demand in demands:
        needs = demand.slot.needs
        # Brief tasks may wait at the workers, one for each place.
        ahead = demand.places if demand.seconds < BRIEF else 0
        room = min(
            (math.floor(free[r] / x + 1e-9) + ahead for r, x in needs.items()),
            default=demand.tasks,
        )
        starts[demand.kind] = count = max(0, min(demand.tasks, room))
        kept = count + (count < demand.tasks)
        for name, amount in needs.items():
            free[name] -= kept * amount
    return starts


def pieces_per_task(seconds: float, waiting: int, places: int, slot: Slot) -> int:
    """How many pieces of `seconds` each make the next task.

    Few towards the end, so that all places finish together.
    """
    least = SHORT_ON_GPU if slot.gpus else SHORT
    return max(1, min(int(least / max(seconds, 1e-6)), waiting // (3 * max(places, 1))))

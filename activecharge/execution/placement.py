"""How many tasks of which kind to start: pure functions, without clocks and without Ray."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from activecharge.execution.resources import Resources, Slot, total

SHORT = 0.25
"""Time that a task should take at least [s]: starting one costs some 4 ms. Items of work that
are shorter travel together."""

SHORT_ON_GPU = 60.0
"""The same for tasks on a GPU [s], each of which starts a process and loads libraries anew."""

BRIEF = 2.0
"""Tasks shorter than this [s] also queue at the workers, so that none waits for this process."""


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


def items_per_task(seconds: float, waiting: int, places: int, slot: Slot) -> int:
    """How many items of `seconds` each make the next task.

    Few towards the end, so that all places finish together.
    """
    least = SHORT_ON_GPU if slot.gpus else SHORT
    return max(1, min(int(least / max(seconds, 1e-6)), waiting // (3 * max(places, 1))))

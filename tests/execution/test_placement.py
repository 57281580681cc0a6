"""How many tasks fit where, and how many items make one."""

import math
from dataclasses import replace

import pytest

from activecharge.execution.placement import BRIEF, SHORT, Demand, allot, items_per_task
from activecharge.execution.resources import NO_PLACE, Slot, places

NODES = [{"CPU": 4.0, "GPU": 1.0, "memory": 8 * 1024**3}, {"CPU": 16.0, "label": 2.0}]


@pytest.mark.parametrize(
    "slot, expected",
    [
        (Slot(), 20),
        (Slot(3), 6),
        (Slot(5), 3),
        (Slot(17), 0),
        (Slot(1, 0.25), 4),
        (Slot(1, 0.3), 3),
        (Slot(memory=3), 2),
        (Slot(custom=(("label", 1),)), 2),
        (Slot(8, custom=(("label", 0.5),)), 2),
    ],
)
def test_places(slot, expected):
    assert places(NODES, slot) == expected


def test_urgent_work_goes_first():
    have = {"CPU": 4.0}
    demands = [Demand("train", Slot(), 3), Demand("label", Slot(), 9)]
    assert allot(have, {}, demands) == {"train": 3, "label": 1}
    assert allot(have, {"CPU": 3.0}, demands) == {"train": 1, "label": 0}


def test_places_are_kept_for_a_large_urgent_task():
    """Small ones would take each CPU as it becomes free, for ever."""
    demands = [Demand("train", Slot(3), 1), Demand("label", Slot(), 9)]
    assert allot({"CPU": 4.0}, {"CPU": 2.0}, demands) == {"train": 0, "label": 0}
    assert allot({"CPU": 4.0}, {"CPU": 1.0}, demands) == {"train": 1, "label": 0}
    # What the large one does not need is free to be used.
    have = {"CPU": 9.0, "GPU": 1.0}
    demands = [Demand("train", Slot(3, 1.0), 1), Demand("label", Slot(), 9)]
    assert allot(have, {"CPU": 2.0, "GPU": 1.0}, demands) == {"train": 0, "label": 4}


def test_bookkeeping_waits_for_nobody():
    full = {"CPU": 4.0}
    assert allot(full, full, [Demand("report", NO_PLACE, 1)]) == {"report": 1}


def test_brief_tasks_queue_at_the_workers():
    demand = Demand("label", Slot(), 99, seconds=BRIEF / 2, places=4)
    assert allot({"CPU": 4.0}, {}, [demand]) == {"label": 8}
    assert allot({"CPU": 4.0}, {"CPU": 8.0}, [demand]) == {"label": 0}
    assert allot({"CPU": 4.0}, {}, [replace(demand, seconds=BRIEF)]) == {"label": 4}


def test_a_smaller_cluster_than_before_starts_nothing():
    assert allot({"CPU": 2.0}, {"CPU": 4.0}, [Demand("label", Slot(), 9)]) == {"label": 0}
    assert allot({}, {}, [Demand("label", Slot(), 9)]) == {"label": 0}


def test_short_items_travel_together():
    assert items_per_task(SHORT / 8, 1000, 2, Slot()) == 8
    assert items_per_task(10 * SHORT, 1000, 2, Slot()) == 1
    assert items_per_task(math.inf, 1000, 2, Slot()) == 1
    # Towards the end, so that both places finish together.
    assert items_per_task(SHORT / 8, 18, 2, Slot()) == 3
    assert items_per_task(0.0, 1, 2, Slot()) == 1
    # Each task on a GPU loads libraries for seconds.
    assert items_per_task(6.0, 1000, 4, Slot(1, 0.25)) == 10


def test_shares_that_binary_numbers_cannot_hold_fit():
    """0.3 / 0.1 is a little less than 3."""
    demand = Demand("walk", Slot(0, 0.1), tasks=9)
    assert allot({"GPU": 0.3}, {}, [demand]) == {"walk": 3}

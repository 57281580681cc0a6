"""The scheduler: pure decisions, from a table of standings and from free places."""

import math
from dataclasses import replace

import pytest

from activecharge.campaign.resources import NO_PLACE, Slot, places
from activecharge.campaign.scheduler import (
    BRIEF,
    SHORT,
    Demand,
    Policy,
    Standing,
    allot,
    due,
    pieces_per_task,
)

POLICY = Policy(enough=10, enough_at_first=6, low=4, ahead=3, selections=2)

STEADY = Standing(
    under_way=frozenset(),
    queued=9,
    labelling=4,
    fresh=3,
    has_committee=True,
    selections=1,
    round_has_committee=False,
    explored=True,
    more=True,
    more_later=True,
    interrupted=False,
    unsettled=False,
)
"""Labels wait and run; there is a committee, and nothing is to be begun."""


@pytest.mark.parametrize(
    "changes, expected",
    [
        ({}, []),
        # Exploration, and selections from what it found.
        ({"explored": False}, []),
        ({"explored": False, "queued": 7}, ["explore"]),
        ({"explored": False, "queued": 7, "under_way": frozenset({"explore"})}, []),
        ({"explored": False, "queued": 0, "has_committee": False}, []),
        ({"explored": False, "queued": 0, "more": False}, []),
        ({"queued": 4}, ["select"]),
        ({"queued": 4, "under_way": frozenset({"select"})}, []),
        ({"queued": 0, "labelling": 0}, ["select"]),
        ({"queued": 4, "selections": 2}, []),
        # While one selection is made, exploration for the next, if there will be one.
        ({"explored": False, "queued": 4, "under_way": frozenset({"select"})}, ["explore"]),
        (
            {
                "explored": False,
                "queued": 4,
                "under_way": frozenset({"select"}),
                "more_later": False,
            },
            [],
        ),
        ({"queued": 4, "has_committee": False}, []),
        ({"queued": 4, "more": False}, []),
        # Trainings.
        ({"fresh": 10}, ["train"]),
        ({"fresh": 10, "under_way": frozenset({"train"})}, []),
        ({"fresh": 10, "round_has_committee": True}, []),
        ({"fresh": 5, "has_committee": False}, []),
        ({"fresh": 6, "has_committee": False}, ["train"]),
        ({"interrupted": True, "fresh": 0}, ["train"]),
        ({"fresh": 10, "queued": 2}, ["select", "train"]),
        # The committee has made its selections, and no further label will come.
        ({"queued": 0, "labelling": 0, "selections": 2}, ["train"]),
        ({"queued": 0, "labelling": 1, "selections": 2}, []),
        # All that it chose failed: it goes on all the same.
        ({"queued": 0, "labelling": 0, "selections": 2, "fresh": 0}, ["select"]),
        # The first labels failed but for a few.
        ({"queued": 0, "labelling": 0, "has_committee": False, "fresh": 1}, ["train"]),
        ({"queued": 0, "labelling": 0, "has_committee": False, "fresh": 0}, []),
        # After the last selection, the last training has all labels.
        ({"more": False, "fresh": 99}, []),
        ({"more": False, "queued": 0, "labelling": 0, "fresh": 1}, ["train"]),
        (
            {"more": False, "queued": 0, "labelling": 0, "round_has_committee": True},
            ["train"],
        ),
        ({"more": False, "queued": 0, "labelling": 0, "fresh": 0}, []),
        # Publishing goes along with everything.
        ({"unsettled": True}, ["settle"]),
        ({"unsettled": True, "under_way": frozenset({"settle"})}, []),
    ],
)
def test_due(changes, expected):
    assert due(replace(STEADY, **changes), POLICY) == expected


def test_a_campaign_never_stands_still():
    """Wherever nothing is under way, something is due, or there is nothing left to be done."""
    from itertools import product

    yes_no = (True, False)
    for fresh, committee, selections, trained, more, explored in product(
        (0, 1, 50), yes_no, (0, 2), yes_no, yes_no, yes_no
    ):
        now = replace(
            STEADY,
            queued=0,
            labelling=0,
            fresh=fresh,
            has_committee=committee,
            selections=selections,
            round_has_committee=trained,
            more=more,
            explored=explored,
        )
        over = not fresh and (not more or not committee)
        assert bool(due(now, POLICY)) != over


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
    assert allot(full, full, [Demand("settle", NO_PLACE, 1)]) == {"settle": 1}


def test_brief_tasks_queue_at_the_workers():
    demand = Demand("label", Slot(), 99, seconds=BRIEF / 2, places=4)
    assert allot({"CPU": 4.0}, {}, [demand]) == {"label": 8}
    assert allot({"CPU": 4.0}, {"CPU": 8.0}, [demand]) == {"label": 0}
    assert allot({"CPU": 4.0}, {}, [replace(demand, seconds=BRIEF)]) == {"label": 4}


def test_a_smaller_cluster_than_before_starts_nothing():
    assert allot({"CPU": 2.0}, {"CPU": 4.0}, [Demand("label", Slot(), 9)]) == {"label": 0}
    assert allot({}, {}, [Demand("label", Slot(), 9)]) == {"label": 0}


def test_short_pieces_travel_together():
    assert pieces_per_task(SHORT / 8, 1000, 2, Slot()) == 8
    assert pieces_per_task(10 * SHORT, 1000, 2, Slot()) == 1
    assert pieces_per_task(math.inf, 1000, 2, Slot()) == 1
    # Towards the end, so that both places finish together.
    assert pieces_per_task(SHORT / 8, 18, 2, Slot()) == 3
    assert pieces_per_task(0.0, 1, 2, Slot()) == 1
    # Each task on a GPU loads libraries for seconds.
    assert pieces_per_task(6.0, 1000, 4, Slot(1, 0.25)) == 10

"""What is due: pure decisions, from a table of standings."""

from dataclasses import replace
from itertools import product

import pytest

from activecharge.campaign.loop.policy import BATCH, Policy, Standing, due, policy_of
from activecharge.campaign.settings.schedule_options import BatchOptions, StreamingOptions

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
    unpublished=False,
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
        ({"unpublished": True}, ["publish"]),
        ({"unpublished": True, "under_way": frozenset({"publish"})}, []),
    ],
)
def test_due(changes, expected):
    assert due(replace(STEADY, **changes), POLICY) == expected


def test_a_campaign_never_stands_still():
    """Wherever nothing is under way, something is due, or there is nothing left to be done."""
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
        assert bool(due(now, BATCH)) != over


IN_TURN = replace(STEADY, queued=0, labelling=0, fresh=0, selections=0, explored=False)
"""In turn: a committee was trained and published, and has chosen nothing yet."""


@pytest.mark.parametrize(
    "changes, expected",
    [
        ({}, ["explore"]),
        ({"explored": True}, ["select"]),
        ({"explored": True, "under_way": frozenset({"explore"})}, []),
        ({"unpublished": True}, ["publish"]),
        ({"under_way": frozenset({"publish"})}, []),
        # Its selection is being labelled: everything waits for the last label.
        ({"selections": 1, "queued": 3, "labelling": 2}, []),
        ({"selections": 1, "labelling": 1, "fresh": 9}, []),
        ({"selections": 1, "fresh": 10}, ["train"]),
        ({"selections": 1, "fresh": 10, "under_way": frozenset({"train"})}, []),
        # Not one label: nothing to learn, so the same committee chooses again.
        ({"selections": 1}, ["explore"]),
        ({"selections": 1, "explored": True}, ["select"]),
        # What a process left that is no more.
        ({"interrupted": True, "selections": 1, "fresh": 10, "unpublished": True}, ["train"]),
        # The end.
        ({"more": False, "fresh": 1}, ["train"]),
        ({"more": False}, []),
        ({"more": False, "unpublished": True}, ["publish"]),
        # The beginning.
        ({"has_committee": False, "queued": 5}, []),
        ({"has_committee": False, "fresh": 5}, ["train"]),
        ({"has_committee": False}, []),
    ],
)
def test_due_in_turn(changes, expected):
    assert due(replace(IN_TURN, **changes), BATCH) == expected


@pytest.mark.parametrize(("initial", "at_first"), [(8, 8), (12, 10), (40, 20), (41, 21)])
def test_the_first_committee_waits_for_half_of_the_first_labels(initial, at_first):
    """And for a batch of them, where there are as many."""
    assert policy_of(StreamingOptions(), 10, initial, 5).enough_at_first == at_first


def test_a_policy_is_that_of_its_schedule():
    schedule = StreamingOptions(train_after=7, queue=1.5, selections=3)
    assert policy_of(schedule, 10, 8, 3) == Policy(7, 7, low=5, ahead=7, selections=3)
    assert policy_of(BatchOptions(), 10, 8, 3) is BATCH

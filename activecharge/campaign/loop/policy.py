"""What a campaign begins next: pure functions of where it stands, without clocks or Ray."""

import math
from dataclasses import dataclass

from activecharge.campaign.settings.schedule_options import BatchOptions, ScheduleOptions

URGENCY = ("train", "select", "explore", "publish", "label")
"""Activities, and labels, by who goes first where places are short. The few long trainings come
first, and the many short items of an exploration fill what they leave: the other way about, either
waits for the other's end."""

IN_TURN = ("train", "publish", "select", "explore")
"""The same where only one may be under way."""


@dataclass(frozen=True)
class Policy:
    """How a campaign balances fresh committees against busy workers.

    Attributes
    ----------
    enough : float
        New labels that start a training.
    enough_at_first : float
        Labels that start the very first one.
    low : int
        A selection begins when no more labels than these wait.
    ahead : int
        Exploration for it begins so many labels before.
    selections : int
        Selections that one committee makes; then a newer one is waited for.
    in_turn : bool
        Whether each activity waits for the end of all others and of all labels.
    """

    enough: float
    enough_at_first: float
    low: int
    ahead: int
    selections: int
    in_turn: bool = False


BATCH = Policy(math.inf, math.inf, low=0, ahead=0, selections=1, in_turn=True)
"""One stage after another: a training waits for all labels, a selection for the training."""


def policy_of(schedule: ScheduleOptions, batch: int, initial: int, places: int) -> Policy:
    """The policy that a schedule asks for.

    Parameters
    ----------
    schedule : ScheduleOptions
    batch : int
        Labels of a selection.
    initial : int
        Labels of the first round.
    places : int
        Labels that can run at a time.
    """
    if isinstance(schedule, BatchOptions):
        return BATCH
    enough = schedule.train_after or batch
    # The first committee waits for half of the first labels: one of a handful knows little.
    at_first = max(min(enough, initial), math.ceil(initial / 2))
    low = math.ceil(schedule.queue * places)
    return Policy(enough, at_first, low, ahead=enough, selections=schedule.selections)


@dataclass(frozen=True)
class Standing:
    """Where a campaign stands.

    Attributes
    ----------
    under_way : frozenset of str
        Activities: "explore", "select", "train" and "publish".
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
        Whether the walks for the next selection are there.
    more : bool
        Whether rounds, label budget and targets allow another selection.
    more_later : bool
        Whether they allow yet another after it.
    interrupted : bool
        Whether a training was begun by a process that is no more.
    unpublished : bool
        Whether a committee waits to be published, tested and reported on.
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
    unpublished: bool


def due(now: Standing, policy: Policy) -> list[str]:
    """Which of "explore", "select", "train" and "publish" should begin now.

    A selection begins in time to keep the label workers fed, by the newest committee there is;
    meanwhile the next exploration is on its way. A training begins when enough new labels are in,
    at most once a round; or when nothing else can go on. After the last selection it waits for all
    labels, since nobody waits for it. Where a round brought no label at all, there is nothing to
    learn: the same committee chooses the next one.
    """
    selecting = "select" in now.under_way
    dry = not now.queued and not now.labelling and not selecting
    if policy.in_turn and (now.under_way or not dry):
        return []
    fresh_eyes = now.selections < policy.selections or (dry and not now.fresh)
    may_select = now.more and now.has_committee and fresh_eyes
    wanted = now.has_committee and (now.more_later if selecting else now.more)
    soon = now.queued <= policy.low + policy.ahead and (may_select or not policy.in_turn)
    enough = policy.enough if now.has_committee else policy.enough_at_first
    in_time = now.more and not now.round_has_committee and now.fresh >= enough
    at_last = dry and not may_select
    is_due = {
        "explore": wanted and not now.explored and soon,
        "select": may_select and now.explored and now.queued <= policy.low,
        "train": now.interrupted or (now.fresh > 0 and (in_time or at_last)),
        "publish": now.unpublished,
    }
    found = [kind for kind, yes in is_due.items() if yes and kind not in now.under_way]
    return [kind for kind in IN_TURN if kind in found][:1] if policy.in_turn else found

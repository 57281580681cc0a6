"""What overlaps in either schedule and what is bounded, in virtual time."""

import numpy as np
import pytest
from simulated import SimulatedCampaign, SimulatedExecutor

from activecharge.campaign.loop.schedule import drive
from activecharge.campaign.settings.schedule_options import BatchOptions, StreamingOptions
from activecharge.execution.resources import Slot


def always(seconds: float):
    return lambda rng: seconds


DURATIONS = {
    "label": always(60.0),
    "walk": always(20.0),
    "gather": always(1.0),
    "predict": always(5.0),
    "choose": always(1.0),
    "train": always(60.0),
}


def simulate(**changes) -> tuple[SimulatedCampaign, SimulatedExecutor]:
    """A campaign of 12 label places, and 6 for four members and the walkers."""
    settings = {
        "label_slot": Slot(custom=(("label_node", 1.0),)),
        "member_slot": Slot(1, 1.0),
        "initial": 48,
        "batch": 24,
        "budget": 480,
        "members": 4,
        "walks": 4,
        "chunks": 4,
        "durations": DURATIONS,
    }
    plan = SimulatedCampaign(**(settings | changes))
    nodes = [{"CPU": 12.0, "label_node": 12.0}, {"CPU": 6.0, "GPU": 6.0}]
    executor = SimulatedExecutor(nodes, np.random.default_rng(0))
    drive(plan, executor)
    return plan, executor


def label_time(executor: SimulatedExecutor) -> float:
    return max(span.end for span in executor.spans if span.kind == "label")


def test_label_workers_are_never_idle():
    plan, executor = simulate()
    assert plan.done == plan.chosen == 480
    # 480 labels on 12 places take 40 waves of a minute, and here exactly that.
    assert label_time(executor) == pytest.approx(40 * 60.0)
    assert plan.committees > 5


def test_an_exploration_without_walkers_is_over_at_once():
    plan, _ = simulate(walks=0)
    assert plan.done == plan.chosen == 480


def test_a_slow_label_holds_up_nothing():
    slow = iter([10_000.0])
    durations = DURATIONS | {"label": lambda rng: next(slow, 60.0)}
    plan, executor = simulate(durations=durations, initial=60)
    others = sorted(s.end for s in executor.spans if s.kind == "label")[:-1]
    # Eleven places make the other 479 labels in 44 waves; two more for the odd ones out.
    assert others[-1] <= 46 * 60.0
    # The last committee waits for it, so that it knows all labels.
    assert plan.learnt == plan.done == 480


@pytest.mark.parametrize("share", [0.0, 1.0, 3.0])
def test_what_waits_is_bounded(share):
    plan, _ = simulate(schedule=StreamingOptions(queue=share), initial=12)
    assert plan.most_waiting <= 12 * share + plan.batch


def test_a_committee_makes_so_many_selections_and_no_more():
    for most in (1, 3):
        schedule = StreamingOptions(selections=most)
        slow = DURATIONS | {"train": always(1000.0)}
        plan, _ = simulate(schedule=schedule, durations=slow)
        assert max(plan.seen_by.count(c) for c in plan.seen_by) == most


def test_places_move_between_kinds_of_work():
    """One pool of CPUs: trainings take what they need, labels all the rest."""
    plan = SimulatedCampaign(
        Slot(), Slot(2), 32, 16, 160, 2, 2, 2, DURATIONS | {"train": always(90.0)}
    )
    executor = SimulatedExecutor([{"CPU": 8.0}], np.random.default_rng(0))
    drive(plan, executor)
    end = label_time(executor)
    spans = [span for span in executor.spans if span.begin < end]
    busy = sum(s.needs.get("CPU", 0.0) * (min(s.end, end) - s.begin) for s in spans)
    # The last wave of labels leaves some of the eight places idle for up to a minute.
    assert busy > 8 * (end - 60.0)


def test_in_turn_stages_follow_one_another():
    """48 + 18 × 24 labels on 12 places, and between them walks, a selection and a training."""
    plan, executor = simulate(schedule=BatchOptions())
    assert plan.done == plan.chosen == plan.learnt == 480
    assert plan.committees == plan.rounds == 19
    assert plan.seen_by == list(range(1, 19)), "each committee chooses once"
    ends = dict.fromkeys(DURATIONS, 0.0)
    before = {"label": "train", "walk": "label", "predict": "walk", "train": "label"}
    for span in executor.spans:
        ends[span.kind] = max(ends[span.kind], span.end)
        if span.kind in ("walk", "train"):
            assert span.begin >= ends[before[span.kind]]
    # Short bookkeeping is done in the campaign's own process, which has no clock here.
    assert {span.kind for span in executor.spans} == {"label", "walk", "predict", "train"}
    waves = 48 / 12 + 18 * 24 / 12
    assert executor.now == pytest.approx(waves * 60 + 19 * 60 + 18 * (20 + 5))

"""The streaming schedule: what overlaps, what is bounded, that nothing is lost or done twice."""

from itertools import pairwise

import numpy as np
import pytest
from simulated import SimulatedCampaign, SimulatedExecutor

from activecharge.campaign import work
from activecharge.campaign.console import Console
from activecharge.campaign.crew import Crew
from activecharge.campaign.executor import InlineExecutor, Lost
from activecharge.campaign.ledger import Ledger
from activecharge.campaign.loop import run_campaign, run_streaming
from activecharge.campaign.resources import Slot
from activecharge.campaign.rundir import Chosen, RunDirectory
from activecharge.campaign.status import status
from activecharge.campaign.stop import stop_reason
from activecharge.campaign.streaming import stream
from activecharge.campaign.summary import campaign_summary
from activecharge.errors import UserError
from activecharge.records import Failure

# -- in virtual time ---------------------------------------------------------------------


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
    stream(plan, executor)
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
    plan, _ = simulate(waiting_share=share, initial=12)
    assert plan.most_waiting <= 12 * share + plan.batch


def test_a_committee_makes_so_many_selections_and_no_more():
    for most in (1, 3):
        plan, _ = simulate(per_committee=most, durations=DURATIONS | {"train": always(1000.0)})
        assert max(plan.seen_by.count(c) for c in plan.seen_by) == most


def test_places_move_between_kinds_of_work():
    """One pool of CPUs: trainings take what they need, labels all the rest."""
    plan = SimulatedCampaign(
        Slot(), Slot(2), 32, 16, 160, 2, 2, 2, DURATIONS | {"train": always(90.0)}
    )
    executor = SimulatedExecutor([{"CPU": 8.0}], np.random.default_rng(0))
    stream(plan, executor)
    end = label_time(executor)
    spans = [span for span in executor.spans if span.begin < end]
    busy = sum(s.needs.get("CPU", 0.0) * (min(s.end, end) - s.begin) for s in spans)
    # The last wave of labels leaves some of the eight places idle for up to a minute.
    assert busy > 8 * (end - 60.0)


# -- on disk -----------------------------------------------------------------------------

TINY = """\
seed: 1
model: {channels: 2, correlation: 1, radial: 4}
training: {members: 2, steps: 2, warm_steps: 2, evaluate_every: 2}
test: [{kind: clusters, molecules: [1, 2], count: 2}]
explore:
  - {kind: clusters, molecules: [1, 2], count: 4}
  - {kind: dynamics, walkers: 2, temperatures: [300], steps: 2, interval: 2}
selection: {batch: 3, control: 0.5}
stop: {rounds: 1}
executor: {kind: inline, schedule: streaming}
"""


class Killed(BaseException):
    """Stands for a kill."""


class MortalExecutor(InlineExecutor):
    """Dies after so many pieces of work."""

    def __init__(self, pieces: int):
        super().__init__()
        self.left = pieces

    def wait(self, timeout):
        self.left -= 1
        if self.left < 0:
            raise Killed
        return super().wait(timeout)


@pytest.fixture
def go(tmp_path, campaign):
    """Run a campaign in the same directory, with an executor of one's own."""

    def go(text: str = TINY, executor=None, run=run_streaming) -> str:
        with RunDirectory.writing(tmp_path / "run", campaign(text)) as directory:
            return run(directory, Crew(directory, executor or InlineExecutor(), Console(True)))

    return go


@pytest.fixture
def run(tmp_path):
    return lambda: RunDirectory.open(tmp_path / "run")


def identities(run: RunDirectory) -> dict[str, tuple[int, int]]:
    """Inode and time of each label: one that is made again has others."""
    paths = run.labels.labels.glob("[!.]*.extxyz")
    return {p.name: (p.stat().st_ino, p.stat().st_mtime_ns) for p in paths}


def check_complete(run: RunDirectory) -> None:
    """Every label is in the dataset, every committee learnt from labels, nothing is left over."""
    facts, dataset = status(run), run.chosen_labels(run.rounds())
    assert (facts["state"], facts["pending"]) == ("finished", 0)
    hashes = [label.candidate.hash for _, _, label in dataset]
    assert len(set(hashes)) == len(hashes) == facts["labels"]
    lessons = [run.round(n).read_lesson() for n in range(run.rounds())]
    taught = [(n, lesson) for n, lesson in enumerate(lessons) if lesson]
    assert set(taught[-1][1].labels) == set(hashes)
    for (before, small), (number, large) in pairwise(taught):
        assert large.start == before and set(small.labels) < set(large.labels)
        assert (run.round(number).members / "member-01" / "model.json").exists()
    for number in range(1, run.rounds()):
        for item in run.round(number).read_selection():
            assert item.committee in {n for n, _ in taught if n < number}
            assert item.prediction is not None
    assert all(run.round(n).test_errors.exists() for n, _ in taught)
    assert (run.dataset / "data.xyz").exists() and (run.report / "report.html").exists()
    assert not list(run.path.rglob(".*"))


def test_to_the_end_and_again(go, run):
    assert go() == "round 1 was the last"
    check_complete(run())
    before = identities(run())
    assert go() == "round 1 was the last"
    assert identities(run()) == before
    check_complete(run())
    # The report counts what each committee knew, and what those that chose knew.
    summary = campaign_summary(run(), "")
    learnt = [len(run().round(n).read_lesson().labels) for n in (0, 1)]
    assert [r.labels for r in summary.rounds] == learnt
    assert summary.rounds[1].seen == learnt[0]


def test_killed_again_and_again(go, run):
    """After each number of pieces in turn, so that every kind of work is cut short."""
    labels: dict[str, tuple[int, int]] = {}
    for pieces in range(1, 50, 4):
        try:
            go(executor=MortalExecutor(pieces))
            break
        except Killed:
            now = identities(run())
            assert labels.items() <= now.items(), "a finished label was lost or made again"
            labels = now
    assert pieces > 10
    assert labels.items() <= identities(run()).items()
    check_complete(run())


def test_both_schedules_go_on_where_the_other_stopped(go, run):
    batch = TINY.replace(", schedule: streaming", "")
    go(batch.replace("rounds: 1", "rounds: 0"), run=run_campaign)
    before = identities(run())
    assert go() == "round 1 was the last"
    assert before.items() <= identities(run()).items()
    assert run().round(0).read_lesson() is None
    assert len(run().round(1).read_lesson().labels) == len(run().chosen_labels(2))
    assert go(batch.replace("rounds: 1", "rounds: 2"), run=run_campaign) == "round 2 was the last"
    assert status(run())["state"] == "finished"


def test_the_budget_is_kept(go, run):
    text = TINY.replace("rounds: 1", "rounds: 9, labels: 6")
    assert go(text) == "the budget of 6 labels is spent"
    assert status(run())["labels"] == 6
    check_complete(run())


def test_no_label_at_all(go):
    text = TINY + "reference: {kind: tblite, max_iterations: 1, retries: 0}\n"
    with pytest.raises(UserError, match="not one initial configuration got a label"):
        go(text)


class LosingExecutor(InlineExecutor):
    """Loses one kind of work."""

    def __init__(self, work):
        super().__init__()
        self.work = work

    def wait(self, timeout):
        lost = self._waiting[0][0] is self.work
        if lost:
            _, key, *_ = self._waiting.popleft()
            from activecharge.campaign.executor import Finished

            return [Finished(key, Lost("its worker died"), 0.0)]
        return super().wait(timeout)


def test_a_training_that_is_lost_ends_the_process_and_not_the_campaign(go, run):
    with pytest.raises(UserError, match=r"train: its worker died; .* run again to resume"):
        go(executor=LosingExecutor(work.train))
    before = identities(run())
    go()
    assert before.items() <= identities(run()).items()
    check_complete(run())


# -- targets -----------------------------------------------------------------------------


def test_a_target_that_is_met_calls_off_what_waits(tmp_path, campaign, candidates, label):
    from activecharge.records import Prediction

    text = (
        "explore: [{kind: rattle}]\nstop: {rounds: 9, target: {charges: 0.3}}\n"
        "executor: {kind: inline, schedule: streaming}\n"
    )
    first, second, third = candidates(3)
    values = {"charges": np.array([-0.2, 0.0, 0.0])}  # the label says -0.5, 0.25, 0.25
    said = Prediction(values, {"charges": np.zeros(3)}, np.ones(2))
    with RunDirectory.writing(tmp_path / "run", campaign(text)) as run:
        run.test.write_selection([])
        run.round(0).write_selection([Chosen(first, "initial")])
        run.round(1).write_selection([Chosen(second, "control", said, 1.0, {}, 0)])
        run.round(2).write_selection([Chosen(third, "control", said, 1.0, {}, 0)])
        run.labels.put(label(first))
        ledger = Ledger(run)
        assert [name for name, _ in ledger.queue] == [second.hash, third.hash]
        assert ledger.more() and ledger.reason == ""
        ledger.queue.popleft()
        run.labels.put(label(second))
        ledger.keep(second.hash, label(second))
        ledger.look_at_targets(1)
        assert not ledger.queue and not ledger.more()
        assert ledger.reason.startswith("the control labels met the target: charges 0.26")
        assert ledger.fresh == 2


def test_a_round_that_only_trains_is_not_the_end(tmp_path, campaign, candidates, label):
    """It follows a target that was met; with a lower one, the campaign can go on."""
    text = "explore: [{kind: rattle}]\nstop: {rounds: 9}\n"
    first, second = candidates(2)
    with RunDirectory.writing(tmp_path / "run", campaign(text)) as run:
        run.test.write_selection([])
        run.round(0).write_selection([Chosen(first, "initial")])
        run.round(1).write_selection([Chosen(second, "control")])
        run.round(2).write_selection([])
        for candidate in (first, second):
            run.labels.put(label(candidate))
        assert Ledger(run).more() and stop_reason(run, 2) == ""
        run.round(2).write_candidates([])
        reason = "no candidate was worth a label"
        assert Ledger(run).reason == stop_reason(run, 2) == reason
        assert not Ledger(run).more()


def test_failures_do_not_count_as_labels(tmp_path, campaign, candidates, label):
    text = "explore: [{kind: rattle}]\nstop: {rounds: 9, labels: 2}\n"
    first, second = candidates(2)
    with RunDirectory.writing(tmp_path / "run", campaign(text)) as run:
        run.test.write_selection([])
        run.round(0).write_selection([Chosen(first, "initial"), Chosen(second, "initial")])
        ledger = Ledger(run)
        assert ledger.room() == 0 and not ledger.more()
        ledger.keep(first.hash, label(first))
        ledger.keep(second.hash, Failure(second, "no"))
        assert ledger.room() == 1 and ledger.more()
        assert ledger.is_complete(0) and len(ledger.dataset()) == 1

"""The loop: explore, score, select, label, commit, train, test, report."""

import time
from collections.abc import Hashable
from dataclasses import asdict
from pathlib import Path

from activecharge.campaign.disk.run_directory import RunDirectory
from activecharge.campaign.loop import exploring, outcomes, selecting, stopping, teaching
from activecharge.campaign.loop.calibrating import calibrate
from activecharge.campaign.loop.labelling import Labelling, no_labels
from activecharge.campaign.loop.policy import Policy, Standing, policy_of
from activecharge.campaign.loop.reporting import campaign_summary, judge
from activecharge.campaign.loop.schedule import drive
from activecharge.campaign.loop.state import CampaignState
from activecharge.campaign.loop.work import CommitteeAtWork
from activecharge.campaign.settings.rules import outputs
from activecharge.execution.dispatcher import Activity, Steps, do
from activecharge.execution.executor import Executor
from activecharge.execution.resources import NO_PLACE
from activecharge.execution.tasks import Lost, WorkGroup
from activecharge.records import Failure, Label, Prediction
from activecharge.sampling.dynamics.langevin import Walk


def run_loop(run: RunDirectory, executor: Executor, tell: outcomes.Listener) -> str:
    """Run a campaign to its end, or on from where an earlier process was stopped.

    Disk is the truth: whatever is finished is in the run directory, whole, before anything
    follows from it, and what is there is not made again.

    Returns
    -------
    str
        Why the campaign stopped.
    """
    loop = Loop(run, tell)
    drive(loop, executor, lambda loads: tell(outcomes.Working(loads)))
    if loop.state.committee is None:
        raise no_labels(loop.state, "initial")
    reason = stopping.why_no_more(loop.state, loop.state.dataset_size)
    run.journal.append("stopped", round=len(loop.state.rounds) - 1, reason=reason)
    return reason


class Loop:
    """A campaign as `schedule.Plan` has it. Which activity begins when, `policy.due` decides."""

    def __init__(self, run: RunDirectory, tell: outcomes.Listener):
        for damaged in teaching.set_aside_damaged(run):
            run.journal.append("damaged", what=damaged)
            tell(outcomes.Noticed(damaged))
        self.run, self.state, self._tell = run, CampaignState(run), tell
        self._labelling = Labelling(self.state, tell)
        self.labels, self.waiting = self._labelling.group, self.state.waiting
        self._walks: list[list[Walk]] | None = None
        self._selecting = 0
        self._committed: int | None = None
        self._published: tuple[int | None, bool] = (None, False)
        start = time.monotonic()
        exploring.draw_test(self.state)
        drawn, frames = bool(self.state.rounds), exploring.draw_initial(self.state)
        if not drawn:
            self._ended("draw", 0, start, outcomes.Drawn(frames))
        self._begun = dict.fromkeys(range(-1, len(self.state.rounds)), start)
        for number in range(1, len(self.state.rounds)):
            self._look_at_targets(number)

    # -- the activities --------------------------------------------------------------------

    def explore(self) -> Activity:
        """Let walkers run for the next round."""
        state, start = self.state, time.monotonic()
        number = len(state.rounds) + self._selecting
        self._walks = yield from exploring.walk_all(state, number, self._at_work(state.committee))
        frames = sum(len(walk.frames) for walks in self._walks for walk in walks)
        if frames:
            self._ended("explore", number, start, outcomes.Walked(frames))

    def select(self) -> Activity:
        """Gather candidates, score them, and choose a round of them."""
        state, start, number = self.state, time.monotonic(), len(self.state.rounds)
        committee, walks = self._at_work(state.committee), self._walks or []
        self._walks, self._selecting = None, 1
        candidates, found = yield from exploring.gather_candidates(state, number, walks)
        start = self._ended("explore", number, start, found)
        pool = yield from selecting.predict_pool(state, number, committee, candidates)
        choices, spreads, selected = yield from selecting.choose_from(state, pool)
        start = self._ended("score", number, start, spreads)
        self._begun[number] = self._ended("select", number, start, selected)
        self._selecting = 0
        state.add_round(choices)

    def keep(self, key: Hashable, value: Label | Failure | Lost) -> None:
        """Label: take in what came of one."""
        state, name = self.state, str(key)
        self._labelling.keep(key, value)
        number = -1 if state.is_test(name) else state.round_of(name)
        choices = (state.test or ()) if number < 0 else state.rounds[number].choices
        if state.is_complete(choices):
            done = outcomes.Labelled(len(choices), state.failed(choices))
            stage = "holdout" if number < 0 else "label"
            self._ended(stage, max(number, 0), self._begun[number], done)
            self._look_at_targets(number)

    def train(self) -> Activity:
        """Commit the labels that are in, and train the next committee on them."""
        state, number = self.state, teaching.begin_training(self.state)
        yield from self._commit(number)
        start = time.monotonic()
        [calibrated] = yield from do(WorkGroup(calibrate, [number], NO_PLACE, state))
        training = teaching.training_of(state, number)
        self._tell(training.began(self.run.round(number).members))
        yield from teaching.train_members(state, number, training)
        state.add_committee(number)
        self._ended("train", number, start, training.outcome(calibrated))

    def publish(self) -> Activity:
        """Put the newest committee where users look for it, test it, report."""
        state, over = self.state, stopping.is_over(self.state)
        self._published, number = (state.committee, over), len(state.rounds) - 1
        if state.dataset_size != self._committed:
            yield from self._commit(number)
        yield from do(WorkGroup(_publish, [state.committee], NO_PLACE, state))
        while state.unjudged and not any(map(state.is_test, state.pending)):
            yield from self._test(state.unjudged[0])
        start = time.monotonic()
        reason = stopping.why_no_more(state, state.dataset_size) if over else ""
        [page] = yield from do(WorkGroup(_report, [reason], NO_PLACE, state))
        self._ended("report", number, start, outcomes.Reported(page))

    def _commit(self, number: int) -> Steps[None]:
        """Write the dataset out for others to use."""
        state, start = self.state, time.monotonic()
        labels = state.dataset_size
        yield from do(WorkGroup(_commit, [self.run.dataset / "data.xyz"], NO_PLACE, state))
        self._committed = labels  # of two that overlap, the last to end is what is on disk
        self._ended("commit", number, start, outcomes.Committed(labels))

    def _test(self, number: int) -> Steps[None]:
        """Judge a round's committee by the fixed test set."""
        state, start = self.state, time.monotonic()
        frames = [label.candidate.atoms for label in state.test_labels()]
        tested = outcomes.Tested({})
        if frames:
            [said] = yield from selecting.predict_all(self._at_work(number), frames)
            [tested] = yield from do(WorkGroup(_judge, [(number, said)], NO_PLACE, state))
        state.unjudged.remove(number)
        self._ended("test", number, start, tested)

    # -- what the schedule asks ------------------------------------------------------------

    def begin(self, kind: str) -> Activity:
        """See `schedule.Plan`."""
        activities = {
            "explore": self.explore,
            "select": self.select,
            "train": self.train,
            "publish": self.publish,
        }
        return activities[kind]()

    def policy(self, places: int) -> Policy:
        """See `schedule.Plan`."""
        campaign, initial = self.run.campaign, len(self.state.rounds[0].choices)
        return policy_of(campaign.schedule, campaign.selection.batch, initial, places)

    def standing(self, under_way: frozenset[str], labelling: int) -> Standing:
        """See `schedule.Plan`."""
        state = self.state
        over = (state.committee, stopping.is_over(state)), (state.committee, True)
        return Standing(
            under_way=under_way,
            queued=len(state.waiting),
            labelling=labelling,
            fresh=state.fresh,
            has_committee=state.committee is not None,
            selections=state.selections,
            round_has_committee=state.trained == len(state.rounds) - 1,
            explored=self._walks is not None,
            more=stopping.may_select(state),
            more_later=stopping.may_select(state, later=1),
            interrupted=state.interrupted is not None,
            unpublished=state.committee is not None and self._published not in over,
        )

    # -- helpers ---------------------------------------------------------------------------

    def _at_work(self, number: int | None) -> CommitteeAtWork:
        """The committee of a round, which there must be."""
        assert number is not None
        campaign, folder = self.run.campaign, self.run.round(number).members
        return CommitteeAtWork(
            folder, campaign.executor.member_slot, outputs(campaign.training), number
        )

    def _look_at_targets(self, number: int) -> None:
        """Call off what waits for a label, if a complete round shows that the targets are met."""
        state = self.state
        if number < 1 or state.target or not state.is_complete(state.rounds[number].choices):
            return
        if reason := stopping.targets_reached(state, number):
            state.call_off(reason)

    def _ended(self, stage: str, number: int, start: float, outcome: outcomes.Outcome) -> float:
        """Journal a stage and tell of it; returns the time at which the next one starts."""
        now = time.monotonic()
        seconds, result = round(now - start, 3), asdict(outcome)
        self.run.journal.append("stage", round=number, stage=stage, seconds=seconds, result=result)
        self._tell(outcomes.StageEnded(stage, number, seconds, outcome))
        return now


def _commit(state: CampaignState, path: Path) -> None:
    """Work of a commit."""
    teaching.export_dataset(state, path)


def _publish(state: CampaignState, number: int | None) -> None:
    """Work of publishing; there is a committee."""
    assert number is not None
    teaching.publish_committee(state, number)


def _judge(state: CampaignState, item: tuple[int, list[Prediction]]) -> outcomes.Tested:
    """Work of a test."""
    return judge(state, *item)


def _report(state: CampaignState, reason: str) -> str:
    """Work of a report: write it; returns where it is."""
    from activecharge.report.campaign.page import write_report

    return str(write_report(campaign_summary(state, reason), state.run.report)[0][0])

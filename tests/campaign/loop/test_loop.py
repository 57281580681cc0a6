"""The loop in both schedules, on disk: nothing is lost or done twice."""

import shutil
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from activecharge.campaign.disk.run_directory import RunDirectory
from activecharge.campaign.loop import work
from activecharge.campaign.loop.loop import Loop, run_loop
from activecharge.campaign.loop.outcomes import StageEnded
from activecharge.campaign.loop.reporting import campaign_summary
from activecharge.campaign.loop.state import CampaignState
from activecharge.campaign.loop.stopping import is_over, may_select, why_no_more
from activecharge.campaign.monitor.status import status
from activecharge.campaign.settings.reading import load_campaign
from activecharge.errors import UserError
from activecharge.execution.inline import InlineExecutor
from activecharge.execution.tasks import Lost, Result
from activecharge.records import Choice, Failure, Label, Prediction

pytestmark = pytest.mark.slow

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
schedule: {kind: streaming}
"""
BATCH = TINY.replace("streaming", "batch")


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

    def go(text: str = TINY, executor=None) -> str:
        with RunDirectory.writing(tmp_path / "run", campaign(text)) as directory:
            return run_loop(directory, executor or InlineExecutor(), lambda event: None)

    return go


@pytest.fixture
def run(tmp_path):
    return lambda: RunDirectory.open(tmp_path / "run")


@dataclass
class Ended:
    """A campaign in turn that has come to its end.

    Attributes
    ----------
    path : pathlib.Path
        Its run directory, which is for all tests here: copy it to go on.
    reason : str
        Why it ended.
    stages : list of (int, str)
        Round and name of each stage, as told.
    kept : dict of str to Label
        What its executor brought, by content hash.
    """

    path: Path
    reason: str = ""
    stages: list[tuple[int, str]] = field(default_factory=list)
    kept: dict[str, Label] = field(default_factory=dict)


@pytest.fixture(scope="module")
def ended(tmp_path_factory) -> Ended:
    home = tmp_path_factory.mktemp("ended")
    ended, file = Ended(home / "run"), home / "campaign.yaml"
    file.write_text(f"initial: [{{kind: clusters, count: 4}}]\n{BATCH}")

    class Listening(InlineExecutor):
        def wait(self, timeout):
            found = super().wait(timeout)
            ended.kept.update((r.key[1], r.value) for r in found if r.key[0] == "label")
            return found

    def tell(event):
        if isinstance(event, StageEnded):
            ended.stages.append((event.round, event.stage))

    with RunDirectory.writing(ended.path, load_campaign(file)) as directory:
        ended.reason = run_loop(directory, Listening(), tell)
    return ended


def identities(run: RunDirectory) -> dict[str, tuple[int, int]]:
    """Inode and time of each label: one that is made again has others."""
    paths = run.labels.labels.glob("[!.]*.extxyz")
    return {p.name: (p.stat().st_ino, p.stat().st_mtime_ns) for p in paths}


def check_complete(run: RunDirectory) -> None:
    """Every label is in the dataset, every committee learnt from labels, nothing is left over."""
    found, state = status(run), CampaignState(run)
    assert (found.state, found.pending) == ("finished", 0)
    assert is_over(state) and not state.unjudged
    hashes = [row.label.candidate.hash for row in state.rows()]
    assert len(set(hashes)) == len(hashes) == found.labels
    taught = sorted(state.inputs.items())
    assert set(taught[-1][1].labels) == set(hashes)
    assert len(taught) > 1 and any(found.choices for found in state.rounds[1:])
    for (before, small), (number, large) in pairwise(taught):
        assert large.start == before and set(small.labels) < set(large.labels)
        assert (run.round(number).members / "member-01" / "model.json").exists()
    for found in state.rounds[1:]:
        for choice in found.choices:
            assert choice.committee in {n for n, _ in taught if n < found.number}
            assert choice.prediction is not None
    assert all(run.round(n).test_errors.exists() for n, _ in taught)
    assert (run.dataset / "data.xyz").exists() and (run.report / "report.html").exists()
    assert not list(run.path.rglob(".*"))


@pytest.mark.parametrize("text", [TINY, BATCH], ids=["streaming", "batch"])
def test_to_the_end_and_again(go, run, ended, tmp_path, text):
    if text == BATCH:
        shutil.copytree(ended.path, tmp_path / "run")
        assert ended.reason == "round 1 was the last"
    else:
        assert go(text) == "round 1 was the last"
    check_complete(run())
    before = identities(run())
    assert go(text) == "round 1 was the last"
    assert identities(run()) == before
    check_complete(run())
    # The report counts what each committee knew, and what those that chose knew.
    summary = campaign_summary(CampaignState(run()), "")
    learnt = [len(run().round(n).read_inputs().labels) for n in (0, 1)]
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


def test_in_turn_the_stages_of_a_round_are_told_in_their_order(ended):
    end = ["label", "commit", "train", "test", "report"]
    first = ["draw", "holdout", *end]
    second = ["explore", "explore", "score", "select", *end]
    assert ended.stages == [(0, stage) for stage in first] + [(1, stage) for stage in second]


def test_both_schedules_go_on_where_the_other_stopped(go, run):
    go(BATCH.replace("rounds: 1", "rounds: 0"))
    before = identities(run())
    assert go() == "round 1 was the last"
    assert before.items() <= identities(run()).items()
    assert len(run().round(1).read_inputs().labels) == len(CampaignState(run()).rows())
    assert go(BATCH.replace("rounds: 1", "rounds: 2")) == "round 2 was the last"
    assert status(run()).state == "finished"


def test_the_budget_is_kept(go, run):
    text = TINY.replace("rounds: 1", "rounds: 9, labels: 6")
    assert go(text) == "the budget of 6 labels is spent"
    assert status(run()).labels == 6
    check_complete(run())


@pytest.mark.parametrize("text", [TINY, BATCH], ids=["streaming", "batch"])
def test_no_label_at_all(go, text):
    with pytest.raises(UserError, match="not one initial configuration got a label"):
        go(text + "reference: {kind: tblite, max_iterations: 1, retries: 0}\n")


class FailingExecutor(InlineExecutor):
    """Loses some labels, by the order in which they come."""

    def __init__(self, lost: range):
        super().__init__()
        self.lost, self.count = lost, -1

    def wait(self, timeout):
        if self._waiting[0][0].work is not work.label:
            return super().wait(timeout)
        self.count += 1
        if self.count not in self.lost:
            return super().wait(timeout)
        _, key, _ = self._waiting.popleft()
        return [Result(key, Lost("its worker died"), 0.0)]


@pytest.mark.parametrize("text", [TINY, BATCH], ids=["streaming", "batch"])
def test_a_round_whose_labels_all_fail(go, run, text):
    """Nothing is learnt, so nothing is trained: the same committee chooses the next round."""
    many = text.replace("rounds: 1", "rounds: 2").replace("count: 4", "count: 6")
    # Two of the test set and four initial ones, then the three of round 1.
    go(many, FailingExecutor(range(6, 9)))
    state = CampaignState(run())
    assert [len(found.choices) for found in state.rounds] == [4, 3, 3]
    assert [found.chosen_by for found in state.rounds] == [None, 0, 0]
    assert sorted(state.inputs) == [0, 2] and state.inputs[2].start == 0
    assert len(state.failures) == 3 and len(state.inputs[2].labels) == 7
    failed = {choice.candidate.hash for choice in state.rounds[1].choices}
    assert failed == set(state.failures)
    assert not failed & {choice.candidate.hash for choice in state.rounds[2].choices}
    check = {choice.committee for choice in state.rounds[2].choices}
    assert check == {0} and status(run()).quarantined == 3


class LosingExecutor(InlineExecutor):
    """Loses one kind of work."""

    def __init__(self, work):
        super().__init__()
        self.work = work

    def wait(self, timeout):
        if self._waiting[0][0].work is self.work:
            _, key, _ = self._waiting.popleft()
            return [Result(key, Lost("its worker died"), 0.0)]
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
    text = (
        "explore: [{kind: rattle}]\nstop: {rounds: 9, target: {charges: 0.3}}\n"
        "executor: {kind: inline}\nschedule: {kind: streaming}\n"
    )
    first, second, third = candidates(3)
    values = {"charges": np.array([-0.2, 0.0, 0.0])}  # the label says -0.5, 0.25, 0.25
    said = Prediction(values, {"charges": np.zeros(3)}, np.ones(2))
    with RunDirectory.writing(tmp_path / "run", campaign(text)) as run:
        run.test.write_selection([])
        run.round(0).write_selection([Choice(first, "initial")])
        run.round(1).write_selection([Choice(second, "control", said, 1.0, committee=0)])
        run.round(2).write_selection([Choice(third, "control", said, 1.0, committee=0)])
        run.labels.put(label(first))
        loop = Loop(run, lambda event: None)
        state = loop.state
        assert [name for name, _ in state.waiting] == [second.hash, third.hash]
        assert may_select(state) and why_no_more(state, 1) == ""
        state.waiting.popleft()
        run.labels.put(label(second))
        loop.keep(second.hash, label(second))
        assert not state.waiting and not may_select(state)
        reason = why_no_more(state, 2)
        assert reason.startswith("the control labels met the target: charges 0.26")
        assert state.fresh == 2 and not state.pending


def test_a_round_that_only_trains_is_not_the_end(tmp_path, campaign, candidates, label):
    """It follows a target that was met; with a lower one, the campaign can go on."""
    text = "explore: [{kind: rattle}]\nstop: {rounds: 9}\n"
    first, second = candidates(2)
    with RunDirectory.writing(tmp_path / "run", campaign(text)) as run:
        run.test.write_selection([])
        run.round(0).write_selection([Choice(first, "initial")])
        run.round(1).write_selection([Choice(second, "control", committee=0)])
        run.round(2).write_selection([])
        for candidate in (first, second):
            run.labels.put(label(candidate))
        assert may_select(CampaignState(run))
        run.round(2).write_candidates([])
        assert why_no_more(CampaignState(run), 2) == "no candidate was worth a label"
        assert not may_select(CampaignState(run))


def test_failures_do_not_count_as_labels(tmp_path, campaign, candidates, label):
    text = "explore: [{kind: rattle}]\nstop: {rounds: 9, labels: 2}\n"
    first, second = candidates(2)
    with RunDirectory.writing(tmp_path / "run", campaign(text)) as run:
        run.test.write_selection([])
        run.round(0).write_selection([Choice(first, "initial"), Choice(second, "initial")])
        state = CampaignState(run)
        assert state.dataset_size + state.dataset_pending == 2 and not may_select(state)
        state.keep(label(first))
        state.keep(Failure(second, "no"))
        assert state.dataset_size + state.dataset_pending == 1 and may_select(state)
        assert state.is_complete(state.rounds[0].choices) and len(state.rows()) == 1


def test_a_label_that_was_learnt_and_is_made_again_is_no_news(go, run, ended, tmp_path):
    """Deleted by hand, say: it is labelled again, and nobody learns it twice."""
    shutil.copytree(ended.path, tmp_path / "run")
    before = sorted(path.name for path in run().path.joinpath("rounds").iterdir())
    min(run().labels.labels.iterdir()).unlink()
    assert go(BATCH) == "round 1 was the last"
    assert sorted(path.name for path in run().path.joinpath("rounds").iterdir()) == before
    check_complete(run())


def test_a_label_in_memory_is_the_label_on_disk(ended):
    """Campaigns that are taken up again read what others have in memory."""
    run = RunDirectory.open(ended.path)
    assert len(ended.kept) > 8
    for name, value in ended.kept.items():
        stored = run.labels.get(name)
        assert stored.values.keys() == value.values.keys()
        for key in value.values:
            np.testing.assert_array_equal(stored.values[key], value.values[key])
        assert stored.candidate.atoms == value.candidate.atoms
        assert stored.settings == value.settings

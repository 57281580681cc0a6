"""What a round decides: its selection, its stopping rules, and numbers that are not finite."""

import numpy as np
import pytest

from activecharge.campaign.disk.round_folder import TrainingInputs
from activecharge.campaign.disk.run_directory import RunDirectory
from activecharge.campaign.loop import selecting
from activecharge.campaign.loop.selecting import Pool
from activecharge.campaign.loop.state import CampaignState
from activecharge.campaign.loop.stopping import (
    is_over,
    may_select,
    targets_reached,
    why_no_more,
)
from activecharge.records import Choice, Prediction


def prediction(charges: float) -> Prediction:
    values = {"charges": np.array([charges, 0.0, 0.0])}
    return Prediction(values, {"charges": np.abs(values["charges"])}, np.array([charges, 1.0]))


@pytest.fixture
def run(tmp_path, campaign):
    def make(text: str) -> RunDirectory:
        with RunDirectory.writing(tmp_path / "run", campaign(text)) as run:
            return run

    return make


def choose(run, candidates, charges, room=None):
    """What round 1 chooses of candidates on which the committee said such charges."""
    pool = Pool(1, 0, candidates, [prediction(x) for x in charges], [], room)
    selecting.choose(CampaignState(run), pool)
    return run.round(1).read_selection()


def test_a_prediction_that_is_not_finite_is_chosen_but_not_kept(run, candidates):
    """It stands out, so the reference decides about it; the campaign goes on."""
    run = run("selection: {batch: 2, control: 0, diversity: 0}")
    chosen = choose(run, candidates(4), (0.1, np.nan, 0.3, np.inf))
    assert {item.candidate.origin["index"] for item in chosen} == {1, 3}
    assert all(item.prediction is None and item.score is None for item in chosen)
    assert {item.committee for item in chosen} == {0}


def test_no_more_is_chosen_than_the_budget_leaves(run, candidates):
    run = run("selection: {batch: 20, strategy: top, diversity: 0}")
    assert len(choose(run, candidates(8), [0.1] * 8, room=3)) == 3


def test_a_choice_that_is_on_disk_stands(run, candidates):
    run = run("selection: {batch: 2, control: 0, diversity: 0}")
    first = choose(run, candidates(4), (0.1, 0.2, 0.3, 0.4))
    again = choose(run, candidates(4), (0.4, 0.3, 0.2, 0.1))
    assert [c.candidate.hash for c in first] == [c.candidate.hash for c in again]


@pytest.fixture
def judged(run, candidates, label):
    """A campaign at the end of round 1, whose one control label was missed by some charge."""

    def make(text: str, error: float) -> RunDirectory:
        directory = run(text)
        first, second = candidates(2)
        directory.round(0).write_selection([Choice(first, "initial")])
        said = prediction(error - 0.5)  # the label says -0.5, 0.25, 0.25
        directory.round(1).write_selection([Choice(second, "control", said, 1.0, committee=0)])
        directory.labels.put(label(first))
        directory.labels.put(label(second))
        return directory

    return make


EXPLORE = "explore: [{kind: rattle}]\n"


def reason_of(run, number):
    """Why the campaign ends after a round, as it stands."""
    state = CampaignState(run)
    del state.rounds[number + 1 :]
    state.target = targets_reached(state, number)
    return why_no_more(state, len(state.rows()))


def test_targets(judged):
    text = EXPLORE + "stop: {rounds: 9, target: {charges: 0.3}}"
    # Errors of 0.3, 0.25 and 0.25 e.
    assert reason_of(judged(text, 0.3), 1) == (
        "the control labels met the target: charges 0.2667 <= 0.3"
    )
    assert reason_of(judged(text, 0.5), 1) == ""


def test_a_target_that_cannot_be_judged_is_not_met(judged):
    """No label has forces; and the first round has no blind labels at all."""
    run = judged(EXPLORE + "stop: {rounds: 9, target: {charges: 9, forces: 9}}", 0.3)
    assert reason_of(run, 1) == ""
    assert reason_of(run, 0) == ""


def test_an_error_that_is_no_number_meets_no_target(judged):
    """Per-atom values may be missing, and nothing compares with NaN."""
    run = judged(EXPLORE + "stop: {rounds: 9, target: {charges: 9}}", np.nan)
    assert reason_of(run, 1) == ""


@pytest.mark.parametrize(
    "text, number, expected",
    [
        (EXPLORE + "stop: {rounds: 9}", 1, ""),
        (EXPLORE + "stop: {rounds: 1}", 1, "round 1 was the last"),
        (EXPLORE + "stop: {rounds: 9, labels: 2}", 1, "the budget of 2 labels is spent"),
        (EXPLORE + "stop: {rounds: 9, labels: 2}", 0, ""),
        ("stop: {rounds: 9}", 1, "there are no sources under `explore`"),
    ],
)
def test_other_reasons(judged, text, number, expected):
    assert reason_of(judged(text, 0.3), number) == expected


def test_nothing_was_worth_a_label(judged):
    run = judged(EXPLORE + "stop: {rounds: 9}", 0.3)
    run.round(2).write_candidates([])
    run.round(2).write_selection([])
    assert reason_of(run, 2) == "no candidate was worth a label"


def said_of(charges: float, energy: float) -> Prediction:
    found = prediction(charges)
    mean, std = found.mean | {"energy": np.array(energy)}, found.std | {"energy": np.array(1.0)}
    return Prediction(mean, std, found.descriptor)


@pytest.mark.parametrize(
    "why, energy, met",
    [("control", -1.5, True), ("uncertain", 99.0, True), ("control", 99.0, False)],
)
def test_all_targets_are_met_by_control_labels_alone(run, candidates, label, why, energy, met):
    """One control label is as it should be; another is, or is not, or was chosen as uncertain."""
    run = run(EXPLORE + "stop: {rounds: 9, target: {charges: 0.3, energy: 0.1}}")
    first, second, third = candidates(3)
    run.round(0).write_selection([Choice(first, "initial")])
    run.round(1).write_selection(
        [
            Choice(second, "control", said_of(-0.2, -1.5), 1.0, committee=0),
            Choice(third, why, said_of(-0.2, energy), 1.0, committee=0),
        ]
    )
    for candidate in (first, second, third):
        run.labels.put(label(candidate))
    assert (reason_of(run, 1) != "") == met


def test_it_is_over_when_all_that_is_labelled_is_learnt(judged):
    state = CampaignState(judged(EXPLORE + "stop: {rounds: 1}", 0.3))
    assert not may_select(state) and not state.pending and not is_over(state)
    names = tuple(row.label.candidate.hash for row in state.rows())
    state.begin_training(1, TrainingInputs(names, None))
    state.add_committee(1)
    assert is_over(state)


def test_a_later_selection_counts_those_before_it(judged):
    """Two labels, four at most, three a selection: the next may be made, the one after not."""
    text = EXPLORE + "selection: {batch: 3}\nstop: {rounds: 9, labels: 4}"
    state = CampaignState(judged(text, 0.3))
    assert may_select(state) and not may_select(state, later=1)

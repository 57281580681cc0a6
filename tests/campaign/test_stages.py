"""What a round decides: its selection, its stopping rules, and numbers that are not finite."""

import numpy as np
import pytest

from activecharge.campaign import stages
from activecharge.campaign.rundir import Chosen, RunDirectory
from activecharge.campaign.stop import stop_reason
from activecharge.records import Prediction, Scored


class NoCrew:
    """Stands where nothing is predicted."""

    def predict(self, number, frames, title):
        return []


def prediction(charges: float) -> Prediction:
    values = {"charges": np.array([charges, 0.0, 0.0])}
    return Prediction(values, {"charges": np.abs(values["charges"])}, np.array([charges, 1.0]))


@pytest.fixture
def run(tmp_path, campaign):
    def make(text: str) -> RunDirectory:
        with RunDirectory.writing(tmp_path / "run", campaign(text)) as run:
            return run

    return make


def test_a_prediction_that_is_not_finite_is_chosen_but_not_kept(run, candidates):
    """It stands out, so the reference decides about it; the campaign goes on."""
    run = run("selection: {batch: 2, control: 0, diversity: 0}")
    numbers = (0.1, np.nan, 0.3, np.inf)
    pool = [
        Scored(c, prediction(x), np.inf if not np.isfinite(x) else x, {"charges": x})
        for c, x in zip(candidates(4), numbers, strict=True)
    ]
    stages.select(run, NoCrew(), 1, pool)
    chosen = run.round(1).read_selection()
    assert {item.candidate.origin["index"] for item in chosen} == {1, 3}
    assert all(item.prediction is None and item.score is None for item in chosen)


def test_no_more_is_chosen_than_the_budget_leaves(run, candidates, label):
    run = run("selection: {batch: 20, strategy: top, diversity: 0}\nstop: {labels: 7}")
    known = candidates(8)
    run.round(0).write_selection([Chosen(candidate, "initial") for candidate in known[:5]])
    for candidate in known[:4]:  # the fifth could not be labelled
        run.labels.put(label(candidate))
    pool = [Scored(c, prediction(0.1), 1.0, {"charges": 0.1}) for c in known[5:]] * 5
    stages.select(run, NoCrew(), 1, pool)
    assert len(run.round(1).read_selection()) == 3


@pytest.fixture
def judged(run, candidates, label):
    """A campaign at the end of round 1, whose one control label was missed by some charge."""

    def make(text: str, error: float) -> RunDirectory:
        directory = run(text)
        first, second = candidates(2)
        directory.round(0).write_selection([Chosen(first, "initial")])
        said = prediction(error - 0.5)  # the label says -0.5, 0.25, 0.25
        directory.round(1).write_selection([Chosen(second, "control", said, 1.0, {})])
        directory.labels.put(label(first))
        directory.labels.put(label(second))
        return directory

    return make


EXPLORE = "explore: [{kind: rattle}]\n"


def test_targets(judged):
    text = EXPLORE + "stop: {rounds: 9, target: {charges: 0.3}}"
    # Errors of 0.3, 0.25 and 0.25 e.
    assert stop_reason(judged(text, 0.3), 1) == (
        "the control labels met the target: charges 0.2667 <= 0.3"
    )
    assert stop_reason(judged(text, 0.5), 1) == ""


def test_a_target_that_cannot_be_judged_is_not_met(judged):
    """No label has forces; and the first round has no blind labels at all."""
    run = judged(EXPLORE + "stop: {rounds: 9, target: {charges: 9, forces: 9}}", 0.3)
    assert stop_reason(run, 1) == ""
    assert stop_reason(run, 0) == ""


def test_an_error_that_is_no_number_meets_no_target(judged):
    """Per-atom values may be missing, and nothing compares with NaN."""
    run = judged(EXPLORE + "stop: {rounds: 9, target: {charges: 9}}", np.nan)
    assert stop_reason(run, 1) == ""


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
    assert stop_reason(judged(text, 0.3), number) == expected


def test_nothing_was_worth_a_label(judged):
    run = judged(EXPLORE + "stop: {rounds: 9}", 0.3)
    run.round(2).write_candidates([])
    run.round(2).write_selection([])
    assert stop_reason(run, 2) == "no candidate was worth a label"

"""Calibrations of a run directory: from which labels, and judged by which."""

from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms

from activecharge.campaign.disk.round_folder import TrainingInputs
from activecharge.campaign.disk.run_directory import RunDirectory
from activecharge.campaign.loop.calibrating import RECENCY, calibrate, calibration_record
from activecharge.campaign.loop.outcomes import Calibrated
from activecharge.campaign.loop.state import CampaignState
from activecharge.committee.calibration.calibration import CALIBRATION, Calibration
from activecharge.dataset.predictions import write_pairs
from activecharge.records import Candidate, Choice, Label, Prediction
from activecharge.report.campaign.campaign_summary import CalibrationRecord


def make_chosen(number, index, why, error=0.01):
    """One molecule and what a committee with spread 5 me says of it, wrong by about `error`."""
    rng = np.random.default_rng([number, index])
    atoms = Atoms("OH2", positions=rng.uniform(0, 3, (3, 3)).round(6))
    candidate = Candidate(atoms, f"{number:012x}{index:012x}", "clusters")
    mean = {"charges": np.array([-0.5, 0.25, 0.25]) + error * rng.normal(size=3)}
    said = Prediction(mean, {"charges": np.full(3, 0.005)}, np.empty(0))
    return Choice(candidate, why, said, 1.0, {"charges": 0.005}, committee=number - 1)


@pytest.fixture
def run(tmp_path, campaign):
    """Two initial labels, then three rounds of 12 control and 6 uncertain ones."""
    found, names = RunDirectory(tmp_path / "run", campaign()), []
    for number in range(4):
        if number == 0:
            items = [Choice(make_chosen(0, i, "").candidate, "initial") for i in range(2)]
        else:
            why = ["control"] * 12 + ["uncertain"] * 6
            items = [make_chosen(number, i, w) for i, w in enumerate(why)]
        found.round(number).write_selection(items)
        for item in items:
            values = {"charges": np.array([-0.5, 0.25, 0.25])}
            found.labels.put(Label(item.candidate, values, "tblite", {}))
            names.append(item.candidate.hash)
        found.round(number).write_inputs(TrainingInputs(tuple(names), number - 1))
    return found


def calibrate_round(run, number):
    return calibrate(CampaignState(run), number)


def record_of(run):
    return calibration_record(CampaignState(run))


def read(run, number):
    return Calibration.load(run.round(number).members / CALIBRATION)


def test_before_any_blind_label_nothing_is_calibrated(run):
    assert calibrate_round(run, 0) == Calibrated((), 0, 0)
    assert read(run, 0) == Calibration()


def test_a_round_is_calibrated_by_all_blind_labels_up_to_it(run):
    assert calibrate_round(run, 2) == Calibrated(("charges",), 36, 24)
    fit = read(run, 2).fits["charges"]["O"]
    assert (fit.frames, fit.control_frames, fit.entries) == (36, 24, 36)
    # 12 of the last committee and 12 of the one before are worth 12 + 12 × 0.6 = 19.2 frames, of
    # which 95 % takes 19; one fewer of the older ones leaves 18.6.
    assert RECENCY == 0.6 and np.isfinite(fit.factor(0.95))
    learnt = run.round(2).read_inputs().labels
    run.round(2).write_inputs(TrainingInputs(learnt[:2] + learnt[3:], 1))
    assert calibrate_round(run, 2) == Calibrated(("charges",), 35, 23)
    assert np.isnan(read(run, 2).fits["charges"]["O"].factor(0.95))
    run.round(2).write_inputs(TrainingInputs(learnt, 1))
    calibrate_round(run, 2)
    # Errors of 10 me at a spread of 5 me; a scale from 24 frames is good to 1/√48.
    expected = read(run, 2).expected_error("charges", 0.005, ["O"])
    np.testing.assert_allclose(expected, 0.01, rtol=0.5)


def test_the_same_labels_give_the_same_bytes(run):
    calibrate_round(run, 3)
    before = (run.round(3).members / CALIBRATION).read_bytes()
    calibrate_round(run, 3)
    assert (run.round(3).members / CALIBRATION).read_bytes() == before


def test_a_committee_is_calibrated_by_the_labels_it_learnt_from(run):
    """Others may have come while it was trained; after a restart they must not count."""
    learnt = [item.candidate.hash for item in run.round(1).read_selection()[:8]]
    run.round(2).write_inputs(TrainingInputs(tuple(learnt), 1))
    assert calibrate_round(run, 2) == Calibrated(("charges",), 8, 8)


def test_without_control_labels_no_bounds_are_claimed(run):
    for number in (1, 2, 3):
        items = run.round(number).read_selection()
        run.round(number).write_selection([i for i in items if i.why != "control"])
    assert calibrate_round(run, 3) == Calibrated(("charges",), 18, 0)
    assert set(read(run, 3).fits["charges"]["O"].factors) == {None}


def test_each_round_is_judged_by_the_calibration_before_it(run):
    for number in range(4):
        calibrate_round(run, number)
    record = record_of(run)
    assert record.blind == 54
    assert list(record.rounds) == [2, 3]  # in round 1 there was no calibration yet
    [row] = [r for r in record.rounds[3] if r.element == "O"]
    assert (row.frames, row.entries) == (12, 12)
    assert max(row.coverage) == 0.9
    [row] = [r for r in record.control if r.element == "O"]
    assert (row.frames, row.entries) == (24, 24)
    assert record.test == ()


def test_labels_chosen_by_an_older_committee_are_judged_by_its_calibration(run):
    items = run.round(3).read_selection()
    run.round(3).write_selection([replace(item, committee=0) for item in items])
    for number in range(4):
        calibrate_round(run, number)
    assert list(record_of(run).rounds) == [2]


def test_the_test_set_is_judged_by_the_committee_that_predicted_it(run):
    for number in range(4):
        calibrate_round(run, number)
    items = [make_chosen(9, i, "test", error=1.0) for i in range(20)]
    values = {"charges": np.array([-0.5, 0.25, 0.25])}
    labels = [Label(item.candidate, values, "tblite", {}) for item in items]
    write_pairs(run.round(3).test_pairs, labels, [item.prediction for item in items])
    [row, *_] = record_of(run).test
    assert row.frames == 20
    assert row.coverage[0.9].share < 0.3  # a hundred times the errors that were known
    assert row.observed > 10 * row.expected


def test_a_run_without_calibrations_has_a_record_without_rounds(run):
    record = record_of(run)
    assert record.blind == 54 and record.rounds == {} and record.control == ()


def test_a_campaign_of_one_round_has_no_record(tmp_path, campaign):
    assert record_of(RunDirectory(tmp_path / "new", campaign())) == CalibrationRecord()

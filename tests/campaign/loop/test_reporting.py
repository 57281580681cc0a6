"""What a run directory tells its report."""

import numpy as np

from activecharge.campaign.disk.run_directory import RunDirectory
from activecharge.campaign.loop.reporting import campaign_summary
from activecharge.campaign.loop.state import CampaignState
from activecharge.records import Choice, Failure, Prediction, SourceTally
from activecharge.report.campaign.campaign_summary import (
    CalibrationRecord,
    ChosenFrame,
    QuarantinedFrame,
)


def test_rounds_and_what_could_not_be_labelled(tmp_path, campaign, candidates, label):
    first, second, third, fourth = candidates(4)
    said = Prediction({"charges": np.zeros(3)}, {"charges": np.full(3, 1e-3)}, np.ones(2))
    worst = {"charges": 0.0412, "forces": 0.1}  # in tolerances: 4.12 and 1
    cause = {"property": "bec", "atom": 2, "element": "H", "spread": 0.1}
    run = RunDirectory(tmp_path / "run", campaign())
    run.test.write_selection([Choice(fourth, "test")])
    run.round(0).write_selection([Choice(first, "initial")])
    run.round(1).write_selection(
        [Choice(c, "control", said, 1.5, worst, cause, 0) for c in (second, third)]
    )
    run.round(1).write_sources([SourceTally("clusters", 9, 1.0, None, 0, 2)])
    for candidate in (first, second):
        run.labels.put(label(candidate))
    run.labels.put(Failure(third, "no convergence"))
    run.labels.put(Failure(fourth, "atoms overlap"))

    found = campaign_summary(CampaignState(run), "enough")
    assert (found.stop_reason, found.calibration) == ("enough", CalibrationRecord(blind=1))
    initial, control = found.rounds
    assert initial.chosen == (ChosenFrame(first.hash, "H2O", first.source, "initial"),)
    assert initial.pairs == initial.quarantined == ()
    words = {"score": 1.5, "worst": "q 41.2 me", "cause": "Z of H 2"}
    assert control.chosen[0] == ChosenFrame(second.hash, "H2O", second.source, "control", **words)
    [pair] = control.pairs
    assert (pair.label.candidate.hash, pair.why, pair.control) == (second.hash, "control", True)
    failure = QuarantinedFrame(third.hash, "H2O", third.source, "no convergence")
    assert (control.labels, control.quarantined) == (2, (failure,))
    assert control.sources == (SourceTally("clusters", 9, 1.0, None, 0, 2),)
    [held_out] = found.test_quarantined
    assert held_out.reason == "atoms overlap"

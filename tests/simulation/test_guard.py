"""Where the committee no longer knows, and simulations that explode."""

import numpy as np
import pytest
from ase.io import read
from simulation_cases import make_committee, waters

from activecharge import simulate
from activecharge.campaign.standalone.run_simulation import carry_out, parsed
from activecharge.campaign.standalone.watched_simulation import closing_words
from activecharge.committee.calibration.calibration import Calibration, Fit
from activecharge.committee.committee import Committee
from activecharge.errors import UserError
from activecharge.simulation.record import read_simulation

SHORT = {
    "temperature": 20.0,
    "timestep": 0.5,
    "sample_every": 2,
    "checkpoint_every": 4,
    "stages": [{"kind": "nve", "steps": 12}],
}


@pytest.fixture(scope="module")
def calibrated():
    """Expects ten times the spread as error, a million times what was usual."""
    fit = Fit(10.0, 0.0, (None,) * 19, 9, 9, 9, 9, usual=1e-6)
    known = Calibration({"forces": {"H": fit, "O": fit}, "bec": {"H": fit, "O": fit}})
    return Committee(make_committee().members, known)


def run(committee, out, then, **guard):
    said = []
    options = parsed(SHORT | {"replicas": 2, "guard": {"then": then, "apart": 2.0} | guard})
    outcome = carry_out(committee, options, out, [waters(1)], said.append)
    return outcome, [event for event in said if isinstance(event, str)]


def test_warned_once_and_kept(calibrated, tmp_path):
    outcome, said = run(calibrated, tmp_path, "warn")
    assert outcome.ended == "" and outcome.uncertain == 6
    [warning] = said
    assert "stage nve, 1 fs, replica 0: the committee extrapolates: atom" in warning
    frames = read(tmp_path / "uncertain.extxyz", ":")
    # Rows at 1, 2 ... 6 fs, of which those kept are 2 fs apart.
    assert [(f.info["replica"], f.info["time_fs"]) for f in frames] == [
        (replica, time) for time in (1.0, 3.0, 5.0) for replica in (0, 1)
    ]
    record = read_simulation(tmp_path)
    assert frames[0].info["excess"] == pytest.approx(record.excess[0, 0])
    assert record.excess.min() > 2.0
    expected = 10 * np.maximum(record.spreads["forces"], record.spreads["bec"]) / 1e-6
    np.testing.assert_allclose(record.excess, expected, rtol=1e-12)
    words = closing_words(tmp_path, outcome)
    assert "6 frames beyond the guard's limit" in words
    assert f"explore: [{{kind: file, path: {tmp_path}/uncertain.extxyz}}]" in words


def test_stopped(calibrated, tmp_path):
    outcome, said = run(calibrated, tmp_path, "stop")
    assert outcome.ended.startswith("stage nve, 1 fs, replica 0") and not said
    record = read_simulation(tmp_path)
    assert record.times_fs.tolist() == [1.0] and not record.complete
    # The same command again tells the same.
    assert run(calibrated, tmp_path, "stop")[0] == outcome


def test_on_in_silence_and_not_without_end(calibrated, tmp_path):
    outcome, said = run(calibrated, tmp_path, "continue", keep=1)
    assert (outcome.ended, outcome.uncertain, said) == ("", 1, [])
    assert len(read(tmp_path / "uncertain.extxyz", ":")) == 1


def test_what_is_within_the_limit_is_not_kept(calibrated, tmp_path):
    outcome, said = run(calibrated, tmp_path, "stop", beyond=1e12)
    assert (outcome.ended, outcome.uncertain, said) == ("", 0, [])
    assert not (tmp_path / "uncertain.extxyz").exists()


def test_one_network_knows_its_own_spread(tmp_path):
    record = simulate(make_committee(members=1), waters(1), tmp_path, **SHORT)
    assert record.current.shape == (6, 1, 1, 3)
    assert np.isnan(record.spreads["forces"]).all()


def test_an_explosion_ends_with_a_sentence(tmp_path):
    reason = "an atom flies more than 0.5 Å in one step"
    with pytest.raises(UserError, match=f"exploded in stage nve at step 1 .*{reason}"):
        simulate(make_committee(), waters(1), tmp_path, **SHORT | {"temperature": 1e7})


def test_what_was_sane_is_kept(tmp_path):
    """Atoms that fall onto each other: rows before that are there, and the sentence again."""
    committee = make_committee()
    for member in committee.members:
        member.energy.last.weight.data *= 40
        member.pair_energy.last.weight.data *= 40
    out = tmp_path / "x"
    stages = [{"kind": "nve", "steps": 400}]
    with pytest.raises(UserError, match="exploded in stage nve at step") as error:
        simulate(committee, waters(2), out, **SHORT | {"stages": stages})
    record = read_simulation(out)
    assert len(record.times_fs) >= 1 and not record.complete
    for name in ("energy", "temperature", "current"):
        assert np.isfinite(getattr(record, name)).all()
    with pytest.raises(UserError) as again:
        simulate(committee, waters(2), out, **SHORT | {"stages": stages})
    assert str(again.value) == str(error.value)

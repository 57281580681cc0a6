"""Fields: their work is the energy gained, and E − E·P is conserved where P is derived."""

import numpy as np
import pytest
from simulation_cases import Springs, make_committee, waters
from test_ensembles import make_motion, make_stepper

from activecharge import simulate
from activecharge.simulation.stage_options import (
    ConstantField,
    NveStage,
    OscillatingField,
    PulseField,
)
from activecharge.simulation.stepping.pulling import field_at

BEC = np.stack([np.diag([1.0, 0.5, 0.2]) + 0.1, -np.diag([0.3, 0.6, 0.9])])


def test_shapes_in_time():
    vector = (0.0, 0.0, 2.0)
    assert field_at(None, 3.0) is None
    assert field_at(ConstantField(vector=vector), 5.0)[2] == 2.0
    # 1/(c·1000/cm) = 33.356 fs is a period.
    waves = OscillatingField(vector=vector, wavenumber=1000.0, phase=90.0)
    assert abs(field_at(waves, 0.0)[2]) < 1e-15
    assert field_at(waves, 33.35640952 / 4)[2] == pytest.approx(-2.0)
    pulse = PulseField(vector=vector, centre=50.0, width=10.0)
    assert field_at(pulse, 60.0)[2] == pytest.approx(2.0 * np.exp(-0.5))
    pulse = PulseField(vector=vector, centre=50.0, width=10.0, wavenumber=1000.0)
    assert field_at(pulse, 50 + 33.35640952 / 4)[2] == pytest.approx(0.0, abs=1e-8)


def driven(field, timestep, derived=True, time=60.0):
    """Work, energy gained, and the swing of what is conserved, of charges on springs."""
    motion = make_motion(2, [1.0, 16.0], still=False)
    springs = Springs(motion.positions[0], 1.5, BEC, derived)
    stage = NveStage(steps=round(time / timestep), field=field)
    stepper = make_stepper(stage, springs, motion, timestep)
    stepper.answer = springs(motion.positions, None, stepper.request(0))
    begin, energy = stepper.conserved.copy(), (motion.kinetic + stepper.answer.energy).copy()
    swing = max(np.abs(stepper.conserved - begin).max() for _ in stepper.steps(0))
    gained = motion.kinetic + stepper.answer.energy - energy
    return stepper.ledger.work, gained, swing


PULSE = PulseField(vector=(0.1, 0.0, 0.3), centre=20.0, width=4.0)
WAVES = OscillatingField(vector=(0.1, 0.0, 0.3), wavenumber=2000.0)


@pytest.mark.parametrize("field", [PULSE, WAVES])
@pytest.mark.parametrize("derived", [True, False])
def test_work_is_what_the_energy_gains(field, derived):
    """Both are had to second order in the step, so that halving it quarters what they differ by."""
    coarse, fine = driven(field, 0.2, derived), driven(field, 0.1, derived)
    assert np.abs(fine[1]).max() > 4e-3  # eV
    differences = [np.abs(work - gained).max() for work, gained, _ in (coarse, fine)]
    assert differences[1] < 2e-3 * np.abs(fine[1]).max()
    assert differences[0] / differences[1] == pytest.approx(4.0, rel=0.15)


def test_a_constant_field_adds_a_term_to_the_energy():
    """E − E·P swings by the step's error as without a field: (ω dt)²/8 of 0.2 eV, ω dt = 0.12."""
    _, gained, swing = driven(ConstantField(vector=(0.0, 0.2, 0.3)), 0.1)
    without = driven(None, 0.1)[2]
    assert np.abs(gained).max() > 10 * swing
    assert swing < 3 * without


@pytest.mark.parametrize("cell", [None, 7.0])
@pytest.mark.parametrize("coupling", ["local", "independent"])
def test_a_committee_in_a_field(tmp_path, coupling, cell):
    """Free and in a cell, E − E·P is conserved to the step's error; Z pulls as P does."""
    committee = make_committee(coupling)
    field = {"kind": "constant", "vector": [1.0, 0.0, 2.0]}
    stage = {"kind": "nve", "steps": 12, "field": field}
    chosen = {"temperature": 10.0, "sample_every": 1, "checkpoint_every": 6}
    record = simulate(committee, waters(1, cell), tmp_path, stages=[stage], **chosen)
    total = record.energy + record.kinetic
    gained = total[-1] - total[0]
    assert abs(gained) > 1e-4
    # Of second order in ω dt of free flight in a slowly changing potential.
    assert np.ptp(record.conserved) < 2e-3 * abs(gained)
    assert record.field_work[-1] == pytest.approx(gained + record.field_work[0], rel=2e-3)

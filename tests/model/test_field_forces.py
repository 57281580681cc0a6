"""Forces of a field by Born effective charges are those of the energy −μ·E."""

import numpy as np
import pytest
from model_cases import FRAMES, make_model, moved, predict

from activecharge.sampling.dynamics.walkers import field_forces

FIELD = np.array([0.3, -0.2, 0.1])
STEP = 1e-4


@pytest.mark.parametrize("name", list(FRAMES))
def test_the_energy_in_a_field_falls_along_the_force(name):
    """In free and in periodic frames, whose μ, written in edge vectors, is single-valued."""
    model, frame = make_model("dipolar"), FRAMES[name]

    def energy(atoms):
        return -float(predict(model, atoms, outputs=("dipole",))["dipole"][0].numpy() @ FIELD)

    forces = field_forces(predict(model, frame, outputs=("bec",))["bec"].numpy(), FIELD)
    for atom in range(len(frame)):
        for axis in range(3):
            ends = [energy(moved(frame, atom, axis, sign * STEP)) for sign in (1, -1)]
            # Central differences err by STEP² times a third derivative of order 1 e/Å².
            expected = -(ends[0] - ends[1]) / (2 * STEP)
            assert forces[atom, axis] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("name", list(FRAMES))
def test_no_coupling_lets_a_field_push_the_whole(name):
    for coupling in ("independent", "dipolar"):
        charges = predict(make_model(coupling), FRAMES[name], outputs=("bec",))["bec"].numpy()
        # The sum rule is an identity; sums of numbers of order 1 round at 1e-15.
        assert np.abs(field_forces(charges, FIELD).sum(axis=0)).max() < 1e-12

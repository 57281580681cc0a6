"""Forces that drive walkers: field, bias and its limit; and that one batch drives them all."""

import numpy as np
import pytest
from ase.build import molecule

from activecharge.records import Prediction
from activecharge.sampling.dynamics.langevin import walk
from activecharge.sampling.dynamics.walkers import Drive, Walker, field_forces, limited
from activecharge.sampling.molecules import find_molecules
from activecharge.sampling.source_options import BiasOptions, DynamicsOptions, SanityOptions
from activecharge.units import ACCELERATION

WATER = molecule("H2O")
CHARGES = np.random.default_rng(0).normal(size=(3, 3, 3))
CHARGES -= CHARGES.mean(axis=0)


class Committee:
    """Atoms without forces and with given Born effective charges; remembers what was asked."""

    def __init__(self, std=0.0):
        self.asked, self.std = [], std

    def predict(self, frames, outputs):
        self.asked.append((len(frames), tuple(outputs)))
        return [
            Prediction(
                {"forces": np.zeros((len(a), 3)), "bec": np.tile(CHARGES, (len(a) // 3, 1, 1))},
                {name: np.linspace(0, self.std, len(a)) for name in outputs},
                np.empty(0),
            )
            for a in frames
        ]


def walker(field=None):
    return Walker(WATER.copy(), 300.0, np.zeros((3, 3)), {}, field)


def test_field_forces_sum_over_the_polarization_s_index():
    field = np.array([0.1, -0.2, 0.05])
    forces = field_forces(CHARGES, field)
    for atom in range(3):
        for axis in range(3):
            expected = sum(CHARGES[atom, a, axis] * field[a] for a in range(3))
            assert forces[atom, axis] == pytest.approx(expected, abs=1e-15)
    assert np.abs(forces.sum(axis=0)).max() < 1e-15  # the acoustic sum rule


def test_only_walkers_in_a_field_feel_it():
    committee, field = Committee(), np.array([0.0, 0.0, 0.3])
    drive = Drive(committee.predict)
    assert not np.any(drive.forces([walker(), walker()]))
    assert committee.asked == [(2, ("forces",))]
    still, pulled = drive.forces([walker(), walker(field)])
    assert not still.any()
    assert np.array_equal(pulled, field_forces(CHARGES, field))


@pytest.mark.parametrize("size", [0.1, 1.0, 50.0])
def test_the_bias_keeps_its_limit_and_its_direction(size):
    pushed = size * np.random.default_rng(1).normal(size=(3, 3))
    drive = Drive(Committee().predict, lambda frames: [pushed for _ in frames], limit=0.5)
    [forces] = drive.forces([walker()])
    largest = np.linalg.norm(pushed, axis=1).max()
    assert np.linalg.norm(forces, axis=1).max() == pytest.approx(min(largest, 0.5))
    assert forces == pytest.approx(pushed * min(1, 0.5 / largest))


def test_a_bias_that_is_not_finite_pushes_nobody():
    pushed = np.full((3, 3), np.nan)
    [forces] = Drive(Committee().predict, lambda frames: [pushed], limit=1.0).forces([walker()])
    assert not forces.any()
    assert not limited(np.zeros((0, 3)), 1.0).size


def run(starts, committee, options, **conditions):
    return walk(
        starts,
        [10.0] * len(starts),
        committee.predict,
        options,
        SanityOptions(),
        np.random.default_rng(0),
        **conditions,
    )


def test_all_walkers_go_through_the_network_in_one_batch():
    committee = Committee()
    run([WATER] * 7, committee, DynamicsOptions(steps=6, interval=3))
    assert committee.asked.count((7, ("forces",))) == 7  # one a step, and one to begin with
    assert len(committee.asked) == 9  # and two looks at the spread


def test_a_field_accelerates_atoms_by_their_charges():
    """Free flight from rest: x = F t²/2m, exactly so in velocity Verlet."""
    field = np.array([0.2, 0.1, -0.3])
    options = DynamicsOptions(steps=4, interval=4, timestep=0.5, friction=1e-14)
    pulled, free = (run([WATER], Committee(), options, fields=[f]).frames[0] for f in (field, None))
    expected = ACCELERATION * field_forces(CHARGES, field) / WATER.get_masses()[:, None] * 2.0
    # Both start with the same thermal velocities; positions of 1 Å round at 1e-16.
    assert pulled.positions - free.positions == pytest.approx(expected, abs=1e-12)


def test_the_bias_s_limit_is_the_option_s():
    options = DynamicsOptions(
        steps=1, interval=1, timestep=0.5, friction=1e-14, bias=BiasOptions(max_force=0.25)
    )
    pushed = np.zeros((3, 3))
    pushed[0, 0] = 99.0
    biased = run([WATER], Committee(), options, push=lambda frames: [pushed for _ in frames])
    free = run([WATER], Committee(), options)
    moved = biased.frames[0].positions - free.frames[0].positions
    assert moved[0, 0] == pytest.approx(0.125 * 0.25 * ACCELERATION / WATER.get_masses()[0])


def test_walkers_tell_what_they_were_told():
    result = run(
        [WATER, WATER],
        Committee(),
        DynamicsOptions(steps=1),
        origins=[{"start": "ice"}, {"density": 1.1}],
    )
    assert [f.info.get("start") for f in result.frames] == ["ice", None]
    assert [f.info.get("density") for f in result.frames] == [None, 1.1]


def test_clusters_are_carved_around_the_most_uncertain_atom(boxes):
    """Spread grows with the index of the atom here, so the last molecule is in the middle."""
    box = boxes[0]
    options = DynamicsOptions(steps=1, timestep=1e-3, carve=(4, 4))
    result = run([box, WATER], Committee(std=1e-3), options)
    cluster, free = result.frames
    assert len(cluster) == 12 and not cluster.pbc.any() and cluster.info["carved"] == 4
    assert find_molecules(cluster).are_water(cluster)
    shape = box.positions[-2:] - box.positions[-3]
    # In 1e-3 fs at 10 K nothing moves by more than 1e-5 Å.
    assert cluster.positions[1:3] - cluster.positions[0] == pytest.approx(shape, abs=1e-4)
    assert len(free) == 3 and "carved" not in free.info

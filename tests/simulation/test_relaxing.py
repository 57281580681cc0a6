"""Frames of builders are relaxed before a simulation, those of files are not."""

import numpy as np
import pytest
from ase.io import read
from simulation_cases import Springs, make_committee, waters

from activecharge import simulate
from activecharge.errors import UserError
from activecharge.simulation.committee_forces import CommitteeForces
from activecharge.simulation.simulation_options import SimulationOptions
from activecharge.simulation.stepping.pulling import Request
from activecharge.simulation.stepping.relaxing import relaxed

SHORT = {"temperature": 1e-6, "sample_every": 2, "frames_every": 2, "checkpoint_every": 2}
NVE = [{"kind": "nve", "steps": 2}]


def test_forces_fall_below_the_limit_and_quiet_replicas_stay():
    places = np.random.default_rng(0).normal(size=(4, 3))
    springs = Springs(places, stiffness=5.0)
    positions = np.stack([places + 0.7, places + 1e-4])
    found = relaxed(springs, positions, None, 0.02)
    pull = springs(found, None, Request()).forces
    assert np.linalg.norm(pull, axis=2).max() <= 0.02
    assert (found[1] == positions[1]).all()
    # Each went straight downhill, as springs of one stiffness pull.
    np.testing.assert_allclose(found[0] - places, (found[0] - places)[0, 0], atol=1e-12)


def test_builders_alone_are_relaxed(tmp_path):
    committee = make_committee()

    def first(name, relax, start):
        options = SimulationOptions(relax=relax, stages=NVE, **SHORT)
        frames = None
        if isinstance(start, dict):
            options = SimulationOptions.model_validate(options.model_dump() | {"start": start})
        else:
            frames = start
        simulate(committee, frames, tmp_path / name, options)
        return read(tmp_path / name / "01-nve/trajectory.xyz", 0).positions

    builder = {"kind": "clusters", "molecules": [2, 2]}
    drawn = first("drawn", 0.0, builder)
    drive = CommitteeForces(committee, [waters(2)], [None], skin=0.5)
    largest = np.linalg.norm(drive(drawn[None], None, Request()).forces, axis=2).max()
    assert (first("left", 1.1 * largest, builder) == drawn).all()
    assert (first("given", 1e-3, waters(2)) == first("so", 0.0, waters(2))).all()
    # Of untrained members, molecules fall into one another.
    with pytest.raises(UserError, match=r"collapses when it is relaxed .*set relax to 0"):
        first("down", 1e-3, builder)

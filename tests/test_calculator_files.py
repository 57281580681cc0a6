"""What ASE writes of our results, and what it reads back."""

import numpy as np
import pytest
from ase import units
from ase.build import molecule
from ase.db import connect
from ase.io import read, write
from ase.io.trajectory import Trajectory
from ase.md.verlet import VelocityVerlet
from tiny_committees import make_committee

from activecharge import ChargeCalculator

TENSOR = "born_effective_charges"
# extxyz has eight decimals.
DECIMALS = {"rtol": 0, "atol": 1e-8}


@pytest.fixture(scope="module")
def committee():
    return make_committee("local")


@pytest.fixture(params=["free", "periodic"])
def frame(request, committee):
    atoms = molecule("H2O")
    second = molecule("H2O")
    second.positions += [2.8, 0.4, 0.1]
    atoms += second
    atoms.rattle(0.03, seed=1)
    if request.param == "periodic":
        atoms.set_cell([6.5, 6.0, 6.2])
        atoms.pbc = True
    atoms.calc = ChargeCalculator(committee)
    return atoms


def names(atoms) -> list[str]:
    return ["energy", "forces", "charges", "stress" if atoms.pbc.all() else "dipole"]


def test_extxyz_holds_all_results(frame, tmp_path):
    frame.calc.calculate(frame)
    results = frame.calc.results
    write(tmp_path / "out.xyz", frame, format="extxyz")
    back = read(tmp_path / "out.xyz")
    assert back.pbc.all() == frame.pbc.all()
    for name in names(frame):
        np.testing.assert_allclose(back.calc.get_property(name), results[name], **DECIMALS)
    np.testing.assert_allclose(back.get_forces(), frame.get_forces(), **DECIMALS)
    stored = back.calc.results[TENSOR].reshape(-1, 3, 3)
    np.testing.assert_allclose(stored, frame.calc.get_property(TENSOR, frame), **DECIMALS)


def test_files_of_a_trajectory_hold_energy_and_forces(frame, tmp_path):
    """The commonest step after dynamics; what nobody asked for was not computed."""
    path = tmp_path / "md.traj"
    dynamics = VelocityVerlet(frame, 0.2 * units.fs)
    with Trajectory(str(path), "w", frame) as trajectory:
        dynamics.attach(trajectory.write, interval=1)
        dynamics.attach(lambda: write(tmp_path / "md.xyz", frame, append=True), interval=1)
        dynamics.run(2)
    binary, text = read(path, ":"), read(tmp_path / "md.xyz", ":")
    assert len(binary) == len(text) == 3
    for one, two in zip(binary, text, strict=True):
        np.testing.assert_allclose(
            one.get_potential_energy(), two.get_potential_energy(), rtol=1e-7
        )
        np.testing.assert_allclose(one.get_forces(), two.get_forces(), **DECIMALS)
    np.testing.assert_array_equal(binary[-1].get_forces(), frame.get_forces())
    assert TENSOR not in binary[-1].calc.results


def test_trajectories_hold_tensors_and_databases_what_ase_puts_there(frame, tmp_path):
    frame.calc.calculate(frame)
    write(tmp_path / "frame.traj", frame)
    connect(tmp_path / "frame.db").write(frame)
    stored = [read(tmp_path / "frame.traj"), connect(tmp_path / "frame.db").get_atoms(1)]
    for atoms in stored:
        for name in names(frame):
            value = frame.calc.get_property(name, frame)
            np.testing.assert_array_equal(atoms.calc.get_property(name), value)
    tensor = frame.calc.get_property(TENSOR, frame)
    np.testing.assert_array_equal(stored[0].calc.results[TENSOR], tensor)

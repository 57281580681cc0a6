"""LAMMPS: energies, forces, pressure and charges are those of ASE's calculator."""

import numpy as np
import pytest
from ase import units
from ase.md.verlet import VelocityVerlet
from tiny_committees import CELL, dimer

from activecharge import ChargeCalculator
from activecharge.engines.lammps_fix import CommitteeFix, start_lammps
from activecharge.errors import UserError

SYMBOLS = ("H", "O")
FIELD = (0.3, -0.2, 0.5)
BAR = 1e5 * units.Pascal


@pytest.fixture
def lammps():
    try:
        engine = start_lammps()
    except UserError as error:
        pytest.skip(str(error))
    yield engine
    engine.close()


def prepare(engine, frame, style="charge", boundary=None):
    """The frame's atoms in a box of LAMMPS."""
    boundary = boundary or ("p p p" if frame.pbc.all() else "s s s")
    engine.commands_list(["units metal", f"boundary {boundary}", f"atom_style {style}"])
    if frame.pbc.all():
        (x, _, _), (xy, y, _), (xz, yz, z) = frame.cell.array
        region = f"prism 0 {x} 0 {y} 0 {z} {xy} {xz} {yz}"
    else:
        region = "block -20 20 -20 20 -20 20"
    engine.commands_list(
        [
            f"region box {region} units box",
            "create_box 2 box",
            f"mass 1 {frame.get_masses()[1]}",
            f"mass 2 {frame.get_masses()[0]}",
            "pair_style zero 5.0 nocoeff",
            "pair_coeff * *",
        ]
    )
    kinds = [SYMBOLS.index(symbol) + 1 for symbol in frame.get_chemical_symbols()]
    engine.create_atoms(len(frame), None, kinds, frame.positions.ravel().tolist())


def per_atom(engine, name: str) -> np.ndarray:
    """Values in the order of the atoms' IDs, ghosts apart."""
    ids, values = (engine.numpy.extract_atom(n)[: engine.get_natoms()] for n in ("id", name))
    return values[np.argsort(ids)]


@pytest.mark.parametrize("field", [None, FIELD])
@pytest.mark.parametrize("cell", [None, CELL])
def test_a_frame_is_as_in_ase(lammps, dipolar, cell, field):
    frame = dimer(cell)
    if cell is not None:
        frame.positions += [5.0, -3.0, 0.4]  # beyond the box, into which LAMMPS wraps them
        frame.wrap()
    prepare(lammps, frame)
    fix = CommitteeFix(lammps, dipolar, SYMBOLS, field=field, bec=True)
    fix.run(0)
    frame.calc = ChargeCalculator(dipolar, field=field)
    # Rounding of energies near 1e3 eV.
    assert lammps.get_thermo("pe") == pytest.approx(frame.get_potential_energy(), abs=1e-10)
    np.testing.assert_allclose(per_atom(lammps, "f"), frame.get_forces(), atol=1e-10)
    np.testing.assert_allclose(per_atom(lammps, "q"), frame.get_charges(), atol=1e-12)
    z = frame.calc.get_property("born_effective_charges", frame)
    np.testing.assert_allclose(fix.prediction.mean["bec"], z, atol=1e-12)
    if cell is None:
        return
    pressure = -frame.get_stress(voigt=False) / BAR
    for place, name in (((0, 0), "pxx"), ((2, 2), "pzz"), ((0, 1), "pxy"), ((1, 2), "pyz")):
        # LAMMPS' conversion of eV/Å³ to bar is rounded at the seventh digit.
        assert lammps.get_thermo(name) == pytest.approx(pressure[place], rel=1e-5, abs=0.1)


def test_dynamics_are_those_of_ase(lammps, dipolar):
    frame = dimer(CELL)
    prepare(lammps, frame)
    fix = CommitteeFix(lammps, dipolar, SYMBOLS)
    lammps.commands_list(["timestep 0.0005", "fix move all nve"])
    fix.run(5)
    frame.calc = ChargeCalculator(dipolar)
    VelocityVerlet(frame, 0.5 * units.fs).run(5)
    ways = per_atom(lammps, "x") - frame.positions
    ways -= np.round(ways @ np.linalg.inv(CELL)) @ CELL
    # Steps of the same method; constants of nature differ in the seventh digit.
    assert np.abs(ways).max() < 1e-6


def test_a_frame_of_which_nothing_can_be_said_ends_the_run(lammps, dipolar):
    prepare(lammps, dimer())
    fix = CommitteeFix(lammps, dipolar, ("H", "Na"))
    with pytest.raises(UserError, match="the model knows H, O, not Na"):
        fix.run(100)
    assert lammps.extract_global("ntimestep") < 3


def test_other_settings_are_refused(lammps, dipolar):
    with pytest.raises(UserError, match="units lj: begin with `units metal`"):
        CommitteeFix(lammps, dipolar, SYMBOLS)
    lammps.command("units metal")
    with pytest.raises(UserError, match="has no atoms"):
        CommitteeFix(lammps, dipolar, SYMBOLS)
    prepare(lammps, dimer(), boundary="p p f")
    with pytest.raises(UserError, match="periodic along some axes"):
        CommitteeFix(lammps, dipolar, SYMBOLS)
    lammps.command("clear")
    prepare(lammps, dimer(), style="atomic")
    with pytest.raises(UserError, match="2 atom types, and 1 elements"):
        CommitteeFix(lammps, dipolar, ("O",))
    CommitteeFix(lammps, dipolar, SYMBOLS).run(0)  # without charges, where there is no place
